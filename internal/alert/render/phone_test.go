package render

import (
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// phoneColumns is the width of a mail on a phone in portrait orientation.
const phoneColumns = 42

// onPhone returns a text as a phone shows it: lines break at blanks, and words that are too long
// break anywhere.
func onPhone(mail string) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSuffix(mail, "\n"), "\n") {
		for utf8.RuneCountInString(line) > phoneColumns {
			runes := []rune(line)
			at := strings.LastIndex(string(runes[:phoneColumns+1]), " ")
			if strings.TrimSpace(line[:max(at, 0)]) == "" {
				at = len(string(runes[:phoneColumns]))
			}
			b.WriteString(strings.TrimRight(line[:at], " ") + "\n")
			line = strings.TrimPrefix(line[at:], " ")
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// withStops returns a report with what its gaps stop, which the reports in the test data do not
// have, because they are of an older auditor.
func withStops(r audit.Report) audit.Report {
	findings := make([]audit.Finding, len(r.Findings))
	for i, f := range r.Findings {
		for _, q := range policies.Latest().Requirements(f.Policy) {
			if q.Action != f.Action || q.Resource != f.Resource {
				continue
			}
			if used, ok := q.For(policies.All, policies.Releases("aws")); ok {
				f.Stops = used.Stops
			}
		}
		findings[i] = f
	}
	r.Findings = findings
	return r
}
