package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func release(t testing.TB, version string) policies.Release {
	t.Helper()
	r, err := policies.Find(version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A role that is a caller and a render role has both policies, and neither is misplaced.
func TestDocumentsOfARoleThatIsBoth(t *testing.T) {
	target := TargetFacts{Kind: RenderRole, Name: "role/both"}
	for _, kind := range policies.Kinds {
		doc, err := iampolicy.Parse(release(t, "4.0.240").Document(kind))
		if err != nil {
			t.Fatal(err)
		}
		target.Grants.Identity = append(target.Grants.Identity,
			iampolicy.Policy{ID: string(kind), Document: doc})
	}
	if got := documents(target, false); got != nil {
		t.Errorf("without a gap: %+v", got)
	}
	target.Kind = Caller
	if got := documents(target, false); len(got) != 1 ||
		!strings.HasPrefix(got[0].Text, "user: this is the user policy of Remotion 4.0.61-4.0.417") {
		t.Errorf("an older one: %+v", got)
	}
	if got := documents(target, true); len(got) != 2 ||
		!strings.Contains(got[1].Text, "the user policy is expected instead") {
		t.Errorf("with a gap: %+v", got)
	}
}

func TestDeployedIsSummedUp(t *testing.T) {
	var functions []Function
	for i, region := range []string{"us-east-1", "us-east-1", "eu-west-1", "us-east-1"} {
		f := Function{Name: fmt.Sprint(i), Region: region}
		if i != 1 {
			f.Release = release(t, "4.0.240")
		}
		functions = append(functions, f)
	}
	got := deployed(functions)
	if len(got) != 2 || got[0].Release != "4.0.240" || got[0].Functions != 3 ||
		!slices.Equal(got[0].Regions, []string{"us-east-1", "eu-west-1"}) || got[1].Release != "" {
		t.Errorf("%+v", got)
	}
}

func TestSome(t *testing.T) {
	for want, n := range map[string]int{"a": 1, "a and b": 2, "a, b, c, d and e": 5,
		"a, b, c, d and 2 more": 6} {
		if got := joinSome(strings.Split("abcdefgh", "")[:n], " and "); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// Regions that are skipped for the same reason share a notice. Audited ones have a separate notice.
func TestSkippedRegionsAreGathered(t *testing.T) {
	facts := Facts{Skipped: []SkippedRegion{{Region: "a", Why: "x"}, {Region: "b", Why: "y"},
		{Region: "c", Why: "x"}, {Region: "d", Why: "x", Audited: true}}}
	var got []string
	for _, n := range facts.skipNotices() {
		got = append(got, n.Text)
	}
	if want := []string{"not audited: a, c: x", "not audited: b: y",
		"audited without a list of functions: d: x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
