package awsemu

import (
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

var simulation = map[string]func(*call) (any, error){
	"SimulatePrincipalPolicy": simulate((*call).aboutPrincipal),
	"SimulateCustomPolicy":    simulate((*call).aboutDocuments),
}

// shapeOld is Simulator.Shape for the answer given until 2026-07-30.
const shapeOld = "old"

// A question is a simulation, ready to be worked out: nothing in it changes any more.
type question struct {
	partition string
	actions   []string // of this page
	page      page
	resources []string // nil for "*"
	grants    iampolicy.Grants
	context   iampolicy.Context

	// organized says that the principal's account is in an organization, be the principal beyond its
	// service control policies or not.
	organized bool
	shape     string
}

// An answer is the decision about one action and one resource.
type answer struct {
	decision       iampolicy.Decision
	matched        []iampolicy.Match
	missing        []string
	boundaryAllows bool
	orgAllows      bool
}

// simulate asks what policies decide: those of a user, group or role, or documents that come along.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
func simulate(about func(*call, *question) error) func(*call) (any, error) {
	return func(c *call) (any, error) {
		q, err := c.question(about)
		if err != nil {
			return nil, err
		}
		ctx := c.ctx
		return func() (any, error) {
			results, err := q.results(ctx)
			return struct {
				EvaluationResults members[evaluationXML]
				page
			}{listOf(results), q.page}, err
		}, nil
	}
}

// results works the answers out, one for each action and, in the old shape, resource.
func (q *question) results(ctx context.Context) ([]evaluationXML, error) {
	var results []evaluationXML
	for _, action := range q.actions {
		if len(q.resources) == 0 {
			results = append(results, q.result(action, "*", []answer{q.ask(action, "*")}, nil))
			continue
		}
		answers := make([]answer, len(q.resources))
		for i, resource := range q.resources {
			if err := ctx.Err(); err != nil { // a large question of a client that has gone
				return nil, err
			}
			answers[i] = q.ask(action, resource)
		}
		if q.shape == shapeOld {
			for i, resource := range q.resources {
				r := q.result(action, resource, answers, q.resources)
				own := listOf(r.Resources.Items[i : i+1])
				r.Resources = &own
				results = append(results, r)
			}
			continue
		}
		name := q.resources[0]
		if len(q.resources) > 1 {
			name = resourceTemplate(q.partition, action)
		}
		results = append(results, q.result(action, name, answers, q.resources))
	}
	return results, nil
}

// ask decides about one action and resource. A star inside the resource is text like any other.
func (q *question) ask(action, resource string) answer {
	got := q.grants.Evaluate(iampolicy.Request{Action: action, Resource: resource, Context: q.context})
	a := answer{
		decision:       got.Decision,
		boundaryAllows: passes(got, iampolicy.Boundary, got.BoundaryAllows),
		orgAllows:      passes(got, iampolicy.Organization, got.OrganizationAllows),
	}
	if !a.orgAllows {
		// Service control policies end the simulation: no statement of ours has a part in the answer, and
		// no key that one of ours names would have changed it. A Deny of theirs is explicit since
		// 2026-07-30 (service/iam v1.57.0 in the changelog of the AWS SDK for Go).
		if q.shape == shapeOld {
			a.decision = iampolicy.ImplicitDeny
		}
		return a
	}
	if resource != "*" && !eligible(action, resource) {
		// A resource the action has nothing to do with: no statement is about it, not even one about "*".
		// The keys they all name are missing nevertheless; a level that allows nothing brings them out.
		silent := q.grants
		silent.Organization = [][]iampolicy.Policy{{}}
		got = silent.Evaluate(iampolicy.Request{Action: action, Resource: resource, Context: q.context})
		return answer{missing: got.Missing, orgAllows: true, boundaryAllows: q.grants.Boundary == nil}
	}
	a.missing = got.Missing
	for _, m := range got.Matched {
		decisive := got.Decision == iampolicy.ExplicitDeny && m.Effect == iampolicy.Deny ||
			got.Decision == iampolicy.Allowed && m.Effect == iampolicy.Allow
		if decisive && m.Layer != iampolicy.Organization {
			a.matched = append(a.matched, m)
		}
	}
	return a
}

// passes reports whether a layer lets the request pass: some statement of it allows it, and none
// denies it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PermissionsBoundaryDecisionDetail.html
func passes(r iampolicy.Result, layer iampolicy.Layer, allows bool) bool {
	return allows && !denies(r, layer)
}

// denies reports whether a statement of a layer denies the request.
func denies(r iampolicy.Result, layer iampolicy.Layer) bool {
	return slices.ContainsFunc(r.Matched, func(m iampolicy.Match) bool {
		return m.Layer == layer && m.Effect == iampolicy.Deny
	})
}

// result puts the answers about an action's resources together. The most restrictive decision is
// the result's own.
func (q *question) result(action, name string, answers []answer, resources []string) evaluationXML {
	top := answer{decision: iampolicy.Allowed, boundaryAllows: true, orgAllows: true}
	for _, a := range answers {
		top.boundaryAllows = top.boundaryAllows && a.boundaryAllows
		top.orgAllows = top.orgAllows && a.orgAllows
		switch {
		case top.decision == iampolicy.ExplicitDeny:
		case a.decision != iampolicy.Allowed:
			top.decision = a.decision
		}
	}
	for _, a := range answers {
		if top.decision == iampolicy.ExplicitDeny && a.decision != iampolicy.ExplicitDeny {
			continue // of a denied action only the denying statements are shown
		}
		for _, m := range a.matched {
			if !slices.ContainsFunc(top.matched, func(n iampolicy.Match) bool {
				return sameStatement(m, n)
			}) {
				top.matched = append(top.matched, m)
			}
		}
		for _, key := range a.missing {
			if top.decision == iampolicy.ImplicitDeny && !slices.Contains(top.missing, key) {
				top.missing = append(top.missing, key)
			}
		}
	}

	r := evaluationXML{
		EvalActionName:       action,
		EvalResourceName:     name,
		EvalDecision:         top.decision.String(),
		MatchedStatements:    listOf(statements(top.matched)),
		MissingContextValues: listOf(top.missing),
		Boundary:             q.boundaryDetail(top),
	}
	if q.organized {
		r.Organizations = &organizationsXML{top.orgAllows}
	}
	if resources == nil {
		return r
	}
	if top.orgAllows {
		r.Details = &struct{}{} // filled across accounts only
	}
	specific := members[resourceXML]{}
	for i, a := range answers {
		s := resourceXML{
			EvalResourceName:     resources[i],
			EvalResourceDecision: a.decision.String(),
			Boundary:             q.boundaryDetail(a),
		}
		if len(a.matched) > 0 {
			matched := listOf(statements(a.matched))
			s.MatchedStatements = &matched
		}
		if len(a.missing) > 0 {
			missing := listOf(a.missing)
			s.MissingContextValues = &missing
		}
		specific.Items = append(specific.Items, s)
	}
	r.Resources = &specific
	return r
}

func (q *question) boundaryDetail(a answer) *boundaryDetailXML {
	if q.grants.Boundary == nil {
		return nil
	}
	return &boundaryDetailXML{a.boundaryAllows}
}

// sameStatement reports whether two matches are of one statement.
func sameStatement(a, b iampolicy.Match) bool {
	return a.Policy == b.Policy && a.Layer == b.Layer && a.Index == b.Index
}
