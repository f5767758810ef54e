package policies

import (
	"slices"
	"strings"
)

// insightsAccounts maps a region to the account that owns the Lambda Insights extension in that
// region. It contains only the regions where Remotion's document names another account. Remotion
// attaches the layer from these accounts although its document does not grant access to the layer.
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

// Undocumented returns the requirements in the given regions that no document of the releases
// grants, in the order of the regions. Release.Requirements does not include these requirements.
//
// The only such requirement is the Lambda Insights layer, in four regions.
func Undocumented(releases []Release, kind PolicyKind, regions []string) []Requirement {
	var list []Requirement
	var neededBy []string
	for _, release := range releases {
		if release.Partition == AWS && compare(release.number(), insightsSince) >= 0 &&
			!slices.Contains(neededBy, release.Name()) {
			neededBy = append(neededBy, release.Name())
		}
	}
	if kind != User || neededBy == nil {
		return nil
	}
	for _, region := range regions {
		if account := insightsAccounts[region]; account != "" {
			list = append(list, Requirement{
				Kind: User, Sid: "FetchBinaries", Action: "lambda:GetLayerVersion",
				Resource: "arn:aws:lambda:" + region + ":" + account + ":layer:LambdaInsightsExtension*",
				Since:    insightsSince, NeededBy: neededBy, Undocumented: true, Consequence: insightsElsewhere,
			})
		}
	}
	return list
}

// layerField precedes the name of a layer in its ARN.
const layerField = ":layer:"

// layer returns the layer of a lambda:GetLayerVersion requirement in one region, or nil if the
// region has no such layer. The resource of the requirement names the account that owns the layer.
// A request always names one version of a layer. Remotion uses only the Arm variant of the two
// Insights layers.
func (r Requirement) layer(region string) []resourcePair {
	arn := strings.SplitN(r.Resource, ":", 5)
	arnRegion, layer := arn[3], arn[4]
	switch {
	case arnRegion != "*" && arnRegion != region:
		return nil
	case arnRegion == "*" && strings.Contains(layer, insights) &&
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
