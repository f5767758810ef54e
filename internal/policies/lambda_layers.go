package policies

import (
	"slices"
	"strings"
)

// insightsAccounts are the accounts that hold the Lambda Insights extension in the regions where it
// is not the account of Remotion's document: Remotion attaches the layer from there all the same.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Lambda-Insights-extension-versionsARM.html
var insightsAccounts = map[string]string{
	"af-south-1":     "012438385374",
	"ap-east-1":      "519774774795",
	"ap-northeast-3": "194566237122",
	"eu-south-1":     "339249233099",
}

// withoutInsights are the regions for which Remotion knows no such layer: there, Insights cannot be
// switched on.
var withoutInsights = []string{"ap-southeast-4", "ap-southeast-5", "eu-central-2"}

// insightsSince is the first release that attaches the layer.
const insightsSince = "4.0.61"

// Undocumented returns what the releases need in those regions and their documents do not grant, in
// the order of the regions. These requirements are no part of Requirements.
//
// There is one: the layer of Lambda Insights in four regions.
func Undocumented(releases []Release, kind PolicyKind, regions []string) []Requirement {
	var list []Requirement
	var by []string
	for _, release := range releases {
		if release.Partition == AWS && compare(release.number(), insightsSince) >= 0 &&
			!slices.Contains(by, release.Name()) {
			by = append(by, release.Name())
		}
	}
	if kind != User || by == nil {
		return nil
	}
	for _, region := range regions {
		if account := insightsAccounts[region]; account != "" {
			list = append(list, Requirement{
				Kind: User, Sid: "FetchBinaries", Action: "lambda:GetLayerVersion",
				Resource: "arn:aws:lambda:" + region + ":" + account + ":layer:LambdaInsightsExtension*",
				Since:    insightsSince, NeededBy: by, Undocumented: true, Consequence: insightsElsewhere,
			})
		}
	}
	return list
}

// layerField comes before a layer's name.
const layerField = ":layer:"

// layer is what a requirement about a layer is about in one region. The account that holds the
// layer is the document's. What is read is always one version of a layer, and of the two layers of
// Insights the one for Arm: Remotion knows no other.
func (r Requirement) layer(region string) []resourcePair {
	arn := strings.SplitN(r.Resource, ":", 5)
	where, layer := arn[3], arn[4]
	switch {
	case where != "*" && where != region:
		return nil
	case where == "*" && strings.Contains(layer, insights) &&
		(insightsAccounts[region] != "" || slices.Contains(withoutInsights, region)):
		return nil
	}
	arn[3] = region
	name := strings.TrimSuffix(strings.Join(arn, ":"), "*")
	if strings.Contains(layer, insights) {
		return []resourcePair{{name + "-Arm64:5", name + "-Arm64:*"}}
	}
	return []resourcePair{{name + "chromium-arm64:30", name + "*:*"}}
}
