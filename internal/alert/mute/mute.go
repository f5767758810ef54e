// Package mute reads, applies and writes the mutes of the file mutes.yaml. A mute hides gaps from
// alerts until a time, and has an owner and a reason.
//
// The package composes no messages. docs/alerts.md describes the file.
package mute

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
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

// LongestFor returns the mute that matches the gap and ends last, or nil. If several end last, it
// returns the first of them in the order of rank, so that the order of the file does not matter.
func (list List) LongestFor(f audit.Finding) *audit.Mute {
	var found *Mute
	for _, m := range list {
		if m.Matches(f) && (found == nil || m.rank(*found) < 0) {
			found = &m
		}
	}
	if found == nil {
		return nil
	}
	return &audit.Mute{Owner: found.Owner, Reason: found.Reason, Until: found.Until}
}

// rank orders mutes that match one gap. The mute that ends last comes first.
func (m Mute) rank(o Mute) int {
	return cmp.Or(o.Until.Compare(m.Until), m.Compare(o), cmp.Compare(m.Owner, o.Owner),
		cmp.Compare(m.Reason, o.Reason))
}

// InForce returns the mutes that have not expired, ordered by the fields that match gaps. Of mutes
// for which these fields are equal, it returns only the mute that ends last. If several end last,
// it returns the one with the first owner, and then the first reason, in the order of bytes.
func (list List) InForce(now time.Time) List {
	var out List
	for _, m := range list {
		if m.Until.After(now) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Mute) int {
		return cmp.Or(a.Compare(b), a.rank(b))
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
	first, rest, hasStar := strings.Cut(pattern, "*")
	if !hasStar {
		return pattern == text
	}
	text, begins := strings.CutPrefix(text, first)
	if !begins {
		return false
	}
	for {
		part, next, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, part)
		}
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text, rest = text[i+len(part):], next
	}
}

// CheckTarget returns an error for a pattern that matches no name of an audited principal, and of
// nothing that a check is about. Such a mute would hide nothing.
func CheckTarget(pattern string) error {
	plain := stars.ReplaceAllString(pattern, "*")
	for _, kind := range []string{"user/", "role/", "sso/", "region/"} {
		if mayName(plain, kind) {
			return nil
		}
	}
	name, isFunction := strings.CutPrefix(plain, "function/") // REGION/NAME
	if isFunction && mayName(strings.Replace(name, "/", "", 1), "") {
		return nil
	}
	return fmt.Errorf("%s matches no audited principal: use user/NAME or role/NAME, or for a check "+
		"region/REGION or function/REGION/NAME, in which * matches any characters",
		textfmt.Quote(pattern, maxQuoted))
}

var (
	stars = regexp.MustCompile(`\*+`)
	// action is a pattern for the name of an action. A star may match the colon.
	action = regexp.MustCompile(`^[A-Za-z0-9-*]*(:|\*)[A-Za-z0-9*]*$`)
)

// mayName reports whether a pattern without double stars matches a text that begins with kind, and
// ends in a name of IAM.
func mayName(pattern, kind string) bool {
	switch {
	case pattern == "":
		return false
	case kind == "":
		name := strings.ReplaceAll(pattern, "*", "")
		return name == "" || awsname.IsIAMName(name)
	case pattern[0] == '*': // the star matches nothing more, or one more character of kind
		return mayName(pattern[1:], kind) || mayName(pattern, kind[1:])
	}
	return pattern[0] == kind[0] && mayName(pattern[1:], kind[1:])
}

// CheckAction returns an error for a pattern that matches no name of an action. Parse does not
// check the actions of a file.
func CheckAction(pattern string) error {
	if !action.MatchString(pattern) || strings.HasPrefix(pattern, ":") ||
		strings.HasSuffix(pattern, ":") {
		return fmt.Errorf("%s matches no action: use SERVICE:ACTION such as s3:PutObject, in which * "+
			"matches any characters", textfmt.Quote(pattern, maxQuoted))
	}
	return nil
}
