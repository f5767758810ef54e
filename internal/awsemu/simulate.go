package awsemu

import (
	"context"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

var simulation = map[string]func(*call) (any, error){
	"SimulatePrincipalPolicy": simulatePrincipalPolicy,
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

	organization *Organization
	exempt       bool // service-linked roles are beyond service control policies
	shape        string
}

// An answer is the decision about one action and one resource.
type answer struct {
	decision       iampolicy.Decision
	matched        []iampolicy.Match
	missing        []string
	boundaryAllows bool
	orgAllows      bool
}

// simulatePrincipalPolicy asks what the policies of a user, group or role decide.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
func simulatePrincipalPolicy(c *call) (any, error) {
	q, err := c.question()
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
		decision: got.Decision, missing: got.Missing,
		boundaryAllows: boundaryAllows(got), orgAllows: q.organizationAllows(action),
	}
	if resource != "*" && !eligible(action, resource) {
		// A resource the action has nothing to do with: no statement is about it, not even one about "*".
		return answer{
			missing: got.Missing, orgAllows: a.orgAllows,
			boundaryAllows: q.grants.Boundary == nil,
		}
	}
	if !a.orgAllows {
		// Service control policies end the simulation: no statement of ours has a part in the answer.
		return answer{boundaryAllows: a.boundaryAllows}
	}
	for _, m := range got.Matched {
		decisive := got.Decision == iampolicy.ExplicitDeny && m.Effect == iampolicy.Deny ||
			got.Decision == iampolicy.Allowed && m.Effect == iampolicy.Allow
		if decisive {
			a.matched = append(a.matched, m)
		}
	}
	return a
}

// boundaryAllows reports whether the boundary lets the request pass: some statement of it allows it, and none
// denies it. https://docs.aws.amazon.com/IAM/latest/APIReference/API_PermissionsBoundaryDecisionDetail.html
func boundaryAllows(r iampolicy.Result) bool {
	return r.BoundaryAllows && !slices.ContainsFunc(r.Matched, func(m iampolicy.Match) bool {
		return m.Layer == iampolicy.Boundary && m.Effect == iampolicy.Deny
	})
}

// organizationAllows applies the account's service control policies. A request that does not say its region
// is in none of those that are free.
func (q *question) organizationAllows(action string) bool {
	if q.organization == nil || q.exempt {
		return true
	}
	if free := q.organization.OutsideRegions; len(free) > 0 {
		for name, values := range q.context {
			if strings.EqualFold(name, "aws:RequestedRegion") && len(values) == 1 && slices.Contains(free, values[0]) {
				return true
			}
		}
	}
	return !slices.ContainsFunc(q.organization.Denies, func(pattern string) bool {
		return overlap(literal(strings.ToLower(action)), wild(strings.ToLower(pattern)))
	})
}

// result puts the answers about an action's resources together. The most restrictive decision is the
// result's own.
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
			if !slices.ContainsFunc(top.matched, func(n iampolicy.Match) bool { return sameStatement(m, n) }) {
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
	if q.organization != nil {
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
