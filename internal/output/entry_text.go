package output

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// sentence describes the judgement of a suite in one paragraph, for a format with a message.
func (e judged) sentence() string {
	var b strings.Builder
	b.WriteString(e.suite.name + ": " + e.title())
	if e.resource != "" {
		b.WriteString(" on " + e.resource)
	}
	if e.cause != "" {
		b.WriteString(" (" + string(e.cause) + ")")
	}
	if e.why != "" {
		b.WriteString(". Cause: " + e.why)
	}
	if e.impact != "" {
		b.WriteString(". Impact: " + e.impact)
	}
	if e.fix != nil && e.fix.text != "" {
		b.WriteString(". Fix: " + e.fix.text)
	}
	return b.String()
}

// fields returns what is known about the judgement, with stable labels.
func (e *entry) fields(target string) []fact {
	var granting []string
	for _, s := range e.statements {
		granting = append(granting, s.String())
	}
	severity := ""
	if e.severity > 0 {
		severity = e.severity.String()
	}
	list := []fact{{"target", target}, {"policy", string(e.policy)}, {"status", e.word},
		{"severity", severity}, {"cause", string(e.cause)}, {"sid", e.sid}, {"action", e.action},
		{"resource", e.resource}, {"example", e.example},
		{"statements", textfmt.Some(granting, maxStatements)}}
	if e.fix != nil {
		list = append(list, fact{"fix", e.fix.text}, fact{"fixCommand", e.fix.command})
	}
	out := list[:0]
	for _, f := range list {
		if f.text != "" {
			out = append(out, f)
		}
	}
	return out
}

// maxStatements is the number of statements that a format names for one judgement.
const maxStatements = 8

// muteText describes a mute.
func muteText(m audit.Mute) string {
	return "muted by " + m.Owner + " until " + m.Until.UTC().Format("2006-01-02") + ": " + m.Reason
}
