package remedy

import (
	"encoding/json"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// allowing returns a document with the statements. It returns an empty document, which allows
// nothing, if the statements are not valid.
func allowing(statements []iampolicy.Statement) *iampolicy.Document {
	d, ok := compiled(&iampolicy.Document{Version: iampolicy.Version, Statements: statements})
	if !ok {
		return &iampolicy.Document{Version: iampolicy.Version}
	}
	return d
}

// compiled writes a document and parses it again, as IAM will. ok is false if the result is not the
// same document.
func compiled(d *iampolicy.Document) (parsed *iampolicy.Document, ok bool) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, false
	}
	parsed, err = iampolicy.Parse(string(text))
	if err != nil {
		return nil, false
	}
	again, err := json.Marshal(parsed)
	return parsed, err == nil && string(again) == string(text)
}

// size returns the number of characters of a document as IAM counts them: of the text that IAM has
// if stored is true, else of the shortest text of the document, which a fix can store.
func size(d *iampolicy.Document, stored bool) int {
	if stored {
		return d.Characters()
	}
	text, err := json.Marshal(d)
	if err != nil {
		return iampolicy.MaxMinified
	}
	return iampolicy.Size(string(text))
}

// size returns the number of characters of the document as it is now.
func (w *working) size() int { return size(w.doc, w.doc == w.policy.Document) }

// filtered returns the statements of a document with one effect, as statements with the effect
// Allow, so that containment can compare them.
func filtered(d *iampolicy.Document, effect iampolicy.Effect) *iampolicy.Document {
	out := &iampolicy.Document{Version: d.Version}
	for i := range d.Statements {
		if d.Statements[i].Effect == effect {
			s := d.Statements[i]
			s.Effect = iampolicy.Allow
			out.Statements = append(out.Statements, s)
		}
	}
	return out
}

// allowsOf returns grants with only the Allow statements of the policies.
func allowsOf(list []iampolicy.Policy) iampolicy.Grants {
	var g iampolicy.Grants
	for _, p := range list {
		if p.Document != nil {
			g.Identity = append(g.Identity,
				iampolicy.Policy{ID: p.ID, Document: filtered(p.Document, iampolicy.Allow)})
		}
	}
	return g
}

// withStatement returns a copy of a document with another statement in the place of the i-th. With
// i equal to the number of statements, it appends the statement.
func withStatement(d *iampolicy.Document, i int, s ...iampolicy.Statement) (*iampolicy.Document,
	bool) {
	out := &iampolicy.Document{Version: d.Version, ID: d.ID,
		Statements: slices.Clone(d.Statements[:i])}
	out.Statements = append(out.Statements, s...)
	if i < len(d.Statements) {
		out.Statements = append(out.Statements, d.Statements[i+1:]...)
	}
	if len(out.Statements) == 0 {
		return nil, false
	}
	return compiled(out)
}

// plain reports whether a statement allows without NotAction, NotResource and conditions, so that
// its lists can be extended.
func plain(s *iampolicy.Statement) bool {
	return s.Effect == iampolicy.Allow && s.NotAction == nil && s.NotResource == nil &&
		len(s.Conditions) == 0
}

// sameStatement reports whether two statements have the same text apart from their positions.
func sameStatement(a, b *iampolicy.Statement) bool {
	return a.Sid == b.Sid && a.Effect == b.Effect && slices.Equal(a.Action, b.Action) &&
		slices.Equal(a.NotAction, b.NotAction) && slices.Equal(a.Resource, b.Resource) &&
		slices.Equal(a.NotResource, b.NotResource) && slices.EqualFunc(a.Conditions, b.Conditions,
		func(c, d iampolicy.Condition) bool {
			return c.Operator == d.Operator && c.Key == d.Key && slices.Equal(c.Values, d.Values)
		})
}
