package iampolicy

import (
	"bytes"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// MarshalJSON encodes the document with its keys in IAM's order, and a list of one value as a
// string. Parsing the result returns the same document except for positions.
func (d *Document) MarshalJSON() ([]byte, error) {
	w := &writer{}
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
	return w.Bytes(), nil
}

type writer struct{ bytes.Buffer }

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

// list writes a member with one value or a list of values. It writes nothing for nil.
func (w *writer) list(name string, values []string) {
	if values == nil {
		return
	}
	w.key(name)
	if len(values) == 1 {
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
	w.list("Action", s.Action)
	w.list("NotAction", s.NotAction)
	w.list("Resource", s.Resource)
	w.list("NotResource", s.NotResource)
	if len(s.Conditions) > 0 {
		w.key("Condition")
		w.open('{')
		for i, c := range s.Conditions {
			if i == 0 || s.Conditions[i-1].Operator != c.Operator {
				w.key(c.Operator)
				w.open('{')
			}
			w.list(c.Key, c.Values)
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
		w.list(kind, names)
	}
	w.close('}')
}
