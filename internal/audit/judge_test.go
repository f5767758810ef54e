package audit

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// judgeAll returns the report about the facts if the time is over after a number of questions, and
// the number of questions that the judge asked.
func judgeAll(facts Facts, questions int) (r Report, asked int) {
	judge := NewJudge(facts, func() bool {
		asked++
		return asked > questions
	})
	for i, t := range facts.Targets {
		judge.Add(i, t)
	}
	return judge.Report(), asked
}

// TestOutOfTime checks an audit that runs out of time before each of its needs: what is left is
// unverified with its reason, never satisfied and never a gap, and the judge does not ask again.
func TestOutOfTime(t *testing.T) {
	full, total := judgeAll(compliantFacts(t), 1<<30)
	if full.Status != StatusCompliant || total < 46 {
		t.Fatalf("with enough time: status %s after %d questions", full.Status, total)
	}
	satisfied := 0
	for questions := range total {
		r, asked := judgeAll(compliantFacts(t), questions)
		if asked != questions+1 {
			t.Fatalf("after %d questions the judge asked %d more", questions, asked-questions)
		}
		if r.Summary.Requirements != 46 || r.Summary.Gaps != 0 ||
			r.Summary.Satisfied+r.Summary.Unverified != 46 || r.Summary.Satisfied < satisfied {
			t.Fatalf("after %d questions: %+v", questions, r.Summary)
		}
		satisfied = r.Summary.Satisfied
		left := r.Summary.Unverified > 0
		if left != (r.Status == StatusUnverified) || left == r.Completed() ||
			left != (len(r.Problems) > 0) {
			t.Fatalf("after %d questions, %d unverified: status %s, completed %v, problems %+v", questions,
				r.Summary.Unverified, r.Status, r.Completed(), r.Problems)
		}
		for _, f := range r.Findings {
			if f.Status == Unverified && f.Why != NotInTime {
				t.Fatalf("after %d questions: %s is unverified because %q", questions, f.Action, f.Why)
			}
		}
	}
	if satisfied != 46 {
		t.Errorf("after the last need, %d of 46 are satisfied", satisfied)
	}
}

// TestOutOfTimeKeepsGaps checks that a gap that was found in time stays a gap, and that an account
// with a gap is never compliant, however early the time is over.
func TestOutOfTimeKeepsGaps(t *testing.T) {
	facts := func() Facts {
		facts := compliantFacts(t)
		facts.Targets[0].Presence = Absent
		return facts
	}
	if r, _ := judgeAll(facts(), 0); r.Status != StatusGaps || r.Summary.Gaps != 1 {
		t.Errorf("without time, an absent target: %s %+v", r.Status, r.Summary)
	}
	denied := func() Facts {
		facts := compliantFacts(t)
		facts.Targets[1].Grants = grants(t, `{"Effect":"Deny","Action":"logs:*","Resource":"*"}`)
		return facts
	}
	_, total := judgeAll(denied(), 1<<30)
	for questions := range total {
		if r, _ := judgeAll(denied(), questions); r.Status == StatusCompliant {
			t.Fatalf("after %d questions: compliant", questions)
		}
	}
}

// TestJudgeOrder checks that the report does not depend on the order of the targets.
func TestJudgeOrder(t *testing.T) {
	facts := compliantFacts(t)
	to := policies.Latest()
	for _, upgrade := range []*policies.Release{nil, &to} {
		facts.Release, facts.UpgradeTo = policytest.Release(t, "4.0.240"), upgrade
		facts.Targets[0].Grants = grants(t, `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`)
		judge := NewJudge(facts, nil)
		for i, target := range slices.Backward(facts.Targets) {
			judge.Add(i, target)
		}
		if got, want := judge.Report(), Evaluate(facts); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	}
}

// TestJudgeDropsFacts checks that the judge keeps no document of a target.
func TestJudgeDropsFacts(t *testing.T) {
	judge := NewJudge(compliantFacts(t), nil)
	var documents []weak.Pointer[iampolicy.Document]
	func() {
		for i, target := range compliantFacts(t).Targets {
			documents = append(documents, weak.Make(target.Grants.Identity[0].Document))
			judge.Add(i, target)
		}
	}()
	for range 3 {
		runtime.GC()
	}
	for i, d := range documents {
		if d.Value() != nil {
			t.Errorf("the document of target %d is still in memory", i)
		}
	}
	if r := judge.Report(); r.Status != StatusCompliant {
		t.Errorf("%s %+v", r.Status, r.Summary)
	}
}

// TestRequirementsOfEqualScopes checks that the requirements that the judge remembers are those of
// each scope.
func TestRequirementsOfEqualScopes(t *testing.T) {
	judge := NewJudge(Facts{}, nil)
	regions := [][]string{{"us-east-1"}, {"eu-west-1", "af-south-1"}, {"eu-central-2"}}
	functions := []map[string][]string{nil, {"us-east-1": {"clips", "remotion-render-a"},
		"eu-west-1": {"remotion-render-a"}}}
	releases := policies.Releases(policies.AWS)[6:]
	for i := range 2 * 3 * 2 * 3 * 2 * 3 * len(releases) {
		pick := func(n int) int { k := i % n; i /= n; return k }
		kind := []TargetKind{Caller, RenderRole}[pick(2)]
		purpose := []policies.Purpose{policies.All, policies.Render, policies.Deploy}[pick(3)]
		caller := "arn:aws:iam::123456789012:" + []string{"user/a", "role/b"}[pick(2)]
		target := TargetFacts{Kind: kind, Purpose: purpose, Scope: needs.Scope{Partition: "aws",
			Account: "123456789012", Caller: caller, RenderRole: "arn:aws:iam::123456789012:role/r",
			Regions: regions[pick(3)], Functions: functions[pick(2)],
			Buckets: policytest.Buckets(t, [][]string{nil, {"site"},
				{"remotionlambda-euwest1-abc"}}[pick(3)]...)}}
		list := releases[pick(len(releases)):]
		want := target.Scope.Requirements(list, kind.Policy(), purpose)
		if got := judge.requirements(target, list); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v: %d requirements, want %d", target.Scope, len(got), len(want))
		}
	}
}

// TestFindingsAreBounded checks that long documents do not make the report long.
func TestFindingsAreBounded(t *testing.T) {
	facts := compliantFacts(t)
	var statements []string
	for i := range 60 {
		resources := make([]string, 40)
		for n := range resources {
			resources[n] = fmt.Sprintf("%q", fmt.Sprintf("arn:aws:s3:::remotionlambda-%d-%d*", i, n))
		}
		statements = append(statements, `{"Effect":"Deny","Action":"*","Resource":["*",`+
			strings.Join(resources, ",")+`]}`)
	}
	facts.Targets[0].Grants = grants(t, strings.Join(statements, ","))
	for q := range facts.Targets[0].Answers {
		facts.Targets[0].Answers[q] = Answer{Decision: iampolicy.ExplicitDeny,
			Statements: make([]string, 1000), Missing: make([]string, 1000)}
	}
	bytes := 0
	for _, f := range Evaluate(facts).Findings {
		if max(len(f.Statements), len(f.SimulatedStatements), len(f.MissingContext)) > maxListed {
			t.Errorf("%s: %d statements, %d of AWS, %d keys", f.Action, len(f.Statements),
				len(f.SimulatedStatements), len(f.MissingContext))
		}
		for _, s := range f.Statements {
			bytes += len(strings.Join(s.Resources, ""))
		}
	}
	if bytes == 0 || bytes > 2*maxResources {
		t.Errorf("the findings list %d bytes of resources", bytes)
	}
}

// TestDocumentsAreRecognizedOnce checks that targets with the same document share its recognition.
func TestDocumentsAreRecognizedOnce(t *testing.T) {
	facts := compliantFacts(t)
	facts.Targets[0].Grants.Identity[0].Document = policytest.Parse(t,
		policytest.Release(t, "4.0.240").Document(policies.User))
	judge := NewJudge(facts, nil)
	for i := range 20 {
		judge.Add(i, facts.Targets[0])
	}
	r := judge.Report()
	documents := 0
	for _, n := range r.Notices {
		if n.Kind == NoticeDocument {
			documents++
		}
	}
	if len(judge.recognized) != 1 || documents != 20 {
		t.Errorf("%d recognitions, %d notices; want 1 and 20", len(judge.recognized), documents)
	}
}

// TestAnAuditWithoutCallersSaysSo checks that a report about render roles alone lists callers under
// what it does not check.
func TestAnAuditWithoutCallersSaysSo(t *testing.T) {
	caller, role := &judgement{}, &judgement{}
	caller.target.Kind, role.target.Kind = Caller, RenderRole
	for name, test := range map[string]struct {
		targets []*judgement
		want    bool
	}{
		"a role": {[]*judgement{role}, true}, "both": {[]*judgement{caller, role}, false},
		"nothing": {nil, false},
	} {
		list := notCheckedOf(test.targets, nil)
		if got := slices.Contains(list, "callers (none is audited)"); got != test.want {
			t.Errorf("%s: %v", name, list)
		}
	}
}
