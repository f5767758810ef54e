package iampolicy

import (
	"iter"
	"slices"
	"strings"
)

// Decision is the result of a request. The zero value denies, so that a missing assignment denies.
type Decision uint8

// The decisions on a request.
const (
	ImplicitDeny Decision = iota // no statement allows it
	ExplicitDeny                 // a Deny matches; it overrides every Allow
	Allowed
)

// String returns the decision as the simulator's API spells it.
func (d Decision) String() string {
	return [...]string{"implicitDeny", "explicitDeny", "allowed"}[d]
}

// A Policy is a policy document with its name.
type Policy struct {
	// ID names the policy in every Match of its statements.
	ID       string
	Document *Document
}

// Grants holds all policies that decide about the requests of a principal.
type Grants struct {
	// Identity are the inline and managed policies of the principal and its groups.
	Identity []Policy
	// Boundary is the permissions boundary, or nil without one.
	Boundary *Policy
	// Organization are the service control policies above the account, one entry for each level: the
	// root, each organizational unit, the account. The policies of a level are a union, and every
	// level has to allow the request. It is empty if the account is in no organization, or if service
	// control policies do not apply to the principal, as for service-linked roles.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
	Organization [][]Policy
}

// A Request is one action of a principal on one resource.
type Request struct {
	// Action is one action such as s3:GetObject, in any case.
	Action string
	// Resource is one ARN, or "*" for an action without a resource. Only the pattern "*" matches "*".
	Resource string
	Context  Context
}

// Layer is the part of Grants a statement belongs to.
type Layer uint8

// The layers, in the order of evaluation.
const (
	Identity Layer = iota
	Boundary
	Organization
)

func (l Layer) String() string {
	return [...]string{"identity policy", "permissions boundary", "service control policy"}[l]
}

// A Match is a statement with its location. Callers must not change the statement.
type Match struct {
	Policy string
	Layer  Layer
	// Index is the statement's position in its document, from 1.
	Index int
	*Statement
}

// A Result is the result of Evaluate. Its lists are in the order of the policies.
type Result struct {
	Decision Decision
	// Matched are the statements whose action, resource and condition match.
	Matched []Match
	// Undecided are the statements that match the action, and whose resource or condition depends on
	// keys that the request lacks. A statement that holds without those keys is in Matched as well.
	Undecided []Match
	// Unmet are the statements that match action and resource, and whose condition fails for every
	// value of the missing keys.
	Unmet []Match
	// Conditional reports that values for the missing keys could change Decision.
	Conditional bool
	// Near are the Allow statements that match the action but not the resource. It is set for a
	// request that is not Allowed.
	Near []Match
	// Missing are the context keys, spelled as written, that a statement names and the request lacks.
	// It is set for an ImplicitDeny only, as in the simulator's answer.
	Missing []string
	// IdentityAllows, BoundaryAllows and OrganizationAllows report for each layer whether its Allow
	// statements allow the request. Deny statements do not count. A layer that does not exist allows
	// everything.
	IdentityAllows, BoundaryAllows, OrganizationAllows bool
}

// Evaluate decides one request. It checks every statement, even after the first Deny.
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
			e.addNear(layer, p)
		}
	}
	if res.Decision == ImplicitDeny {
		res.Missing = g.missingKeys(r.Context)
	}
	return res
}

// policies iterates over all policies, layer by layer.
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

// outcome is the effect of one layer. allows and denies count a missing key as absent from the
// request. must and may hold for every and for some value of the missing keys.
type outcome struct {
	allows, mayAllow, mustAllow bool
	denies, mayDeny, mustDeny   bool
}

// count adds a statement that holds or does not. With open, its condition could turn out either
// way.
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

// or combines two policies of one layer: either may allow, and either may deny.
func (o outcome) or(p outcome) outcome {
	return outcome{
		allows: o.allows || p.allows, mayAllow: o.mayAllow || p.mayAllow, mustAllow: o.mustAllow ||
			p.mustAllow,
		denies: o.denies || p.denies, mayDeny: o.mayDeny || p.mayDeny, mustDeny: o.mustDeny || p.mustDeny,
	}
}

// and combines two layers: both have to allow, and either may deny.
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
		met, undecided := s.conditionsHold(e.request.Context)
		if !met && !undecided {
			e.result.Unmet = append(e.result.Unmet, Match{p.ID, layer, i + 1, s})
			continue
		}
		open = open || undecided
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

// addNear records the statements of a policy that would allow the action on another resource.
func (e *evaluation) addNear(layer Layer, p *Policy) {
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

// matchesResource reports whether the statement applies to the request's resource. With open, the
// answer depends on a policy variable for which the request has no value. Without a value, such a
// pattern matches its default, or nothing.
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
// could change that. One condition that fails for all values decides the statement.
func (s *Statement) conditionsHold(ctx Context) (met, undecided bool) {
	met = true
	for i := range s.Conditions {
		ok, missing := s.Conditions[i].holds(ctx)
		if !ok && missing == nil {
			return false, false
		}
		met = met && ok
		undecided = undecided || missing != nil
	}
	return met, undecided
}

// missingKeys lists the keys without a value that a statement of the identity policies or the
// boundary names. Like the simulator, it includes statements for other actions and resources, and
// excludes the statements of service control policies.
func (g Grants) missingKeys(ctx Context) (keys []string) {
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
