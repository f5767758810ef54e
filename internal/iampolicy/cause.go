package iampolicy

import "slices"

// explainGap finds the cause of a gap: what decided about the example.
func (g Grants) explainGap(c *Coverage, n *Need, ctx Context) {
	r := g.Evaluate(Request{Action: c.ExampleAction, Resource: c.ExampleARN, Context: ctx})
	denies := choose(r.Matched, func(m Match) bool { return m.Effect == Deny })
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
	if unmet := choose(r.Unmet, grants); len(unmet) > 0 {
		c.Cause, c.Deciding = UnmetCondition, unmet
		return
	}
	if open := choose(r.Undecided, grants); len(open) > 0 {
		c.Cause, c.Deciding, c.unsettled = UnmetCondition, open, true
		return
	}
	if near := choose(r.Near, grants); len(near) > 0 {
		at, miss := nearest(near, n.Resource, c.ExampleARN)
		c.Cause, c.Deciding = NarrowerGrant, near[at:at+1]
		if near[at].NotResource == nil {
			c.Miss = &miss
		}
		return
	}
	c.Cause = NoGrant
}

// grants says of a statement that it is the principal's and allows something.
func grants(m Match) bool { return m.Layer == Identity && m.Effect == Allow }

func choose(list []Match, keep func(Match) bool) (kept []Match) {
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

// decisive are the undecided statements that the decision hangs on: the Denies where something
// grants for good, else the Allows.
func (r Result) decisive() []Match {
	deny := func(m Match) bool { return m.Effect == Deny }
	may := slices.ContainsFunc(r.Matched, deny) || slices.ContainsFunc(r.Undecided, deny)
	want := Allow
	if r.Decision == ExplicitDeny || r.IdentityAllows && r.BoundaryAllows && r.OrganizationAllows &&
		may {
		want = Deny
	}
	if list := choose(r.Undecided, func(m Match) bool { return m.Effect == want }); list != nil {
		return list
	}
	return r.Undecided
}
