package alert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// Mutes are the mutes of a file, in its order.
type Mutes []Mute

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

// MuteError is an error in the mutes file. A mute with an error mutes nothing.
type MuteError struct {
	// Line counts from 1. Zero means the whole file.
	Line int
	Text string
}

func (e MuteError) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Matches reports whether the mute matches the gap. It does not consider the end of the mute.
func (m Mute) Matches(f audit.Finding) bool {
	return (m.Cause == "" || m.Cause == f.Cause) && m.concerns(f)
}

// concerns reports whether the mute, without its cause, matches the finding. An unverified finding
// has no cause.
func (m Mute) concerns(f audit.Finding) bool {
	return glob(m.Target, f.Target) && glob(strings.ToLower(m.Action), strings.ToLower(f.Action)) &&
		glob(m.Sid, f.Sid)
}

// longestFor returns the mute that matches the gap and ends last, or nil.
func (list Mutes) longestFor(f audit.Finding) *audit.Mute {
	var found *audit.Mute
	for _, m := range list {
		if m.Matches(f) && (found == nil || m.Until.After(found.Until)) {
			found = &audit.Mute{Owner: m.Owner, Reason: m.Reason, Until: m.Until}
		}
	}
	return found
}

// inForce returns the mutes that have not expired, ordered by the fields that match gaps. Of mutes
// for which these fields are equal, it returns only the mute that ends last.
func (list Mutes) inForce(now time.Time) Mutes {
	var out Mutes
	for _, m := range list {
		if m.Until.After(now) {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b Mute) int {
		return cmp.Or(a.compare(b), b.Until.Compare(a.Until))
	})
	return slices.CompactFunc(out, func(a, b Mute) bool { return a.compare(b) == 0 })
}

// compare orders mutes by the fields that match gaps.
func (m Mute) compare(o Mute) int {
	return cmp.Or(cmp.Compare(m.Target, o.Target), cmp.Compare(m.Action, o.Action),
		cmp.Compare(m.Cause, o.Cause), cmp.Compare(m.Sid, o.Sid))
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
