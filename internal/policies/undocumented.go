package policies

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/arn"
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
		if release.Partition == AWS && !release.Before(insightsSince) &&
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
				Resource: arn.ARN{Partition: AWS, Service: "lambda", Region: region, Account: account,
					Resource: "layer:LambdaInsightsExtension*"}.String(),
				Since: insightsSince, NeededBy: neededBy, Undocumented: true, used: []*Use{&insightsElsewhere},
				Consequence: combined([]*Use{&insightsElsewhere}, nil),
			})
		}
	}
	return list
}

// insightsElsewhere is the use of the Lambda Insights layer in the regions of insightsAccounts.
var insightsElsewhere = Use{Kind: User, Action: "lambda:GetLayerVersion", Operations: deploying,
	Reason: "attaches the Lambda Insights extension, which in this region belongs to an account " +
		"that the documented policy does not cover",
	Effect: feature(Medium, "functions with Lambda Insights cannot be deployed in this region, even "+
		"with the documented policy"), Source: insightsPage}

// DocumentsInsightsLayer reports whether the documented policies name the account that owns the
// Lambda Insights layer of a region. It is false for a region without such a layer.
func DocumentsInsightsLayer(region string) bool {
	return insightsAccounts[region] == "" && !slices.Contains(withoutInsights, region)
}
