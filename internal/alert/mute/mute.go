// Package mute reads, applies and writes the mutes of the file mutes.yaml. A mute hides gaps from
// alerts until a time, and has an owner and a reason.
//
// The package composes no messages. docs/alerts.md describes the file.
package mute

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// List contains the mutes of a file, in its order.
type List []Mute

// Mute mutes gaps until a time. It matches a gap if each of Target, Action, Cause and Sid is empty
// or matches. At least one of these fields is not empty. In Target, Action and Sid a '*' matches
// any characters. Actions match without regard to case, as in IAM.
type Mute struct {
	Target string      `json:"target,omitempty"`
	Action string      `json:"action,omitempty"`
	Cause  audit.Cause `json:"cause,omitempty"`
	Sid    string      `json:"sid,omitempty"`
	Reason string      `json:"reason"`
	Owner  string      `json:"owner"`
	Until  time.Time   `json:"until"`
}

// Error is an error in the mutes file. A mute with an error mutes nothing.
type Error struct {
	// Line counts from 1. Zero means the whole file.
	Line int
	Text string
}

func (e Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Matches reports whether the mute matches the gap. It does not consider the end of the mute.
func (m Mute) Matches(f audit.Finding) bool {
	return (m.Cause == "" || m.Cause == f.Cause) && m.Concerns(f)
}

// Concerns reports whether the mute, without its cause, matches the finding. An unverified finding
// has no cause.
func (m Mute) Concerns(f audit.Finding) bool {
	return m.MatchesTarget(f.Target) && glob(strings.ToLower(m.Action), strings.ToLower(f.Action)) &&
		glob(m.Sid, f.Sid)
}

// MatchesTarget reports whether the mute may match gaps of the target.
func (m Mute) MatchesTarget(name string) bool { return glob(m.Target, name) }

// Condition returns the fields of the mute that match gaps, such as "target user/x, cause scp".
func (m Mute) Condition() string {
	var list []string
	for _, part := range []struct{ name, value string }{{"target", m.Target}, {"action", m.Action},
		{"cause", string(m.Cause)}, {"sid", m.Sid}} {
		if part.value != "" {
			list = append(list, part.name+" "+part.value)
		}
	}
	return strings.Join(list, ", ")
}

// Apply returns the report with the mutes that are in force at now. A muted gap does not count as
// a gap.
func (list List) Apply(r audit.Report, now time.Time) audit.Report {
	return r.Muted(list.InForce(now).LongestFor)
}

// LongestFor returns the mute that matches the gap and ends last, or nil.
func (list List) LongestFor(f audit.Finding) *audit.Mute {
	var found *audit.Mute
	for _, m := range list {
		if m.Matches(f) && (found == nil || m.Until.After(found.Until)) {
			found = &audit.Mute{Owner: m.Owner, Reason: m.Reason, Until: m.Until}
		}
	}
	return found
}

// InForce returns the mutes that have not expired, ordered by the fields that match gaps. Of mutes
// for which these fields are equal, it returns only the mute that ends last.
func (list List) InForce(now time.Time) List {
	var out List
	for _, m := range list {
		if m.Until.After(now) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Mute) int {
		return cmp.Or(a.Compare(b), b.Until.Compare(a.Until))
	})
	return slices.CompactFunc(out, func(a, b Mute) bool { return a.Compare(b) == 0 })
}

// Compare orders mutes by the fields that match gaps.
func (m Mute) Compare(o Mute) int {
	return cmp.Or(cmp.Compare(m.Target, o.Target), cmp.Compare(m.Action, o.Action),
		cmp.Compare(m.Cause, o.Cause), cmp.Compare(m.Sid, o.Sid))
}

// Equal reports whether the mutes have equal fields.
func (m Mute) Equal(o Mute) bool {
	return m.Compare(o) == 0 && m.Reason == o.Reason && m.Owner == o.Owner && m.Until.Equal(o.Until)
}

// glob reports whether text matches a pattern in which '*' matches any characters. An empty pattern
// matches every text.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) ||
		!strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
