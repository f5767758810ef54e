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
	assume *assumption // of the need; its context is ctx
	// groups are the identity policies, the boundary, and each level of the organization. Each group
	// has to allow a request.
	groups []group
	denies []rule
	// excluded match the requests that the need's premise excludes. If mayBeExcluded is true, an
	// undecided exclusion counts, too.
	excluded      []rule
	mayBeExcluded bool
	search        *search
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
	// open are the conditions that are undecided. The statement then matches no name for certain.
	open []*Condition
	// whole is true if the statement matches each name of the need in each context, apart from open.
	whole bool
}

func (r *rule) hasSure() bool { return len(r.open) == 0 }

// newCoverageSearch returns a search for an action, which is given in lower case. It collects the
// statements that match the action, except those with a condition that is not met.
func (g Grants) newCoverageSearch(n *Need, action string, a *assumption,
	s *search) *coverageSearch {
	q := &coverageSearch{need: n, action: action, ctx: a.ctx, assume: a, search: s}
	rules := func(layer Layer, policies ...Policy) (allows []rule) {
		for i := range policies {
			p := &policies[i]
			if p.Document == nil {
				continue
			}
			for j := range p.Document.Statements {
				s := &p.Document.Statements[j]
				r, ok := q.newRule(s)
				r.match = s.matchOf(p, layer, j)
				switch {
				case !ok:
				case s.Effect == Allow:
					r.whole = s.coversWritten(n)
					allows = append(allows, r)
				case !n.excludes(s, action, a):
					q.denies = append(q.denies, r)
				}
			}
		}
		return allows
	}
	// The groups are a conjunction: (identity or granted or direct) and (boundary or direct), and for
	// a key, (account or granted or direct).
	var granted, direct, everyone []rule
	of := g.Resource
	if of != nil {
		direct = rules(Resource, of.direct)
		granted = append(rules(Resource, of.role), direct...)
		rules(Resource, of.denies)
	}
	q.groups = append(q.groups, group{append(rules(Identity, g.Identity...), granted...)})
	if g.Boundary != nil {
		if of != nil {
			everyone = rules(Resource, of.everyone)
			rules(Resource, of.bounded)
		}
		allows := append(rules(Boundary, *g.Boundary), direct...)
		q.groups = append(q.groups, group{append(allows, everyone...)})
	}
	for _, level := range g.Organization {
		q.groups = append(q.groups, group{rules(Organization, level...)})
	}
	if of != nil && of.kind == Key {
		q.groups = append(q.groups, group{append(rules(Resource, of.account), granted...)})
	}
	if g.ResourceControl != nil && IsControlled(action) {
		for _, level := range g.ResourceControl {
			rules(ResourceControl, level...)
		}
	}
	if n.premise != nil {
		for i := range n.premise.excluded {
			s := n.premise.excluded[i].Statement
			if r, ok := q.newRule(s); ok {
				r.match.Statement = s
				q.excluded = append(q.excluded, r)
			}
		}
	}
	return q
}

// newRule returns the rule of a statement. It returns false if the statement does not match the
// action, or if its condition is not met.
func (q *coverageSearch) newRule(s *Statement) (r rule, ok bool) {
	if q.search.steps -= len(s.actions); !s.matchesAction(q.action) {
		return r, false
	}
	q.search.steps -= len(s.resources) + s.work.steps(q.ctx)
	possible, open := q.assume.conditions(s)
	if !possible {
		return r, false
	}
	r = s.rule(q.ctx)
	r.open = open
	return r, true
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
	return r.sure, r.hasSure()
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
	return slices.ContainsFunc(q.groups, func(g group) bool { return undecided(g.allows) }) ||
		undecided(q.denies)
}

func undecided(rules []rule) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		return !r.hasSure() || len(r.sure.patterns) != len(r.may.patterns)
	})
}

// worstHole finds a resource of the need on which the action is not allowed. A definite hole is not
// allowed, regardless of unknown values. Whether any other hole is allowed depends on unknown
// values. An empty name means that every resource is allowed, or that the budget is spent.
func (q *coverageSearch) worstHole() (name string, definite, spent bool) {
	// A hole that the premise does not exclude in any context comes first.
	q.mayBeExcluded = true
	name, ok := q.hole(upperBound)
	if q.mayBeExcluded = false; !ok && undecided(q.excluded) {
		name, ok = q.hole(upperBound)
	}
	if ok {
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

// allows reports whether one name is allowed under a bound, or excluded by the premise.
func (q *coverageSearch) allows(name string, v bound) bool {
	excluded, openExclusions := q.exclusions(nil)
	if anyContains(excluded, name) {
		return true
	}
	for i := range q.denies {
		d := &q.denies[i]
		if e, ok := d.extent(v); ok && e.contains(name) {
			if excluded, open := q.exclusions(d.open); !anyContains(excluded, name) &&
				q.oneMatches(open, name, q.assume.with(d.open)) == nil {
				return false
			}
		}
	}
	for i := range q.groups {
		allows, open := q.allowed(&q.groups[i], v)
		if !q.wholly(&q.groups[i], v) && !anyContains(allows, name) &&
			q.oneMatches(slices.Concat(open, openExclusions), name, q.assume) == nil {
			return false
		}
	}
	return true
}

func (e *extent) contains(name string) bool {
	return slices.ContainsFunc(e.patterns, func(p *pattern) bool { return p.match(name) }) != e.not
}

func anyContains(list []extent, name string) bool {
	return slices.ContainsFunc(list, func(e extent) bool { return e.contains(name) })
}

// exclusions returns the extents of the exclusions that certainly apply in contexts that meet
// further conditions, and the other exclusions.
func (q *coverageSearch) exclusions(further []*Condition) (list []extent, open []rule) {
	if q.mayBeExcluded {
		return extents(q.excluded, lowerBound), nil
	}
	a := q.assume.with(further)
	for i := range q.excluded {
		r := q.excluded[i]
		if len(r.open) > 0 && further != nil {
			r.open = a.open(r.open)
		}
		if r.hasSure() {
			list = append(list, r.sure)
		} else {
			open = append(open, r)
		}
	}
	return list, open
}

// allowed returns the extents of the Allow statements that count under a bound, and the statements
// that count only in some contexts.
func (q *coverageSearch) allowed(g *group, v bound) (list []extent, open []rule) {
	if v == lowerBound {
		for i := range g.allows {
			if !g.allows[i].hasSure() {
				open = append(open, g.allows[i])
			}
		}
	}
	return extents(g.allows, v), open
}

// wholly reports whether a statement allows each name of the need under a bound.
func (q *coverageSearch) wholly(g *group, v bound) bool {
	return slices.ContainsFunc(g.allows, func(r rule) bool {
		return r.whole && (v == upperBound || r.hasSure())
	})
}

// oneMatches returns rules of which, in each context, one matches the name. It returns nil if that
// is not certain.
func (q *coverageSearch) oneMatches(rules []rule, name string, a *assumption) []rule {
	var matching []rule
	for _, r := range rules {
		if r.whole || r.sure.contains(name) {
			matching = append(matching, r)
		}
	}
	holds := func(rules []rule) bool {
		lists := make([][]*Condition, len(rules))
		for i := range rules {
			lists[i] = rules[i].open
		}
		return a.oneHolds(lists)
	}
	if !holds(matching) {
		return nil
	}
	// Without the rules that are not necessary, the others match more names.
	for i := len(matching) - 1; i >= 0; i-- {
		if fewer := slices.Delete(slices.Clone(matching), i, i+1); holds(fewer) {
			matching = fewer
		}
	}
	return matching
}

// holeIn finds the shortest hole of a language. A name is a hole if a Deny matches the name, or if
// a group has no Allow that matches the name. holeIn searches each Deny and each group separately,
// which costs far less than one search over all statements.
func (q *coverageSearch) holeIn(l *language, v bound, s *search) (best string, found bool) {
	try := func(open []rule, a *assumption, clauses ...clause) {
		if name, ok := q.holeOf(l, clauses, open, a, s); ok && (!found || shorter(name, best)) {
			best, found = name, true
		}
	}
	for i := range q.denies {
		d := &q.denies[i]
		if e, ok := d.extent(v); ok && e.mayOverlap(l) {
			denied := clause{statements: []extent{e}}
			if len(q.excluded) == 0 {
				try(nil, q.assume, denied)
				continue
			}
			excluded, open := q.exclusions(d.open)
			try(open, q.assume.with(d.open), denied, clause{none: true, statements: excluded})
		}
	}
	excluded, openExclusions := q.exclusions(nil)
	for i := range q.groups {
		g := &q.groups[i]
		allows, open := q.allowed(g, v)
		if allows = append(allows, excluded...); !coversAll(allows, l) && !q.wholly(g, v) {
			try(append(open, openExclusions...), q.assume, clause{none: true, statements: allows})
		}
	}
	return best, found
}

// maxUnions is the number of unions of statements that a search for a hole may find.
const maxUnions = 16

// holeOf finds the shortest name of a language for which all clauses are true, and that open does
// not cover: in some context, none of the rules that match the name applies.
func (q *coverageSearch) holeOf(l *language, clauses []clause, open []rule, a *assumption,
	s *search) (string, bool) {
	for i := 0; ; i++ {
		name, ok := s.shortest(l, clauses)
		if !ok || len(open) == 0 || i == maxUnions {
			return name, ok
		}
		union := q.oneMatches(open, name, a)
		if union == nil {
			return name, true
		}
		outside := clause{} // the names that a rule of the union does not match
		for _, r := range union {
			if !r.whole {
				outside.statements = append(outside.statements, extent{r.sure.patterns, !r.sure.not})
			}
		}
		clauses = append(clauses, outside)
	}
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
	if len(q.excluded) > 0 {
		clauses = append(clauses, clause{none: true, statements: extents(q.excluded, upperBound)})
	}
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
	if q.need.premise != nil {
		return false // the premise may exclude the name, or its conditions contradict the statement
	}
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
