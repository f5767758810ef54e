package remedy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// widenDocumented adds to the statement with the documented Sid what the gap needs. The Sids of the
// role policy are numbers, which another statement may have.
func (r *repair) widenDocumented(g *gap) bool {
	return r.widen(g, func(w *working, i int) bool {
		s := &w.doc.Statements[i]
		return g.Sid != "" && s.Sid == g.Sid && (r.target.Kind == policies.User || r.similar(s, g))
	})
}

// widenSimilar adds what the gap needs to a statement of the target's own documents that has the
// action already, or another action of the same documented statement.
func (r *repair) widenSimilar(g *gap) bool {
	return r.widen(g, func(w *working, i int) bool {
		return !w.shared && r.similar(&w.doc.Statements[i], g)
	})
}

// similar reports whether a statement names the action of a gap, or another action of its
// documented statement.
func (r *repair) similar(s *iampolicy.Statement, g *gap) bool {
	return matchesAction(s, g.Action) ||
		slices.ContainsFunc(r.target.Documented, func(d policies.Requirement) bool {
			return d.Sid == g.Sid && slices.Contains(s.Action, d.Action)
		})
}

// widen adds the action or the resources of a gap to a statement that fits reports, if the
// statement then allows no more than needed.
func (r *repair) widen(g *gap, fits func(w *working, i int) bool) bool {
	for _, w := range r.editable() {
		for i := range w.doc.Statements {
			if plain(&w.doc.Statements[i]) && fits(w, i) && r.widenStatement(w, i, g) {
				return true
			}
		}
	}
	return false
}

// widenStatement adds the action, else the resources, else both.
func (r *repair) widenStatement(w *working, i int, g *gap) bool {
	s := w.doc.Statements[i]
	named := matchesAction(&s, g.Action)
	resources := slices.DeleteFunc(slices.Clone(g.patterns), func(p string) bool {
		return slices.Contains(s.Resource, p)
	})
	actions := append(slices.Clone(s.Action), g.Action)
	limit := r.within(w, r.required)
	if !named {
		if _, ok := r.patternsWithin([]string{g.Action}, s.Resource, limit); ok {
			with := s
			with.Action = actions
			if r.replace(w, i, with, g, Change{Kind: AddAction, New: []string{g.Action},
				Text: "add " + g.Action + " to " + statementName(i, &s) + w.sharedText()}) {
				return true
			}
		} else {
			return false
		}
	}
	if len(resources) == 0 {
		return false
	}
	with := s
	with.Resource = append(slices.Clone(s.Resource), resources...)
	text := "add " + textfmt.Some(resources, 2)
	c := Change{Kind: AddResource, New: resources}
	if !named {
		with.Action = actions
		text = "add " + g.Action + " and " + textfmt.Some(resources, 2)
		c.New = append([]string{g.Action}, resources...)
	}
	if _, ok := r.patternsWithin(with.Action, resources, limit); !ok {
		return false
	}
	c.Text = text + " to " + statementName(i, &s) + w.sharedText()
	return r.replace(w, i, with, g, c)
}

// statementName returns the name of a statement in texts, from its position counted from 0.
func statementName(i int, s *iampolicy.Statement) string {
	if s.Sid != "" {
		return fmt.Sprintf("statement %d (Sid %s)", i+1, s.Sid)
	}
	return fmt.Sprintf("statement %d", i+1)
}

// addStatement adds the documented statement to a document of the target: to the one that has most
// of the documented actions, or to another one with room.
func (r *repair) addStatement(g *gap) bool {
	if r.widenAdded(g) {
		return true
	}
	list := slices.DeleteFunc(r.editable(), func(w *working) bool { return w.shared })
	slices.SortStableFunc(list, func(a, b *working) int {
		return r.documentedIn(b) - r.documentedIn(a)
	})
	for _, w := range list {
		if r.appendStatement(w, g) {
			return true
		}
	}
	return false
}

// appendStatement adds a statement for one gap to a document.
func (r *repair) appendStatement(w *working, g *gap) bool {
	s := iampolicy.Statement{Sid: freeSid(w.doc, g.Sid), Effect: iampolicy.Allow,
		Action: []string{g.Action}, Resource: g.patterns}
	return r.replace(w, len(w.doc.Statements), s, g, addition(s, w.name()))
}

func addition(s iampolicy.Statement, policy string) Change {
	return Change{Kind: AddStatement, New: s.Action, Text: "add a statement to " + policy}
}

// widenAdded adds the gap to a statement that the repair added for the same documented statement.
func (r *repair) widenAdded(g *gap) bool {
	for _, w := range r.docs {
		for _, i := range w.added {
			base, _, _ := strings.Cut(w.doc.Statements[i].Sid, sidSuffix)
			if base == g.Sid && r.widenStatement(w, i, g) {
				r.mergeChanges(w, i)
				return true
			}
		}
	}
	return false
}

// mergeChanges describes an added statement by one change.
func (r *repair) mergeChanges(w *working, i int) {
	s := w.doc.Statements[i]
	merged := addition(s, w.name())
	merged.Sid = s.Sid
	w.changes = slices.DeleteFunc(w.changes, func(c Change) bool {
		same := c.Statement == 0 && c.Sid == s.Sid && c.Kind != CompactDocument
		if same {
			merged.Closes = append(merged.Closes, c.Closes...)
		}
		return same
	})
	w.changes = append(w.changes, merged)
}

// documentedIn counts the documented permissions that the statements of a document name.
func (r *repair) documentedIn(w *working) (n int) {
	for i := range w.doc.Statements {
		s := &w.doc.Statements[i]
		for _, d := range r.target.Documented {
			if s.Sid == d.Sid && d.Sid != "" {
				n++
			}
			if slices.Contains(s.Action, d.Action) {
				n++
			}
		}
	}
	return n
}

// sidSuffix separates the documented Sid from a number.
const sidSuffix = "Remotion"

// freeSid returns a Sid that no statement of a document has: the wanted one, else with a number.
func freeSid(d *iampolicy.Document, wanted string) string {
	taken := func(sid string) bool {
		return slices.ContainsFunc(d.Statements, func(s iampolicy.Statement) bool { return s.Sid == sid })
	}
	if d == nil || wanted == "" || !taken(wanted) {
		return wanted
	}
	for n := 1; ; n++ {
		sid := wanted + sidSuffix
		if n > 1 {
			sid += strconv.Itoa(n)
		}
		if !taken(sid) {
			return sid
		}
	}
}

// addPolicies creates one policy with the statements of all gaps that are still open: an inline
// policy, or a managed policy if an inline policy has no room for all of them.
func (r *repair) addPolicies() {
	open := r.open()
	if len(open) == 0 {
		return
	}
	kinds := []iampolicy.LocationKind{iampolicy.InlineLocation, iampolicy.ManagedLocation}
	if r.attached() >= maxAttachments {
		kinds = kinds[:1]
	}
	for _, kind := range kinds {
		back := r.snapshot()
		w := r.newPolicy(kind)
		r.docs = append(slices.Clip(r.docs), w)
		for _, g := range open {
			if !r.satisfied(g, r.allows) && !r.widenAdded(g) {
				r.appendStatement(w, g)
			}
		}
		if len(r.open()) == 0 {
			return
		}
		back()
	}
	back := r.snapshot()
	r.compactDocuments()
	if r.apply(r.addStatement); len(r.open()) == len(open) {
		back() // the room that the shorter documents make does not help
	}
}

// snapshot returns a function that restores the work as it is now.
func (r *repair) snapshot() func() {
	list, allows := r.docs, r.allows
	docs := make([]working, len(list))
	for i, w := range list {
		docs[i] = *w
		docs[i].changes, docs[i].added = slices.Clip(w.changes), slices.Clip(w.added)
	}
	patterns := make([][]string, len(r.gaps))
	for i, g := range r.gaps {
		patterns[i] = g.patterns
	}
	return func() {
		for i, w := range list {
			*w = docs[i]
		}
		for i, g := range r.gaps {
			g.patterns = patterns[i]
		}
		r.docs, r.allows = list, allows
	}
}

// newPolicy returns an empty policy of the target with a name that none of its policies has.
func (r *repair) newPolicy(kind iampolicy.LocationKind) *working {
	base := "remotion-user-policy"
	if r.target.Kind == policies.Role {
		base = "remotion-executionrole-policy"
	}
	name := freeName(r.grants(), base)
	at := iampolicy.Location{Kind: kind, Holder: r.target.Name, Name: name}
	id := fmt.Sprintf("%s policy %q", kind, name)
	return &working{policy: iampolicy.Policy{ID: id, Location: at},
		doc: &iampolicy.Document{Version: iampolicy.Version}}
}
