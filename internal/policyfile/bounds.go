package policyfile

import (
	"maps"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// BoundsOf returns the bounds of a policy document. An unknown part of an Allow statement is left
// out of AtLeast, and stands for anything in AtMost; an unknown part of a Deny statement the other
// way round. A statement of which nothing is left becomes a Deny that matches nothing. A value that
// is no policy document in any case is an error with its position, a *tree.Error.
func BoundsOf(v tree.Value) (Bounds, error) {
	b := Bounds{Open: openParts(&v)}
	var err error
	if b.AtMost, b.Parts, err = document(v, true); err != nil {
		return Bounds{}, err
	}
	b.AtLeast = b.AtMost
	if len(b.Open) > 0 {
		if b.AtLeast, _, err = document(v, false); err != nil {
			return Bounds{}, err
		}
	}
	return b, nil
}

// OpenBounds returns the bounds of a policy of which nothing is known but the name. A policy that
// mayDeny may also deny anything.
func OpenBounds(name string, at tree.Place, mayDeny bool) Bounds {
	b := Bounds{AtLeast: &iampolicy.Document{Version: iampolicy.Version},
		Open:  []Open{{name, at}},
		Parts: map[iampolicy.Position][]Open{iampolicy.Position(at): {{name, at}}}}
	unknown := tree.NewUnknown(at, name)
	b.AtMost, _, _ = document(unknown, true) // the written statement is valid
	if mayDeny {
		b.AtLeast, _, _ = document(unknown, false)
	}
	return b
}

// Optional returns the bounds of a policy that may not exist or may not be attached, because of
// an unknown part of the file. The policy grants nothing in any case, and denies nothing in any
// case.
func (b Bounds) Optional(name string, at tree.Place) Bounds {
	none := matchingNothing()
	only := func(doc *iampolicy.Document, effect iampolicy.Effect) *iampolicy.Document {
		filtered := *doc
		filtered.Statements = slices.Clone(doc.Statements)
		for i, s := range filtered.Statements {
			if s.Effect != effect {
				filtered.Statements[i] = none
				filtered.Statements[i].Start, filtered.Statements[i].End = s.Start, s.End
				filtered.Statements[i].Brace = s.Brace
			}
		}
		return &filtered
	}
	parts := maps.Clone(b.Parts)
	if parts == nil {
		parts = map[iampolicy.Position][]Open{}
	}
	for _, doc := range []*iampolicy.Document{b.AtLeast, b.AtMost} {
		for _, s := range doc.Statements {
			if !slices.Contains(parts[s.Brace], Open{name, at}) {
				parts[s.Brace] = append(slices.Clip(parts[s.Brace]), Open{name, at})
			}
		}
	}
	b.Parts = parts
	b.AtLeast, b.AtMost = only(b.AtLeast, iampolicy.Deny), only(b.AtMost, iampolicy.Allow)
	if !slices.ContainsFunc(b.Open, func(o Open) bool { return o.Name == name }) {
		b.Open = append(slices.Clip(b.Open), Open{name, at})
	}
	return b
}

// matchingNothing returns the statement that writer.nothing writes.
func matchingNothing() iampolicy.Statement {
	w := writer{}
	w.text.WriteString(`{"Version":"` + iampolicy.Version + `","Statement":[`)
	w.nothing(tree.Place{})
	w.text.WriteString("]}")
	doc, err := iampolicy.Parse(w.text.String())
	if err != nil {
		return iampolicy.Statement{} // matches nothing, too
	}
	return doc.Statements[0]
}

// MovedTo returns the document at another place, such as where a program creates the document of a
// generated file. All its statements and unknown parts are at that place.
func (d Document) MovedTo(at Place) Document {
	moved := func(doc *iampolicy.Document) *iampolicy.Document {
		copied := *doc
		copied.Statements = slices.Clone(doc.Statements)
		for i := range copied.Statements {
			s := &copied.Statements[i]
			s.Brace = iampolicy.Position(at.Place)
			s.Start, s.End = s.Brace, s.Brace
		}
		return &copied
	}
	known := d.AtLeast == d.AtMost
	if d.AtMost = moved(d.AtMost); known {
		d.AtLeast = d.AtMost
	} else {
		d.AtLeast = moved(d.AtLeast)
	}
	d.At, d.Open, d.Parts = at, slices.Clone(d.Open), nil
	for i := range d.Open {
		d.Open[i].At = at.Place
	}
	return d
}

// openParts returns the unknown parts of a value, without duplicates.
func openParts(v *tree.Value) (list []Open) {
	seen := map[string]bool{}
	add := func(name string, at tree.Place) {
		if !seen[name] {
			seen[name] = true
			list = append(list, Open{name, at})
		}
	}
	var find func(v *tree.Value)
	find = func(v *tree.Value) {
		if v.Kind == tree.Unknown {
			add(v.Text, v.Place)
		}
		for _, p := range v.Parts {
			if p.Unknown != "" {
				add(p.Unknown, v.Place)
			}
		}
		for i := range v.Items {
			find(&v.Items[i])
		}
		for i := range v.Members {
			find(&v.Members[i].Value)
		}
	}
	find(v)
	return list
}

// open reports whether a part of a value is unknown.
func open(v *tree.Value) bool {
	return !v.Known() ||
		slices.ContainsFunc(v.Items, func(item tree.Value) bool { return open(&item) }) ||
		slices.ContainsFunc(v.Members, func(m tree.Member) bool { return open(&m.Value) })
}
