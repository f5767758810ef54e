package explain

import (
	"cmp"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxCaret is the length of the longest pattern with a caret under it.
const maxCaret = 100

// Caret returns the blanks and carets that mark under Pattern what misses the resource. ok is false
// if no position is known.
func (s Step) Caret() (mark string, ok bool) {
	if s.Miss == nil || len(s.Miss.Pattern) > maxCaret || strings.ContainsFunc(s.Miss.Pattern,
		func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", false
	}
	at, width := missAt(*s.Miss)
	if at < 0 {
		return "", false
	}
	return strings.Repeat(" ", at) + strings.Repeat("^", width), true
}

// missAt returns the offset of what misses in the pattern, and its length. The offset is negative
// if it is unknown.
func missAt(m iampolicy.NearMatch) (at, width int) {
	field := map[iampolicy.NearMatchKind]int{iampolicy.WrongPartition: arn.Partition,
		iampolicy.WrongService: arn.Service, iampolicy.WrongRegion: arn.Region,
		iampolicy.WrongAccount: arn.Account}[m.Kind]
	switch m.Kind {
	case iampolicy.Typo, iampolicy.WrongCase:
		return m.At - 1, 1
	case iampolicy.WrongPartition, iampolicy.WrongService, iampolicy.WrongRegion,
		iampolicy.WrongAccount:
		fields, _ := arn.Split(m.Pattern)
		for i := range field {
			at += len(fields[i]) + 1
		}
		return at, max(1, len(fields[field]))
	case iampolicy.NotObjects, iampolicy.NotStreams:
		return len(m.Pattern), 1
	case iampolicy.NotBucket:
		return len(m.Pattern) - len("/*"), len("/*")
	}
	return -1, 0
}

// CaretText says beside the carets what is wrong.
func (s Step) CaretText() string {
	if s.Miss == nil {
		return ""
	}
	switch text := string(s.Miss.Kind); s.Miss.Kind {
	case iampolicy.NotObjects:
		return text + ": add /*"
	case iampolicy.NotStreams:
		return text + ": add :*"
	case iampolicy.NotBucket:
		return text
	default:
		return text + ": needs " + textfmt.Head(cmp.Or(s.Miss.Want, `""`), maxCaret)
	}
}

// MissText says how Pattern misses the resource. It is empty if Text says all.
func (s Step) MissText() string {
	if s.Miss == nil || s.Miss.Kind == iampolicy.Narrower {
		return ""
	}
	return s.Miss.String()
}
