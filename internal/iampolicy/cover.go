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

	// ctx is the context of the result. It explains conditions. For a gap of a required document, it
	// is a context of the example in which the document allows the request.
	ctx Context
	// undecided is true if an UnmetCondition depends on unknown values. It is false if the known
	// values do not meet the condition.
	undecided bool
	// misnamed is an action of an Allow that does not exist and that probably stands for
	// ExampleAction. It is nil if there is none.
	misnamed *misnaming
	// unless lists the values with which the example of a Conditional need of a required document is
	// not allowed, as key=value.
	unless string
	// proof shows for a Conditional need that conditions decide about the example.
	proof proof
}

// Cover decides whether the policies allow every request of the need in the given context.
//
// Cover is sound: it returns Satisfied only if every action and every resource of the need is
// allowed. It is complete for statements without conditions and variables, with any combination of
// unions, NotAction, NotResource, Deny, boundary and service control policies. An Allow with a
// condition counts if the context meets the condition. A Deny with a condition counts if the
// context meets, or may meet, the condition. Conditions on one key are judged together, with what
// the premise of the need says, and so are the conditions of several statements. If the answer
// depends on unknown values, the status is Conditional. The amount of work is bounded, and a need
// that exceeds the bound is Unverified.
func (g Grants) Cover(n Need, ctx Context) Coverage { return g.CoverWithin(Unlimited(), n, ctx) }

// CoverWithin is Cover within a budget that several calls share. If the budget is spent, or if its
// context ends, the status is Unverified unless it is certain already.
func (g Grants) CoverWithin(b *Budget, n Need, ctx Context) Coverage {
	c := g.coverWithin(b, n, ctx)
	if c.ctx == nil {
		c.ctx = ctx
	}
	return c
}

func (g Grants) coverWithin(b *Budget, n Need, ctx Context) Coverage {
	if b.spent() {
		return Coverage{Status: Unverified, Reason: budgetExhausted}
	}
	if r := g.Resource; r != nil {
		switch {
		case r.reason != "":
			return Coverage{Status: Unverified, Reason: r.reason}
		case !r.includesNeed(&n):
			return Coverage{Status: Unverified, Reason: n.Resource + " is not only the " +
				r.kind.String() + " " + r.arn + ", whose policy decides"}
		}
	}
	a := b.assume(&n, ctx)
	if n.concrete() {
		m, ok, steps := g.coveredWithoutSearch(&n, n.action.text, a)
		b.left -= steps
		if ok {
			return Coverage{Status: Satisfied, Covering: []Match{m}}
		}
	}
	s := b.newSearch(1)
	limited := s.steps < budgetSteps
	c := g.coverBySearch(n, a, s)
	b.settle(s)
	if c.Status == Unverified && (limited || b.spent()) {
		c.Reason = budgetExhausted
	}
	return c
}

func (g Grants) coverBySearch(n Need, a *assumption, s *search) Coverage {
	if !n.concrete() {
		return g.coverActions(n, a, s)
	}
	return g.coverAction(n, n.Action, n.action.text, a, s)
}

// coverActions returns the result of Cover for an action pattern. It checks one action of each
// class, and returns the most severe result.
func (g Grants) coverActions(n Need, a *assumption, s *search) Coverage {
	m, ok, steps := g.coveredWithoutSearch(&n, "", a)
	if s.steps -= steps; ok {
		return Coverage{Status: Satisfied, Covering: []Match{m}}
	}
	// actionClasses may use half of the budget. The search for holes has the other half.
	half := &search{ctx: s.ctx, steps: s.steps / 2, bytes: s.bytes, scratch: s.scratch}
	before := half.steps
	classes := g.withExclusions(&n).actionClasses(&n, half)
	s.steps -= before - half.steps
	var worst Coverage
	granted := false
	for _, action := range classes {
		lowered := strings.ToLower(action)
		if n.excludesAll(lowered, a) {
			continue
		}
		c := Coverage{Status: Satisfied}
		m, ok, steps := g.coveredWithoutSearch(&n, lowered, a)
		if s.steps -= steps; ok {
			c.Covering = []Match{m}
		} else {
			c = g.coverAction(n, action, lowered, a, s)
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
	case worst.Status == "":
		worst.Status = Satisfied // the required document allows none of the actions
	case (granted || spent) && (worst.Status == Missing || worst.Status == Denied):
		worst.Status = Partial
	}
	return worst
}

const searchExhausted = "the search reached its limit: the policies overlap in too many ways"

const conditionsUnresolved = "the policies have conditions on unknown context values, and no " +
	"values were found with which they decide differently: add the values with --context"

const premiseUnmet = "no context values were found with which the required document allows " +
	"the request: add the values with --context"

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
func (g Grants) coverAction(n Need, action, lowered string, a *assumption, s *search) Coverage {
	if n.excludesAll(lowered, a) {
		return Coverage{Status: Satisfied} // the required document does not allow the action
	}
	q := g.newCoverageSearch(&n, lowered, a, s)
	hole, definite, spent := q.worstHole()
	if hole == "" && !spent {
		return Coverage{Status: Satisfied, Covering: q.coveringStatements()}
	}
	c := Coverage{Status: Unverified, Reason: searchExhausted, ExampleAction: action,
		ExampleARN: hole, Covering: q.coveringStatements()}
	if definite {
		ctx, ok := q.requiredContext(g, action, hole)
		if !ok {
			c.Reason = premiseUnmet
			return c
		}
		c.Status, c.Reason = q.gapStatus(g), ""
		g.explainGap(&c, &n, ctx, s)
		return c
	}
	if spent {
		return c
	}
	decided, p, ok := q.decidedExample(g, action, hole)
	if !ok {
		c.Reason = conditionsUnresolved
		return c
	}
	c = Coverage{Status: Conditional, Cause: UnmetCondition, ExampleAction: action,
		ExampleARN: decided, Covering: c.Covering, proof: p}
	s.steps -= g.workOfDecision(a.ctx)
	c.Deciding = g.decide(Request{Action: action, Resource: decided,
		Context: a.ctx}).decidingStatements()
	c.undecided = true
	if n.premise != nil {
		c.unless = q.difference(g, Request{Action: action, Resource: decided}, p)
	}
	return c
}

// coveredWithoutSearch reports whether the need is satisfied in the most common way: in each layer,
// one statement covers all of the need, and no Deny overlaps the need. It returns the statement of
// the identity policies, and the work in steps. An empty action stands for all actions of the need.
func (g Grants) coveredWithoutSearch(n *Need, action string, a *assumption) (m Match, ok bool,
	steps int) {
	c := textComparison{action: action, assume: a}
	if action == "" {
		c.actions = n.allActions()
	}
	if !c.layer(n, Identity, g.Identity) {
		return c.match, false, c.steps
	}
	if c.granted = false; g.Boundary != nil && (!c.policy(n, Boundary, g.Boundary) || !c.granted) {
		return c.match, false, c.steps
	}
	for _, level := range g.Organization {
		if !c.layer(n, Organization, level) {
			return c.match, false, c.steps
		}
	}
	if g.Resource != nil && !c.resource(n, g.Resource) {
		return c.match, false, c.steps
	}
	if g.ResourceControl != nil && IsControlled(action) {
		for _, level := range g.ResourceControl {
			for i := range level {
				if !c.policy(n, ResourceControl, &level[i]) {
					return c.match, false, c.steps
				}
			}
		}
	}
	return c.match, true, c.steps
}

// resource reports whether the policy of a resource does not deny the need, and lets the identity
// policies decide.
func (c *textComparison) resource(n *Need, r *ResourceGrants) bool {
	if !c.policy(n, Resource, &r.denies) || !c.policy(n, Resource, &r.bounded) {
		return false
	}
	c.granted = r.kind != Key
	return c.policy(n, Resource, &r.account) && c.granted
}

// A textComparison compares a need with one statement after the other. The need is not in it, so
// that the compiler keeps it on the stack.
type textComparison struct {
	action  string    // in lower case, or empty for all actions
	actions *language // all actions
	assume  *assumption
	granted bool  // by the current layer
	match   Match // the statement of the identity policies that grants the need
	steps   int
}

// layer reports whether the policies grant the need.
func (c *textComparison) layer(n *Need, layer Layer, policies []Policy) bool {
	c.granted = false
	for i := range policies {
		if !c.policy(n, layer, &policies[i]) {
			return false
		}
	}
	return c.granted
}

// policy sets granted if a statement grants the need. It returns false if a Deny may overlap the
// need.
func (c *textComparison) policy(n *Need, layer Layer, p *Policy) bool {
	if p.Document == nil {
		return true
	}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Effect == Allow && (c.granted || s.NotResource != nil && n.premise == nil) {
			continue
		}
		c.steps += len(s.actions)
		if c.actions == nil && !s.matchesAction(c.action) ||
			c.actions != nil && !s.fitsActions(n, c.actions) {
			continue
		}
		c.steps += len(s.resources) * len(n.resources)
		if s.Effect == Deny {
			if s.mayOverlap(n) && !n.excludes(s, c.action, c.assume) {
				return false
			}
			continue
		}
		if !s.coversAll(n) {
			continue
		}
		c.steps += s.work.steps(c.assume.ctx)
		if !c.assume.certain(s) {
			continue
		}
		if c.granted = true; layer == Identity {
			c.match = s.matchOf(p, layer, i)
		}
	}
	return true
}

// allActions returns the language of the need's actions, so that coveredBy can compare it.
func (n *Need) allActions() *language {
	l := n.actions()
	l.tokens = toTokens.Replace(l.text)
	return &l
}

// fitsActions reports for an Allow whether the statement matches each action of a need, and for a
// Deny, whether it may match one. It compares texts only.
func (s *Statement) fitsActions(n *Need, actions *language) bool {
	if s.NotAction != nil {
		return s.Effect == Deny || n.premise != nil && n.premise.statement.NotAction != nil &&
			isSubset(s.actions, n.premise.statement.actions)
	}
	return slices.ContainsFunc(s.actions, func(p pattern) bool {
		if s.Effect == Deny {
			return actions.mayOverlap(&p)
		}
		return actions.coveredBy(&p)
	})
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
	if n.premise != nil && s.coversWritten(n) {
		return true
	}
	if s.NotResource != nil {
		return false
	}
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
