package iam

import (
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

var simulation = table{
	"SimulatePrincipalPolicy": {Do: simulate(call.readPrincipalPolicies),
		Needs: service.On(parameter("PolicySourceArn"))},
	"SimulateCustomPolicy": {Do: simulate(call.readInputPolicies), Needs: onAny},
}

// ShapeOld is the value of Simulator.Shape for the answers that AWS gave until 2026-07-30.
const ShapeOld = "old"

// A simulationInput is the checked input of a simulation. It is immutable, so that the simulation
// runs without the server's mutex.
type simulationInput struct {
	partition string
	actions   []string // of this page
	page      wire.Page
	resources []string // nil for "*"
	grants    iampolicy.Grants
	context   iampolicy.Context

	// inOrganization is true if the principal's account is in an organization, even if the service
	// control policies do not affect the principal.
	inOrganization bool
	shape          string
}

// An evaluation is the decision on one action and one resource.
type evaluation struct {
	decision       iampolicy.Decision
	matched        []iampolicy.Match
	missing        []string
	boundaryAllows bool
	orgAllows      bool
}

// simulate returns the operation that simulates the policies that readPolicies reads: the policies
// of a user, group or role, or the documents in the request.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html
func simulate(readPolicies func(call, *simulationInput) error) func(call) (any, error) {
	return func(c call) (any, error) {
		q, err := c.simulationInput(readPolicies)
		if err != nil {
			return nil, err
		}
		ctx := c.Context
		return func() (any, error) {
			results, err := q.results(ctx)
			return struct {
				EvaluationResults wire.Members[evaluationXML]
				wire.Page
			}{wire.ListOf(results), q.page}, err
		}, nil
	}
}

// results evaluates the simulation. It returns one result per action, or per action and resource in
// the old shape.
func (q *simulationInput) results(ctx context.Context) ([]evaluationXML, error) {
	var results []evaluationXML
	for _, action := range q.actions {
		if len(q.resources) == 0 {
			results = append(results, q.result(action, "*", []evaluation{q.evaluate(action, "*")}, nil))
			continue
		}
		answers := make([]evaluation, len(q.resources))
		for i, resource := range q.resources {
			if err := ctx.Err(); err != nil { // the client of a large simulation has disconnected
				return nil, err
			}
			answers[i] = q.evaluate(action, resource)
		}
		if q.shape == ShapeOld {
			for i, resource := range q.resources {
				r := q.result(action, resource, answers, q.resources)
				own := wire.ListOf(r.Resources.Items[i : i+1])
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

// evaluate returns the decision on one action and resource. A star inside the resource is not a
// wildcard.
func (q *simulationInput) evaluate(action, resource string) evaluation {
	got := q.grants.Evaluate(iampolicy.Request{Action: action, Resource: resource, Context: q.context})
	a := evaluation{
		decision:       got.Decision,
		boundaryAllows: passes(got, iampolicy.Boundary, got.BoundaryAllows),
		orgAllows:      passes(got, iampolicy.Organization, got.OrganizationAllows),
	}
	if !a.orgAllows {
		// A denial by service control policies ends the simulation: the account's statements and their
		// context keys do not appear in the answer. A Deny of a service control policy is an explicit
		// deny since 2026-07-30 (service/iam v1.57.0 in the changelog of the AWS SDK for Go).
		if q.shape == ShapeOld {
			a.decision = iampolicy.ImplicitDeny
		}
		return a
	}
	if resource != "*" && !eligible(action, resource) {
		// The action does not accept a resource of this type, so that no statement matches, not even a
		// statement on "*". AWS still reports the missing context keys of all statements. Evaluate
		// returns these keys only for an implicit deny. An organization level that allows nothing changes
		// an allow to an implicit deny.
		limited := q.grants
		limited.Organization = [][]iampolicy.Policy{{}}
		got = limited.Evaluate(iampolicy.Request{Action: action, Resource: resource, Context: q.context})
		return evaluation{missing: got.Missing, orgAllows: true, boundaryAllows: q.grants.Boundary == nil}
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

// passes reports whether a layer permits the request: a statement of the layer allows it, and none
// denies it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_PermissionsBoundaryDecisionDetail.html
func passes(r iampolicy.Result, layer iampolicy.Layer, allows bool) bool {
	return allows && !service.Denies(r, layer)
}

// result combines the answers for an action's resources. The decision of the result is the most
// restrictive decision of the answers.
func (q *simulationInput) result(action, name string, answers []evaluation,
	resources []string) evaluationXML {
	top := evaluation{decision: iampolicy.Allowed, boundaryAllows: true, orgAllows: true}
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
			continue // the result of an explicit deny contains only the statements that deny
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
		MatchedStatements:    wire.ListOf(statements(top.matched)),
		MissingContextValues: wire.ListOf(top.missing),
		Boundary:             q.boundaryDetail(top),
	}
	if q.inOrganization {
		r.Organizations = &organizationsXML{top.orgAllows}
	}
	if resources == nil {
		return r
	}
	if top.orgAllows {
		r.Details = &struct{}{} // AWS fills this element only for cross-account requests
	}
	specific := wire.Members[resourceXML]{}
	for i, a := range answers {
		s := resourceXML{
			EvalResourceName:     resources[i],
			EvalResourceDecision: a.decision.String(),
			Boundary:             q.boundaryDetail(a),
		}
		if len(a.matched) > 0 {
			matched := wire.ListOf(statements(a.matched))
			s.MatchedStatements = &matched
		}
		if len(a.missing) > 0 {
			missing := wire.ListOf(a.missing)
			s.MissingContextValues = &missing
		}
		specific.Items = append(specific.Items, s)
	}
	r.Resources = &specific
	return r
}

func (q *simulationInput) boundaryDetail(a evaluation) *boundaryDetailXML {
	if q.grants.Boundary == nil {
		return nil
	}
	return &boundaryDetailXML{a.boundaryAllows}
}

// sameStatement reports whether two matches refer to the same statement.
func sameStatement(a, b iampolicy.Match) bool {
	return a.Policy == b.Policy && a.Layer == b.Layer && a.Index == b.Index
}
