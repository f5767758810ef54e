package mute

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

// emptyList matches the start of a list of mutes without elements: mutes: [].
var emptyList = regexp.MustCompile(`(?m)^mutes:[ \t]*\[[ \t]*\]`)

// Add returns the text of a mutes file with a mute appended. It changes no other byte, except that
// it removes the brackets of an empty list. The mute must be valid at now. The file must be empty
// or a list in block style; it may contain invalid mutes.
func Add(text []byte, m Mute, now time.Time) ([]byte, error) {
	before, errsBefore := Parse(text, now)
	list, fileErr := parseList(text)
	if fileErr != nil {
		return nil, fmt.Errorf("the mutes file has an error, correct it first: %w", fileErr)
	}
	out := bytes.Clone(text)
	byHand := errors.New("the mutes file is not a list in block style: add the mute by hand\n" +
		m.yaml("  "))
	if list != nil && list.Style&yaml.FlowStyle != 0 {
		if len(list.Content) > 0 || !emptyList.Match(text) {
			return nil, byHand
		}
		out, list = emptyList.ReplaceAll(out, []byte("mutes:")), nil
	}
	if len(out) > 0 && out[len(out)-1] != '\n' {
		out = append(out, '\n')
	}
	indent := "  "
	switch {
	case list != nil:
		// The new item has the indentation of the first dash.
		indent = strings.Repeat(" ", max(0, list.Column-1))
	case !hasKey(out):
		out = append(out, "mutes:\n"...)
	}
	out = append(out, m.yaml(indent)...)
	after, errsAfter := Parse(out, now)
	added := slices.Concat(before, List{m})
	if !slices.EqualFunc(after, added, Mute.Equal) || !slices.Equal(errsAfter, errsBefore) {
		if len(errsAfter) > len(errsBefore) {
			return nil, fmt.Errorf("invalid mute: %s", errsAfter[len(errsAfter)-1].Text)
		}
		return nil, byHand
	}
	return out, nil
}

// hasKey reports whether a file without a list of mutes contains the key mutes.
func hasKey(text []byte) bool {
	docs, _ := yamllimit.Parse(text, limits)
	return slices.ContainsFunc(docs, func(d *yaml.Node) bool { return d.Kind == yaml.MappingNode })
}

// yaml returns the mute as an item of a list in block style.
func (m Mute) yaml(indent string) string {
	var b strings.Builder
	lead := indent + "- "
	for _, field := range []struct{ name, value string }{
		{"target", m.Target}, {"action", m.Action}, {"cause", string(m.Cause)}, {"sid", m.Sid},
		{"reason", m.Reason}, {"owner", m.Owner},
	} {
		if field.value != "" {
			// A JSON string is also a valid YAML string.
			fmt.Fprintf(&b, "%s%s: %s\n", lead, field.name, textfmt.JSON(field.value))
			lead = indent + "  "
		}
	}
	fmt.Fprintf(&b, "%suntil: %s\n", lead, m.Until.UTC().Format(time.RFC3339))
	return b.String()
}
