package iampolicy

import (
	"slices"
	"strings"
)

// An Excess is something that a statement grants and nobody requires.
type Excess struct {
	// Granting is the statement, and Action and Resource its patterns as written; of NotAction and
	// NotResource they are "*".
	Granting         Match
	Action, Resource string
	Kind             ExcessKind
	// ExampleAction and ExampleARN are a request that is allowed and not required. The action is one
	// that exists where a well-known one fits, else the shortest there is.
	ExampleAction, ExampleARN string
}

// ExcessKind says how wide a grant is.
type ExcessKind string

const (
	// Administrator: every action on everything.
	Administrator ExcessKind = "administrator access"
	// EverythingBut: all but what NotAction or NotResource names.
	EverythingBut ExcessKind = "everything but what it names"
	// EveryAction: every action of a service, some of which nobody requires.
	EveryAction ExcessKind = "every action of the service"
	// MoreActions: an action nobody requires.
	MoreActions ExcessKind = "more actions"
	// WiderResource: an action that is required, on more than is required.
	WiderResource ExcessKind = "wider resource"
)

// Excess lists what the principal's policies grant beyond what is required, a line for each pair of
// an action pattern and a resource pattern, in the policies' order. What a Deny, the boundary or
// the organization takes away again is no excess. The context settles conditions; what it leaves
// open counts as granted. When the budget was spent, complete is false: there may be more.
func (g Grants) Excess(required []Need, ctx Context) (list []Excess, complete bool) {
	wanted := requirementsOf(required)
	budget := budgeted(8) // for all pairs together
	for i := range g.Identity {
		p := &g.Identity[i]
		if p.Document == nil {
			continue
		}
		for j := range p.Document.Statements {
			s := &p.Document.Statements[j]
			if s.Effect == Deny {
				continue
			}
			if met, unsettled := s.conditionsHold(ctx); !met && !unsettled {
				continue
			}
			m := Match{p.ID, Identity, j + 1, s}
			for _, action := range orEverything(s.Action) {
				for _, resource := range orEverything(s.Resource) {
					if e, found := g.excess(m, action, resource, wanted, ctx, budget); found {
						list = append(list, e)
					}
					if budget.spent {
						return list, false
					}
				}
			}
		}
	}
	return list, true
}

func orEverything(patterns []string) []string {
	if patterns == nil {
		return []string{"*"}
	}
	return patterns
}

// requirementsOf makes statements of what is required, one each.
func requirementsOf(required []Need) []Statement {
	list := make([]Statement, len(required))
	for i, n := range required {
		list[i] = Statement{Effect: Allow, Action: []string{n.Action}, Resource: []string{n.Resource}}
		list[i].compile(false)
	}
	return list
}

// excess looks for a request that one pair of patterns grants and nothing requires.
func (g Grants) excess(m Match, action, resource string, wanted []Statement, ctx Context,
	budget *search) (e Excess, found bool) {
	granted := m.rule(ctx).may
	n, err := NewNeed(action, resource)
	// Of NotResource there is no pattern of its own, and what is wrong with the need is its action.
	if at := slices.Index(m.Resource, resource); at >= 0 &&
		(err != nil || strings.Contains(resource, "${")) {
		// As a need, a pattern whose '*' runs on past fields, or with a variable, does not say what it
		// grants.
		n, err = NewNeed(action, literalPart(resource)+"*")
		granted.patterns = granted.patterns[at : at+1]
	}
	if err != nil {
		return e, false // no request fits such a pattern
	}
	// The classes of actions must not cut across what is required either.
	all := g
	all.Organization = append(slices.Clone(g.Organization),
		[]Policy{{Document: &Document{Statements: wanted}}})
	classes := []string{action}
	if !n.concrete() {
		classes = all.actionClasses(&n, budget)
	}
	e = Excess{Granting: m, Action: action, Resource: resource}
	for _, class := range classes {
		lowered := strings.ToLower(class)
		if !m.matchesAction(lowered) {
			continue // left out by NotAction
		}
		q := g.newCoverageSearch(&n, lowered, ctx, budget)
		name, ok := q.beyond(granted, requiring(wanted, lowered))
		if !ok {
			continue
		}
		required := requiring(wanted, lowered) != nil
		if found && required { // an action nobody asked for says more than a wider resource
			continue
		}
		e.ExampleAction, e.ExampleARN, found = class, name, true
		e.Kind = kindOf(m, action, resource, required)
		if !required {
			e.ExampleAction, e.ExampleARN = g.wellKnown(&n, q, m, granted, wanted, class, name)
			break
		}
	}
	return e, found
}

// requiring are the extents of what is required of an action.
func requiring(wanted []Statement, action string) (list []extent) {
	for i := range wanted {
		if wanted[i].matchesAction(action) {
			list = append(list, wanted[i].rule(nil).sure)
		}
	}
	return list
}

// beyond finds the shortest name that is granted, that is allowed, and that is not required.
func (q *coverageSearch) beyond(granted extent, required []extent) (string, bool) {
	clauses := []clause{{none: true, statements: extents(q.denies, upperBound)},
		{none: true, statements: required}}
	for _, group := range q.groups {
		clauses = append(clauses, clause{statements: extents(group.allows, upperBound)})
	}
	clauses = append(clauses, clause{statements: []extent{granted}})
	best, found := "", false
	for i := range q.need.resources {
		l := &q.need.resources[i]
		if name, ok := q.search.shortest(l, clauses); ok && (!found || shorter(name, best)) {
			best, found = name, true
		}
	}
	return best, found
}

func kindOf(m Match, action, resource string, required bool) ExcessKind {
	_, name, _ := strings.Cut(action, ":")
	switch {
	case m.NotAction != nil || m.NotResource != nil:
		return EverythingBut
	case action == "*" && resource == "*":
		return Administrator
	case required:
		return WiderResource
	case action == "*" || name == "*":
		return EveryAction
	}
	return MoreActions
}

// wellKnown replaces an action that nobody has heard of, and its example, by one that people know
// and that nobody requires.
func (g Grants) wellKnown(n *Need, q *coverageSearch, m Match, granted extent, wanted []Statement,
	class, name string) (string, string) {
	if n.concrete() {
		return class, name
	}
	l := n.actions()
	for _, action := range known {
		lowered := strings.ToLower(action)
		if !l.includes(lowered) || !m.matchesAction(lowered) || requiring(wanted, lowered) != nil {
			continue
		}
		other := g.newCoverageSearch(n, lowered, q.ctx, q.search.nicer)
		if name, ok := other.beyond(granted, nil); ok {
			return action, name
		}
	}
	return class, name
}

// known are actions that show what a wide grant means.
var known = strings.Fields(`iam:CreateAccessKey iam:CreateUser iam:AttachRolePolicy s3:DeleteBucket s3:PutBucketAcl
	s3:DeleteObject s3:GetObject lambda:UpdateFunctionCode lambda:DeleteFunction lambda:InvokeFunction
	logs:DeleteLogGroup logs:GetLogEvents ec2:RunInstances ec2:TerminateInstances sts:AssumeRole kms:Decrypt
	servicequotas:RequestServiceQuotaIncrease sns:Publish sqs:SendMessage dynamodb:DeleteTable`)
