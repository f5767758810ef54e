package mute

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// maxDuration is the longest time until the end of a mute. Without the limit, a mistyped year would
// mute a gap for decades.
const maxDuration = 366 * 24 * time.Hour

// Parse reads a mutes file (docs/alerts.md, docs/mutes.schema.json). It returns the mutes
// without errors, and the errors of the other mutes. A file that is not valid YAML has no mutes and
// one error. An empty file has no mutes and no error.
func Parse(text []byte, now time.Time) (List, []Error) {
	list, err := parseList(text)
	if err != nil {
		return nil, []Error{*err}
	}
	if list == nil {
		return nil, nil
	}
	var mutes List
	var errs []Error
	for _, node := range list.Values {
		m, muteErrs := parseMute(node, now)
		if muteErrs != nil {
			errs = append(errs, muteErrs...)
			continue
		}
		mutes = append(mutes, m)
	}
	return mutes, errs
}

// parseList returns the list of mutes, or nil if the file has none.
func parseList(text []byte) (*ast.SequenceNode, *Error) {
	file, err := parseYAML(text)
	if err != nil {
		return nil, err
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil && d.Body.Type() != ast.NullType && d.Body.Type() != ast.CommentType {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) == 0 {
		return nil, nil
	}
	if len(docs) > 1 {
		return nil, errorAt(docs[1], "second YAML document: write one list under mutes:")
	}
	entries, ok := mapping(docs[0])
	if !ok || len(entries) != 1 || keyOf(entries[0]) != "mutes" {
		return nil, errorAt(docs[0], "write one list under mutes:")
	}
	switch value := entries[0].Value.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.SequenceNode:
		return value, nil
	}
	return nil, errorAt(entries[0], "mutes: must be a list")
}

// Limits of a mutes file: its bytes, the bytes of a line, and the brackets that are open at the
// same time. The parsing time of the YAML library grows with the square of each. Without the
// limits, parsing a file could take so long that the run sends no alert.
const (
	maxFile    = 128 << 10
	maxLine    = 4 << 10
	maxNesting = 50
)

// oversizedFile returns an error if the file exceeds a limit, otherwise nil.
func oversizedFile(text []byte) *Error {
	if len(text) > maxFile {
		return &Error{Text: fmt.Sprintf("the file must have at most %d bytes: remove expired mutes",
			maxFile)}
	}
	line, lineStart, openBrackets := 1, 0, 0
	for i, c := range text {
		switch c {
		case '\n':
			line, lineStart = line+1, i+1
		case '[', '{':
			openBrackets++
		case ']', '}':
			openBrackets = max(0, openBrackets-1)
		}
		if i-lineStart >= maxLine || openBrackets > maxNesting {
			return &Error{Line: line,
				Text: fmt.Sprintf("a line must have at most %d bytes, and at most %d brackets may be open",
					maxLine, maxNesting)}
		}
	}
	return nil
}

// parseYAML parses YAML. It returns an error if the library panics, because the file is untrusted
// input.
func parseYAML(text []byte) (file *ast.File, fileErr *Error) {
	if fileErr := oversizedFile(text); fileErr != nil {
		return nil, fileErr
	}
	defer func() {
		if recover() != nil {
			file, fileErr = nil, &Error{Text: "invalid YAML"}
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err == nil {
		return file, nil
	}
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) && at.GetToken() != nil {
		return nil, &Error{Line: at.GetToken().Position.Line,
			Text: "invalid YAML: " + at.GetMessage()}
	}
	return nil, &Error{Text: "invalid YAML: " + err.Error()}
}

// parseMute reads one mute, and returns all of its errors.
func parseMute(node ast.Node, now time.Time) (m Mute, errs []Error) {
	fail := func(at ast.Node, format string, args ...any) {
		errs = append(errs, *errorAt(at, format, args...))
	}
	entries, ok := mapping(node)
	if !ok {
		fail(node, "a mute must be a list of fields, such as target: user/NAME")
		return m, errs
	}
	text := map[string]string{}
	fields := []string{"target", "action", "cause", "sid", "reason", "owner", "until"}
	at := map[string]ast.Node{}
	for _, e := range entries {
		key := keyOf(e)
		value, isText := scalar(e.Value)
		_, duplicate := text[key]
		switch {
		case !slices.Contains(fields, key):
			fail(e, "unknown field %q: use %s", key, strings.Join(fields, ", "))
		case duplicate:
			fail(e, "%s: must be set only once", key)
		case !isText:
			fail(e, "%s: must be a string", key)
		case strings.TrimSpace(value) == "":
			fail(e, "%s: must not be empty: set it or remove the line", key)
		case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
			fail(e, "%s: must contain only printable characters and no line break", key)
		}
		text[key], at[key] = strings.TrimSpace(value), e
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
		fail(at["cause"], "unknown cause %q: use a cause of docs/reading-reports.md", string(m.Cause))
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
		case until.Sub(now) > maxDuration:
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
		fmt.Errorf("must be a day (2026-12-01) or a time (2026-12-01T09:00:00Z), got %q", text)
}

// errorAt returns an error with the line of the node.
func errorAt(at ast.Node, format string, args ...any) *Error {
	line := 0
	if t := at.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	// The token of a mapping is its first colon, which is on the line of its first key.
	return &Error{Line: line, Text: fmt.Sprintf(format, args...)}
}

// mapping returns the entries of a mapping, or false for another node. The YAML library has a
// separate type for a mapping with one entry.
func mapping(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

func keyOf(e *ast.MappingValueNode) string {
	if s, ok := scalar(e.Key); ok {
		return s
	}
	return e.Key.String()
}

// scalar returns the value of a string node, or false for another node, such as a number.
func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}
