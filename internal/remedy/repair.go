package remedy

import (
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Repair finds the fix for the gaps of a target. All documents of the target have to be known. The
// work is bounded by the budget; if it ends early, the fix is withheld.
func Repair(b *iampolicy.Budget, t Target, gaps []Gap) Fix {
	t.Grants.Identity = distinctPolicies(t)
	r := &repair{budget: b, target: t, fix: Withheld(t.Name, t.Kind, len(gaps), "")}
	if t.TrustGap != nil {
		r.fix.Gaps++
	}
	if !r.read(gaps) {
		return r.fix
	}
	r.close()
	r.finish()
	return r.fix
}

// distinctPolicies returns the identity policies, each managed policy once: a policy of a user and
// of its group is one document. The attachment to the target itself counts.
func distinctPolicies(t Target) (list []iampolicy.Policy) {
	for _, p := range t.Grants.Identity {
		at := slices.IndexFunc(list, func(o iampolicy.Policy) bool {
			return p.Location.ARN != "" && o.Location.ARN == p.Location.ARN
		})
		switch {
		case at < 0:
			list = append(list, p)
		case p.Location.Holder == t.Name:
			list[at] = p
		}
	}
	return list
}

// Withheld returns a fix of a target without edits, and the reason.
func Withheld(target string, kind policies.PolicyKind, gaps int, why string) Fix {
	return Fix{Target: target, Policy: kind, Edits: []Edit{}, Closes: []Need{}, Gaps: gaps,
		Withheld: why}
}

// A repair is the work on one target.
type repair struct {
	budget *iampolicy.Budget
	target Target
	gaps   []*gap
	docs   []*working
	// before and allows have the Allow statements of the identity documents, before and after the
	// changes so far.
	before, allows iampolicy.Grants
	// required allows what the gaps need. documented also allows what Remotion's documents allow and
	// nothing calls. An edit may allow these and what was allowed before, see within.
	required, documented iampolicy.Policy
	wider                []widerCandidate
	// nearest are the actions that names which do not exist stand for, see meant.
	nearest map[string]string
	// layers are the documents of boundaries and service control policies.
	layers map[string]*working
	fix    Fix
}

// A working is an identity document in the work.
type working struct {
	policy  iampolicy.Policy // before the changes; its Document is nil for a new policy
	doc     *iampolicy.Document
	changes []Change
	// dropped are the patterns that a correction removed, by statement of the document before.
	dropped map[int][]string
	// added are the positions of the statements that the repair added.
	added []int
	// shared is true if other principals have the policy, too. fixed is true if the account cannot
	// change it.
	shared, fixed bool
	// compacted is true if the statements have other positions than before.
	compacted bool
}

// name returns the name of the policy in texts.
func (w *working) name() string { return w.policy.ID }

// read prepares the work. It reports false if there is nothing to do, or if the fix is withheld.
func (r *repair) read(gaps []Gap) bool {
	for i := range gaps {
		g, problem := newGap(r.target, &gaps[i])
		if problem != "" {
			r.fix.Withheld = "the engine cannot decide " + gaps[i].Action + ": " + problem
			return false
		}
		r.gaps = append(r.gaps, g)
	}
	for _, p := range r.target.Grants.Identity {
		w := &working{policy: p, doc: p.Document, dropped: map[int][]string{},
			shared: r.shared(p), fixed: p.ByAWS}
		w.fixed = w.fixed || !storable(p) || isBoundary(r.target, p)
		r.docs = append(r.docs, w)
	}
	r.before = allowsOf(r.target.Grants.Identity)
	r.allows = r.before
	var needed []iampolicy.Statement
	for _, g := range r.gaps {
		g.conditional = r.conditional(g)
		if r.satisfied(g, r.allows) {
			continue
		}
		r.setPatterns(g, r.allows)
		needed = append(needed, iampolicy.Statement{Effect: iampolicy.Allow,
			Action: []string{g.Action}, Resource: append([]string{g.Resource}, g.patterns...)})
	}
	r.required = requirements(needed)
	for _, d := range r.target.Documented {
		if slices.ContainsFunc(r.gaps, func(g *gap) bool { return g.Sid == d.Sid }) {
			needed = append(needed, iampolicy.Statement{Effect: iampolicy.Allow,
				Action: []string{d.Action}, Resource: []string{d.Resource}})
		}
	}
	r.documented = requirements(needed)
	return true
}

// isBoundary reports whether a policy is also the boundary of the target. An edit of such a policy
// changes a guard.
func isBoundary(t Target, p iampolicy.Policy) bool {
	b := t.Grants.Boundary
	return b != nil && b.Location.ARN != "" && b.Location.ARN == p.Location.ARN
}

// storable reports whether IAM can store an edit of a policy: the document round-trips and is
// within its quota. IAM has no other documents; the work on one would have no bound.
func storable(p iampolicy.Policy) bool {
	if p.Document == nil || size(p.Document, true) > quotaOf(p.Location) {
		return false
	}
	d, ok := compiled(p.Document)
	return ok && len(d.Statements) == len(p.Document.Statements)
}

// requirements returns a policy with the statements.
func requirements(statements []iampolicy.Statement) iampolicy.Policy {
	return iampolicy.Policy{ID: "the requirements", Document: allowing(statements)}
}

// within returns what an edit of a document may allow: what was allowed before, and further
// requirements. Other principals with a shared document need not have the other documents of the
// target, so that only what the document itself allowed counts.
func (r *repair) within(w *working, further iampolicy.Policy) iampolicy.Grants {
	before := r.before
	if k := w.policy.Location.Kind; w.policy.Document != nil &&
		(w.shared || k == iampolicy.BoundaryLocation || k == iampolicy.SCPLocation) {
		before = allowsOf([]iampolicy.Policy{w.policy})
	}
	return iampolicy.Grants{Identity: append(slices.Clip(before.Identity), further)}
}

// conditional reports whether the identity policies grant the gap, but only under a condition that
// is not met or not known.
func (r *repair) conditional(g *gap) bool {
	for i := range g.requests {
		c, _ := g.requests[i].CoverWithin(r.budget, r.before, g.contexts[i])
		if c.Status == iampolicy.Conditional || c.Cause == iampolicy.UnmetCondition {
			return true
		}
	}
	return false
}

// shared reports whether an edit of a policy changes what other principals are allowed.
func (r *repair) shared(p iampolicy.Policy) bool {
	return p.Location.Holder != "" && p.Location.Holder != r.target.Name ||
		p.Location.Kind == iampolicy.ManagedLocation && p.Location.Attachments > 1
}

// open returns the gaps that the identity policies do not grant and that no condition explains.
func (r *repair) open() (list []*gap) {
	for _, g := range r.gaps {
		if g.patterns == nil || g.conditional {
			continue
		}
		if r.satisfied(g, r.allows) {
			r.attribute(g)
			g.patterns = nil
			continue
		}
		list = append(list, g)
	}
	return list
}

// close changes the identity policies until they grant every gap or no kind of change helps.
func (r *repair) close() {
	r.apply(r.correctAction, r.correctResource, r.widenDocumented, r.widenSimilar, r.addStatement)
	r.addPolicies()
}

// apply applies the kinds of changes, one after the other, until every gap is granted. A kind
// reports whether it closed the gap.
func (r *repair) apply(kinds ...func(*gap) bool) {
	for _, apply := range kinds {
		for progress := true; progress && !r.budget.Spent(); {
			progress = false
			for _, g := range r.open() {
				if r.budget.Spent() {
					return
				}
				if r.satisfied(g, r.allows) { // a change for another gap closed it
					r.attribute(g)
					continue
				}
				g.patterns = nil
				r.setPatterns(g, r.allows)
				progress = apply(g) || progress
			}
		}
	}
}

// replace sets the i-th statement of a document, or appends it, if the gap is then granted and the
// document fits its quota.
func (r *repair) replace(w *working, i int, s iampolicy.Statement, g *gap, c Change) bool {
	d, ok := withStatement(w.doc, i, s)
	if !ok || !r.fits(w, d) || !r.satisfied(g, r.allowsWith(w, d)) {
		return false
	}
	if i == len(w.doc.Statements) {
		w.added = append(w.added, i)
	}
	if before := w.policy.Document; before != nil && i < len(before.Statements) && !w.compacted {
		c.Statement = i + 1
	}
	c.Sid, c.Closes = s.Sid, []Need{g.id}
	w.doc = d
	w.changes = append(w.changes, c)
	r.allows = r.allowsWith(w, d)
	return true
}

// attribute adds a gap to what the last change of a statement with its action closes, unless a
// change closes it already.
func (r *repair) attribute(g *gap) {
	var last *Change
	for _, w := range r.docs {
		for i := range w.changes {
			c := &w.changes[i]
			if slices.Contains(c.Closes, g.id) {
				return
			}
			if slices.ContainsFunc(w.doc.Statements, func(s iampolicy.Statement) bool {
				return s.Sid == c.Sid && matchesAction(&s, g.Action)
			}) {
				last = c
			}
		}
	}
	if last != nil {
		last.Closes = append(last.Closes, g.id)
	}
}

// allowsWith returns the Allow statements of the documents with another document in the place of
// one.
func (r *repair) allowsWith(w *working, d *iampolicy.Document) iampolicy.Grants {
	var g iampolicy.Grants
	for i, o := range r.docs {
		switch {
		case o == w:
			g.Identity = append(g.Identity,
				iampolicy.Policy{ID: o.policy.ID, Document: filtered(d, iampolicy.Allow)})
		case i < len(r.allows.Identity):
			g.Identity = append(g.Identity, r.allows.Identity[i])
		}
	}
	return g
}

// grants returns all layers with the identity documents as they are now.
func (r *repair) grants() iampolicy.Grants {
	g := r.target.Grants
	g.Identity = nil
	for _, w := range r.docs {
		p := w.policy
		p.Document = w.doc
		g.Identity = append(g.Identity, p)
	}
	return g
}

// editable returns the documents that the account can change, those of the target alone first.
func (r *repair) editable() []*working {
	var own, others []*working
	for _, w := range r.docs {
		switch {
		case w.fixed:
		case w.shared:
			others = append(others, w)
		default:
			own = append(own, w)
		}
	}
	return append(own, others...)
}

// sharedText ends the description of a change of a shared policy.
func (w *working) sharedText() string {
	switch {
	case !w.shared:
		return ""
	case w.policy.Location.Attachments > 1:
		return fmt.Sprintf("; the policy is attached to %d principals", w.policy.Location.Attachments)
	}
	return "; all members of " + w.policy.Location.Holder + " have the policy"
}
