package policies

import (
	"slices"
	"strings"
)

// insightsAccounts are the accounts that own the Lambda Insights extension in the regions where it
// is not the account of Remotion's document. Remotion attaches the layer from these accounts
// although its document does not grant that.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Lambda-Insights-extension-versionsARM.html
var insightsAccounts = map[string]string{
	"af-south-1":     "012438385374",
	"ap-east-1":      "519774774795",
	"ap-northeast-3": "194566237122",
	"eu-south-1":     "339249233099",
}

// withoutInsights are the regions for which Remotion knows no Lambda Insights layer. Insights
// cannot be enabled there.
var withoutInsights = []string{"ap-southeast-4", "ap-southeast-5", "eu-central-2"}

// insightsSince is the first release that attaches the layer.
const insightsSince = "4.0.61"

// Undocumented returns the requirements in those regions that the documents of the releases do not
// grant, in the order of the regions. Release.Requirements does not include them.
//
// The only such requirement is the Lambda Insights layer, in four regions.
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

// layerField precedes the name of a layer in its ARN.
const layerField = ":layer:"

// layer returns the layer of a lambda:GetLayerVersion requirement in one region, or nil if the
// region has none. The account that owns the layer is the one in the document. A request always
// names one version of a layer. Of the two Insights layers Remotion only uses the one for Arm.
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
