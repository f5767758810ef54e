package output

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// csvColumns are the columns. A version can add columns at the end.
var csvColumns = []string{"result", "status", "severity", "target", "policy", "sid", "action",
	"resource", "cause", "example", "why", "impact", "reason", "statements", "fix", "fix command",
	"muted by", "muted until", "mute reason", "file", "line", "column", "when", "source"}

// outcomeNames are the values of the column result.
var outcomeNames = map[outcome]string{passed: "satisfied", gap: "gap", unverified: "unverified",
	known: "known", muted: "muted", noted: "note", gone: "gone"}

// csvText is the length of a cell in characters. A spreadsheet takes 32,767.
const csvText = 32_000

// writeCSV writes every judgement of a listing as one row, in its order, and then the gaps
// that only the baseline has.
func writeCSV(w io.Writer, l listing) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvColumns); err != nil {
		return err
	}
	for i := range l.suites {
		s := &l.suites[i]
		for j := range s.entries {
			if err := out.Write(csvRow(s, &s.entries[j])); err != nil {
				return err
			}
		}
	}
	for _, e := range l.goneGaps() {
		if err := out.Write(csvRow(e.suite, e.entry)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func csvRow(s *suite, e *entry) []string {
	severity, when := "", "now"
	if e.severity > 0 {
		severity = e.severity.String()
	}
	if e.later {
		when = "after the upgrade"
	}
	var fix fixText
	if e.fix != nil {
		fix = *e.fix
	}
	owner, until, reason := "", "", ""
	if e.mute != nil {
		owner, until, reason = e.mute.Owner, e.mute.Until.UTC().Format(time.RFC3339), e.mute.Reason
	}
	line, column := "", ""
	if e.line > 0 {
		line, column = strconv.Itoa(e.line), strconv.Itoa(e.column)
	}
	row := []string{outcomeNames[e.outcome], e.word, severity, s.name, string(e.policy), e.sid,
		e.action, e.resource, string(e.cause), e.example, e.why, e.impact, e.reason,
		e.fieldText("statements"), fix.text, fix.command, owner, until, reason, e.file, line, column,
		when, e.source}
	for i := range row {
		row[i] = csvCell(row[i])
	}
	return row
}

// csvCell cleans a text, and marks a text that a spreadsheet would evaluate as a formula with an
// apostrophe. https://owasp.org/www-community/attacks/CSV_Injection
func csvCell(text string) string {
	text = textfmt.Truncate(textfmt.OneLine(text), csvText)
	start := strings.TrimLeft(text, " \u00a0\ufffd'\"")
	if start != "" && strings.ContainsRune("=+-@\uff1d\uff0b\uff0d\uff20", []rune(start)[0]) {
		return "'" + text
	}
	return text
}
