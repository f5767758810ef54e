package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// bigReport returns a report with the given numbers of targets, of gaps and problems per target,
// and of characters per text.
func bigReport(targets, gaps, problems, length int) audit.Report {
	var names []string
	var findings []audit.Finding
	var problemList []audit.Problem
	for i := range targets {
		name := fmt.Sprintf("user/u%d", i)
		names = append(names, name)
		for j := range gaps {
			f := finding(name, fmt.Sprintf("s3:Action%d", j), audit.Missing, policies.Severity(1+j%4))
			f.Why = strings.Repeat("w", length) + fmt.Sprint(j%5)
			findings = append(findings, f)
		}
		for j := range problems {
			problemList = append(problemList, audit.Problem{Target: name, What: fmt.Sprintf("policy %d", j),
				Why: strings.Repeat("y", length)})
		}
	}
	r := reportOf(names, findings...)
	r.Problems = append(r.Problems, problemList...)
	return r
}

func TestMessagesFit(t *testing.T) {
	cuts := 0
	for _, size := range []struct{ targets, gaps, problems, length int }{{1, 1, 0, 10},
		{2, 33, 3, 100}, {20, 33, 5, 300}, {1, 33, 1, 10_000}, {2, 1, 1, 150_000}, {200, 1, 1, 700}} {
		for _, format := range []Format{Chat, JSON} {
			if format == JSON && size.targets != 20 {
				continue // one size suffices for JSON
			}
			s := newStory(t)
			s.from.Format = format
			r := bigReport(size.targets, size.gaps, size.problems, size.length)
			p := s.run(r)
			checkMessage(t, p)
			d, all := decoded(p.Message), size.targets*(size.gaps+size.problems)
			shown := len(d.Report.Findings) + len(d.Report.Problems)
			// The report in the message contains a finding only if the message has space for its
			// announcement.
			if d.Truncated {
				cuts++
			}
			if cut := shown < all; cut != d.Truncated {
				t.Errorf("%v: %d of %d findings and problems are shown, truncated %v", size, shown, all,
					d.Truncated)
			}
			if !strings.Contains(p.Message.Bodies["email"],
				"\nFull report: s3://audit-evidence/reports/2026/11/16/r1.json\n") ||
				d.Evidence != "s3://audit-evidence/reports/2026/11/16/r1.json" {
				t.Errorf("%v: the message does not name the full report", size)
			}
			if d.Truncated != strings.Contains(p.Message.Bodies["email"],
				"not shown for lack of space: see s3://audit-evidence/") {
				t.Errorf("%v: the mail does not say whether it is truncated", size)
			}
			if d.Truncated && size.length < 1000 && sizeOf(p.Message) < MaxBytes*8/10 {
				t.Errorf("%v: findings were cut, though the message has only %d bytes", size,
					sizeOf(p.Message))
			}
			if d.Truncated && len(d.Announcements) > 0 && size.gaps > 4 &&
				d.Announcements[0].Severity != policies.Critical {
				t.Errorf("%v: the first announcement is %s", size, d.Announcements[0].Severity)
			}
			if attribute(p.Message, "gapCount") != fmt.Sprint(size.targets*size.gaps) {
				t.Errorf("%v: gapCount is %s", size, attribute(p.Message, "gapCount"))
			}
		}
	}
	if cuts < 4 {
		t.Errorf("only %d messages were too big: adjust the sizes", cuts)
	}
}

// TestStructure checks that the Message parameter of SNS is a JSON object of strings, and that only
// a complete alert contains a report.
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
		t.Error("a test message has a report")
	}
	if _, err := ReportIn("{"); err == nil {
		t.Error("an incomplete body has a report")
	}
}

// TestTheLongestMessageThatFitsIsBuilt checks the search for the number of units that fit, and that
// a digest with very many units does not make it build messages with very many units.
func TestTheLongestMessageThatFitsIsBuilt(t *testing.T) {
	empty := sizeOf(alert.Message{})
	for _, units := range []int{0, 1, 2, 3, manyUnits - 1, manyUnits, manyUnits + 1, 1_000_000} {
		for _, fits := range []int{-1, 0, 1, 2, 700, manyUnits, 2*manyUnits + 1, 1_000_000} {
			built := 0
			m := fitMessage(units, empty+fits, func(n int) alert.Message {
				built += n
				return alert.Message{Subject: strings.Repeat("x", n)}
			})
			want := max(0, min(units, fits))
			if got := len(m.Subject); got != want {
				t.Errorf("%d units, %d fit: the message has %d, want %d", units, fits, got, want)
			}
			if most := 25 * max(want, manyUnits); built > most {
				t.Errorf("%d units, %d fit: built %d units, want at most %d", units, fits, built, most)
			}
		}
	}
}
