package iampolicy

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Position is a location in the text of a document. Lines and columns count from 1, and columns
// count characters, as in the IAM policy simulator.
type Position struct {
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("line %d, column %d", p.Line, p.Column) }

// A SyntaxError says where and why a text is not a valid policy document.
type SyntaxError struct {
	Position
	Msg string
}

func (e *SyntaxError) Error() string { return e.String() + ": " + e.Msg }

type tokenKind uint8

const (
	endOfText   tokenKind = iota
	punctuation           // one of { } [ ] : ,
	quoted                // a string; text holds its value
	bare                  // a number, true, false or null; text holds it as written
)

func (k tokenKind) String() string {
	return [...]string{"the end of the text", "punctuation", "a string", "a bare value"}[k]
}

type token struct {
	kind       tokenKind
	text       string
	start, end int // byte offsets
}

func (t token) is(punct string) bool { return t.kind == punctuation && t.text == punct }

func (t token) String() string {
	switch t.kind {
	case bare:
		return t.text
	case punctuation, quoted:
		return fmt.Sprintf("%q", t.text)
	}
	return t.kind.String()
}

// lexer splits a document into JSON tokens. It replaces encoding/json, which silently keeps the
// last of two equal keys, matches key names without regard to case, and drops positions.
type lexer struct {
	text string
	next int
	// last is the most recently computed position, and lastAt is its offset. position continues from
	// there, because counting from the start each time would take time quadratic in the length.
	last   Position
	lastAt int
}

func (l *lexer) position(offset int) Position {
	offset = min(offset, len(l.text))
	if offset < l.lastAt || l.last.Line == 0 {
		l.last, l.lastAt = Position{Line: 1, Column: 1}, 0
	}
	between := l.text[l.lastAt:offset]
	if i := strings.LastIndexByte(between, '\n'); i >= 0 {
		l.last.Line += strings.Count(between, "\n")
		l.last.Column = 1
		between = between[i+1:]
	}
	l.last.Column += utf8.RuneCountInString(between)
	l.lastAt = offset
	return l.last
}

func (l *lexer) errorf(offset int, format string, args ...any) *SyntaxError {
	return &SyntaxError{Position: l.position(offset), Msg: fmt.Sprintf(format, args...)}
}

func (l *lexer) token() (token, error) {
	for l.next < len(l.text) && isSpace(l.text[l.next]) {
		l.next++
	}
	start := l.next
	if start == len(l.text) {
		return token{kind: endOfText, start: start, end: start}, nil
	}
	switch c := l.text[start]; {
	case c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',':
		l.next++
		return token{punctuation, l.text[start:l.next], start, l.next}, nil
	case c == '"':
		return l.quoted(start)
	case c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z':
		for l.next < len(l.text) && isBareByte(l.text[l.next]) {
			l.next++
		}
		text := l.text[start:l.next]
		if !json.Valid([]byte(text)) {
			if hclStart.MatchString(l.text[start:min(len(l.text), start+256)]) {
				return token{}, l.errorf(start, "%s", useJSONOfHCL)
			}
			return token{}, l.errorf(start, "%q is not a JSON value: put text in double quotes",
				clip(text))
		}
		return token{bare, text, start, l.next}, nil
	}
	r, _ := utf8.DecodeRuneInString(l.text[start:])
	return token{}, l.errorf(start, "unexpected character %q%s", r, characterRemedy(r, l.text[start:]))
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func isBareByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' ||
		c == '+' || c == '.'
}

func (l *lexer) quoted(start int) (token, error) {
	escaped := false
	for i := start + 1; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\\':
			escaped = true
			i++
		case c == '"':
			l.next = i + 1
			value := l.text[start+1 : i]
			if !escaped {
				return token{quoted, value, start, l.next}, nil
			}
			// This is a separate variable because taking the address of a variable allocates, and only
			// strings with escapes need an address.
			var unescaped string
			if err := json.Unmarshal([]byte(l.text[start:l.next]), &unescaped); err != nil {
				return token{}, l.errorf(start, "the string %q has an invalid JSON escape", clip(value))
			}
			return token{quoted, unescaped, start, l.next}, nil
		case c < ' ':
			return token{}, l.errorf(i, "a string must not contain the control character %q: escape it", c)
		}
	}
	return token{}, l.errorf(start, "the string has no closing quote")
}

// clip shortens text from a document for an error message.
func clip(s string) string { return textfmt.Head(s, 40) }
