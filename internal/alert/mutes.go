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

// A Mute silences gaps until a day or an hour. It matches by every field that is not empty, and at
// least one is. In Target, Action and Sid a '*' stands for any run of characters; actions match
// whatever their case, as IAM has it.
type Mute struct {
	Target string      `json:"target,omitempty"`
	Action string      `json:"action,omitempty"`
	Cause  audit.Cause `json:"cause,omitempty"`
	Sid    string      `json:"sid,omitempty"`
	Reason string      `json:"reason"`
	Owner  string      `json:"owner"`
	Until  time.Time   `json:"until"`
}

// A MuteError is something wrong with the file of mutes. A mute with an error mutes nothing.
type MuteError struct {
	// Line counts from 1; zero is the file as a whole.
	Line int
	Text string
}

func (e MuteError) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Matches reports whether the mute is about the gap. Whether it has expired is not looked at.
func (m Mute) Matches(f audit.Finding) bool {
	return (m.Cause == "" || m.Cause == f.Cause) && m.concerns(f)
}

// concerns is Matches but for the cause, which is known of gaps alone.
func (m Mute) concerns(f audit.Finding) bool {
	return glob(m.Target, f.Target) && glob(strings.ToLower(m.Action), strings.ToLower(f.Action)) &&
		glob(m.Sid, f.Sid)
}

// of returns the mute in force that silences the gap for longest, or nil.
func (list Mutes) of(f audit.Finding) *audit.Mute {
	var found *audit.Mute
	for _, m := range list {
		if m.Matches(f) && (found == nil || m.Until.After(found.Until)) {
			found = &audit.Mute{Owner: m.Owner, Reason: m.Reason, Until: m.Until}
		}
	}
	return found
}

// inForce returns the mutes that have not expired, ordered by what they match; of two that match
// the same the one that lasts.
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

// compare orders mutes by what they match.
func (m Mute) compare(o Mute) int {
	return cmp.Or(cmp.Compare(m.Target, o.Target), cmp.Compare(m.Action, o.Action),
		cmp.Compare(m.Cause, o.Cause), cmp.Compare(m.Sid, o.Sid))
}

// glob matches text against a pattern in which '*' stands for any run of characters. An empty
// pattern matches everything.
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
