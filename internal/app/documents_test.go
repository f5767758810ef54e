package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

const evidenceBucket = "remotion-audit-evidence"

// documents returns the stored documents; nil for none.
func (a *auditedAccount) documents() *evidence.Documents {
	a.t.Helper()
	text, ok := a.server.Objects(evidenceBucket)[evidence.DocumentsKey("123456789012",
		"remotion-audit")]
	if !ok {
		return nil
	}
	d, err := evidence.ParseDocuments(text)
	if err != nil {
		a.t.Fatal(err)
	}
	return d
}

// calls makes a run and returns its calls to S3, sorted.
func (a *auditedAccount) calls(id string) []string {
	a.t.Helper()
	p := &process{dies: -1}
	if err := a.run(id, p); err != nil {
		a.t.Errorf("run %s: %v", id, err)
	}
	time.Sleep(time.Hour)
	steps := slices.DeleteFunc(slices.Clone(p.steps), func(s string) bool {
		return !strings.HasPrefix(s, "s3 ")
	})
	slices.Sort(steps)
	return steps
}

// putPolicy replaces the inline policy of the user.
func (a *auditedAccount) putPolicy(document string) {
	a.t.Helper()
	_, err := a.function(&process{dies: -1}).IAM.PutUserPolicy(a.t.Context(), &iam.PutUserPolicyInput{
		UserName: aws.String("remotion-user"), PolicyName: aws.String("remotion-user-policy"),
		PolicyDocument: &document})
	if err != nil {
		a.t.Fatal(err)
	}
}

// TestACompliantRunStoresItsDocumentsOnce checks the calls of a sequence of runs: documents are
// written once after a change, and read only in a run with gaps, whose fix restores them.
func TestACompliantRunStoresItsDocumentsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuditedAccount(t, "compliant")
		usual := []string{"s3 GET", "s3 GET", "s3 PUT", "s3 PUT"} // state, mutes, report
		stored := append(slices.Clone(usual), "s3 PUT", "s3 PUT")
		if got := a.calls("first"); !slices.Equal(got, stored) {
			t.Errorf("the first run: %q", got)
		}
		for i := range 3 {
			if got := a.calls(fmt.Sprint("same", i)); !slices.Equal(got, usual) {
				t.Errorf("run %d without a change: %q", i, got)
			}
		}
		d := a.documents()
		none := func(kind audit.TargetKind, name string) audit.TargetFacts {
			return audit.TargetFacts{Kind: kind, Name: name}
		}
		user := none(audit.Caller, "user/remotion-user")
		if list := known(d, user); len(list) != 1 ||
			list[0].Location.Kind != iampolicy.InlineLocation {
			t.Errorf("of the user, %+v are known", list)
		}
		if list := known(d,
			none(audit.RenderRole, "role/remotion-lambda-role")); len(list) != 2 {
			t.Errorf("of the role, %d documents are known", len(list))
		}

		// A run with a gap reads the documents, and its fix restores them. Its state has other documents.
		good := a.server.Account.Users["remotion-user"].Inline["remotion-user-policy"]
		a.putPolicy(allowOne)
		firstAt := known(d, user)[0].At
		// An announcement writes the state twice: the claim and the confirmation.
		withGap := append(slices.Clone(usual), "s3 GET", "s3 PUT", "s3 PUT")
		slices.Sort(withGap)
		if got := a.calls("gap"); !slices.Equal(got, withGap) {
			t.Errorf("the first run with a gap: %q", got)
		}
		if kept := known(a.documents(), user); len(kept) != 1 || kept[0].At != firstAt {
			t.Errorf("after a run with a gap, %+v are known", kept)
		}
		withGap = append(slices.Clone(usual), "s3 GET")
		slices.Sort(withGap)
		if got := a.calls("gap again"); !slices.Equal(got, withGap) {
			t.Errorf("the second run with a gap: %q", got)
		}
		fix := a.report("gap again").Fixes[0]
		if fix.Undo == nil || fix.Undo.At != firstAt || len(fix.Undo.Closes) != fix.Gaps {
			t.Errorf("the fix has the undo %+v for %d gaps", fix.Undo, fix.Gaps)
		}

		a.putPolicy(good)
		if got := a.calls("repaired"); !slices.Equal(got, append(stored, "s3 PUT")) {
			t.Errorf("the repaired account: %q", got)
		}
		if got := a.calls("last"); !slices.Equal(got, usual) {
			t.Errorf("the last run: %q", got)
		}
	})
}

func known(d *evidence.Documents, t audit.TargetFacts) []remedy.Known { return d.Known(t) }

// report returns the stored report of a run.
func (a *auditedAccount) report(run string) (r audit.Report) {
	a.t.Helper()
	for key, text := range a.server.Objects(evidenceBucket) {
		if strings.HasSuffix(key, "/"+run+".json") {
			if err := json.Unmarshal(text, &r); err != nil {
				a.t.Fatal(err)
			}
		}
	}
	return r
}

// TestDocumentsAffectNothingElse checks that a bucket that refuses or delays the documents changes
// neither the result nor the alerts of a run, and that a run without a bucket or a dry run stores
// nothing.
func TestDocumentsAffectNothingElse(t *testing.T) {
	for name, fault := range map[string]*awsemu.Fault{
		"as usual":                  nil,
		"the third write is denied": {Operation: "s3:PutObject", After: 2, Deny: true},
		"the third write hangs":     {Operation: "s3:PutObject", After: 2, Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuditedAccount(t, "compliant")
				if fault != nil {
					a.server.SetFaults(*fault)
				}
				started := time.Now()
				if err := a.run("first", &process{dies: -1}); err != nil {
					t.Error(err)
				}
				if took := time.Since(started); took > 30*time.Second {
					t.Errorf("the run took %s", took)
				}
				s, err := alert.ParseState(a.server.Objects(evidenceBucket)[evidence.StateKey(
					"123456789012", "remotion-audit")])
				if stored := a.documents() != nil; err != nil || stored != (fault == nil) ||
					(s.Documents != "") != stored {
					t.Errorf("stored: %v, state %q, %v", stored, s.Documents, err)
				}
			})
		})
	}
}
