package iampolicy

import (
	"iter"
	"strings"
)

// Decision is the result of a request. The zero value is ImplicitDeny, so that a decision that the
// code does not set denies.
type Decision uint8

// The decisions on a request.
const (
	ImplicitDeny Decision = iota // a layer does not allow the request, and no Deny matches
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
	// ByAWS is true for a managed policy of AWS. The account cannot change it.
	ByAWS bool
	// Location says where the document is stored.
	Location Location
}

// Grants holds all policies that decide about the requests of a principal.
type Grants struct {
	// Identity are the inline and managed policies of the principal and its groups.
	Identity []Policy
	// Boundary is the permissions boundary, or nil if there is none.
	Boundary *Policy
	// Organization holds the service control policies, with one entry for each level: the root, each
	// organizational unit and the account. Every level has to allow the request, and a level allows
	// the request if one of its policies does. Organization is empty if the account is in no
	// organization, or if service control policies do not apply to the principal, as for
	// service-linked roles.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
	Organization [][]Policy
	// Resource is what the policy of the requested bucket or key means for the principal: see
	// ResourcePolicy.For. Nil means that the resource has no policy, or that its policy does not
	// count. Evaluate ignores it for a request for another resource. Cover returns Unverified for a
	// need with other resources.
	Resource *ResourceGrants
	// ResourceControl holds the resource control policies of the account that owns the resources, with
	// one entry for each level. Only their Deny statements count, because the RCPFullAWSAccess of each
	// level allows everything. It is empty for the management account, and for a service-linked role.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
	ResourceControl [][]Policy
}

// A Request is one action of a principal on one resource.
type Request struct {
	// Action is one action such as s3:GetObject. Upper and lower case do not matter.
	Action string
	// Resource is one ARN, or "*" for an action without a resource. Only the pattern "*" matches "*".
	Resource string
	Context  Context
}

// Layer is the part of Grants that a statement belongs to.
type Layer uint8

// The layers, in the order of evaluation.
const (
	Identity Layer = iota
	Boundary
	Organization
	Resource
	ResourceControl
)

func (l Layer) String() string {
	return [...]string{"identity policy", "permissions boundary", "service control policy",
		"resource policy", "resource control policy"}[l]
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
	// Undecided are the statements that match the action and depend on keys that the request does not
	// have, in their resource or in their condition. A statement that matches without those keys is
	// also in Matched.
	Undecided []Match
	// Unmet are the statements that match the action and may match the resource. Their condition is
	// false for every value of the missing keys.
	Unmet []Match
	// Conditional reports whether values of the missing keys could make an allowed request denied, or
	// a denied request allowed.
	Conditional bool
	// Near are the Allow statements that match the action but not the resource. Near is empty if
	// Decision is Allowed.
	Near []Match
	// Missing are the context keys that occur in the identity policies or in the boundary and that the
	// request does not have. The keys are spelled as in the policies. Missing is set only for an
	// ImplicitDeny, as in the simulator's result.
	Missing []string
	// IdentityAllows, BoundaryAllows and OrganizationAllows report for each layer whether its Allow
	// statements allow the request. Deny statements do not count. A layer that does not exist allows
	// everything. A grant of the resource's policy to the principal counts as one of the identity
	// policies, and if no permissions boundary limits it, as one of the boundary.
	IdentityAllows, BoundaryAllows, OrganizationAllows bool
	// ResourceAllows reports whether the policy of the resource lets the identity policies decide, or
	// grants the request itself. Only a key policy may not.
	ResourceAllows bool
}

// Evaluate decides one request. It checks every statement, even after the first Deny.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
func (g Grants) Evaluate(r Request) Result {
	res := g.decide(r)
	if res.Decision == ImplicitDeny {
		res.Missing = g.missingKeys(r.Context)
	}
	return res
}

// decide is Evaluate without the missing keys.
func (g Grants) decide(r Request) Result {
	var res Result
	e := evaluation{request: &r, action: strings.ToLower(r.Action), result: &res}
	all := e.layer(Identity, g.Identity)
	of := g.Resource
	if of != nil && !of.includes(r.Resource) {
		of = nil
	}
	var direct, granted outcome
	if of != nil {
		direct = e.policy(Resource, &of.direct)
		granted = e.policy(Resource, &of.role).or(direct)
		all = all.or(granted).or(e.policy(Resource, &of.denies))
	}
	res.IdentityAllows, res.BoundaryAllows, res.OrganizationAllows = all.allows, true, true
	res.ResourceAllows = true
	if of != nil && of.kind == Key {
		delegated := e.policy(Resource, &of.account).or(granted)
		res.ResourceAllows = delegated.allows
		all = all.and(delegated)
	}
	if g.Boundary != nil {
		boundary := e.policy(Boundary, g.Boundary).or(direct)
		if of != nil {
			boundary = boundary.or(e.policy(Resource, &of.everyone)).or(e.policy(Resource, &of.bounded))
		}
		res.BoundaryAllows = boundary.allows
		all = all.and(boundary)
	}
	for _, level := range g.Organization {
		o := e.layer(Organization, level)
		res.OrganizationAllows = res.OrganizationAllows && o.allows
		all = all.and(o)
	}
	if g.ResourceControl != nil && IsControlled(e.action) {
		for _, level := range g.ResourceControl {
			control := e.layer(ResourceControl, level)
			all = all.or(outcome{denies: control.denies, mayDeny: control.mayDeny,
				mustDeny: control.mustDeny})
		}
	}
	unknown := of != nil && of.reason != ""
	switch {
	case all.denies:
		res.Decision = ExplicitDeny
	case all.allows && !unknown:
		res.Decision = Allowed
	}
	res.Conditional = unknown && !all.mustDeny ||
		(all.mayAllow && !all.mustDeny) != (all.mustAllow && !all.mayDeny)
	if res.Decision != Allowed {
		for layer, p := range g.policies() {
			e.addNear(layer, p)
		}
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
		for _, p := range g.Resource.policies() {
			if !yield(Resource, p) {
				return
			}
		}
		for _, level := range g.ResourceControl {
			for i := range level {
				if !yield(ResourceControl, &level[i]) {
					return
				}
			}
		}
	}
}

// patterns returns the number of action and resource patterns.
func (g Grants) patterns() (n int) {
	for _, p := range g.policies() {
		if p.Document != nil {
			for i := range p.Document.Statements {
				s := &p.Document.Statements[i]
				n += len(s.actions) + len(s.resources)
			}
		}
	}
	return n
}

// outcome is the effect of a policy or a layer. For allows and denies, a missing key is absent from
// the request. mayAllow and mayDeny are true if some values of the missing keys have that effect.
// mustAllow and mustDeny are true if all values have that effect.
type outcome struct {
	allows, mayAllow, mustAllow bool
	denies, mayDeny, mustDeny   bool
}

// count adds the effect of a statement. holds is true if the statement applies to the request. open
// is true if values of the missing keys could change holds.
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

// matchOf returns the statement at a position of a policy as a Match.
func (s *Statement) matchOf(p *Policy, layer Layer, at int) Match {
	if s.index > 0 {
		return Match{p.ID, layer, s.index, s}
	}
	return Match{p.ID, layer, at + 1, s}
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
			e.result.Unmet = append(e.result.Unmet, s.matchOf(p, layer, i))
			continue
		}
		open = open || undecided
		holds := matches && met
		if holds {
			e.result.Matched = append(e.result.Matched, s.matchOf(p, layer, i))
		}
		if open {
			e.result.Undecided = append(e.result.Undecided, s.matchOf(p, layer, i))
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
			e.result.Near = append(e.result.Near, s.matchOf(p, layer, i))
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

// matchesResource reports whether the statement applies to the request's resource. open is true if
// matches depends on a policy variable without a value in the request. For matches, such a variable
// has its default. A pattern with a variable that has no default either matches nothing.
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

// conditionsHold reports whether all conditions are met. undecided is true if values of the missing
// keys could change met. If one condition is false for all such values, both results are false.
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

// missingKeys lists the context keys without a value that occur in the identity policies or in the
// boundary. Like the simulator, missingKeys also reads the statements for other actions and
// resources, but not the service control policies.
func (g Grants) missingKeys(ctx Context) (keys []string) {
	seen := map[string]bool{}
	add := func(names ...string) {
		for _, key := range names {
			if seen[key] {
				continue
			}
			seen[key] = true
			if _, ok := ctx.lookup(key); !ok {
				keys = append(keys, key)
			}
		}
	}
	for layer, p := range g.policies() {
		if p.Document == nil || layer >= Organization {
			continue
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			for i := range s.resources {
				add(s.resources[i].variablesWithoutDefault()...)
			}
			for i := range s.Conditions {
				c := &s.Conditions[i]
				add(c.Key)
				add(c.variablesWithoutDefault()...)
			}
		}
	}
	return keys
}
