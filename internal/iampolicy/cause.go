package iampolicy

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
)

// explainGap evaluates the example of a gap in a context, and sets the cause of the gap and the
// statements that decide about the example. Its work is steps of the search.
func (g Grants) explainGap(c *Coverage, n *Need, ctx Context, s *search) {
	s.steps -= g.workOfDecision(ctx)
	c.ctx = ctx
	r := g.decide(Request{Action: c.ExampleAction, Resource: c.ExampleARN, Context: ctx})
	denies := filterMatches(r.Matched, func(m Match) bool { return m.Effect == Deny })
	switch {
	case len(denies) > 0:
		c.Cause, c.Deciding = g.layerCause(denies[0].Layer), denies
		return
	case r.IdentityAllows && !r.BoundaryAllows:
		c.Cause = PermissionsBoundary
		return
	case r.IdentityAllows && !r.OrganizationAllows:
		c.Cause = SCP
		return
	case r.IdentityAllows && !r.ResourceAllows:
		c.Cause, c.Deciding = KeyPolicy, filterMatches(r.Unmet, isResourceAllow)
		if open := filterMatches(r.Undecided, isResourceAllow); c.Deciding == nil && open != nil {
			c.Deciding, c.undecided = open, true
		}
		return
	}
	if unmet := filterMatches(r.Unmet, isIdentityAllow); len(unmet) > 0 {
		c.Cause, c.Deciding = UnmetCondition, unmet
		return
	}
	if open := filterMatches(r.Undecided, isIdentityAllow); len(open) > 0 {
		c.Cause, c.Deciding, c.undecided = UnmetCondition, open, true
		return
	}
	c.misnamed = g.findMisnamed(c.ExampleAction, s)
	if near := filterMatches(r.Near, isIdentityAllow); len(near) > 0 {
		for _, m := range near {
			s.steps -= stepsOfNearest * len(m.Resource)
		}
		at, miss := nearest(near, n.Resource, c.ExampleARN)
		miss.noResource = miss.Kind == NotARN && iamactions.TakesNoResource(c.ExampleAction)
		c.Cause, c.Deciding = NarrowerGrant, near[at:at+1]
		if near[at].NotResource == nil {
			c.Miss = &miss
		}
		return
	}
	c.Cause = NoGrant
}

// stepsOfNearest is the work of nearest for one pattern, in steps.
const stepsOfNearest = 1000

// isIdentityAllow reports whether the statement is an Allow of an identity policy.
func isIdentityAllow(m Match) bool { return m.Layer == Identity && m.Effect == Allow }

// isResourceAllow reports whether the statement is an Allow of the policy of the resource.
func isResourceAllow(m Match) bool { return m.Layer == Resource && m.Effect == Allow }

func filterMatches(list []Match, include func(Match) bool) (filtered []Match) {
	for _, m := range list {
		if include(m) {
			filtered = append(filtered, m)
		}
	}
	return filtered
}

func (g Grants) layerCause(l Layer) Cause {
	if l == Resource && g.Resource.kind == Key {
		return KeyPolicy
	}
	return [...]Cause{IdentityDeny, PermissionsBoundary, SCP, BucketPolicy, RCP}[l]
}

// decidingStatements returns the undecided statements that the decision depends on. These are the
// Deny statements if the decision is ExplicitDeny, or if every layer allows the request and a Deny
// is undecided. Otherwise, these are the Allow statements. If there are no such statements,
// decidingStatements returns all undecided statements.
func (r Result) decidingStatements() []Match {
	deny := func(m Match) bool { return m.Effect == Deny }
	mayDeny := slices.ContainsFunc(r.Matched, deny) || slices.ContainsFunc(r.Undecided, deny)
	want := Allow
	if r.Decision == ExplicitDeny || r.IdentityAllows && r.BoundaryAllows && r.OrganizationAllows &&
		r.ResourceAllows && mayDeny {
		want = Deny
	}
	if list := filterMatches(r.Undecided, func(m Match) bool {
		return m.Effect == want
	}); list != nil {
		return list
	}
	return r.Undecided
}
