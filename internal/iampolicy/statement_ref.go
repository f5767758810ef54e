package iampolicy

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// StatementRef identifies a policy statement in texts and in JSON.
type StatementRef struct {
	Policy string `json:"policy"`
	// Index counts from 1.
	Index     int      `json:"index"`
	Sid       string   `json:"sid,omitempty"`
	Effect    string   `json:"effect"`
	Resources []string `json:"resources,omitempty"`
	// Line and Column are the position of the statement's opening brace in a file, counted from 1 in
	// characters. They are 0 for a document that is not a file.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String returns the statement's name in texts: statement 2 (Sid Storage) of inline policy
// "remotion".
func (s StatementRef) String() string {
	sid := ""
	if s.Sid != "" {
		sid = fmt.Sprintf(" (Sid %s)", s.Sid)
	}
	return fmt.Sprintf("statement %d%s of %s", s.Index, sid, s.Policy)
}

// maxSid is the length up to which references show a Sid. IAM has no limit, and a report repeats a
// Sid for each finding.
const maxSid = 128

// Ref returns a reference to the statement.
func (m Match) Ref() StatementRef {
	sid := textfmt.Head(m.Sid, maxSid)
	return StatementRef{Policy: m.Policy, Index: m.Index, Sid: sid, Effect: m.Effect.String(),
		Resources: m.Resources()}
}

// Refs returns references to the statements.
func Refs(matches []Match) (list []StatementRef) {
	for _, m := range matches {
		list = append(list, m.Ref())
	}
	return list
}
