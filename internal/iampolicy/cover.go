package iampolicy

import (
	"slices"
	"strings"
)

// A Coverage is the result of Cover for a Need.
type Coverage struct {
	Status Status
	// Cause says why Status is a gap. It is empty if Status is not a gap.
	Cause Cause
	// ExampleAction and ExampleARN are one request of the need that shows the status. For a gap,
	// ExampleARN is the preferred resource, or the shortest resource that is not allowed, with a real
	// region and a twelve-digit account if such a resource exists. A satisfied need has no example.
	ExampleAction, ExampleARN string
	// Deciding are the statements that decide about the example: the statements that deny it, the
	// statements with a condition that is not met, or the nearest statement that allows the action on
	// other resources.
	Deciding []Match
	// Miss says how the nearest statement misses the example. It is set for a NarrowerGrant by a
	// statement with Resource, not with NotResource.
	Miss *NearMatch
	// Covering are the principal's statements that grant all or part of the need.
	Covering []Match
	// Reason says why the status is Unverified.
	Reason string

	// undecided is true if an UnmetCondition depends on unknown values. It is false if the known
	// values do not meet the condition.
	undecided bool
	// proof shows for a Conditional need that conditions decide about the example.
	proof proof
}

// Cover decides whether the policies allow every request of the need in the given context.
//
// Cover is sound: it returns Satisfied only if every action and every resource of the need is
// allowed. It is complete for statements without conditions and variables, with any combination of
// unions, NotAction, NotResource, Deny, boundary and service control policies. An Allow with a
// condition counts if the context meets the condition. A Deny with a condition counts if the
// context meets, or may meet, the condition. If the answer depends on unknown values, the status is
// Conditional. The amount of work is bounded, and a need that exceeds the bound is Unverified.
func (g Grants) Cover(n Need, ctx Context) Coverage { return g.CoverWithin(Unlimited(), n, ctx) }

// CoverWithin is Cover within a budget that several calls share. If the budget is spent, or if its
// context ends, the status is Unverified unless it is certain already.
func (g Grants) CoverWithin(b *Budget, n Need, ctx Context) Coverage {
	if b.spent() {
		return Coverage{Status: Unverified, Reason: budgetExhausted}
	}
	if n.concrete() {
		m, ok, steps := g.coveredWithoutSearch(&n, n.action.text, ctx)
		b.left -= steps
		if ok {
			return Coverage{Status: Satisfied, Covering: []Match{m}}
		}
	}
	s := b.newSearch(1)
	limited := s.steps < budgetSteps
	c := g.coverBySearch(n, ctx, s)
	b.settle(s)
	if c.Status == Unverified && (limited || b.spent()) {
		c.Reason = budgetExhausted
	}
	return c
}

func (g Grants) coverBySearch(n Need, ctx Context, s *search) Coverage {
	if !n.concrete() {
		return g.coverActions(n, ctx, s)
	}
	return g.coverAction(n, n.Action, n.action.text, ctx, s)
}

// coverActions returns the result of Cover for an action pattern. It checks one action of each
// class, and returns the most severe result.
func (g Grants) coverActions(n Need, ctx Context, s *search) Coverage {
	// actionClasses may use half of the budget. The search for holes has the other half.
	half := &search{ctx: s.ctx, steps: s.steps / 2, bytes: s.bytes, scratch: s.scratch}
	before := half.steps
	classes := g.actionClasses(&n, half)
	s.steps -= before - half.steps
	var worst Coverage
	granted := false
	for _, action := range classes {
		lowered := strings.ToLower(action)
		c := Coverage{Status: Satisfied}
		m, ok, steps := g.coveredWithoutSearch(&n, lowered, ctx)
		if s.steps -= steps; ok {
			c.Covering = []Match{m}
		} else {
			c = g.coverAction(n, action, lowered, ctx, s)
		}
		granted = granted || c.Status == Satisfied || c.Status == Partial || c.Status == Conditional
		if worst.Status == "" || c.Status.Rank() > worst.Status.Rank() {
			covering := worst.Covering
			worst = c
			worst.Covering = union(covering, worst.Covering)
		} else {
			worst.Covering = union(worst.Covering, c.Covering)
		}
		if s.spent {
			break
		}
	}
	spent := half.spent || s.spent
	switch {
	case spent && slices.Contains([]Status{"", Satisfied, Unverified, Conditional}, worst.Status):
		return Coverage{Status: Unverified, Reason: searchExhausted}
	case (granted || spent) && (worst.Status == Missing || worst.Status == Denied):
		worst.Status = Partial
	}
	return worst
}

const searchExhausted = "the search reached its limit: the policies overlap in too many ways"

const conditionsUnresolved = "the policies have conditions on unknown context values, and no " +
	"values were found with which they decide differently: add the values with --context"

func union(a, b []Match) []Match {
	for _, m := range b {
		if !slices.Contains(a, m) {
			a = append(a, m)
		}
	}
	return a
}

// coverAction returns the result of Cover for one action. It searches the resources of the need for
// a request that is not allowed.
func (g Grants) coverAction(n Need, action, lowered string, ctx Context, s *search) Coverage {
	q := g.newCoverageSearch(&n, lowered, ctx, s)
	hole, definite, spent := q.worstHole()
	switch {
	case definite:
		c := Coverage{Status: q.gapStatus(g), ExampleAction: action, ExampleARN: hole,
			Covering: q.coveringStatements()}
		g.explainGap(&c, &n, ctx, s)
		return c
	case spent:
		return Coverage{Status: Unverified, Reason: searchExhausted, ExampleAction: action,
			ExampleARN: hole, Covering: q.coveringStatements()}
	case hole == "":
		return Coverage{Status: Satisfied, Covering: q.coveringStatements()}
	}
	decided, p, ok := q.decidedExample(g, action, hole)
	if !ok {
		return Coverage{Status: Unverified, Reason: conditionsUnresolved, ExampleAction: action,
			ExampleARN: hole, Covering: q.coveringStatements()}
	}
	hole = decided
	c := Coverage{Status: Conditional, Cause: UnmetCondition, ExampleAction: action, ExampleARN: hole,
		Covering: q.coveringStatements(), proof: p}
	s.steps -= g.workOfDecision(ctx)
	c.Deciding = g.decide(Request{Action: action, Resource: hole, Context: ctx}).decidingStatements()
	c.undecided = true
	return c
}

// coveredWithoutSearch reports whether the need is satisfied in the most common way: in each layer,
// one statement covers all of the need, and no Deny overlaps the need. It returns the statement of
// the identity policies, and the work in steps.
func (g Grants) coveredWithoutSearch(n *Need, action string, ctx Context) (m Match, ok bool,
	steps int) {
	granted := false
	policy := func(layer Layer, p *Policy) bool {
		if p.Document == nil {
			return true
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			if s.Effect == Allow && (granted || s.NotResource != nil) {
				continue
			}
			steps += len(s.actions)
			if !s.matchesAction(action) {
				continue
			}
			steps += len(s.resources) * len(n.resources)
			if s.Effect == Deny {
				if s.mayOverlap(n) {
					return false
				}
				continue
			}
			if !s.coversAll(n) {
				continue
			}
			steps += s.work.steps(ctx)
			if met, undecided := s.conditionsHold(ctx); met && !undecided {
				granted = true
				if layer == Identity {
					m = Match{p.ID, layer, i + 1, s}
				}
			}
		}
		return true
	}
	layer := func(layer Layer, policies []Policy) bool {
		granted = false
		for i := range policies {
			if !policy(layer, &policies[i]) {
				return false
			}
		}
		return granted
	}
	if !layer(Identity, g.Identity) {
		return m, false, steps
	}
	if granted = false; g.Boundary != nil && (!policy(Boundary, g.Boundary) || !granted) {
		return m, false, steps
	}
	for _, level := range g.Organization {
		if !layer(Organization, level) {
			return m, false, steps
		}
	}
	return m, true, steps
}

// mayOverlap reports whether the statement's resources may include a resource of the need.
func (s *Statement) mayOverlap(n *Need) bool {
	if s.NotResource != nil {
		return true
	}
	for i := range s.resources {
		for j := range n.resources {
			if n.resources[j].mayOverlap(&s.resources[i]) {
				return true
			}
		}
	}
	return false
}

// coversAll reports whether each language of the need is covered by one pattern of the statement.
func (s *Statement) coversAll(n *Need) bool {
	for j := range n.resources {
		inside := false
		for i := range s.resources {
			if n.resources[j].coveredBy(&s.resources[i]) {
				inside = true
				break
			}
		}
		if !inside {
			return false
		}
	}
	return true
}
