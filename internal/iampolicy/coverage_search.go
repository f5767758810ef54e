package iampolicy

import (
	"slices"
	"unicode/utf8"
)

// A quest is the search for the holes in what is granted of a need, for one action.
type coverageSearch struct {
	need   *Need
	action string // in lower case
	ctx    Context
	// groups are those of which each has to allow: the identity policies, the boundary, and each level
	// of the organization.
	groups []group
	denies []rule
	search *search
}

type group struct {
	allows []rule
}

// A rule is a statement about the action. What it matches for sure and what it may match differ
// where a condition or a variable cannot be settled.
type rule struct {
	match Match
	// sure and may are the extents; the flags say whether there is one.
	sure, may       extent
	isSure, isMaybe bool
}

// newCoverageSearch gathers what the policies say about an action, given in lower case.
func (g Grants) newCoverageSearch(n *Need, action string, ctx Context, s *search) *coverageSearch {
	q := &coverageSearch{need: n, action: action, ctx: ctx, search: s}
	add := func(layer Layer, policies []Policy) {
		var allows []rule
		for i := range policies {
			p := &policies[i]
			if p.Document == nil {
				continue
			}
			for j := range p.Document.Statements {
				s := &p.Document.Statements[j]
				q.search.steps -= len(s.actions)
				if !s.matchesAction(action) {
					continue
				}
				met, unsettled := s.conditionsHold(ctx)
				if !met && !unsettled {
					continue
				}
				r := s.rule(ctx)
				r.match = Match{p.ID, layer, j + 1, s}
				r.isSure, r.isMaybe = met && !unsettled, true
				if s.Effect == Deny {
					q.denies = append(q.denies, r)
				} else {
					allows = append(allows, r)
				}
			}
		}
		q.groups = append(q.groups, group{allows})
	}
	add(Identity, g.Identity)
	if g.Boundary != nil {
		add(Boundary, []Policy{*g.Boundary})
	}
	for _, level := range g.Organization {
		add(Organization, level)
	}
	return q
}

// rule says what the statement's resources match. A pattern with a variable that has no value may
// match anything its '*' would, and for sure matches nothing; what NotResource leaves out is the
// other way round.
func (s *Statement) rule(ctx Context) (r rule) {
	r.sure.not, r.may.not = s.NotResource != nil, s.NotResource != nil
	for i := range s.resources {
		p, missing := s.resources[i].resolve(ctx, false)
		if missing == nil || r.sure.not {
			r.sure.patterns = append(r.sure.patterns, p)
		}
		if missing == nil || !r.may.not {
			r.may.patterns = append(r.may.patterns, p)
		}
	}
	return r
}

// bound is how unsettled statements are taken.
type bound bool

const (
	// upperBound: unsettled Allows grant, unsettled Denies do not.
	upperBound bound = true
	// lowerBound: the other way round.
	lowerBound bound = false
)

// extent is what the rule matches in a view, if it counts there.
func (r *rule) extent(v bound) (extent, bool) {
	if (r.match.Effect == Allow) == (v == upperBound) {
		return r.may, r.isMaybe
	}
	return r.sure, r.isSure
}

func extents(rules []rule, v bound) (list []extent) {
	for i := range rules {
		if e, ok := rules[i].extent(v); ok {
			list = append(list, e)
		}
	}
	return list
}

// unsettled reports whether the two views differ.
func (q *coverageSearch) unsettled() bool {
	differ := func(rules []rule) bool {
		for i := range rules {
			r := &rules[i]
			if r.isSure != r.isMaybe || len(r.sure.patterns) != len(r.may.patterns) {
				return true
			}
		}
		return false
	}
	for _, g := range q.groups {
		if differ(g.allows) {
			return true
		}
	}
	return differ(q.denies)
}

// worstHole finds a request that is not allowed. A definite one is not, whatever the conditions;
// any other hangs on them. Without either, all is allowed, unless the budget was spent.
func (q *coverageSearch) worstHole() (name string, definite, spent bool) {
	if name, ok := q.hole(upperBound); ok {
		return name, true, false
	}
	if q.search.spent || !q.unsettled() {
		return "", false, q.search.spent
	}
	name, _ = q.hole(lowerBound)
	return name, false, q.search.spent
}

// hole finds the shortest name that is not allowed, in a view, and the most real of those.
func (q *coverageSearch) hole(v bound) (string, bool) {
	best, found := "", false
	for i := range q.need.resources {
		l := &q.need.resources[i]
		name, ok := q.holeIn(l, v, q.search)
		if !ok || found && !shorter(name, best) {
			continue
		}
		if q.need.prefer != "" && !q.allows(q.need.prefer, v) && q.need.Includes("", q.need.prefer) {
			return q.need.prefer, true
		}
		best, found = q.realistic(l, v, name), true
	}
	return best, found
}

// allows decides about one name, in a view.
func (q *coverageSearch) allows(name string, v bound) bool {
	matches := func(r *rule) bool {
		e, ok := r.extent(v)
		return ok &&
			slices.ContainsFunc(e.patterns, func(p *pattern) bool { return p.match(name) }) != e.not
	}
	for i := range q.denies {
		if matches(&q.denies[i]) {
			return false
		}
	}
	for _, g := range q.groups {
		if !slices.ContainsFunc(g.allows, func(r rule) bool { return matches(&r) }) {
			return false
		}
	}
	return true
}

// holeIn takes the layers one by one: a name is allowed if no Deny matches it and each group has an
// Allow that does. So each Deny and each group is a search of its own, which is far less than one
// of all at once.
func (q *coverageSearch) holeIn(l *language, v bound, s *search) (best string, found bool) {
	try := func(c clause) {
		if name, ok := s.shortest(l, []clause{c}); ok && (!found || shorter(name, best)) {
			best, found = name, true
		}
	}
	for i := range q.denies {
		if e, ok := q.denies[i].extent(v); ok && e.comesNear(l) {
			try(clause{statements: []extent{e}})
		}
	}
	for _, g := range q.groups {
		allows := extents(g.allows, v)
		if !holdsAll(allows, l) {
			try(clause{none: true, statements: allows})
		}
	}
	return best, found
}

// shorter compares two names as people count, in characters.
func shorter(a, b string) bool { return utf8.RuneCountInString(a) < utf8.RuneCountInString(b) }

func (e *extent) comesNear(l *language) bool {
	if e.not {
		return true
	}
	for _, p := range e.patterns {
		if l.mayOverlap(p) {
			return true
		}
	}
	return false
}

func holdsAll(allows []extent, l *language) bool {
	for i := range allows {
		for _, p := range allows[i].patterns {
			if !allows[i].not && l.inside(p) {
				return true
			}
		}
	}
	return false
}

// allowed finds a name that is allowed, in a view.
func (q *coverageSearch) allowed(v bound) bool {
	clauses := []clause{{none: true, statements: extents(q.denies, v)}}
	for _, g := range q.groups {
		clauses = append(clauses, clause{statements: extents(g.allows, v)})
	}
	return q.any(clauses)
}

// any reports whether there is a name of the need for which all clauses are true, read field by
// field.
func (q *coverageSearch) any(clauses []clause) bool {
	q.search.held = true
	defer func() { q.search.held = false }()
	for i := range q.need.resources {
		l := &q.need.resources[i]
		if len(clauses) == 1 &&
			!slices.ContainsFunc(clauses[0].statements, func(e extent) bool { return e.comesNear(l) }) {
			continue
		}
		if _, ok := q.search.shortest(l, clauses); ok {
			return true
		}
	}
	return false
}

// gap is the status of a need with a definite hole.
func (q *coverageSearch) gap(g Grants) Status {
	identity := extents(q.groups[0].allows, upperBound)
	switch {
	case q.sampled(g) || q.allowed(upperBound) || q.search.spent:
		// Where the budget is spent all that is known is the hole; the least is claimed beyond it.
		return Partial
	case q.any([]clause{{statements: identity}}):
		return Denied
	}
	return Missing
}

// sampled tries whether an ordinary name of the need is allowed, which spares a search.
func (q *coverageSearch) sampled(g Grants) bool {
	for i := range q.need.resources {
		name := q.need.resources[i].sample()
		if g.Evaluate(Request{Action: q.action, Resource: name, Context: q.ctx}).Decision == Allowed {
			return true
		}
	}
	return false
}

// covering lists the principal's statements that grant some of the need.
func (q *coverageSearch) covering() (list []Match) {
	const most = 40
	for i := range q.groups[0].allows {
		r := &q.groups[0].allows[i]
		one := []extent{r.may}
		if holdsAll(one, &q.need.resources[0]) || q.any([]clause{{statements: one}}) {
			list = append(list, r.match)
		}
		if len(list) == most {
			break
		}
	}
	return list
}
