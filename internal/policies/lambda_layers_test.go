package policies

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// TestInsightsLayers checks that four regions need the extension from an account that the document
// does not name, and that three regions have no extension. In all other regions the document is
// enough.
func TestInsightsLayers(t *testing.T) {
	for _, region := range Regions(AWS) {
		p := Scope{Partition: AWS, Account: "123456789012", Regions: []string{region}}
		releases := []Release{find(t, "4.0.527")}
		var documented, undocumented []string
		for _, r := range append(Union(releases, User), Undocumented(releases, User, p.Regions)...) {
			if r.Action != "lambda:GetLayerVersion" || !strings.Contains(r.Resource, insights) {
				continue
			}
			for _, need := range r.Needed(p) {
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
		case !slices.Contains(withoutInsights, region):
			wantDocumented = []string{"arn:aws:lambda:" + region +
				":580247275435:layer:LambdaInsightsExtension-Arm64:5"}
		}
		if !slices.Equal(documented, wantDocumented) ||
			!slices.Equal(undocumented, wantUndocumented) {
			t.Errorf("%s: documented %s, undocumented %s; want %s and %s", region, documented, undocumented,
				wantDocumented, wantUndocumented)
		}
		g := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: parse(t, Latest().Document(User))}}}
		for _, arn := range undocumented {
			if got := g.Evaluate(iampolicy.Request{Action: "lambda:GetLayerVersion",
				Resource: arn}).Decision; got == iampolicy.Allowed {
				t.Errorf("the document grants %s", arn)
			}
		}
	}
}

func TestUndocumented(t *testing.T) {
	everywhere := Regions(AWS)
	for _, test := range []struct {
		versions string
		kind     PolicyKind
		regions  []string
		want     int
		neededBy string
	}{
		{"4.0.527", User, everywhere, 4, "4.0.527"},
		{"4.0.60 4.0.61 4.0.61", User, everywhere, 4, "4.0.61"},
		{"4.0.527", User, []string{"eu-south-1", "us-east-1"}, 1, "4.0.527"},
		{"4.0.527", User, []string{"us-east-1"}, 0, ""},
		{"4.0.60", User, everywhere, 0, ""},
		{"4.0.527", Role, everywhere, 0, ""},
		{"", User, everywhere, 0, ""},
	} {
		var releases []Release
		for _, version := range strings.Fields(test.versions) {
			releases = append(releases, find(t, version))
		}
		got := Undocumented(releases, test.kind, test.regions)
		if len(got) != test.want {
			t.Errorf("%q %s in %s: %+v, want %d", test.versions, test.kind, test.regions, got, test.want)
		}
		for _, r := range got {
			if strings.Join(r.NeededBy, " ") != test.neededBy || r.Severity != Low || r.unexplained() ||
				!r.Undocumented {
				t.Errorf("%q: requirement %+v", test.versions, r)
			}
		}
	}
	if got := Undocumented(Releases(China), User, Regions(China)); got != nil {
		t.Errorf("China has undocumented requirements: %+v", got)
	}
}
