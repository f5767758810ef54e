package alert

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// drifted makes a report about so many targets, each with so many gaps and problems.
func drifted(targets, gaps, problems int) audit.Report {
	r := audit.Report{SchemaVersion: audit.SchemaVersion, Account: "123456789012", Status: audit.Gaps, Regions: []string{"us-east-1"}}
	for i := range targets {
		name := fmt.Sprintf("user/u%d", i)
		s := audit.Summary{Requirements: gaps + 1, Satisfied: 1, Gaps: gaps}
		r.Targets = append(r.Targets, audit.TargetReport{Name: name, Summary: s})
		for j := range gaps {
			r.Findings = append(r.Findings, audit.Finding{Target: name, Action: fmt.Sprintf("s3:Action%d", j), Status: audit.Missing,
				Severity: policies.Severity(1 + j%4), Cause: audit.NoGrant, Why: "no statement grants it", Impact: "x"})
		}
		r.Findings = append(r.Findings, audit.Finding{Target: name, Action: "s3:Fine", Status: audit.Satisfied, Severity: policies.Critical})
		for j := range problems {
			r.Problems = append(r.Problems, audit.Problem{Target: name, What: fmt.Sprintf("policy %d", j), Why: strings.Repeat("w", 200)})
		}
		r.Summary.Gaps += gaps
		r.Summary.Requirements += gaps + 1
		r.Summary.Satisfied++
	}
	return r
}

func TestNothingToSay(t *testing.T) {
	if m, ok := Compose(audit.Report{Status: audit.Compliant}, Sender{}); ok {
		t.Errorf("a compliant report is announced: %q", m.Subject)
	}
}

func TestComposeFitsAndIsValid(t *testing.T) {
	for _, n := range [][3]int{{1, 1, 0}, {1, 0, 1}, {2, 33, 3}, {20, 33, 5}, {60, 33, 20}} {
		r := drifted(n[0], n[1], n[2])
		if n[1] == 0 {
			r.Status = audit.CouldNotLook
		}
		m, ok := Compose(r, Sender{Function: "remotion-audit"})
		if !ok {
			t.Fatalf("%v: nothing to say", n)
		}
		if size := m.size(); size > MaxBytes {
			t.Errorf("%v: %d bytes", n, size)
		}
		var bodies map[string]string
		if err := json.Unmarshal([]byte(m.Structure()), &bodies); err != nil || bodies["default"] == "" || bodies["email"] == "" || bodies["sms"] == "" {
			t.Errorf("%v: bodies %v, %v", n, len(bodies), err)
		}
		var d document
		if err := json.Unmarshal([]byte(bodies["default"]), &d); err != nil {
			t.Fatal(err)
		}
		all := n[0] * (n[1] + n[2])
		told := len(d.Report.Findings) + len(d.Report.Problems)
		if cut := told < all; cut != d.Truncated || cut != (value(m, "truncated") == "true") {
			t.Errorf("%v: %d of %d are told, truncated %v, attribute %s", n, told, all, d.Truncated, value(m, "truncated"))
		}
		if d.Truncated && !strings.Contains(bodies["email"], fmt.Sprintf("%d more findings did not fit", all-told)) {
			t.Errorf("%v: the mail does not say that %d are left out", n, all-told)
		}
		if !strings.HasPrefix(bodies["email"], report.Headline(r)+"\n") {
			t.Errorf("%v: the mail opens with the numbers of what is shown, not of the report", n)
		}
		if d.Truncated && m.size() < MaxBytes*9/10 {
			t.Errorf("%v: %d bytes, and findings were cut", n, m.size())
		}
		if slices.ContainsFunc(d.Report.Findings, func(f audit.Finding) bool { return f.Status == audit.Satisfied }) {
			t.Errorf("%v: satisfied findings are told", n)
		}
	}
}

// What is cut is the least severe.
func TestComposeKeepsTheWorst(t *testing.T) {
	m, _ := Compose(drifted(60, 33, 0), Sender{})
	r, err := ReportIn(m.Bodies["default"])
	if err != nil || len(r.Findings) == 0 {
		t.Fatal(err, len(r.Findings))
	}
	if last := r.Findings[len(r.Findings)-1].Severity; r.Findings[0].Severity != policies.Critical || last > r.Findings[0].Severity {
		t.Errorf("from %s to %s", r.Findings[0].Severity, last)
	}
}

func TestAttributes(t *testing.T) {
	r := drifted(2, 2, 1)
	r.Targets = append(r.Targets, audit.TargetReport{Name: "user/fine"}, audit.TargetReport{Name: "user/unread"}, r.Targets[0])
	r.Problems = append(r.Problems, audit.Problem{Target: "user/unread", What: "inline policy"})
	m, _ := Compose(r, Sender{})
	for name, want := range map[string]string{
		"events": `["opened","auditor_error"]`, "targets": `["user/u0","user/u1","user/unread"]`, "severity": "medium", "account": "123456789012",
		"gapCount": "4", "dedupKey": DedupKey(r), "schemaVersion": "1", "truncated": "false",
	} {
		if got := value(m, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Equal announcements have equal keys; nothing volatile is in them.
func TestDedupKey(t *testing.T) {
	a, b := drifted(1, 2, 1), drifted(1, 2, 1)
	b.Run = audit.Run{ID: "another"}
	b.Problems[0].Why = "another request id"
	if DedupKey(a) != DedupKey(b) {
		t.Error("two runs with the same gaps have different keys")
	}
	b.Findings[0].Cause = audit.SCP
	if DedupKey(a) == DedupKey(b) {
		t.Error("another cause has the same key")
	}
}

func TestTestMessageIsMarked(t *testing.T) {
	m := TestMessage("123456789012", Sender{Function: "f"})
	if !strings.HasPrefix(m.Subject, "[TEST]") || value(m, "events") != `["test"]` || !strings.Contains(m.Bodies["email"], "nothing was audited") {
		t.Errorf("%+v", m)
	}
	if _, err := ReportIn(m.Bodies["default"]); err == nil {
		t.Error("a test message holds a report")
	}
}

func value(m Message, name string) string {
	for _, a := range m.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
