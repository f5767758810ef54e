package report_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestJSONIsThatOfTheEncoder checks that the report, written finding by finding, is what the
// encoder writes at once.
func TestJSONIsThatOfTheEncoder(t *testing.T) {
	tricky := audit.Finding{Target: "user/<a>&\u2028", Sid: "\n  \"findings\": []",
		Why: `"findings": []`, Notes: []string{}, Releases: []string{"4.0.1"}}
	for name, r := range map[string]audit.Report{
		"no list of findings": {},
		"no findings":         {Findings: []audit.Finding{}},
		"one finding":         {Findings: []audit.Finding{tricky}},
		"several findings": {Account: "\n  \"findings\": []", Findings: []audit.Finding{tricky, {}, tricky},
			Upgrade: &audit.Upgrade{Findings: []audit.Finding{}}},
	} {
		var got, want bytes.Buffer
		if err := errors.Join(report.JSON(&got, r), textfmt.WriteJSON(&want, r)); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("%s: got\n%s\nwant\n%s", name, &got, &want)
		}
	}
}
