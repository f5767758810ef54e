package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
)

// An Excess is a pair of patterns through which a statement grants requests that are not required.
type Excess struct {
	Kind ExcessKind `json:"kind"`
	// Action and Resource are the patterns of the statement as written, or "*" for NotAction and
	// NotResource.
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// ExampleAction and ExampleARN are a request that is allowed and not required. The action is a
	// well-known action if such an action fits, else the shortest possible name.
	ExampleAction string       `json:"exampleAction"`
	ExampleARN    string       `json:"exampleArn"`
	Statement     StatementRef `json:"statement"`
}

// ExcessKind says how wide a grant is.
type ExcessKind string

const (
	// Administrator grants every action on everything.
	Administrator ExcessKind = "administrator access"
	// EverythingBut grants everything except the actions or resources that NotAction or NotResource
	// names.
	EverythingBut ExcessKind = "everything but what it names"
	// EveryAction grants every action of a service. Some of these actions are not required.
	EveryAction ExcessKind = "every action of the service"
	// MoreActions grants an action that is not required.
	MoreActions ExcessKind = "more actions"
	// WiderResource grants a required action on more resources than required.
	WiderResource ExcessKind = "wider resource"
)

// Excess lists the grants of the identity policies that are not required, in the order of the
// policies. For each Allow statement, the list has an entry for each action pattern and for each
// resource pattern through which the statement grants more than required. One entry can stand for
// both. A request that a Deny, the boundary or the organization denies is no excess, and neither
// is an action that does not exist and stands for another. A grant with
// an undecided condition counts. If complete is false, the budget was spent and the list may be
// incomplete.
func (g Grants) Excess(required []Need, ctx Context) (list []Excess, complete bool) {
	return g.ExcessWithin(Unlimited(), required, ctx)
}

// The limits of Excess: the work in units of UnitOfWork, and the size of the list in bytes.
const (
	excessUnits = 8
	excessBytes = 1 << 20
)

// ExcessWithin is Excess within a budget. It takes time linear in the size of the policies and the
// required needs, up to a fixed amount of work.
func (g Grants) ExcessWithin(b *Budget, required []Need, ctx Context) (list []Excess,
	complete bool) {
	if b.spent() {
		return nil, false
	}
	s := b.newSearch(excessUnits)
	defer func() { b.settle(s) }()
	f := excessFinder{grants: g, wanted: requirementStatements(required),
		assume: b.assume(&Need{}, ctx), search: s, patterns: g.patterns(), bytes: excessBytes}
	for i := range g.Identity {
		p := &g.Identity[i]
		if p.Document == nil {
			continue
		}
		for j := range p.Document.Statements {
			statement := &p.Document.Statements[j]
			if statement.Effect == Deny {
				continue
			}
			if met, undecided := statement.conditionsHold(ctx); !met && !undecided {
				continue
			}
			if !f.statement(Match{p.ID, Identity, j + 1, statement}) {
				return f.list, false
			}
		}
	}
	return f.list, true
}

// An excessFinder finds the excess of one statement after the other.
type excessFinder struct {
	grants Grants
	wanted []Statement // the required needs
	assume *assumption
	search *search
	// patterns is the number of patterns in grants. bytes is the size that the list may still have.
	patterns, bytes int
	list            []Excess
}

// statement finds the excess of one statement. It returns false if the budget is spent.
func (f *excessFinder) statement(m Match) bool {
	resources := orStar(m.Resource)
	shown := make([]bool, len(resources))
	for _, action := range orStar(m.Action) {
		if u, unknown := iamactions.Check(action); unknown {
			f.search.steps -= stepsOfNaming
			if u.Nearest != "" {
				continue // it never matches
			}
		}
		actionShown := false
		for i, resource := range resources {
			if actionShown && shown[i] {
				continue
			}
			e, found := f.grants.excessOfPair(m, action, resource, f.wanted, f.assume,
				f.search)
			f.search.steps -= f.patterns + len(f.wanted)
			if found {
				actionShown, shown[i] = true, true
				f.bytes -= len(e.Action) + len(e.Resource) + len(e.ExampleAction) + len(e.ExampleARN)
			}
			if f.search.steps < 0 || f.search.spent || f.bytes < 0 || f.search.ctx.Err() != nil {
				return false
			}
			if found {
				f.list = append(f.list, e)
			}
		}
	}
	return true
}

func orStar(patterns []string) []string {
	if patterns == nil {
		return []string{"*"}
	}
	return patterns
}

// requirementStatements returns one Allow statement for each required need. NotAction and
// NotResource of a required document stay, except NotResource with variables, which counts as "*".
func requirementStatements(required []Need) []Statement {
	list := make([]Statement, len(required))
	for i, n := range required {
		list[i] = Statement{Effect: Allow, Action: []string{n.Action}, Resource: []string{n.Resource}}
		if n.premise != nil && n.premise.statement.NotAction != nil {
			list[i].Action, list[i].NotAction = nil, n.premise.statement.NotAction
		}
		if n.premise != nil && n.premise.names != nil && !n.premise.names.hasVariables() {
			list[i].Resource, list[i].NotResource = nil, n.premise.statement.NotResource
		}
		list[i].compile(false)
	}
	return list
}

// excessOfPair finds a request that one pair of patterns grants and that is not required.
func (g Grants) excessOfPair(m Match, action, resource string, wanted []Statement,
	a *assumption, budget *search) (e Excess, found bool) {
	granted := m.rule(a.ctx).may
	n, err := NewNeed(action, resource)
	// For a statement with NotResource, resource is "*" and m.Resource is empty, so the index is -1.
	// If NewNeed fails for such a statement, the action is invalid.
	if at := slices.Index(m.Resource, resource); at >= 0 &&
		(err != nil || strings.Contains(resource, "${")) {
		// A Need cannot express a pattern with a variable, or with a '*' that spans several ARN fields.
		// Build the need from the literal prefix, and reduce the granted extent to this pattern.
		n, err = NewNeed(action, literalPart(resource)+"*")
		granted.patterns = granted.patterns[at : at+1]
	}
	if err != nil {
		return e, false // no request matches such a pattern
	}
	// Pass the required statements to actionClasses as an extra level, so that all actions of a class
	// match the same required statements.
	all := g
	all.Organization = append(slices.Clone(g.Organization),
		[]Policy{{Document: &Document{Statements: wanted}}})
	classes := []string{action}
	if !n.concrete() {
		classes = all.actionClasses(&n, budget)
	}
	e = Excess{Statement: m.Ref(), Action: action, Resource: resource}
	e.Statement.Resources = nil // Resource is the pattern that matters
	for _, class := range classes {
		lowered := strings.ToLower(class)
		if !m.matchesAction(lowered) {
			continue // excluded by NotAction
		}
		q := g.newCoverageSearch(&n, lowered, a, budget)
		budget.steps -= len(wanted)
		name, ok := q.shortestExcess(granted, requiredExtents(wanted, lowered))
		if !ok {
			continue
		}
		required := requiredExtents(wanted, lowered) != nil
		if found && required { // an action that is not required matters more than a wider resource
			continue
		}
		e.ExampleAction, e.ExampleARN, found = class, name, true
		e.Kind = kindOf(m, action, resource, required)
		if !required {
			e.ExampleAction, e.ExampleARN = g.wellKnownExample(&n, q, m, granted, wanted, class, name)
			break
		}
	}
	return e, found
}

// requiredExtents returns the extents of the required resources for an action.
func requiredExtents(wanted []Statement, action string) (list []extent) {
	for i := range wanted {
		if wanted[i].matchesAction(action) {
			list = append(list, wanted[i].rule(nil).sure)
		}
	}
	return list
}

// shortestExcess finds the shortest name that is granted, allowed and not required.
func (q *coverageSearch) shortestExcess(granted extent, required []extent) (string, bool) {
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

// wellKnownExample returns a well-known action that is not required, with its shortest resource. It
// returns the given example, class and name, if no well-known action fits.
func (g Grants) wellKnownExample(n *Need, q *coverageSearch, m Match, granted extent,
	wanted []Statement,
	class, name string) (string, string) {
	if n.concrete() {
		return class, name
	}
	l := n.actions()
	for _, action := range wellKnownActions {
		lowered := strings.ToLower(action)
		if !l.includes(lowered) || !m.matchesAction(lowered) || requiredExtents(wanted, lowered) != nil {
			continue
		}
		other := g.newCoverageSearch(n, lowered, q.assume, q.search.exampleSearch)
		if name, ok := other.shortestExcess(granted, nil); ok {
			return action, name
		}
	}
	return class, name
}

// wellKnownActions are actions that show the effect of a wide grant.
var wellKnownActions = strings.Fields(`
	iam:CreateAccessKey iam:CreateUser iam:AttachRolePolicy s3:DeleteBucket s3:PutBucketAcl
	s3:DeleteObject s3:GetObject lambda:UpdateFunctionCode lambda:DeleteFunction
	lambda:InvokeFunction logs:DeleteLogGroup logs:GetLogEvents ec2:RunInstances
	ec2:TerminateInstances sts:AssumeRole kms:Decrypt servicequotas:RequestServiceQuotaIncrease
	sns:Publish sqs:SendMessage dynamodb:DeleteTable
`)
