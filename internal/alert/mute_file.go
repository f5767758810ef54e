package alert

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

// maxMute is how far off a mute may end. A year mistyped would silence for ever.
const maxMute = 366 * 24 * time.Hour

// ParseMutes reads a file of mutes (docs/alerts.md, docs/mutes.schema.json). A mute with an error
// is left out; a file that is no YAML has none at all. An empty file has none either, and no error.
func ParseMutes(text []byte, now time.Time) (Mutes, []MuteError) {
	list, err := muteList(text)
	if err != nil {
		return nil, []MuteError{*err}
	}
	if list == nil {
		return nil, nil
	}
	var mutes Mutes
	var errs []MuteError
	for _, node := range list.Values {
		m, wrong := parseMute(node, now)
		if wrong != nil {
			errs = append(errs, wrong...)
			continue
		}
		mutes = append(mutes, m)
	}
	return mutes, errs
}

// muteList finds the one list there is, or nil in a file without any.
func muteList(text []byte) (*ast.SequenceNode, *MuteError) {
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
		return nil, muteError(docs[1], "a second document: write one list, under mutes:")
	}
	entries, ok := mapping(docs[0])
	if !ok || len(entries) != 1 || keyOf(entries[0]) != "mutes" {
		return nil, muteError(docs[0], "write one list, under mutes:")
	}
	switch value := entries[0].Value.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.SequenceNode:
		return value, nil
	}
	return nil, muteError(entries[0], "mutes: is not a list")
}

// What a file of mutes may be at most: in bytes, in bytes of one line, and in brackets that are
// open at once. The library takes time by the square of each, and one that is busy with the mutes
// alerts nobody.
const (
	maxMuteFile    = 128 << 10
	maxMuteLine    = 4 << 10
	maxMuteNesting = 50
)

// oversizedFile refuses what would take too long to read.
func oversizedFile(text []byte) *MuteError {
	if len(text) > maxMuteFile {
		return &MuteError{Text: fmt.Sprintf("has more than %d bytes: leave out what is over",
			maxMuteFile)}
	}
	line, since, open := 1, 0, 0
	for i, c := range text {
		switch c {
		case '\n':
			line, since = line+1, i+1
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		}
		if i-since >= maxMuteLine || open > maxMuteNesting {
			return &MuteError{Line: line,
				Text: fmt.Sprintf("is longer than %d bytes, or nested in more than %d brackets", maxMuteLine,
					maxMuteNesting)}
		}
	}
	return nil
}

// parseYAML reads YAML into a tree. The library is not to be trusted with everything a stranger can
// write.
func parseYAML(text []byte) (file *ast.File, wrong *MuteError) {
	if wrong := oversizedFile(text); wrong != nil {
		return nil, wrong
	}
	defer func() {
		if recover() != nil {
			file, wrong = nil, &MuteError{Text: "is not YAML"}
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
		return nil, &MuteError{Line: at.GetToken().Position.Line, Text: "is not YAML: " + at.GetMessage()}
	}
	return nil, &MuteError{Text: "is not YAML: " + err.Error()}
}

func parseMute(node ast.Node, now time.Time) (m Mute, errs []MuteError) {
	fail := func(at ast.Node, format string, args ...any) {
		errs = append(errs, *muteError(at, format, args...))
	}
	entries, ok := mapping(node)
	if !ok {
		fail(node, "a mute is a list of fields, such as target: user/NAME")
		return m, errs
	}
	text := map[string]string{}
	fields := []string{"target", "action", "cause", "sid", "reason", "owner", "until"}
	at := map[string]ast.Node{}
	for _, e := range entries {
		key := keyOf(e)
		value, isText := scalar(e.Value)
		_, again := text[key]
		switch {
		case !slices.Contains(fields, key):
			fail(e, "a mute has no field %q, only %s", key, strings.Join(fields, ", "))
		case again:
			fail(e, "%s: is there twice", key)
		case !isText:
			fail(e, "%s: is not a text", key)
		case strings.TrimSpace(value) == "":
			fail(e, "%s: is empty: fill it in, or leave the line out", key)
		case strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
			fail(e, "%s: holds a line break or another character that cannot be printed", key)
		}
		text[key], at[key] = strings.TrimSpace(value), e
	}
	if errs != nil {
		return m, errs
	}
	m = Mute{Target: text["target"], Action: text["action"], Cause: audit.Cause(text["cause"]),
		Sid: text["sid"], Reason: text["reason"], Owner: text["owner"]}
	if m.Target+m.Action+string(m.Cause)+m.Sid == "" {
		fail(node, "a mute names what it silences: target, action, cause or sid")
	}
	if m.Cause != "" && !slices.Contains(audit.Causes(), m.Cause) {
		fail(at["cause"], "there is no cause %q", string(m.Cause))
	}
	for _, required := range []string{"reason", "owner", "until"} {
		if text[required] == "" {
			fail(node, "a mute needs %s", required)
		}
	}
	if text["until"] != "" {
		until, err := parseUntil(text["until"])
		switch {
		case err != nil:
			fail(at["until"], "until: %s", err)
		case until.Sub(now) > maxMute:
			fail(at["until"], "until: %s is more than a year off: a mute has to be looked at again",
				text["until"])
		}
		m.Until = until
	}
	return m, errs
}

// parseUntil reads a day, which lasts to its end, or a moment. Both are in UTC.
func parseUntil(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment.UTC(), nil
	}
	return time.Time{},
		fmt.Errorf("%q is neither a day, 2026-12-01, nor a moment, 2026-12-01T09:00:00Z", text)
}

func muteError(at ast.Node, format string, args ...any) *MuteError {
	line := 0
	if t := at.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	// A mapping is where its first key is, and not where its first colon is; they share a line.
	return &MuteError{Line: line, Text: fmt.Sprintf(format, args...)}
}

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

func scalar(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}
