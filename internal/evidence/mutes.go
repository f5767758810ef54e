package evidence

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
)

// AddMute returns a file of mutes with one more, the rest of it byte for byte as it was. A file that it cannot
// extend so, because it is damaged or written in brackets, is an error that shows what to add by hand.
func AddMute(text []byte, m alert.Mute, now time.Time) ([]byte, error) {
	entry := func(indent string) string {
		var b strings.Builder
		lead := indent + "- "
		for _, field := range [][2]string{
			{"target", m.Target}, {"action", m.Action}, {"cause", string(m.Cause)}, {"sid", m.Sid},
			{"reason", m.Reason}, {"owner", m.Owner}, {"until", m.Until.UTC().Format(time.RFC3339)},
		} {
			if field[1] != "" {
				fmt.Fprintf(&b, "%s%s: %s\n", lead, field[0], strconv.Quote(field[1]))
				lead = indent + "  "
			}
		}
		return b.String()
	}
	before, errs := alert.ParseMutes(text, now)
	if len(errs) > 0 {
		list := []error{errors.New("the file of mutes has mistakes; correct them first")}
		for _, err := range errs {
			list = append(list, err)
		}
		return nil, errors.Join(list...)
	}
	extended := string(text)
	if extended != "" && !strings.HasSuffix(extended, "\n") {
		extended += "\n"
	}
	indent := "  "
	switch items := listItem.FindStringSubmatch(extended); {
	case len(before) == 0 && !strings.Contains(extended, "mutes:"):
		extended += "mutes:\n"
	case len(before) == 0:
		extended = emptyList.ReplaceAllString(extended, "mutes:")
	case items != nil:
		indent = items[1]
	}
	extended += entry(indent)
	after, errs := alert.ParseMutes([]byte(extended), now)
	want := append(slices.Clone(before), m)
	if len(errs) > 0 || !slices.Equal(after, want) {
		return nil, fmt.Errorf("the file of mutes is not written as a list of lines, and is left as it is: add to it\n%s", entry("  "))
	}
	return []byte(extended), nil
}

var (
	// listItem is the first item of a list, with its indentation; emptyList is a list without any.
	listItem  = regexp.MustCompile(`(?m)^( *)- `)
	emptyList = regexp.MustCompile(`(?m)^mutes:[ \t]*(\[\]|null|~)`)
)
