package output

import (
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestChecksAreRules checks that each check of a function is a rule and an identity of its own, and
// that its fix has the command of the finding.
func TestChecksAreRules(t *testing.T) {
	check := func(id string) audit.Finding {
		return audit.Finding{Target: "function/us-east-1/clips", Policy: audit.CheckKind, Sid: id,
			Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:1:function:clips",
			Status: audit.Denied, Severity: policies.Critical, Cause: audit.Quota, Why: id + " fails",
			Remedy: "raise it", Command: "aws lambda " + id}
	}
	l := auditListing(Audit{Report: audit.Report{Status: audit.StatusGaps,
		Findings: []audit.Finding{check("One"), check("Two")}}})
	gaps := l.ordered(gap)
	if len(gaps) != 2 || gaps[0].suite.kind != "check" || gaps[0].identity == gaps[1].identity {
		t.Fatalf("%+v", gaps)
	}
	for i, id := range []string{"One", "Two"} {
		e := gaps[i]
		if e.rule != "check/"+id || e.fix == nil || e.fix.text != "raise it" ||
			e.fix.command != "aws lambda "+id {
			t.Errorf("%s: %+v, fix %+v", id, e.entry, e.fix)
		}
		rule := sarifRule(e.rule, e.entry)
		if got := *rule.ShortDescription.Text; got != "Check "+id {
			t.Errorf("%s: the rule is %q", id, got)
		}
	}
}

// TestChecksAreNamed checks that formats name a failed check by its id, not by the action as if a
// permission were missing, and that a check of a baseline has the same rule.
func TestChecksAreNamed(t *testing.T) {
	f := audit.Finding{Target: "function/us-east-1/clips", Policy: audit.CheckKind, Sid: "Quota",
		Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:us-east-1:1:function:clips",
		Status: audit.Denied, Severity: policies.Critical, Cause: audit.Quota, Impact: "renders fail"}
	r := audit.Report{Status: audit.StatusGaps, Findings: []audit.Finding{f},
		Baseline: &audit.Comparison{Gone: []audit.GoneGap{{Target: f.Target, Policy: f.Policy,
			Sid: f.Sid, Action: f.Action, Resource: f.Resource, Status: f.Status}}}}
	l := auditListing(Audit{Report: r})
	if got := l.ordered(gap)[0].rule; got != l.goneGaps()[0].rule {
		t.Errorf("rule %s, in the baseline %s", got, l.goneGaps()[0].rule)
	}
	e := l.ordered(gap)[0]
	if got := e.title(); got != "denied check Quota" {
		t.Errorf("title %q", got)
	}
	for name, text := range map[string]string{"sentence": e.sentence(), "Markdown": markdownEntry(e),
		"details": markdownGroup([]judged{e}), "JUnit": junitCaseOf(e.entry, e.suite).Name} {
		if !strings.Contains(text, "Quota") || strings.Contains(text, "InvokeFunction") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
