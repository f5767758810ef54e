package tree

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/jsonlimit"
)

// ParseJSON parses a JSON text. A mapping with a duplicate key is an error, because readers differ
// in which of the two values they take. The error is an *Error.
func ParseJSON(text string, limits Limits) (Value, error) {
	p := jsonParser{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	if err := jsonlimit.Check([]byte(text), jsonlimit.Limits{Bytes: limits.Bytes,
		Depth: limits.Depth, Values: limits.Values, Elements: limits.Values}); err != nil {
		return Value{}, &Error{Msg: err.Error()}
	}
	p.decoder.UseNumber()
	p.lines = []int{0}
	for i := range len(text) {
		if text[i] == '\n' {
			p.lines = append(p.lines, i+1)
		}
	}
	v, err := p.value()
	if err != nil {
		return Value{}, err
	}
	if _, err := p.decoder.Token(); !errors.Is(err, io.EOF) {
		return Value{}, &Error{p.next(), "more text follows the value"}
	}
	return v, nil
}

type jsonParser struct {
	text    string
	decoder *json.Decoder
	lines   []int // the offsets of the starts of the lines
	// placed is the last place, at the offset placedAt. The places of one long line are counted from
	// it, so that a text without line breaks takes linear time.
	placed   Place
	placedAt int
}

// place returns the place of an offset.
func (p *jsonParser) place(offset int) Place {
	line := sort.SearchInts(p.lines, offset+1)
	if line != p.placed.Line || offset < p.placedAt {
		p.placed, p.placedAt = Place{line, 1}, p.lines[line-1]
	}
	p.placed.Column += utf8.RuneCountInString(p.text[p.placedAt:offset])
	p.placedAt = offset
	return p.placed
}

// next returns the place of the next token.
func (p *jsonParser) next() Place {
	offset := int(p.decoder.InputOffset())
	offset += len(p.text[offset:]) - len(strings.TrimLeft(p.text[offset:], " \t\r\n,:"))
	return p.place(offset)
}

// token returns the next token with its place.
func (p *jsonParser) token() (json.Token, Place, error) {
	at := p.next()
	t, err := p.decoder.Token()
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, at, &Error{p.place(min(int(max(syntax.Offset-1, 0)), len(p.text))), syntax.Error()}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return nil, at, &Error{p.place(len(p.text)), "the text ends too early"}
	case err != nil:
		return nil, at, &Error{at, err.Error()}
	}
	return t, at, nil
}

func (p *jsonParser) value() (Value, error) {
	t, at, err := p.token()
	if err != nil {
		return Value{}, err
	}
	v := Value{Place: at}
	switch t := t.(type) {
	case nil:
	case bool:
		v.Kind, v.Text = Bool, fmt.Sprint(t)
	case json.Number:
		v.Kind, v.Text = Number, t.String()
	case string:
		v.Kind, v.Text = String, t
	case json.Delim:
		if t == '[' {
			v.Kind, v.Items = List, []Value{}
			for p.decoder.More() {
				item, err := p.value()
				if err != nil {
					return v, err
				}
				v.Items = append(v.Items, item)
			}
		} else {
			v.Kind, v.Members = Map, []Member{}
			seen := map[string]bool{}
			for p.decoder.More() {
				key, at, err := p.token()
				if err != nil {
					return v, err
				}
				name, _ := key.(string)
				if seen[name] {
					return v, &Error{at, fmt.Sprintf("duplicate key %q", name)}
				}
				seen[name] = true
				member, err := p.value()
				if err != nil {
					return v, err
				}
				v.Members = append(v.Members, Member{name, at, member})
			}
		}
		_, _, err = p.token() // the closing bracket
	}
	return v, err
}
