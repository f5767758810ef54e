package audit

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestDocumentNotices checks a role that is a caller and a render role. It has both policies.
// Without a gap there is no notice that a policy is of the wrong kind.
func TestDocumentNotices(t *testing.T) {
	target := TargetFacts{Kind: RenderRole, Name: "role/both"}
	judge := NewJudge(Facts{}, nil)
	for _, kind := range policies.Kinds {
		doc := policytest.Parse(t, policytest.Release(t, "4.0.240").Document(kind))
		target.Grants.Identity = append(target.Grants.Identity,
			iampolicy.Policy{ID: string(kind), Document: doc})
	}
	if got := judge.documentNotices(target, false); got != nil {
		t.Errorf("a render role without a gap: %+v, want no notice", got)
	}
	target.Kind = Caller
	if got := judge.documentNotices(target, false); len(got) != 1 ||
		!strings.HasPrefix(got[0].Text, "user: this is the user policy of Remotion 4.0.61-4.0.417") {
		t.Errorf("a caller without a gap: %+v, want a notice about the old user policy", got)
	}
	if got := judge.documentNotices(target, true); len(got) != 2 ||
		!strings.Contains(got[1].Text, "the user policy is expected instead") {
		t.Errorf("a caller with a gap: %+v, want notices about both policies", got)
	}
}

// TestDeployed checks that functions are counted by release, with unknown releases last.
func TestDeployed(t *testing.T) {
	var functions []Function
	for i, region := range []string{"us-east-1", "us-east-1", "eu-west-1", "us-east-1"} {
		f := Function{Name: fmt.Sprint(i), Region: region}
		if i != 1 {
			f.Release = policytest.Release(t, "4.0.240")
		}
		functions = append(functions, f)
	}
	got := deployed(functions)
	if len(got) != 2 || got[0].Release != "4.0.240" || got[0].Functions != 3 ||
		!slices.Equal(got[0].Regions, []string{"us-east-1", "eu-west-1"}) || got[1].Release != "" {
		t.Errorf("%+v", got)
	}
}

// TestUnlistedNotices checks that regions with the same reason share a notice, and that audited
// regions have a separate notice.
func TestUnlistedNotices(t *testing.T) {
	facts := Facts{Unlisted: []UnlistedRegion{{Region: "a", Why: "x"}, {Region: "b", Why: "y"},
		{Region: "c", Why: "x"}, {Region: "d", Why: "x", Audited: true}}}
	var got []string
	for _, n := range facts.unlistedNotices() {
		got = append(got, n.Text)
	}
	if want := []string{"not audited: a, c: x", "not audited: b: y",
		"audited without a list of functions: d: x"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
