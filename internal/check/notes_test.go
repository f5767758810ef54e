package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestNotesNameActionsThatDoNotExist checks the notes of identity policies, of the boundary and of
// the organization, with a verdict of gaps and with a compliant one.
func TestNotesNameActionsThatDoNotExist(t *testing.T) {
	t.Parallel()
	const typo = `{"Version":"2012-10-17","Statement":[{"Sid":"Typo","Effect":"Allow",` +
		`"Action":["s3:GetObjects","s3:PutObject"],"Resource":"*"}]}`
	const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*",` +
		`"Resource":"*"},{"Effect":"Deny","Action":"s3:UploadPart","Resource":"*"}]}`
	boundary := iampolicy.Policy{ID: "limits.json", Document: policytest.Parse(t, everything)}
	required, err := ReleaseRequirements(Target{Kind: policies.Role}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	const identityNote = "statement 1 (Sid Typo) of a.json: s3:GetObjects is no action: s3:GetObject?"
	const upload = ": s3:UploadPart is no action: s3:PutObject?"
	for _, test := range []struct {
		name   string
		grants iampolicy.Grants
		want   []string
	}{
		{"an identity policy", grants(t, typo), []string{identityNote}},
		{"a compliant policy", grants(t, everything), []string{"statement 2 of a.json" + upload}},
		{"a boundary and an organization", iampolicy.Grants{Identity: grants(t, typo).Identity,
			Boundary: &boundary, Organization: [][]iampolicy.Policy{{boundary}}},
			[]string{identityNote, "statement 2 of limits.json" + upload,
				"statement 2 of limits.json" + upload}},
		{"a documented policy", grants(t, policies.Latest().Document(policies.Role)), nil},
	} {
		if got := evaluateAll(t, test.grants, required, nil).Notes; !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
	for _, f := range evaluateAll(t, grants(t, typo), required, nil).Findings {
		if hint := strings.Contains(f.Why, "s3:GetObjects is no action"); hint !=
			(f.Action == "s3:GetObject") {
			t.Errorf("%s: %s", f.Action, f.Why)
		}
	}
}
