package alert

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// crowd is a report about so many targets, each with so many gaps and problems, in texts that long.
func crowd(targets, gaps, problems, length int) audit.Report {
	var names []string
	var findings []audit.Finding
	var troubles []audit.Problem
	for i := range targets {
		name := fmt.Sprintf("user/u%d", i)
		names = append(names, name)
		for j := range gaps {
			f := finding(name, fmt.Sprintf("s3:Action%d", j), audit.Missing, policies.Severity(1+j%4))
			f.Why = strings.Repeat("w", length) + fmt.Sprint(j%5)
			findings = append(findings, f)
		}
		for j := range problems {
			troubles = append(troubles, audit.Problem{Target: name, What: fmt.Sprintf("policy %d", j),
				Why: strings.Repeat("y", length)})
		}
	}
	r := made(names, findings...)
	r.Problems = append(r.Problems, troubles...)
	return r
}

func TestMessagesFit(t *testing.T) {
	cuts := 0
	for _, n := range [][4]int{{1, 1, 0, 10}, {2, 33, 3, 100}, {20, 33, 5, 300}, {1, 33, 1, 10_000},
		{2, 1, 1, 150_000}, {200, 1, 1, 700}} {
		for _, format := range []Format{Chat, JSON} {
			if format == JSON && n[0] != 20 {
				continue // one of them tells
			}
			s := newStory(t)
			s.options.Sender.Format = format
			r := crowd(n[0], n[1], n[2], n[3])
			p := s.run(r)
			checkMessage(t, p, s.options)
			d, all := decoded(p.Message), n[0]*(n[1]+n[2])
			shown := len(d.Report.Findings) + len(d.Report.Problems)
			// What is in the report is what is announced, and each announcement is a unit of its own.
			if d.Truncated {
				cuts++
			}
			if cut := shown < all; cut != d.Truncated {
				t.Errorf("%v: %d of %d are told, truncated %v", n, shown, all, d.Truncated)
			}
			if !strings.Contains(p.Message.Bodies["email"],
				"in full     s3://audit-evidence/reports/2026/11/16/r1.json") ||
				d.Evidence != "s3://audit-evidence/reports/2026/11/16/r1.json" {
				t.Errorf("%v: the evidence is not named", n)
			}
			if d.Truncated != strings.Contains(p.Message.Bodies["email"],
				"did not fit into this message: all are in s3://audit-evidence/") {
				t.Errorf("%v: the mail does not say whether something is left out", n)
			}
			if d.Truncated && n[3] < 1000 && p.Message.size() < MaxBytes*8/10 {
				t.Errorf("%v: %d bytes, and findings were cut", n, p.Message.size())
			}
			if d.Truncated && len(d.Announcements) > 0 && n[1] > 4 &&
				d.Announcements[0].Severity != policies.Critical {
				t.Errorf("%v: what is told first is %s", n, d.Announcements[0].Severity)
			}
			if value(p.Message, "gapCount") != fmt.Sprint(n[0]*n[1]) {
				t.Errorf("%v: gapCount %s goes by what is shown", n, value(p.Message, "gapCount"))
			}
		}
	}
	if cuts < 4 {
		t.Errorf("only %d messages were too big: the test is about those", cuts)
	}
}

// What is structured for SNS is one JSON object of strings.
func TestStructure(t *testing.T) {
	m := newStory(t).run(fixture(t, "hostile")).Message
	var bodies map[string]string
	if err := json.Unmarshal([]byte(m.Structure()), &bodies); err != nil || len(bodies) != 4 {
		t.Errorf("%d bodies, %v", len(bodies), err)
	}
	if _, err := ReportIn(m.Bodies["default"]); err != nil {
		t.Error(err)
	}
	if _, err := ReportIn(TestMessage("123456789012", nil, nil,
		Sender{}).Bodies["default"]); err == nil {
		t.Error("a test message holds a report")
	}
	if _, err := ReportIn("{"); err == nil {
		t.Error("half a body holds a report")
	}
}
