package iampolicy

import "slices"

// explainGap sets the cause of a gap: the statements that decide about its example.
func (g Grants) explainGap(c *Coverage, n *Need, ctx Context) {
	r := g.Evaluate(Request{Action: c.ExampleAction, Resource: c.ExampleARN, Context: ctx})
	denies := filterMatches(r.Matched, func(m Match) bool { return m.Effect == Deny })
	switch {
	case len(denies) > 0:
		c.Cause, c.Deciding = layerCause(denies[0].Layer), denies
		return
	case r.IdentityAllows && !r.BoundaryAllows:
		c.Cause = PermissionsBoundary
		return
	case r.IdentityAllows && !r.OrganizationAllows:
		c.Cause = SCP
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
	if near := filterMatches(r.Near, isIdentityAllow); len(near) > 0 {
		at, miss := nearest(near, n.Resource, c.ExampleARN)
		c.Cause, c.Deciding = NarrowerGrant, near[at:at+1]
		if near[at].NotResource == nil {
			c.Miss = &miss
		}
		return
	}
	c.Cause = NoGrant
}

// isIdentityAllow reports whether the statement is an Allow of an identity policy.
func isIdentityAllow(m Match) bool { return m.Layer == Identity && m.Effect == Allow }

func filterMatches(list []Match, keep func(Match) bool) (kept []Match) {
	for _, m := range list {
		if keep(m) {
			kept = append(kept, m)
		}
	}
	return kept
}

func layerCause(l Layer) Cause {
	return [...]Cause{IdentityDeny, PermissionsBoundary, SCP}[l]
}

// decidingStatements returns the undecided statements that the decision depends on: the Deny
// statements if a Deny applies or every layer allows the request, else the Allow statements.
// Without such statements it returns all undecided ones.
func (r Result) decidingStatements() []Match {
	deny := func(m Match) bool { return m.Effect == Deny }
	may := slices.ContainsFunc(r.Matched, deny) || slices.ContainsFunc(r.Undecided, deny)
	want := Allow
	if r.Decision == ExplicitDeny || r.IdentityAllows && r.BoundaryAllows && r.OrganizationAllows &&
		may {
		want = Deny
	}
	if list := filterMatches(r.Undecided, func(m Match) bool {
		return m.Effect == want
	}); list != nil {
		return list
	}
	return r.Undecided
}
