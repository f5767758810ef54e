package iampolicy

import (
	"bytes"
	"encoding/json"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// MarshalJSON encodes the document with its keys in IAM's order, and a list of one value as a
// string. Parsing the result returns the same document except for positions.
func (d *Document) MarshalJSON() ([]byte, error) {
	w := &writer{}
	w.document(d)
	return w.Bytes(), nil
}

// UnmarshalJSON reads what MarshalJSON writes, of a policy or of a trust policy.
func (d *Document) UnmarshalJSON(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		trust, trustErr := ParseTrust(string(text))
		if trustErr != nil {
			return err
		}
		parsed = trust
	}
	*d = *parsed
	return nil
}

// Text returns the document in the format of Remotion's documents: indented by two spaces, with
// Action and Resource as lists even if they have one value. It ends in a line break.
func (d *Document) Text() string {
	w := &writer{lists: true}
	w.document(d)
	var text bytes.Buffer
	_ = json.Indent(&text, w.Bytes(), "", "  ") // fails for invalid JSON only
	return text.String() + "\n"
}

type writer struct {
	bytes.Buffer
	// lists writes Action, Resource and their negations as lists even if they have one value.
	lists bool
}

func (w *writer) document(d *Document) {
	w.open('{')
	if d.Version != "" {
		w.member("Version", d.Version)
	}
	if d.ID != "" {
		w.member("Id", d.ID)
	}
	w.key("Statement")
	w.open('[')
	for i := range d.Statements {
		w.comma()
		w.statement(&d.Statements[i])
	}
	w.close(']')
	w.close('}')
}

func (w *writer) open(c byte)  { w.WriteByte(c) }
func (w *writer) close(c byte) { w.WriteByte(c) }

// comma writes a comma unless the next value is the first in its object or list.
func (w *writer) comma() {
	if n := w.Len(); n > 0 && w.Bytes()[n-1] != '{' && w.Bytes()[n-1] != '[' {
		w.WriteByte(',')
	}
}

func (w *writer) key(name string) {
	w.comma()
	w.text(name)
	w.WriteByte(':')
}

// text writes a string. Encoding a string cannot fail.
func (w *writer) text(s string) { _ = textfmt.AppendJSON(&w.Buffer, s) }

func (w *writer) member(name, value string) {
	w.key(name)
	w.text(value)
}

// patterns writes a member with patterns of actions or resources. It writes nothing for nil.
func (w *writer) patterns(name string, values []string) {
	if values != nil {
		w.values(name, values, w.lists)
	}
}

// values writes a member with a list of values. One value is written as a string unless list is
// set.
func (w *writer) values(name string, values []string, list bool) {
	w.key(name)
	if len(values) == 1 && !list {
		w.text(values[0])
		return
	}
	w.open('[')
	for _, v := range values {
		w.comma()
		w.text(v)
	}
	w.close(']')
}

func (w *writer) statement(s *Statement) {
	w.open('{')
	if s.Sid != "" {
		w.member("Sid", s.Sid)
	}
	w.member("Effect", s.Effect.String())
	w.principals("Principal", s.Principal)
	w.principals("NotPrincipal", s.NotPrincipal)
	w.patterns("Action", s.Action)
	w.patterns("NotAction", s.NotAction)
	w.patterns("Resource", s.Resource)
	w.patterns("NotResource", s.NotResource)
	if len(s.Conditions) > 0 {
		w.key("Condition")
		w.open('{')
		for i, c := range s.Conditions {
			if i == 0 || s.Conditions[i-1].Operator != c.Operator {
				w.key(c.Operator)
				w.open('{')
			}
			w.values(c.Key, c.Values, false)
			if i+1 == len(s.Conditions) || s.Conditions[i+1].Operator != c.Operator {
				w.close('}')
			}
		}
		w.close('}')
	}
	w.close('}')
}

// principals writes a member with principals. It groups consecutive entries of one type, which
// ParseTrust read from one list. It writes nothing for nil.
func (w *writer) principals(name string, list []Principal) {
	if list == nil {
		return
	}
	w.key(name)
	if len(list) == 1 && list[0].Type == "" {
		w.text(list[0].Name)
		return
	}
	w.open('{')
	for i := 0; i < len(list); {
		var names []string
		kind := list[i].Type
		for ; i < len(list) && list[i].Type == kind; i++ {
			names = append(names, list[i].Name)
		}
		w.values(kind, names, false)
	}
	w.close('}')
}
