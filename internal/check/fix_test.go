package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// fixCase returns the policies of a file of the command's tests with the requirements for it.
func fixCase(t *testing.T, file string) (iampolicy.Grants, Required) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := iampolicy.Parse(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	kind := policies.Role
	if strings.Contains(file, "user") {
		kind = policies.User
	}
	required, err := ReleaseRequirements(Target{Kind: kind}, policies.Latest())
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(file)
	return iampolicy.Grants{Identity: []iampolicy.Policy{{ID: name, Document: doc,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: name}}}}, required
}

// applied returns the grants with the documents of a fix, as a user would store them.
func applied(t *testing.T, grants iampolicy.Grants, fix remedy.Fix) iampolicy.Grants {
	t.Helper()
	var out iampolicy.Grants
	out.Identity = append(out.Identity, grants.Identity...)
	for _, e := range fix.Edits {
		text, err := json.Marshal(e.After)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := iampolicy.Parse(string(text))
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for i, p := range out.Identity {
			if p.Location.Name == e.Location.Name && p.Location.Kind == e.Location.Kind {
				out.Identity[i].Document, found = doc, true
			}
		}
		if !found {
			out.Identity = append(out.Identity, iampolicy.Policy{ID: e.Policy, Document: doc})
		}
	}
	return out
}

// TestFindFix applies the fix of real policies and checks again: the gaps in Closes are closed, no
// other finding got worse, and the fix explains every gap.
func TestFindFix(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../cmd/remotion-audit/testdata/public/*.json")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d policies: %v", len(files), err)
	}
	closed := 0
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			grants, required := fixCase(t, file)
			before, err := Evaluate(t.Context(), Exactly(grants), required, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := before.FindFix(t.Context(), Exactly(grants), required, nil); err != nil {
				t.Fatal(err)
			}
			if before.Gaps == 0 {
				if before.Fix != nil {
					t.Error("a fix without gaps")
				}
				return
			}
			fix := *before.Fix
			if fix.Gaps != before.Gaps || len(fix.Closes)+len(fix.Remaining) != before.Gaps {
				t.Errorf("%d gaps, %d closed, %d remain, want %d", fix.Gaps, len(fix.Closes),
					len(fix.Remaining), before.Gaps)
			}
			after, err := Evaluate(t.Context(), Exactly(applied(t, grants, fix)), required, nil)
			if err != nil {
				t.Fatal(err)
			}
			if after.Gaps != before.Gaps-len(fix.Closes) {
				t.Errorf("%d gaps after the fix, want %d", after.Gaps, before.Gaps-len(fix.Closes))
			}
			for i, f := range after.Findings {
				if f.Status.Rank() > before.Findings[i].Status.Rank() {
					t.Errorf("%s on %s: %s, before %s", f.Action, f.Resource, f.Status,
						before.Findings[i].Status)
				}
			}
			closed += len(fix.Closes)
		})
	}
	if closed < 20 {
		t.Errorf("the fixes close %d gaps, want most", closed)
	}
}

// TestFindFixKeepsGuards checks that a fix never edits a Deny or a boundary: the gap remains.
func TestFindFixKeepsGuards(t *testing.T) {
	t.Parallel()
	grants, required := fixCase(t, "../../cmd/remotion-audit/testdata/public/14-per-env-role.json")
	deny, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Deny",` +
		`"Action":"s3:PutObject","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	limit, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"NotAction":"lambda:*","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	at := iampolicy.Location{Kind: iampolicy.FileLocation, Name: "deny.json"}
	grants.Identity = append(grants.Identity, iampolicy.Policy{ID: "deny.json", Document: deny,
		Location: at})
	grants.Boundary = &iampolicy.Policy{ID: "limit.json", Document: limit,
		Location: iampolicy.Location{Kind: iampolicy.FileLocation, Name: "limit.json"}}
	v, err := Evaluate(t.Context(), Exactly(grants), required, nil)
	if err == nil {
		err = v.FindFix(t.Context(), Exactly(grants), required, nil)
	}
	if err != nil || v.Fix == nil {
		t.Fatalf("%v, fix %v", err, v.Fix)
	}
	if len(v.Fix.Edits) > 0 || v.Fix.Guards != nil || len(v.Fix.Remaining) != v.Gaps || v.Gaps != 2 {
		t.Errorf("%d gaps, the fix is %+v", v.Gaps, v.Fix)
	}
	for _, r := range v.Fix.Remaining {
		if !strings.Contains(r.Why, "blocks it, and a check proposes no exception") {
			t.Errorf("%s: %s", r.Action, r.Why)
		}
	}
}

// TestFindFixOfADocument checks that the requirements of a document have no fix.
func TestFindFixOfADocument(t *testing.T) {
	t.Parallel()
	grants, _ := fixCase(t, "../../cmd/remotion-audit/testdata/public/14-per-env-role.json")
	needed, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` +
		`"Action":"sqs:SendMessage","Resource":"*"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	required, err := DocumentRequirements("needed.json", needed, nil)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Evaluate(t.Context(), Exactly(grants), required, nil)
	if err == nil {
		err = v.FindFix(t.Context(), Exactly(grants), required, nil)
	}
	if err != nil || v.Gaps != 1 || v.Fix != nil {
		t.Errorf("%d gaps, fix %+v, %v", v.Gaps, v.Fix, err)
	}
}
