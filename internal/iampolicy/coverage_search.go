package iampolicy

import (
	"slices"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// A coverageSearch searches the resources of a need for holes, which are requests that are not
// allowed. It handles one action.
type coverageSearch struct {
	need   *Need
	action string // in lower case
	ctx    Context
	// groups are the identity policies, the boundary, and each level of the organization. Each group
	// has to allow a request.
	groups []group
	denies []rule
	search *search
}

type group struct {
	allows []rule
}

// A rule is a statement that matches the action.
type rule struct {
	match Match
	// sure are the names that the statement certainly matches, and may are the names that it possibly
	// matches. They differ if a resource pattern contains a variable without a known value.
	sure, may extent
	// hasSure is false if the condition is undecided: the statement then matches no name for certain.
	hasSure bool
}

// newCoverageSearch returns a search for an action, which is given in lower case. It collects the
// statements that match the action, except those with a condition that is not met.
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
				q.search.steps -= len(s.resources) + s.work.steps(ctx)
				met, undecided := s.conditionsHold(ctx)
				if !met && !undecided {
					continue
				}
				r := s.rule(ctx)
				r.match = Match{p.ID, layer, j + 1, s}
				r.hasSure = met && !undecided
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

// rule returns the extents of the statement's resources. In Resource, a pattern with a variable
// without a value certainly matches nothing, and possibly matches any text in place of the
// variable. In NotResource, such a pattern certainly excludes nothing, and possibly excludes any
// text in place of the variable.
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

// bound says how undecided statements count.
type bound bool

const (
	// upperBound counts an undecided Allow as matching, and an undecided Deny as not matching.
	upperBound bound = true
	// lowerBound counts an undecided Allow as not matching, and an undecided Deny as matching.
	lowerBound bound = false
)

// extent returns the extent of the rule under a bound, and whether the rule counts under that
// bound.
func (r *rule) extent(v bound) (extent, bool) {
	if (r.match.Effect == Allow) == (v == upperBound) {
		return r.may, true
	}
	return r.sure, r.hasSure
}

func extents(rules []rule, v bound) (list []extent) {
	for i := range rules {
		if e, ok := rules[i].extent(v); ok {
			list = append(list, e)
		}
	}
	return list
}

// hasUndecided reports whether a rule has different extents under the two bounds.
func (q *coverageSearch) hasUndecided() bool {
	differ := func(rules []rule) bool {
		for i := range rules {
			r := &rules[i]
			if !r.hasSure || len(r.sure.patterns) != len(r.may.patterns) {
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

// worstHole finds a resource of the need on which the action is not allowed. A definite hole is not
// allowed, regardless of unknown values. Whether any other hole is allowed depends on unknown
// values. An empty name means that every resource is allowed, or that the budget is spent.
func (q *coverageSearch) worstHole() (name string, definite, spent bool) {
	if name, ok := q.hole(upperBound); ok {
		return name, true, false
	}
	if q.search.spent || !q.hasUndecided() {
		return "", false, q.search.spent
	}
	name, _ = q.hole(lowerBound)
	return name, false, q.search.spent
}

// hole finds a hole, which is a name of the need that is not allowed under a bound. It returns the
// need's preferred example if that is a hole, else the realistic form of the shortest hole.
func (q *coverageSearch) hole(v bound) (string, bool) {
	best, found := "", false
	for i := range q.need.resources {
		l := &q.need.resources[i]
		name, ok := q.holeIn(l, v, q.search)
		if !ok || found && !shorter(name, best) {
			continue
		}
		if q.need.preferred != "" && !q.allows(q.need.preferred, v) &&
			q.need.Includes("", q.need.preferred) {
			return q.need.preferred, true
		}
		best, found = q.realisticHole(l, v, name), true
	}
	return best, found
}

// allows reports whether one name is allowed under a bound.
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

// holeIn finds the shortest hole of a language. A name is a hole if a Deny matches the name, or if
// a group has no Allow that matches the name. holeIn searches each Deny and each group separately,
// which costs far less than one search over all statements.
func (q *coverageSearch) holeIn(l *language, v bound, s *search) (best string, found bool) {
	try := func(c clause) {
		if name, ok := s.shortest(l, []clause{c}); ok && (!found || shorter(name, best)) {
			best, found = name, true
		}
	}
	for i := range q.denies {
		if e, ok := q.denies[i].extent(v); ok && e.mayOverlap(l) {
			try(clause{statements: []extent{e}})
		}
	}
	for _, g := range q.groups {
		allows := extents(g.allows, v)
		if !coversAll(allows, l) {
			try(clause{none: true, statements: allows})
		}
	}
	return best, found
}

// shorter reports whether a has fewer characters than b.
func shorter(a, b string) bool { return utf8.RuneCountInString(a) < utf8.RuneCountInString(b) }

func (e *extent) mayOverlap(l *language) bool {
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

func coversAll(allows []extent, l *language) bool {
	for i := range allows {
		for _, p := range allows[i].patterns {
			if !allows[i].not && l.coveredBy(p) {
				return true
			}
		}
	}
	return false
}

// anyAllowed reports whether some name of the need is allowed under a bound.
func (q *coverageSearch) anyAllowed(v bound) bool {
	clauses := []clause{{none: true, statements: extents(q.denies, v)}}
	for _, g := range q.groups {
		clauses = append(clauses, clause{statements: extents(g.allows, v)})
	}
	return q.anyName(clauses)
}

// anyName reports whether the need has a name for which all clauses are true. It sets fieldByField:
// a wildcard in one of the first five fields of a granted ARN pattern then matches no colon.
//
// That is too strict for a pattern that skips the account, such as "arn:aws:lambda:*:function:b".
// If there is one, anyName also searches by IAM's rule, but only names without further colons.
func (q *coverageSearch) anyName(clauses []clause) bool {
	for i := range q.need.resources {
		l := &q.need.resources[i]
		if len(clauses) == 1 &&
			!slices.ContainsFunc(clauses[0].statements, func(e extent) bool { return e.mayOverlap(l) }) {
			continue
		}
		if len(clauses) == 1 && !clauses[0].none && anyMatches(clauses[0].statements, l.sampleName()) {
			return true
		}
		q.search.fieldByField = true
		_, ok := q.search.shortest(l, clauses)
		q.search.fieldByField = false
		if !ok && !q.search.spent && slices.ContainsFunc(clauses, clause.skipsAccount) {
			_, ok = q.search.shortest(l.withoutColons(), clauses)
		}
		if ok {
			return true
		}
	}
	return false
}

// skipsAccount reports whether a pattern of the clause skips the account.
func (c clause) skipsAccount() bool {
	return slices.ContainsFunc(c.statements, func(e extent) bool {
		return slices.ContainsFunc(e.patterns, (*pattern).skipsAccount)
	})
}

// shortComparison is the product of the lengths of a pattern and a name up to which a comparison
// costs less than a search.
const shortComparison = 1 << 14

// anyMatches reports whether an extent contains a name in which each wildcard of its pattern
// matches within its field. Only a true result is certain.
func anyMatches(list []extent, name string) bool {
	fields, n := arn.Split(name)
	for _, e := range list {
		for _, p := range e.patterns {
			if e.not || len(p.atoms)*len(name) > shortComparison || !p.match(name) {
				continue
			}
			within, count := arn.Split(p.text)
			inside := n == len(fields) && count == len(within)
			for i := 0; inside && i < arn.Resource; i++ {
				inside = matches(within[i], fields[i])
			}
			if inside {
				return true
			}
		}
	}
	return false
}

// gapStatus returns the status of a need with a definite hole.
func (q *coverageSearch) gapStatus(g Grants) Status {
	identity := extents(q.groups[0].allows, upperBound)
	switch {
	case q.sampleAllowed(g) || q.anyAllowed(upperBound) || q.search.spent:
		// If the budget is spent, only the hole is certain. Partial is then the status that claims the
		// least.
		return Partial
	case q.anyName([]clause{{statements: identity}}):
		return Denied
	}
	return Missing
}

// sampleAllowed reports whether an ordinary name of the need is allowed. A true result saves a
// search.
func (q *coverageSearch) sampleAllowed(g Grants) bool {
	for i := range q.need.resources {
		name := q.need.resources[i].sampleName()
		q.search.steps -= g.workOfDecision(q.ctx)
		if g.decide(Request{Action: q.action, Resource: name, Context: q.ctx}).Decision == Allowed {
			return true
		}
	}
	return false
}

// coveringStatements lists up to 40 statements of the identity policies that may grant some of the
// need.
func (q *coverageSearch) coveringStatements() (list []Match) {
	const most = 40
	for i := range q.groups[0].allows {
		r := &q.groups[0].allows[i]
		possible := []extent{r.may}
		if coversAll(possible, &q.need.resources[0]) ||
			q.anyName([]clause{{statements: possible}}) {
			list = append(list, r.match)
		}
		if len(list) == most {
			break
		}
	}
	return list
}
