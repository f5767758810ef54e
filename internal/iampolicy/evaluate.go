package iampolicy

import (
	"iter"
	"slices"
	"strings"
)

// Decision is what IAM says to a request. The zero value denies, so that a forgotten assignment
// does.
type Decision uint8

const (
	ImplicitDeny Decision = iota // no statement allowed it
	ExplicitDeny                 // a Deny matched; it beats every Allow
	Allowed
)

// String spells a decision as the simulator's API does.
func (d Decision) String() string {
	return [...]string{"implicitDeny", "explicitDeny", "allowed"}[d]
}

// A Policy is a document and what it is called.
type Policy struct {
	// ID is returned in every Match of the policy's statements.
	ID       string
	Document *Document
}

// Grants is all that decides what a principal may do.
type Grants struct {
	// Identity are the policies of the principal and its groups, inline and managed.
	Identity []Policy
	// Boundary is the permissions boundary; nil when there is none.
	Boundary *Policy
	// Organization are the service control policies above the account, one entry for each level: the
	// root, each organizational unit, the account. The policies of a level are a union, and every
	// level has to allow. Empty when the account is in no organization, or the principal is beyond
	// them, as service-linked roles are.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
	Organization [][]Policy
}

// A Request is what a principal tries to do.
type Request struct {
	// Action is one action, service:Name, in any case.
	Action string
	// Resource is one ARN, or "*" for an action that names none; only the pattern "*" matches that.
	Resource string
	Context  Context
}

// Layer is the part of Grants a statement belongs to.
type Layer uint8

const (
	Identity Layer = iota
	Boundary
	Organization
)

func (l Layer) String() string {
	return [...]string{"identity policy", "permissions boundary", "service control policy"}[l]
}

// A Match names a statement. It holds the statement itself, which may not be changed.
type Match struct {
	Policy string
	Layer  Layer
	// Index is the statement's place in its document, counted from 1.
	Index int
	*Statement
}

// A Result is the answer to a Request. All of its lists are in the order of the policies.
type Result struct {
	Decision Decision
	// Matched are the statements that matched: action, resource and condition.
	Matched []Match
	// Undecided are the statements that match action and resource, and whose condition names keys the
	// request does not have. They are in Matched as well if they hold without those keys.
	Undecided []Match
	// Unmet are the statements that match action and resource, and whose condition fails whatever
	// the missing keys are.
	Unmet []Match
	// Conditional says that values for the missing keys could turn Decision.
	Conditional bool
	// Near are Allow statements for the action that the resource misses. It is filled for a request
	// that is not Allowed.
	Near []Match
	// Missing are the context keys that any statement names and the request does not have, spelt as
	// written. It is filled for an ImplicitDeny only, as the simulator does.
	Missing []string
	// IdentityAllows, BoundaryAllows and OrganizationAllows say which layer let the request pass,
	// leaving Deny statements aside. A layer that is not there lets everything pass.
	IdentityAllows, BoundaryAllows, OrganizationAllows bool
}

// Evaluate decides one request. It looks at every statement, also after the first Deny.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
func (g Grants) Evaluate(r Request) Result {
	var res Result
	e := evaluation{request: &r, action: strings.ToLower(r.Action), result: &res}
	all := e.layer(Identity, g.Identity)
	res.IdentityAllows, res.BoundaryAllows, res.OrganizationAllows = all.allows, true, true
	if g.Boundary != nil {
		boundary := e.policy(Boundary, g.Boundary)
		res.BoundaryAllows = boundary.allows
		all = all.and(boundary)
	}
	for _, level := range g.Organization {
		o := e.layer(Organization, level)
		res.OrganizationAllows = res.OrganizationAllows && o.allows
		all = all.and(o)
	}
	switch {
	case all.denies:
		res.Decision = ExplicitDeny
	case all.allows:
		res.Decision = Allowed
	}
	res.Conditional = (all.mayAllow && !all.mustDeny) != (all.mustAllow && !all.mayDeny)
	if res.Decision != Allowed {
		for layer, p := range g.policies() {
			e.near(layer, p)
		}
	}
	if res.Decision == ImplicitDeny {
		res.Missing = g.missing(r.Context)
	}
	return res
}

// policies goes through all policies, layer by layer.
func (g Grants) policies() iter.Seq2[Layer, *Policy] {
	return func(yield func(Layer, *Policy) bool) {
		for i := range g.Identity {
			if !yield(Identity, &g.Identity[i]) {
				return
			}
		}
		if g.Boundary != nil && !yield(Boundary, g.Boundary) {
			return
		}
		for _, level := range g.Organization {
			for i := range level {
				if !yield(Organization, &level[i]) {
					return
				}
			}
		}
	}
}

// outcome is what one layer says. What allows or denies takes an absent key as absent; must and may
// hold for every and for some value of the keys that are missing.
type outcome struct {
	allows, mayAllow, mustAllow bool
	denies, mayDeny, mustDeny   bool
}

// count adds a statement that holds, or, with open, could hold or not.
func (o *outcome) count(effect Effect, holds, open bool) {
	if effect == Allow {
		o.allows = o.allows || holds
		o.mayAllow = true
		o.mustAllow = o.mustAllow || holds && !open
		return
	}
	o.denies = o.denies || holds
	o.mayDeny = true
	o.mustDeny = o.mustDeny || holds && !open
}

// or joins what two policies of one layer say: either may allow, and either may deny.
func (o outcome) or(p outcome) outcome {
	return outcome{
		allows: o.allows || p.allows, mayAllow: o.mayAllow || p.mayAllow, mustAllow: o.mustAllow ||
			p.mustAllow,
		denies: o.denies || p.denies, mayDeny: o.mayDeny || p.mayDeny, mustDeny: o.mustDeny || p.mustDeny,
	}
}

// and joins what two layers say: both have to allow, and either may deny.
func (o outcome) and(p outcome) outcome {
	return outcome{
		allows: o.allows && p.allows, mayAllow: o.mayAllow && p.mayAllow, mustAllow: o.mustAllow &&
			p.mustAllow,
		denies: o.denies || p.denies, mayDeny: o.mayDeny || p.mayDeny, mustDeny: o.mustDeny || p.mustDeny,
	}
}

type evaluation struct {
	request *Request
	action  string // in lower case
	result  *Result
}

func (e *evaluation) layer(layer Layer, policies []Policy) (o outcome) {
	for i := range policies {
		o = o.or(e.policy(layer, &policies[i]))
	}
	return o
}

func (e *evaluation) policy(layer Layer, p *Policy) (o outcome) {
	if p.Document == nil {
		return o
	}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if !s.matchesAction(e.action) {
			continue
		}
		matches, open := s.matchesResource(e.request)
		if !matches && !open {
			continue
		}
		met, unsettled := s.conditionsHold(e.request.Context)
		if !met && !unsettled {
			e.result.Unmet = append(e.result.Unmet, Match{p.ID, layer, i + 1, s})
			continue
		}
		open = open || unsettled
		holds := matches && met
		if holds {
			e.result.Matched = append(e.result.Matched, Match{p.ID, layer, i + 1, s})
		}
		if open {
			e.result.Undecided = append(e.result.Undecided, Match{p.ID, layer, i + 1, s})
		}
		o.count(s.Effect, holds, open)
	}
	return o
}

// near notes the statements of a policy that would allow the action elsewhere.
func (e *evaluation) near(layer Layer, p *Policy) {
	if p.Document == nil {
		return
	}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		if s.Effect == Deny || !s.matchesAction(e.action) {
			continue
		}
		if matches, open := s.matchesResource(e.request); !matches && !open {
			e.result.Near = append(e.result.Near, Match{p.ID, layer, i + 1, s})
		}
	}
}

func (s *Statement) matchesAction(lowered string) bool {
	for i := range s.actions {
		if s.actions[i].match(lowered) {
			return s.NotAction == nil
		}
	}
	return s.NotAction != nil
}

// matchesResource reports whether the statement is about the request's resource. With open, that
// hangs on a policy variable for which the request has no value; until it has, such a pattern
// matches what its default says, or nothing.
func (s *Statement) matchesResource(r *Request) (matches, open bool) {
	inside := false
	for i := range s.resources {
		resolved, missing := s.resources[i].resolve(r.Context, false)
		if !resolved.match(r.Resource) {
			continue
		}
		if missing == nil {
			inside, open = true, false
			break
		}
		open = true
		byDefault, missing := s.resources[i].resolve(r.Context, true)
		inside = inside || missing == nil && byDefault.match(r.Resource)
	}
	return inside != (s.NotResource != nil), open
}

// conditionsHold reports whether all conditions are met, and whether keys that the request lacks
// could change that. One condition that fails for good settles the statement.
func (s *Statement) conditionsHold(ctx Context) (met, unsettled bool) {
	met = true
	for i := range s.Conditions {
		ok, missing := s.Conditions[i].holds(ctx)
		if !ok && missing == nil {
			return false, false
		}
		met = met && ok
		unsettled = unsettled || missing != nil
	}
	return met, unsettled
}

// missing lists the keys without a value that any statement of the identity policies or the
// boundary names: the simulator reports them whatever the statement is about, and none of an
// organization's.
func (g Grants) missing(ctx Context) (keys []string) {
	add := func(names ...string) {
		for _, key := range names {
			if _, ok := ctx.lookup(key); !ok && !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	for layer, p := range g.policies() {
		if p.Document == nil || layer == Organization {
			continue
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			for i := range s.resources {
				add(s.resources[i].variables()...)
			}
			for i := range s.Conditions {
				c := &s.Conditions[i]
				add(c.Key)
				add(c.unknownVariables()...)
			}
		}
	}
	return keys
}
