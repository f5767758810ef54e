package needs

import (
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// insightsAccounts maps a region to the owner of the extension, for the regions in which Remotion's
// document names another account.
var insightsAccounts = map[string]string{"af-south-1": "012438385374",
	"ap-east-1": "519774774795", "ap-northeast-3": "194566237122", "eu-south-1": "339249233099"}

// TestInsightsLayers checks that four regions need the extension from an account that the document
// does not name, and that three regions have no extension. In all other regions the document is
// enough.
func TestInsightsLayers(t *testing.T) {
	for _, region := range policies.Regions(policies.AWS) {
		p := Scope{Partition: policies.AWS, Account: "123456789012", Regions: []string{region}}
		releases := []policies.Release{policytest.Release(t, "4.0.527")}
		var documented, undocumented []string
		for _, r := range append(policies.Union(releases, policies.User),
			policies.Undocumented(releases, policies.User, p.Regions)...) {
			if r.Action != "lambda:GetLayerVersion" || !r.IsInsights() {
				continue
			}
			for _, need := range p.Needed(r) {
				if r.Undocumented {
					undocumented = append(undocumented, need.Resource)
				} else {
					documented = append(documented, need.Resource)
				}
			}
		}
		var wantDocumented, wantUndocumented []string
		switch account := insightsAccounts[region]; {
		case account != "":
			wantUndocumented = []string{"arn:aws:lambda:" + region + ":" + account +
				":layer:LambdaInsightsExtension-Arm64:5"}
		case !slices.Contains([]string{"ap-southeast-4", "ap-southeast-5", "eu-central-2"}, region):
			wantDocumented = []string{"arn:aws:lambda:" + region +
				":580247275435:layer:LambdaInsightsExtension-Arm64:5"}
		}
		if !slices.Equal(documented, wantDocumented) ||
			!slices.Equal(undocumented, wantUndocumented) {
			t.Errorf("%s: documented %s, undocumented %s; want %s and %s", region, documented, undocumented,
				wantDocumented, wantUndocumented)
		}
		g := grants(t, policies.Latest().Document(policies.User))
		for _, arn := range undocumented {
			if got := g.Evaluate(iampolicy.Request{Action: "lambda:GetLayerVersion",
				Resource: arn}).Decision; got == iampolicy.Allowed {
				t.Errorf("the document grants %s", arn)
			}
		}
	}
}
