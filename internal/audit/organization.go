package audit

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Explanations of a denial by the organization. AWS's simulator shows neither the service control
// policy (SCP) that denies a request nor its condition, so that some of them claim no more than
// that a request is denied in the context that the audit assumes.
const (
	organizationAlso = "a service control policy of the organization may also deny the action"
	certainlyDenies  = "a service control policy (SCP) denies the action in the context that " +
		"ASSUMED_CONTEXT gives: only an administrator of the organization can change that policy"
	maybeDenies = " may fail: a service control policy (SCP) denies the action under the assumed " +
		"context"
	giveContext   = ". If it has a condition on network or device, give it with "
	lambdaNetwork = ", in which the network is that of Lambda and not that of an office. If it has " +
		"a condition that the functions meet, give the SCP with --scp"
	conditionallyDenies = "a service control policy (SCP) denies the action under the assumed " +
		"context, but not with other values of "
	notExplained = "the policies of --scp do not deny it: another service control policy does"
)

// contextOrSCP says how a user gives what the audit does not know about a caller or about functions
// in a VPC.
func (t TargetFacts) contextOrSCP() string {
	example := "aws:SourceIp=203.0.113.7"
	if t.Kind == RenderRole {
		example = "aws:SourceVpc=vpc-0123456789abcdef0"
	}
	return "ASSUMED_CONTEXT (for example " + example + ") or the SCP with --scp"
}

// maybeDenied explains a denial by an unknown service control policy, which may have a condition.
func (t TargetFacts) maybeDenied() string {
	switch {
	case t.Kind != RenderRole:
		return "requests of Remotion" + maybeDenies + giveContext + t.contextOrSCP()
	case t.vpc() == inVPC:
		return "renders" + maybeDenies + giveContext + t.contextOrSCP()
	}
	return "renders" + maybeDenies + lambdaNetwork
}

// withoutOrganization returns the answer that decides together with the documents. If the boundary
// or the identity policies deny a request even where the organization may not, that is the answer.
func (v *decision) withoutOrganization(answer Answer) Answer {
	p := answer.Plausible
	if !answer.OrganizationDenies || p == nil || p.OrganizationDenies ||
		p.Decision == iampolicy.Allowed {
		return answer
	}
	v.addNote(organizationAlso)
	return *p
}

// decideOrganization sets the status of a need if AWS reports that the organization denies it, and
// nothing else is known to. Service control policies that are given decide if they deny the need.
// Otherwise the denial is conditional if the organization allows the request with plausible values
// of unknown keys.
func (v *decision) decideOrganization(t TargetFacts, answer Answer) {
	if t.Grants.Organization != nil {
		if in := t.organization(v.need); in.status.Gap() {
			v.adopt(in)
			v.statements = in.statements
			if v.cause = SCP; in.status != Conditional {
				v.status = Denied
			}
			return
		}
		v.addNote(notExplained)
	}
	v.example = v.need.Resource
	switch p := answer.Plausible; {
	case p != nil && !p.OrganizationDenies:
		v.status, v.cause, v.missing = Conditional, SCP, answer.UnknownKeys
		v.why = conditionallyDenies + textfmt.Or(answer.UnknownKeys)
		if t.Kind == RenderRole && t.vpc() != inVPC {
			v.why += ": give the SCP with --scp"
		} else {
			v.why += ": give the values with " + t.contextOrSCP()
		}
	case t.networkAssumed():
		v.deny(SCP, certainlyDenies)
	default:
		v.deny(SCP, t.maybeDenied())
		v.assumed = true
	}
}

// withoutOrganization returns the target without service control policies.
func (t TargetFacts) withoutOrganization() TargetFacts {
	t.Grants.Organization = nil
	return t
}

// onlyOrganization returns the target with the service control policies as its only limits.
func (t TargetFacts) onlyOrganization() TargetFacts {
	t.Grants = iampolicy.Grants{Organization: t.Grants.Organization,
		Identity: []iampolicy.Policy{{ID: "every action", Document: everything}}}
	return t
}

var everything = func() *iampolicy.Document {
	doc, err := iampolicy.Parse(`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		panic(err) // the text is a constant
	}
	return doc
}()

// organization returns what the given service control policies decide about a need.
func (t TargetFacts) organization(n needs.Need) inspection {
	return t.onlyOrganization().limit(n, SCP)
}

// limit returns what the policies of a target without identity policies of its own decide about a
// need.
func (t TargetFacts) limit(n needs.Need, cause Cause) inspection {
	in := t.inspect(n)
	if in.status == Conditional {
		if why, statements, ok := t.certainDenial(n.SimulationRequest); ok {
			in.status, in.cause, in.why, in.statements, in.example = Denied, cause, why, statements,
				n.Resource
		}
	}
	return in
}

// withoutResourceControl returns the target without resource control policies.
func (t TargetFacts) withoutResourceControl() TargetFacts {
	t.Grants.ResourceControl = nil
	return t
}

// resourceControl returns what the resource control policies decide about a need. They apply to
// the resources of the account.
func (t TargetFacts) resourceControl(n needs.Need) inspection {
	if len(t.Grants.ResourceControl) == 0 || t.Owner(n.Resource) == OwnedByOther {
		return inspection{status: Satisfied}
	}
	if t.OrganizationID == "" {
		t.OrganizationID = t.MemberOf
	}
	t.Grants = iampolicy.Grants{ResourceControl: t.Grants.ResourceControl,
		Identity: []iampolicy.Policy{{ID: "every action", Document: everything}}}
	return t.limit(n, RCP)
}

// applyResourceControl changes the status of a need if a resource control policy denies it. A gap
// for another reason stays: the resource control policy is not what is missing first.
func (v *decision) applyResourceControl(t TargetFacts) {
	in := t.resourceControl(v.need)
	switch {
	case in.status == Satisfied:
	case in.status == Unverified:
		if v.status == Satisfied {
			v.status, v.why = Unverified, "resource control policies: "+in.why
		}
	case v.status.Gap() && v.status != Conditional:
		v.addNote("a resource control policy of the organization also denies the action")
	case in.status == Conditional && v.status != Satisfied:
		v.addNote("a resource control policy of the organization may deny the action, too")
	default:
		v.adopt(in)
		v.statements, v.cause, v.note = in.statements, RCP, ""
	}
}

// ExplainsDenial reports whether the given service control policies deny a request, perhaps under a
// condition.
func (t TargetFacts) ExplainsDenial(q needs.SimulationRequest) bool {
	return t.Grants.Organization != nil && t.organization(needs.Need{SimulationRequest: q,
		Pattern: q.Resource, Literal: true}).status.Gap()
}

// certainDenial reports whether the policies deny a request although the engine finds that
// conditions decide: all keys of these conditions are known to be absent from the request, or they
// are about the network, and the target has the network of Lambda.
func (t TargetFacts) certainDenial(q needs.SimulationRequest) (why string,
	statements []StatementRef, ok bool) {
	for i, ctx := range t.networkContexts(q) {
		r := t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource, Context: ctx})
		if r.Decision == iampolicy.Allowed || r.Conditional && !t.onlyAbsent(r.Undecided, ctx) {
			return "", nil, false
		}
		if i > 0 {
			continue
		}
		deciding, effect := slices.Concat(r.Unmet, r.Undecided), iampolicy.Allow
		if r.Decision == iampolicy.ExplicitDeny {
			deciding, effect = r.Matched, iampolicy.Deny
		}
		for _, m := range deciding {
			if m.Effect == effect && len(m.Conditions) > 0 && why == "" {
				why, statements = m.DecidedText(ctx), iampolicy.Refs([]iampolicy.Match{m})
				if slices.ContainsFunc(m.UnknownKeys(t.context(q)), isNetworkKey) {
					why += ": the requests of a render role come from the network of Lambda"
				}
			}
		}
	}
	return why, statements, why != ""
}

// onlyAbsent reports whether statements depend only on keys that the requests do not have.
func (t TargetFacts) onlyAbsent(statements []iampolicy.Match, ctx iampolicy.Context) bool {
	for _, m := range statements {
		for _, key := range m.UnknownKeys(ctx) {
			if !t.isAbsent(key) {
				return false
			}
		}
	}
	return true
}

// decideAbsentKeys makes a conditional need certain if the condition is about keys that are known
// to be absent, such as a tag that the user does not have.
func (v *decision) decideAbsentKeys(t TargetFacts) {
	why, statements, ok := t.withoutOrganization().certainDenial(v.need.SimulationRequest)
	if !ok {
		return
	}
	v.why, v.statements, v.status = why, statements, Missing
	if slices.ContainsFunc(statements, func(s StatementRef) bool {
		return s.Effect == iampolicy.Deny.String()
	}) {
		v.status, v.cause = Denied, IdentityDeny
	}
}
