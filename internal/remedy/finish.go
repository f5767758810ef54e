package remedy

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// finish proves the edits and describes the rest: guards, what remains, a wider correction and an
// undo.
func (r *repair) finish() {
	if why := r.prove(); why != "" {
		r.fix.Withheld = why
		return
	}
	r.fix.Edits = r.edits()
	grants := r.grants()
	var blocked []*gap
	for _, g := range r.gaps {
		switch granted := r.satisfied(g, r.allows); {
		case g.Layer == "" && r.satisfied(g, grants):
			r.fix.Closes = append(r.fix.Closes, g.id)
		case g.conditional || granted:
			blocked = append(blocked, g)
		default:
			r.fix.Remaining = append(r.fix.Remaining, Remaining{Need: g.id, Why: r.notGranted(g)})
		}
	}
	if r.target.TrustGap != nil {
		r.trustGuard(*r.target.TrustGap, r.target.TrustWhy)
	}
	r.guards(blocked)
	r.widerFix()
	r.undo()
	if r.budget.Spent() {
		r.fix = Withheld(r.target.Name, r.target.Kind, r.fix.Gaps, outOfWork)
	}
}

const outOfWork = "the policies are so large that the proof exceeds its limit of work"

// notGranted says why no edit grants a gap.
func (r *repair) notGranted(g *gap) string {
	for _, w := range r.docs {
		if !w.fixed {
			return "no edit that was tried grants it within the quotas of IAM"
		}
	}
	return "no edit that was tried grants it: " + g.Why
}

// edits returns the changed documents.
func (r *repair) edits() []Edit {
	list := []Edit{}
	for _, w := range r.docs {
		if w.changes != nil {
			list = append(list, r.edit(w, w.policy.Document))
		}
	}
	return list
}

// edit describes the replacement of a document by the one in the work.
func (r *repair) edit(w *working, before *iampolicy.Document) Edit {
	e := Edit{Policy: w.policy.ID, Location: w.policy.Location, Before: before, After: w.doc,
		Changes:    slices.Clone(w.changes),
		Characters: r.characters(w, w.doc), Quota: quotaOf(w.policy.Location)}
	slices.SortStableFunc(e.Changes, func(a, b Change) int {
		return position(a) - position(b)
	})
	if w.shared && w.policy.Location.Attachments > 1 {
		e.Others = w.policy.Location.Attachments - 1
	}
	return e
}

// position orders changes by statement. New statements are last.
func position(c Change) int {
	if c.Statement == 0 {
		return 1 << 30
	}
	return c.Statement
}

// prove checks the edits of the identity policies with the engine. It returns why they are
// withheld, or an empty text.
func (r *repair) prove() string {
	for _, w := range r.docs {
		if w.changes == nil {
			continue
		}
		if d, ok := compiled(w.doc); !ok || !r.fits(w, d) {
			return "the new " + w.name() + " is no valid document within IAM's quotas"
		}
		if before := w.policy.Document; before != nil {
			c := contained(r.budget, before, r.allows, func(statement int, pattern string) bool {
				return slices.Contains(w.dropped[statement], pattern)
			})
			if !c.Contained {
				return "the new " + w.name() + " would no longer allow what it allows now" + exampleText(c)
			}
		}
		if c := contained(r.budget, w.doc, r.within(w, r.documented), nil); !c.Contained {
			return "the new " + w.name() + " would allow more than is needed" + exampleText(c)
		}
	}
	for _, n := range r.target.Satisfied {
		if !r.stillSatisfied(n) {
			return "the edit would take away " + n.Action + " on " + n.Resource
		}
	}
	return ""
}

// stillSatisfied reports whether a need that was satisfied is so after the edits. Only a correction
// that removes a pattern can take something away.
func (r *repair) stillSatisfied(need needs.Need) bool {
	if !slices.ContainsFunc(r.docs, func(w *working) bool { return len(w.dropped) > 0 }) {
		return true
	}
	requests, err := need.Requests()
	if err != nil {
		return false
	}
	ctx := r.target.Context(need.SimulationRequest)
	before, _ := requests.CoverWithin(r.budget, r.target.Grants, ctx)
	if before.Status != iampolicy.Satisfied {
		return true // not the documents alone make it satisfied
	}
	after, _ := requests.CoverWithin(r.budget, r.grants(), ctx)
	return after.Status == iampolicy.Satisfied
}

func exampleText(c containment) string {
	if c.Example == nil {
		return ", as far as the engine can decide"
	}
	return ": " + c.Example.Action + " on " + c.Example.Resource
}

// widerFix sets the correction that closes most gaps and allows more than what is needed.
func (r *repair) widerFix() {
	for _, c := range r.wider {
		before := c.w.policy.Document
		if before == nil || c.at >= len(before.Statements) {
			continue
		}
		d, ok := withStatement(before, c.at, c.statement)
		if !ok || r.characters(c.w, d) > quotaOf(c.w.policy.Location) {
			continue
		}
		grants := r.target.Grants
		grants.Identity = slices.Clone(grants.Identity)
		at := slices.Index(r.docs, c.w)
		grants.Identity[at].Document = d
		var closes []Need
		for _, g := range r.gaps {
			if g.Layer == "" && r.satisfied(g, grants) {
				closes = append(closes, g.id)
			}
		}
		if len(closes) == 0 || 2*len(closes) <= len(r.fix.Closes) ||
			r.fix.Wider != nil && len(closes) <= len(r.fix.Wider.Closes) {
			continue
		}
		c.change.Statement, c.change.Sid = c.at+1, c.statement.Sid
		w := &working{policy: c.w.policy, doc: d, changes: []Change{c.change}, shared: c.w.shared}
		e := r.edit(w, before)
		e.Characters = r.characters(c.w, d)
		r.fix.Wider = &Wider{Edits: []Edit{e}, Closes: closes, AlsoAllows: c.example}
	}
}
