package remedy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The owners of guards.
const (
	ownerAccount      = "the account"
	ownerOrganization = "an administrator of the organization"
	ownerAWS          = "AWS"
)

// A barrier is one policy that blocks gaps, in the work.
type barrier struct {
	cause iampolicy.Cause
	// level are the documents of the layer or level that w belongs to. They allow a request together.
	level []*working
	w     *working
	// lacks is true if the level lacks an Allow, and no Deny blocks.
	lacks      bool
	statements []iampolicy.StatementRef
	indexes    []int
	gaps       []*gap
}

// everything allows every request.
var everything = iampolicy.Policy{ID: "every request",
	Document: allowing([]iampolicy.Statement{{Effect: iampolicy.Allow, Action: []string{"*"},
		Resource: []string{"*"}}})}

// guards describes what blocks the gaps, one guard for each policy.
func (r *repair) guards(blocked []*gap) {
	var list []*barrier
	var conditional []*gap
	for _, g := range blocked {
		found := r.barriers(g, &list)
		if g.conditional {
			conditional = append(conditional, g)
			found = true
		}
		if g.Layer != "" { // no document shows this layer, so it blocks beside the barriers
			r.unseenGuard(g)
			found = true
		}
		if !found {
			r.fix.Remaining = append(r.fix.Remaining, Remaining{Need: g.id, Granted: true, Why: g.Why})
		}
	}
	for _, b := range list {
		r.fix.Guards = append(r.fix.Guards, r.exception(b))
	}
	r.conditionGuard(conditional)
	r.proveGuards()
}

// barriers finds the documents of each layer that block a gap, by asking each document alone: two
// documents can deny the same request. It reports whether there is one.
func (r *repair) barriers(g *gap, list *[]*barrier) bool {
	found := false
	for _, w := range r.docs {
		found = r.addDenies(list, iampolicy.IdentityDeny, r.docs, w, g) || found
	}
	layer := func(cause iampolicy.Cause, level []*working) {
		for _, w := range level {
			found = r.addDenies(list, cause, level, w, g) || found
		}
		if len(level) > 0 && !r.satisfied(g, allowsOf(policiesOf(level))) {
			barrierOf(list, cause, level, level[0], true).add(g, iampolicy.Match{})
			found = true
		}
	}
	if b := r.target.Grants.Boundary; b != nil {
		layer(iampolicy.PermissionsBoundary, r.level(*b))
	}
	for _, policies := range r.target.Grants.Organization {
		layer(iampolicy.SCP, r.level(policies...))
	}
	if iampolicy.IsControlled(g.Action) {
		for _, policies := range r.target.Grants.ResourceControl {
			level := r.level(policies...)
			for _, w := range level {
				found = r.addDenies(list, iampolicy.RCP, level, w, g) || found
			}
		}
	}
	return found
}

func policiesOf(level []*working) (list []iampolicy.Policy) {
	for _, w := range level {
		list = append(list, w.policy)
	}
	return list
}

// addDenies adds the statements of a document that deny a gap. It reports whether there are any.
func (r *repair) addDenies(list *[]*barrier, cause iampolicy.Cause, level []*working, w *working,
	g *gap) bool {
	if w.doc == nil || !slices.ContainsFunc(w.doc.Statements, func(s iampolicy.Statement) bool {
		return s.Effect == iampolicy.Deny
	}) {
		return false
	}
	c, blocks := r.firstGap(g, iampolicy.Grants{Identity: []iampolicy.Policy{everything,
		{ID: w.policy.ID, Document: deniesOf(w.doc)}}})
	if !blocks {
		return false
	}
	b := barrierOf(list, cause, level, w, false)
	for _, m := range c.Deciding {
		if m.Effect == iampolicy.Deny {
			b.add(g, m)
		}
	}
	for i := range w.doc.Statements {
		s := &w.doc.Statements[i]
		if s.Effect == iampolicy.Deny && !slices.Contains(b.indexes, i) &&
			(s.NotAction != nil || matchesAction(s, g.Action)) &&
			len(r.deniedBy(s, w.doc.Version, []*gap{g})) > 0 {
			b.add(g, iampolicy.Match{Policy: w.policy.ID, Index: i + 1, Statement: s})
		}
	}
	if !slices.Contains(b.gaps, g) {
		b.gaps = append(b.gaps, g) // several statements deny it together
	}
	return true
}

// deniesOf returns a document with the Deny statements only, each at its place: an Allow is
// replaced
// by a statement without effect.
func deniesOf(d *iampolicy.Document) *iampolicy.Document {
	out := &iampolicy.Document{Version: d.Version, Statements: slices.Clone(d.Statements)}
	for i := range out.Statements {
		if out.Statements[i].Effect == iampolicy.Allow {
			out.Statements[i] = iampolicy.Statement{Effect: iampolicy.Allow}
		}
	}
	return out
}

// level returns the documents of a layer in the work, the same for the same policies.
func (r *repair) level(policies ...iampolicy.Policy) (list []*working) {
	if r.layers == nil {
		r.layers = map[string]*working{}
	}
	for _, p := range policies {
		// The files of two levels of an organization can have the same base name, which is the ID.
		key := p.Location.ARN + " " + p.Location.Name + " " + p.ID
		if r.layers[key] == nil {
			r.layers[key] = &working{policy: p, doc: p.Document, fixed: p.ByAWS || !storable(p),
				dropped: map[int][]string{}}
		}
		list = append(list, r.layers[key])
	}
	return list
}

// firstGap returns the first need of a gap that grants do not satisfy.
func (r *repair) firstGap(g *gap, grants iampolicy.Grants) (iampolicy.Coverage, bool) {
	for i := range g.requests {
		c, _ := g.requests[i].CoverWithin(r.budget, grants, g.contexts[i])
		if c.Status != iampolicy.Satisfied {
			return c, true
		}
	}
	return iampolicy.Coverage{}, false
}

// barrierOf returns the barrier of a document from the list, or adds it.
func barrierOf(list *[]*barrier, cause iampolicy.Cause, level []*working, w *working,
	lacks bool) *barrier {
	for _, b := range *list {
		if b.w == w && b.cause == cause && b.lacks == lacks {
			return b
		}
	}
	b := &barrier{cause: cause, level: level, w: w, lacks: lacks}
	*list = append(*list, b)
	return b
}

// add adds a gap, and the statement that blocks it unless the barrier only lacks an Allow.
func (b *barrier) add(g *gap, m iampolicy.Match) {
	if !slices.Contains(b.gaps, g) {
		b.gaps = append(b.gaps, g)
	}
	if m.Statement != nil && !slices.Contains(b.indexes, m.Index-1) {
		b.indexes = append(b.indexes, m.Index-1)
		b.statements = append(b.statements, m.Ref())
	}
}

// exception returns the guard with the narrowest exception that the engine proves.
func (r *repair) exception(b *barrier) Guard {
	guard := Guard{Cause: b.cause, Policy: b.w.policy.ID, Statements: b.statements,
		Owner: ownerAccount, Blocks: ids(b.gaps)}
	switch {
	case b.cause == iampolicy.SCP:
		guard.Owner = ownerOrganization
	case b.cause == iampolicy.RCP:
		guard.Owner = ownerOrganization
		guard.Why = "the organization owns the policy: only an administrator of it can change it"
	case b.w.policy.ByAWS && !b.lacks:
		guard.Owner, guard.Why = ownerAWS, "AWS owns the policy: detach it, or attach another one"
	}
	if b.lacks {
		r.allowInLevel(b, &guard)
	} else if guard.Why == "" {
		r.restrict(b, &guard)
	}
	if guard.Owner == ownerOrganization {
		guard.Ask = r.request(guard)
	}
	return guard
}

// allowInLevel adds the missing Allow to a layer: to a document that allows the documented
// statement already, else to the first document that can be changed.
func (r *repair) allowInLevel(b *barrier, guard *Guard) {
	sub := &repair{budget: r.budget, target: r.target}
	sub.target.Grants = iampolicy.Grants{}
	sub.target.Satisfied = nil
	var policies []iampolicy.Policy
	for _, w := range b.level {
		policies = append(policies, w.policy)
		sub.docs = append(sub.docs, &working{policy: w.policy, doc: w.policy.Document,
			fixed: w.fixed, dropped: map[int][]string{}})
	}
	sub.before = allowsOf(policies)
	sub.grant(b.gaps)
	guard.Edits = sub.edits()
	if len(guard.Edits) == 0 {
		guard.Edits, guard.Why = nil, "no edit that was tried allows it"
		return
	}
	guard.Policy = guard.Edits[0].Policy
}

// grant closes the gaps in the documents of another layer, by the same kinds of changes but without
// a new policy.
func (r *repair) grant(gaps []*gap) {
	r.allows = r.before
	var needed []iampolicy.Statement
	for _, g := range gaps {
		local := *g
		local.patterns, local.conditional = nil, false
		r.gaps = append(r.gaps, &local)
		if !r.satisfied(&local, r.allows) {
			r.setPatterns(&local, r.allows)
			needed = append(needed, iampolicy.Statement{Effect: iampolicy.Allow,
				Action: []string{g.Action}, Resource: append([]string{g.Resource}, local.patterns...)})
		}
	}
	r.required = requirements(needed)
	r.documented = r.required
	r.apply(r.correctAction, r.correctResource, r.widenDocumented, r.widenSimilar, r.addStatement)
}

// restrict replaces the blocking statements of a document by the narrowest ones that do not block.
func (r *repair) restrict(b *barrier, guard *Guard) {
	original := b.w.doc
	doc := original
	var changes []Change
	for _, i := range slices.Backward(sorted(b.indexes)) {
		d, change, ok := r.restrictStatement(b, doc, i)
		if !ok {
			guard.Why = "no exception that was tried is proved to unblock it: change " +
				statementName(i, &original.Statements[i])
			return
		}
		doc = d
		changes = append(changes, change)
	}
	w := &working{policy: b.w.policy, doc: doc, changes: changes, shared: b.w.shared}
	if doc == nil {
		guard.Why = "the policy has no other statement: detach or delete it"
		return
	}
	if r.characters(b.w, doc) > quotaOf(w.policy.Location) {
		guard.Why = "the policy with the exception would exceed its quota"
		return
	}
	e := r.edit(w, original)
	e.Characters = r.characters(b.w, doc)
	guard.Edits = []Edit{e}
	guard.AlsoAllows = r.widened(b, original, doc)
}

func sorted(list []int) []int {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// restrictStatement returns the document with the first form of the exception that unblocks the
// gaps as far as this statement is concerned and that allows no more than needed. If each form
// allows more, it returns the first one.
func (r *repair) restrictStatement(b *barrier, d *iampolicy.Document, i int) (*iampolicy.Document,
	Change, bool) {
	s := &d.Statements[i]
	var first *iampolicy.Document
	for _, form := range r.exceptions(d, i, b) {
		with, ok := withStatement(d, i, form...)
		if first == nil && len(form) == 0 && len(d.Statements) == 1 {
			return nil, Change{}, true
		}
		if !ok || r.characters(b.w, with) > quotaOf(b.w.policy.Location) ||
			!r.unblocked(b, form, d.Version) || !r.deniesLess(d, with) {
			continue
		}
		if first == nil {
			first = with
		}
		if r.widened(b, d, with) == nil {
			first = with
			break
		}
	}
	if first == nil {
		return nil, Change{}, false
	}
	kind, text := RestrictStatement, "make an exception from "
	if len(first.Statements) < len(d.Statements) {
		kind, text = RemoveStatement, "remove "
	}
	var actions []string
	for _, g := range b.gaps {
		actions = textfmt.AppendNew(actions, g.Action)
	}
	return first, Change{Kind: kind, Statement: i + 1, Sid: s.Sid, New: actions,
		Text: text + statementName(i, s) + " for " + textfmt.Some(actions, 3)}, true
}

// unblocked reports whether the statements of an exception deny none of the gaps.
func (r *repair) unblocked(b *barrier, form []iampolicy.Statement, version string) bool {
	if len(form) == 0 {
		return true
	}
	d, ok := compiled(&iampolicy.Document{Version: version, Statements: form})
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{everything, {ID: "exception",
		Document: d}}}
	return ok && !slices.ContainsFunc(b.gaps, func(g *gap) bool { return !r.satisfied(g, grants) })
}

// deniesLess reports whether a document denies nothing that another document does not deny.
func (r *repair) deniesLess(before, after *iampolicy.Document) bool {
	old := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: filtered(before, iampolicy.Deny)}}}
	return contained(r.budget, filtered(after, iampolicy.Deny), old, nil).Contained
}

// widened returns a request that only the document before denies and that the gaps do not need; nil
// if there is none.
func (r *repair) widened(b *barrier, before, after *iampolicy.Document) *Example {
	needed := iampolicy.Grants{Identity: []iampolicy.Policy{
		{Document: filtered(after, iampolicy.Deny)}}}
	var list []iampolicy.Statement
	for _, g := range b.gaps {
		list = append(list, iampolicy.Statement{Effect: iampolicy.Allow, Action: []string{g.Action},
			Resource: r.exempted(g)})
	}
	needed.Identity = append(needed.Identity, iampolicy.Policy{Document: allowing(list)})
	c := contained(r.budget, existing(filtered(before, iampolicy.Deny)), needed, nil)
	switch {
	case c.Contained:
		return nil
	case c.Example == nil:
		return &Example{Action: "unknown", Resource: "unknown"}
	}
	return c.Example
}

// existing returns a document with the actions that exist today in the place of each pattern of
// actions of one service.
func existing(d *iampolicy.Document) *iampolicy.Document {
	out := &iampolicy.Document{Version: d.Version}
	for _, s := range d.Statements {
		var actions []string
		for _, a := range s.Action {
			list := iamactions.Matching(a)
			if !strings.ContainsAny(a, "*?") || len(list) == 0 {
				list = []string{a}
			}
			actions = append(actions, list...)
		}
		s.Action = actions
		out.Statements = append(out.Statements, s)
	}
	if parsed, ok := compiled(out); ok {
		return parsed
	}
	return d
}

// exempted returns the resource patterns of an exception for a gap: the documented pattern, and the
// needed patterns that it does not match.
func (r *repair) exempted(g *gap) []string {
	local := *g
	local.patterns = nil
	r.setPatterns(&local, iampolicy.Grants{})
	return local.patterns
}

func ids(gaps []*gap) (list []Need) {
	for _, g := range gaps {
		list = append(list, g.id)
	}
	return list
}

// conditionGuard describes the conditions of the identity policies that stand between them and
// gaps.
// The exception is a further grant without the condition.
func (r *repair) conditionGuard(gaps []*gap) {
	if len(gaps) == 0 {
		return
	}
	guard := Guard{Cause: iampolicy.UnmetCondition, Owner: ownerAccount, Blocks: ids(gaps)}
	for _, g := range gaps {
		c, _ := r.firstGap(g, r.before)
		for _, ref := range iampolicy.Refs(c.Deciding) {
			if !slices.ContainsFunc(guard.Statements, func(o iampolicy.StatementRef) bool {
				return o.Policy == ref.Policy && o.Index == ref.Index
			}) {
				guard.Statements = append(guard.Statements, ref)
			}
		}
	}
	if len(guard.Statements) > 0 {
		guard.Policy = guard.Statements[0].Policy
	}
	sub := &repair{budget: r.budget, target: r.target}
	var policies []iampolicy.Policy
	for _, w := range r.docs {
		p := w.policy
		p.Document = w.doc
		policies = append(policies, p)
		// The ARN of a managed policy that the edits create is not known yet.
		created := w.policy.Document == nil && p.Location.Kind == iampolicy.ManagedLocation
		sub.docs = append(sub.docs, &working{policy: p, doc: w.doc, dropped: map[int][]string{},
			shared: w.shared, fixed: w.fixed || created})
	}
	sub.before = allowsOf(policies)
	sub.grant(gaps)
	sub.addPolicies()
	if guard.Edits = sub.edits(); len(guard.Edits) == 0 {
		guard.Edits, guard.Why = nil, "no edit that was tried grants it without the condition"
	}
	r.fix.Guards = append(r.fix.Guards, guard)
}

// proveGuards sets which gaps each guard closes together with the edits of the fix.
func (r *repair) proveGuards() {
	for i := range r.fix.Guards {
		guard := &r.fix.Guards[i]
		if guard.Edits == nil {
			continue
		}
		grants := r.grants()
		for _, e := range guard.Edits {
			grants = replaced(grants, e)
		}
		for _, g := range r.gaps {
			if g.Layer == "" && slices.Contains(guard.Blocks, g.id) && r.satisfied(g, grants) {
				guard.Closes = append(guard.Closes, g.id)
			}
		}
	}
}

// replaced returns grants with the document of an edit in each place of the old one: a managed
// policy can also be the boundary, and a service control policy can be at several levels. A new
// policy is an identity policy.
func replaced(g iampolicy.Grants, e Edit) iampolicy.Grants {
	found := false
	replace := func(list []iampolicy.Policy) []iampolicy.Policy {
		list = slices.Clone(list)
		for i := range list {
			if sameLocation(list[i], e) {
				list[i].Document, found = e.After, true
			}
		}
		return list
	}
	g.Identity = replace(g.Identity)
	if g.Boundary != nil {
		g.Boundary = &replace([]iampolicy.Policy{*g.Boundary})[0]
	}
	g.Organization = slices.Clone(g.Organization)
	for i, level := range g.Organization {
		g.Organization[i] = replace(level)
	}
	if !found {
		g.Identity = append(g.Identity, iampolicy.Policy{ID: e.Policy, Document: e.After,
			Location: e.Location})
	}
	return g
}

// sameLocation reports whether an edit replaces the document of a policy.
func sameLocation(p iampolicy.Policy, e Edit) bool {
	a, b := p.Location, e.Location
	if a.ARN != "" || b.ARN != "" {
		return a.ARN == b.ARN
	}
	return p.ID == e.Policy && a.Kind == b.Kind && a.Holder == b.Holder && a.Name == b.Name
}

// unseenGuard describes a denial that only AWS's simulator shows.
func (r *repair) unseenGuard(g *gap) {
	for i := range r.fix.Guards {
		guard := &r.fix.Guards[i]
		if guard.Cause == g.Layer && guard.Statements == nil && guard.Edits == nil {
			guard.Blocks = append(guard.Blocks, g.id)
			guard.Ask = r.request(*guard)
			return
		}
	}
	guard := Guard{Cause: g.Layer, Owner: ownerAccount, Blocks: []Need{g.id}, Why: g.Why,
		Policy: "a policy that AWS's simulator does not name"}
	if g.Layer == iampolicy.SCP {
		guard.Policy, guard.Owner = "a service control policy that AWS does not show", ownerOrganization
		guard.Ask = r.request(guard)
	}
	r.fix.Guards = append(r.fix.Guards, guard)
}

// request returns the text to send to the owner of a guard.
func (r *repair) request(g Guard) string {
	var b strings.Builder
	kind := "service control policy (SCP)"
	if g.Cause == iampolicy.RCP {
		kind = "resource control policy (RCP)"
	}
	fmt.Fprintf(&b, "%s in account %s runs Remotion Lambda and is denied by a %s", r.target.ARN,
		r.target.Account, kind)
	if len(g.Statements) > 0 {
		fmt.Fprintf(&b, ", %s", g.Statements[0])
	}
	b.WriteString(". Please let it perform:\n")
	const most = 12
	for i, n := range g.Blocks {
		if i == most {
			fmt.Fprintf(&b, "  and %d more\n", len(g.Blocks)-most)
			break
		}
		fmt.Fprintf(&b, "  %s on %s\n", n.Action, n.Resource)
	}
	return b.String()
}
