package remedy

import (
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// compactDocuments makes room in the target's own documents: it merges statements that allow or
// deny on the same resources. It is the last resort, because the diff of such an edit is hard to
// read.
func (r *repair) compactDocuments() {
	for _, w := range r.docs {
		if w.shared || w.fixed || w.doc == nil || len(w.doc.Statements) == 0 {
			continue
		}
		d, ok := compacted(w.doc)
		if !ok || size(d, false) >= w.size() || !r.equal(w.doc, d) {
			continue
		}
		w.changes = append(w.changes, Change{Kind: CompactDocument,
			Text: fmt.Sprintf("merge statements of %s, which allow and deny the same in %d instead of %d "+
				"characters", w.name(), size(d, false), w.size())})
		w.doc, w.compacted, w.added = d, true, nil
		r.allows = r.allowsWith(w, d)
	}
}

// compacted returns a document with one statement for all statements that differ only in their
// actions, or only in their resources, and without patterns that occur twice.
func compacted(d *iampolicy.Document) (*iampolicy.Document, bool) {
	out := &iampolicy.Document{Version: d.Version, ID: d.ID}
	for _, s := range d.Statements {
		s.Action, s.Resource = distinct(s.Action), distinct(s.Resource)
		at := slices.IndexFunc(out.Statements, func(o iampolicy.Statement) bool {
			return mergeable(&o, &s)
		})
		if at < 0 {
			out.Statements = append(out.Statements, s)
			continue
		}
		o := &out.Statements[at]
		o.Action = distinct(slices.Concat(o.Action, s.Action))
		o.Resource = distinct(slices.Concat(o.Resource, s.Resource))
	}
	return compiled(out)
}

// mergeable reports whether one statement with the actions and resources of both has the same
// effect as both.
func mergeable(a, b *iampolicy.Statement) bool {
	if a.NotAction != nil || b.NotAction != nil || a.NotResource != nil || b.NotResource != nil {
		return false
	}
	other := *b
	other.Sid, other.Action, other.Resource = a.Sid, a.Action, a.Resource
	return sameStatement(a, &other) && (sameSet(a.Action, b.Action) || sameSet(a.Resource, b.Resource))
}

// distinct returns the texts of a list, each once; nil for nil.
func distinct(list []string) (out []string) {
	for _, s := range list {
		out = textfmt.AppendNew(out, s)
	}
	return out
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(slices.Compact(a), slices.Compact(b))
}

// equal reports whether two documents allow and deny the same.
func (r *repair) equal(a, b *iampolicy.Document) bool {
	within := func(a, b *iampolicy.Document, effect iampolicy.Effect) bool {
		g := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: filtered(b, effect)}}}
		return contained(r.budget, filtered(a, effect), g, nil).Contained
	}
	return within(a, b, iampolicy.Allow) && within(b, a, iampolicy.Allow) &&
		within(a, b, iampolicy.Deny) && within(b, a, iampolicy.Deny)
}
