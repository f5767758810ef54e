package iampolicy

import (
	"slices"
	"strings"
)

// A Coverage is the answer to a Need.
type Coverage struct {
	Status Status
	// Cause says why Status is a gap.
	Cause Cause
	// ExampleAction and ExampleARN are a request of the need for which the status holds: of a gap one
	// that is not allowed, the shortest there is, with a real region and a twelve-digit account if
	// there is such a one. A satisfied need has none.
	ExampleAction, ExampleARN string
	// Deciding are the statements to blame for the example: those that deny it, or the nearest one
	// that allows the action elsewhere, or those whose condition is not met.
	Deciding []Match
	// Miss says how the nearest statement misses, for a NarrowerGrant.
	Miss *NearMatch
	// Covering are the statements of the principal that grant all of the need, or the rest of it.
	Covering []Match
	// Reason says why the status is Unverified.
	Reason string

	// unsettled says of an UnmetCondition that its keys are not known, rather than that they fail.
	unsettled bool
}

// Cover decides whether the policies allow every request that the need stands for, in that context.
//
// It is sound: what it calls satisfied is allowed for every action and every resource of the need.
// It is complete for statements without conditions and variables, whatever they say: unions,
// NotAction, NotResource, Deny, boundary and service control policies. An Allow under a condition
// counts if the context meets it; a Deny under a condition counts unless the context rules it out;
// where that leaves the answer open the need is Conditional. The work is bounded; what the bound
// cuts off is Unverified.
func (g Grants) Cover(n Need, ctx Context) Coverage {
	if !n.concrete() {
		return g.coverActions(n, ctx)
	}
	if m, ok := g.plainly(&n, n.action.text, ctx); ok {
		return Coverage{Status: Satisfied, Covering: []Match{m}}
	}
	return g.coverAction(n, n.Action, n.action.text, ctx, newSearch())
}

// coverActions decides about an action pattern, one class of actions after the other.
func (g Grants) coverActions(n Need, ctx Context) Coverage {
	s := newSearch()
	// Finding the classes may take half, so that enough is left to find a hole in those that were
	// found.
	half := &search{steps: s.steps / 2, bytes: s.bytes}
	classes := g.actionClasses(&n, half)
	s.steps -= budgetSteps/2 - max(half.steps, 0)
	var worst Coverage
	granted := false
	for _, action := range classes {
		lowered := strings.ToLower(action)
		c := Coverage{Status: Satisfied}
		if m, ok := g.plainly(&n, lowered, ctx); ok {
			c.Covering = []Match{m}
		} else {
			c = g.coverAction(n, action, lowered, ctx, s)
		}
		granted = granted || c.Status == Satisfied || c.Status == Partial || c.Status == Conditional
		if worst.Status == "" || statusSeverity(c.Status) > statusSeverity(worst.Status) {
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

const searchExhausted = "the policies overlap in more ways than could be looked at"

// statusSeverity orders what one action of several can come to.
func statusSeverity(s Status) int {
	return slices.Index([]Status{Satisfied, Conditional, Unverified, Partial, Denied, Missing}, s)
}

func union(a, b []Match) []Match {
	for _, m := range b {
		if !slices.Contains(a, m) {
			a = append(a, m)
		}
	}
	return a
}

// coverAction searches for what is not allowed of one action.
func (g Grants) coverAction(n Need, action, lowered string, ctx Context, s *search) Coverage {
	q := g.newCoverageSearch(&n, lowered, ctx, s)
	hole, definite, spent := q.worstHole()
	switch {
	case definite:
		c := Coverage{Status: q.gap(g), ExampleAction: action, ExampleARN: hole, Covering: q.covering()}
		g.explainGap(&c, &n, ctx)
		return c
	case spent:
		return Coverage{Status: Unverified, Reason: searchExhausted, ExampleAction: action,
			ExampleARN: hole, Covering: q.covering()}
	case hole == "":
		return Coverage{Status: Satisfied, Covering: q.covering()}
	}
	c := Coverage{Status: Conditional, Cause: UnmetCondition, ExampleAction: action, ExampleARN: hole,
		Covering: q.covering()}
	c.Deciding = g.Evaluate(Request{Action: action, Resource: hole, Context: ctx}).decisive()
	c.unsettled = true
	return c
}

// plainly answers the common case without a search: in each layer one statement's one pattern holds
// all of the need, and no Deny comes near. It returns the principal's statement.
func (g Grants) plainly(n *Need, action string, ctx Context) (m Match, ok bool) {
	granted := false
	policy := func(layer Layer, p *Policy) bool {
		if p.Document == nil {
			return true
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			if s.Effect == Allow && (granted || s.NotResource != nil) || !s.matchesAction(action) {
				continue
			}
			if s.Effect == Deny {
				if s.comesNear(n) {
					return false
				}
				continue
			}
			if !s.holdsAll(n) {
				continue
			}
			if met, unsettled := s.conditionsHold(ctx); met && !unsettled {
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
		return m, false
	}
	if granted = false; g.Boundary != nil && !(policy(Boundary, g.Boundary) && granted) {
		return m, false
	}
	for _, level := range g.Organization {
		if !layer(Organization, level) {
			return m, false
		}
	}
	return m, true
}

// comesNear reports whether the statement's resources may include some of the need.
func (s *Statement) comesNear(n *Need) bool {
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

// holdsAll reports that for each language of the need one of the statement's patterns holds all of
// it.
func (s *Statement) holdsAll(n *Need) bool {
	for j := range n.resources {
		inside := false
		for i := range s.resources {
			if n.resources[j].inside(&s.resources[i]) {
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
