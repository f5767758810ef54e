package remedy

import (
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Target is a principal with all of its policy documents.
type Target struct {
	// Name is user/NAME or role/NAME. ARN includes the path.
	Name, ARN string
	// Account is the account of the principal, with twelve digits.
	Account string
	Kind    policies.PolicyKind
	// Grants holds all documents. Each has a Location.
	Grants iampolicy.Grants
	// Trust is the trust policy of a render role; nil if it is not needed or unknown.
	Trust *iampolicy.Document
	// TrustGap is set if the trust policy does not let Lambda assume the role, or only under a
	// condition. TrustWhy explains it.
	TrustGap *Need
	TrustWhy string
	// Context returns the context of a request, as the judgement of the gap had it.
	Context func(needs.SimulationRequest) iampolicy.Context
	// Documented are the permissions of the documents that the target needs, with those that nothing
	// calls.
	Documented []policies.Requirement
	// Satisfied are the needs that are satisfied before the repair.
	Satisfied []needs.Need
	// Resources are ARNs of resources that exist. A pattern that matches one of them is never removed.
	Resources []string
	// Known are earlier documents of the target, for an undo.
	Known []Known
}

// Known is an earlier document of a target.
type Known struct {
	Location iampolicy.Location
	Document *iampolicy.Document
	// Version is the version of a managed policy; empty for a document from the evidence of a run. At
	// is the time from which the document is known, in RFC 3339, or empty.
	Version, At string
}

// A Gap is a requirement that is not satisfied.
type Gap struct {
	policies.Requirement
	// Needs are all needs of the requirement.
	Needs []needs.Need
	// Layer is a layer that denies the gap according to AWS's simulator, although no document shows
	// it; zero for none. The engine finds the layers that the documents show.
	Layer iampolicy.Cause
	// Why explains the gap, as in the finding.
	Why string
}

// A gap is a Gap with what the repair needs to know about it.
type gap struct {
	*Gap
	id Need
	// requests are those of the needs, with their contexts.
	requests []needs.Requests
	contexts []iampolicy.Context
	// patterns are the resource patterns to grant; nil if the identity policies grant the gap. close
	// grants it, see repair.limit.
	patterns []string
	// conditional is true if only a condition of a statement stands between the identity policies and
	// the gap.
	conditional bool
}

// newGap returns the gap, or an error text if the engine cannot express it.
func newGap(t Target, g *Gap) (*gap, string) {
	out := &gap{Gap: g, id: needOf(g.Requirement)}
	for _, n := range g.Needs {
		r, err := n.Requests()
		if err != nil {
			return nil, err.Error()
		}
		out.requests = append(out.requests, r)
		out.contexts = append(out.contexts, t.Context(n.SimulationRequest))
	}
	return out, ""
}

// satisfied reports whether the grants satisfy all needs of the gap.
func (r *repair) satisfied(g *gap, grants iampolicy.Grants) bool {
	for i := range g.requests {
		if !r.covers(g, i, grants) {
			return false
		}
	}
	return true
}

// covers reports whether the grants satisfy one need of a gap.
func (r *repair) covers(g *gap, i int, grants iampolicy.Grants) bool {
	c, _ := g.requests[i].CoverWithin(r.budget, grants, g.contexts[i])
	return c.Status == iampolicy.Satisfied
}

// setPatterns finds the resource patterns that grant the gap in addition to what allows grants: the
// documented pattern, and the needed patterns that it does not match. It prefers few patterns.
func (r *repair) setPatterns(g *gap, allows iampolicy.Grants) {
	documented := single(g.Action, g.Resource)
	useDocumented := false
	var others []string
	for i, n := range g.Needs {
		switch {
		case r.covers(g, i, allows):
		case r.covers(g, i, documented):
			useDocumented = true
		default:
			others = textfmt.AppendNew(others, n.Pattern)
			if n.Contested != "" && !r.covers(g, i, single(g.Action, n.Pattern)) {
				others = textfmt.AppendNew(others, n.Contested)
			}
		}
	}
	if useDocumented {
		g.patterns = append(g.patterns, g.Resource)
	}
	g.patterns = append(g.patterns, others...)
}

// single returns grants with one statement.
func single(action string, resources ...string) iampolicy.Grants {
	return iampolicy.Grants{Identity: []iampolicy.Policy{{Document: allowing([]iampolicy.Statement{{
		Effect: iampolicy.Allow, Action: []string{action}, Resource: resources}})}}}
}
