package alert

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/report"
)

// MuteCommand is the command that mutes what m matches for 24 hours, quoted for a shell. Owner and
// reason are left to whoever runs it: the owner is the user's name, and the reason is to be
// replaced.
func MuteCommand(bucket string, m Mute) string {
	words := []string{"remotion-audit", "mute", "--bucket", bucket}
	for _, flag := range []struct{ name, value string }{{"--target", m.Target}, {"--action", m.Action},
		{"--cause", string(m.Cause)}, {"--sid", m.Sid}} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	return report.ShellWords(append(words, "--for", "24h")...) +
		` --owner "$USER" --reason 'being looked into'`
}

// AddMute adds a mute to the text of a file of mutes, and keeps every other byte of it. The mute
// has to be valid at now, and the file a list in block style or empty; what it has wrong already
// stays so.
func AddMute(text []byte, m Mute, now time.Time) ([]byte, error) {
	before, wrongBefore := ParseMutes(text, now)
	list, unread := muteList(text)
	if unread != nil {
		return nil, fmt.Errorf("the file of mutes: %w: correct it first", unread)
	}
	out := bytes.Clone(text)
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	indent := "  "
	switch {
	case list != nil:
		indent = strings.Repeat(" ", max(0, list.Start.Position.Column-1)) // that of its first dash
	case !hasKey(text):
		out = append(out, "mutes:\n"...)
	}
	out = append(out, m.yaml(indent)...)
	after, wrongAfter := ParseMutes(out, now)
	added := Mutes(slices.Concat(before, Mutes{m}))
	if !slices.EqualFunc(after, added, Mute.same) || !slices.Equal(wrongAfter, wrongBefore) {
		if len(wrongAfter) > len(wrongBefore) {
			return nil, fmt.Errorf("the mute is not valid: %w", wrongAfter[len(wrongAfter)-1])
		}
		return nil,
			errors.New("the file of mutes is not written as a list in block style: add by hand\n" +
				m.yaml("  "))
	}
	return out, nil
}

// hasKey reports whether the file has its one key, with no list behind it.
func hasKey(text []byte) bool {
	file, err := parseYAML(text)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(file.Docs, func(d *ast.DocumentNode) bool {
		if d.Body == nil {
			return false
		}
		_, ok := mapping(d.Body)
		return ok
	})
}

// yaml is the mute as an item of a list in block style.
func (m Mute) yaml(indent string) string {
	var b strings.Builder
	lead := indent + "- "
	for _, field := range []struct{ name, value string }{
		{"target", m.Target}, {"action", m.Action}, {"cause", string(m.Cause)}, {"sid", m.Sid},
		{"reason", m.Reason}, {"owner", m.Owner},
	} {
		if field.value != "" {
			// JSON's strings are YAML's
			fmt.Fprintf(&b, "%s%s: %s\n", lead, field.name, marshal(field.value))
			lead = indent + "  "
		}
	}
	fmt.Fprintf(&b, "%suntil: %s\n", lead, m.Until.UTC().Format(time.RFC3339))
	return b.String()
}
