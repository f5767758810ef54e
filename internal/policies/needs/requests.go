package needs

import (
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Requests are the requests of a need in the form that package iampolicy decides.
type Requests struct {
	iampolicy.Need
	// dispute and readings are set if the sources of AWS disagree about the resource of the requests:
	// the explanation, and one need for each resource that a source names. Need has all of these
	// resources, so that it is satisfied only if the sources do not matter.
	dispute  string
	readings []iampolicy.Need
}

// Requests returns the requests of the need.
func (n Need) Requests() (Requests, error) {
	if n.Literal {
		var other []string
		if n.Contested != "" {
			other = []string{n.Contested}
		}
		r, err := literalRequests(n.Action, n.Resource, other)
		r.Need = r.Preferring(n.Resource)
		return r, err
	}
	need, err := iampolicy.NewNeed(n.Action, n.Pattern)
	return Requests{Need: need.Named().Preferring(n.Resource)}, err
}

// RequestsFor returns the requests for an action on a resource pattern, as a policy document states
// them. For an action that policies.FindStarAction knows, "*" is the resource of its requests. For
// any other action, "*" stands for every resource.
func RequestsFor(action, pattern string) (Requests, error) {
	star, known := policies.FindStarAction(action)
	if pattern != "*" || !known || star.Scope == policies.NamedResource {
		need, err := iampolicy.NewNeed(action, pattern)
		return Requests{Need: need}, err
	}
	var other []string
	if star.Scope == policies.ContestedResource {
		for _, partition := range policies.Partitions() {
			other = append(other, star.TextIn(partition))
		}
	}
	return literalRequests(action, pattern, other)
}

// Within returns the requests limited to what a statement of a required document allows. resource
// is the statement's pattern as written, see iampolicy.Need.Within.
func (r Requests) Within(premise *iampolicy.Premise, resource string) Requests {
	r.Need = r.Need.Within(premise, resource)
	readings := make([]iampolicy.Need, len(r.readings))
	for i := range r.readings {
		readings[i] = r.readings[i].Within(premise, resource)
	}
	r.readings = readings
	return r
}

// literalRequests returns the requests for an action on one resource, as text. other are the
// resources that another source of AWS names instead.
func literalRequests(action, resource string, other []string) (Requests, error) {
	all := append([]string{resource}, other...)
	need, err := iampolicy.NewLiteralNeed(action, all...)
	r := Requests{Need: need}
	if err != nil || other == nil {
		return r, err
	}
	star, _ := policies.FindStarAction(action)
	r.dispute = star.Dispute(other[0])
	for _, text := range all {
		reading, err := iampolicy.NewLiteralNeed(action, text)
		if err != nil {
			return r, err
		}
		r.readings = append(r.readings, reading)
	}
	return r, nil
}

// Cover decides whether the policies allow all the requests. If the status is a gap only by some of
// the sources of AWS, dispute explains the disagreement and names the sources. Otherwise dispute is
// empty.
func (r Requests) Cover(g iampolicy.Grants, ctx iampolicy.Context) (c iampolicy.Coverage,
	dispute string) {
	return r.CoverWithin(iampolicy.Unlimited(), g, ctx)
}

// CoverWithin is Cover within a budget that several calls share.
func (r Requests) CoverWithin(b *iampolicy.Budget, g iampolicy.Grants,
	ctx iampolicy.Context) (c iampolicy.Coverage, dispute string) {
	c = g.CoverWithin(b, r.Need, ctx)
	if !c.Status.Gap() {
		return c, ""
	}
	for _, reading := range r.readings {
		status := g.CoverWithin(b, reading, ctx).Status
		if status != c.Status && !certain(status, c.Status) {
			return c, r.dispute
		}
	}
	return c, ""
}

// certain reports whether both statuses mean that no request is allowed.
func certain(a, b iampolicy.Status) bool {
	none := func(s iampolicy.Status) bool { return s == iampolicy.Missing || s == iampolicy.Denied }
	return none(a) && none(b)
}
