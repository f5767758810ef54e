package mute

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

// MaxDuration is the longest time until the end of a mute. Without the limit, a mistyped year would
// mute a gap for decades.
const MaxDuration = 366 * 24 * time.Hour

// Parse reads a mutes file (docs/alerts.md, docs/mutes.schema.json). It returns the mutes
// without errors, and the errors of the other mutes. A file that is not valid YAML has no mutes and
// one error. An empty file has no mutes and no error.
func Parse(text []byte, now time.Time) (List, []Error) {
	entries, err := Entries(text, now)
	if err != nil {
		return nil, []Error{*err}
	}
	var mutes List
	var errs []Error
	for _, e := range entries {
		if e.Errors != nil {
			errs = append(errs, e.Errors...)
			continue
		}
		mutes = append(mutes, e.Mute)
	}
	return mutes, errs
}

// Entry is an element of the list in a mutes file.
type Entry struct {
	// Number counts the elements from 1, also those with errors.
	Number int
	Mute   Mute
	// Errors are the errors of the element. An element with errors mutes nothing.
	Errors []Error
}

// Entries reads the elements of a mutes file in its order. The error is about the whole file.
func Entries(text []byte, now time.Time) ([]Entry, *Error) {
	list, err := parseList(text)
	if err != nil || list == nil {
		return nil, err
	}
	return EntriesOf(list, now), nil
}

// EntriesOf reads the elements of a list of mutes in another YAML file.
func EntriesOf(list *yaml.Node, now time.Time) (entries []Entry) {
	for i, node := range list.Content {
		m, errs := parseMute(node, now)
		entries = append(entries, Entry{Number: i + 1, Mute: m, Errors: errs})
	}
	return entries
}

// limits are the limits of a mutes file. 128 KiB hold about 800 mutes. No mute needs a tag, and a
// mute is two levels below the list.
var limits = yamllimit.Limits{Bytes: 128 << 10, Nodes: 50_000, Depth: 10, Tags: 100,
	Keys: 1000}

// maxPattern is the maximum number of characters of target, action and sid. Names in IAM are
// shorter.
const maxPattern = 256

// parseList returns the list of mutes, or nil if the file has none.
func parseList(text []byte) (*yaml.Node, *Error) {
	parsed, refused := yamllimit.Parse(text, limits)
	switch {
	case len(text) > limits.Bytes:
		return nil, &Error{Text: refused.Text + ": remove expired mutes"}
	case refused != nil:
		return nil, &Error{Line: refused.Line, Text: refused.Text}
	}
	var docs []*yaml.Node
	for _, d := range parsed {
		if !isNull(d) {
			docs = append(docs, d)
		}
	}
	if len(docs) == 0 {
		return nil, nil
	}
	if len(docs) > 1 {
		return nil, errorAt(docs[1], "second YAML document: write one list under mutes:")
	}
	entries, ok := mapping(docs[0])
	if !ok || len(entries) != 1 || entries[0].key.Value != "mutes" {
		return nil, errorAt(docs[0], "write one list under mutes:")
	}
	list := entries[0].value
	switch {
	case isNull(list):
		return nil, nil
	case list.Kind != yaml.SequenceNode:
		return nil, errorAt(entries[0].key, "mutes: must be a list")
	}
	return list, nil
}

// parseMute reads one mute, and returns all of its errors.
func parseMute(node *yaml.Node, now time.Time) (m Mute, errs []Error) {
	fail := func(at *yaml.Node, format string, args ...any) {
		errs = append(errs, *errorAt(at, format, args...))
	}
	entries, ok := mapping(node)
	if !ok {
		fail(node, "a mute must be a list of fields, such as target: user/NAME")
		return m, errs
	}
	text := map[string]string{}
	fields := []string{"target", "action", "cause", "sid", "reason", "owner", "until"}
	at := map[string]*yaml.Node{}
	for _, e := range entries {
		key, value := e.key.Value, e.value.Value
		_, duplicate := text[key]
		switch {
		case !slices.Contains(fields, key):
			fail(e.key, "unknown field %s: use %s", textfmt.Quote(key, maxQuoted),
				strings.Join(fields, ", "))
		case duplicate:
			fail(e.key, "%s: must be set only once", key)
		case !isText(e.value):
			fail(e.key, "%s: must be a string", key)
		case strings.TrimSpace(value) == "":
			fail(e.key, "%s: must not be empty: set it or remove the line", key)
		case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
			fail(e.key, "%s: must contain only printable characters and no line break", key)
		case len(value) > maxPattern && slices.Contains(fields[:4], key):
			fail(e.key, "%s: must have at most %d characters, got %d", key, maxPattern, len(value))
		}
		text[key], at[key] = strings.TrimSpace(value), e.key
	}
	if errs != nil {
		return m, errs
	}
	m = Mute{Target: text["target"], Action: text["action"], Cause: audit.Cause(text["cause"]),
		Sid: text["sid"], Reason: text["reason"], Owner: text["owner"]}
	if m.Target+m.Action+string(m.Cause)+m.Sid == "" {
		fail(node, "a mute needs at least one of target, action, cause, sid")
	}
	if m.Cause != "" && !slices.Contains(audit.Causes(), m.Cause) {
		fail(at["cause"], "unknown cause %s: use a cause of docs/reading-reports.md",
			textfmt.Quote(string(m.Cause), maxQuoted))
	}
	if m.Target != "" {
		if err := CheckTarget(m.Target); err != nil {
			fail(at["target"], "target: %s", err)
		}
	}
	for _, required := range []string{"reason", "owner", "until"} {
		if text[required] == "" {
			fail(node, "a mute needs %s", required)
		}
	}
	if text["until"] != "" {
		until, err := ParseUntil(text["until"])
		switch {
		case err != nil:
			fail(at["until"], "until: %s", err)
		case until.Sub(now) > MaxDuration:
			fail(at["until"], "until: must be at most one year ahead, got %s", text["until"])
		}
		m.Until = until
	}
	return m, errs
}

// ParseUntil reads a day or a time, both in UTC. A mute with a day ends at the end of that day.
func ParseUntil(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	return time.Time{},
		fmt.Errorf("must be a day (2026-12-01) or a time (2026-12-01T09:00:00Z), got %s",
			textfmt.Quote(text, maxQuoted))
}

// maxQuoted is the number of bytes of a value that an error quotes.
const maxQuoted = 100

// errorAt returns an error with the line of the node.
func errorAt(at *yaml.Node, format string, args ...any) *Error {
	return &Error{Line: at.Line, Text: fmt.Sprintf(format, args...)}
}

type entry struct{ key, value *yaml.Node }

// mapping returns the entries of a mapping, or false for another node. It follows no alias.
func mapping(n *yaml.Node) (entries []entry, ok bool) {
	if n.Kind != yaml.MappingNode {
		return nil, false
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		entries = append(entries, entry{n.Content[i], n.Content[i+1]})
	}
	return entries, true
}

// isText reports whether a node is a string. A day without quotes is a time in YAML 1.1, and counts
// as a string.
func isText(n *yaml.Node) bool {
	tag := n.ShortTag()
	return n.Kind == yaml.ScalarNode && (tag == "!!str" || tag == "!!timestamp")
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
