package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// decision is the judgement on one need.
type decision struct {
	need    policies.Need
	status  Status
	cause   Cause
	why     string
	note    string
	example string

	inspected, simulated string
	statements           []StatementRef
	simulatedStatements  []string
	missing              []string
}

const (
	organizationWhy = "a service control policy of the organization denies the action: only an " +
		"administrator of the organization can change that policy"
	boundaryWhy = "AWS reports that the permissions boundary does not allow it"
)

// decide combines the engine's result and the simulator's answer into one status.
//
// The engine evaluates every resource of the need. The simulator evaluates one example resource.
// docs/how-it-judges.md lists the rules in a table:
//
//   - If the engine reports satisfied and AWS allows the request, the need is satisfied.
//   - If AWS attributes a denial to the organization or to the permissions boundary, that is the
//     cause of the denial.
//   - If the documents do not grant the request and AWS denies it, decide uses the engine's result.
//   - If the documents do not grant a resource other than the example, decide uses the engine's
//     result too.
//   - If the two contradict each other, or AWS did not answer, the need is unverified.
//
// AWS lists every context key of every statement as missing when it denies a request. A missing key
// alone therefore does not make a gap conditional: the documents must depend on it.
func (t TargetFacts) decide(n policies.Need) decision {
	q := n.SimulationRequest
	v := decision{need: n, example: q.Resource}
	if slices.Contains(t.Guessed, q.Resource) {
		v.status, v.inspected = Unverified, "unknown"
		v.why = "the principal could not be read, so the path in its ARN is unknown"
		return v
	}
	answer, answered := t.Answers[q]
	if answered {
		v.simulated, v.simulatedStatements, v.missing = answer.Decision.String(), answer.Statements,
			answer.Missing
	}
	if answer.Inferred {
		v.note = t.inferredNote(q)
	}
	in := t.inspect(n)
	v.inspected, v.statements = string(in.status), in.statements
	if len(t.Unread) > 0 || t.Presence == PresenceUnknown {
		v.inspected = "unknown"
		v.partlyRead(t, in, answer, answered)
		return v
	}
	switch {
	case !answered:
		v.status = Unverified
		v.why = fmt.Sprintf("AWS did not simulate the request%s, so service control policies are "+
			"unverified; result of the policy documents: %s", t.cutOff(), in.status)
	case in.status == Unverified:
		v.status, v.why = Unverified, in.why
	case answer.Decision == iampolicy.Allowed:
		v.allowedByAWS(in, answer)
	default:
		v.deniedByAWS(in, answer)
	}
	return v
}

// allowedByAWS decides if AWS allows the example and all documents were read.
func (v *decision) allowedByAWS(in inspection, answer Answer) {
	switch {
	case in.status == Satisfied:
		v.status = Satisfied
		if v.note == "" {
			v.note = in.note
		} else if in.note != "" {
			v.note += "; " + in.note
		}
	case in.elsewhere:
		v.adopt(in)
	case in.status == Conditional:
		v.status, v.note = Satisfied, "AWS allows the request, although "+in.why
	default:
		v.disagree(in, answer, "the policy documents")
	}
}

// deniedByAWS decides if AWS denies the example and all documents were read.
func (v *decision) deniedByAWS(in inspection, answer Answer) {
	switch {
	case answer.OrganizationDenies &&
		(in.grantsSample() || in.open || in.status == Conditional):
		v.deny(SCP, organizationWhy)
	case answer.BoundaryDenies && in.grantsSample():
		v.deny(PermissionsBoundary, boundaryWhy)
	case in.grantsSample():
		v.disagree(in, answer, "the policy documents")
	case in.status != Conditional || answer.Decision == iampolicy.ImplicitDeny || in.mayDeny:
		v.adopt(in)
		if answer.OrganizationDenies {
			v.note = "a service control policy of the organization also denies the action"
		}
	default:
		v.disagree(in, answer, "the policy documents")
	}
}

// adopt copies the engine's result.
func (v *decision) adopt(in inspection) {
	v.status, v.cause, v.why, v.example = in.status, in.cause, in.why, in.example
}

// disagree makes the need unverified and states both results.
func (v *decision) disagree(in inspection, answer Answer, read string) {
	inspected := in.status
	if in.elsewhere {
		inspected = Satisfied
	}
	v.status = Unverified
	v.why = fmt.Sprintf("%s and the AWS simulator disagree (documents: %s; simulator: %s)", read,
		inspected, answer.Decision)
}

// Granted reports whether the documents that were read grant a request for all values of unknown
// context keys. It ignores documents that could not be read.
func (t TargetFacts) Granted(q policies.SimulationRequest) bool {
	return t.inspect(policies.Need{SimulationRequest: q, Pattern: q.Resource}).status == Satisfied
}

// partlyRead decides if some documents could not be read. An unread document can override the
// others, so AWS's answer decides and the documents only explain a denial.
func (v *decision) partlyRead(t TargetFacts, in inspection, answer Answer, answered bool) {
	const unread = "not all policies could be read"
	switch {
	case !answered:
		v.status, v.why = Unverified, unread+", and AWS did not simulate the request"+t.cutOff()
	case answer.Decision == iampolicy.Allowed:
		v.status, v.note = Satisfied, unread+": AWS allows the simulated resource; others are unverified"
	case answer.OrganizationDenies:
		v.deny(SCP, organizationWhy)
	case answer.BoundaryDenies:
		v.deny(PermissionsBoundary, boundaryWhy)
	case answer.Decision == iampolicy.ExplicitDeny &&
		(in.cause == IdentityDeny || in.cause == PermissionsBoundary) && !in.elsewhere:
		v.adopt(in)
		v.note = unread
	case answer.Decision == iampolicy.ExplicitDeny:
		v.deny(IdentityDeny, "AWS reports an explicit deny: "+strings.Join(answer.Statements, ", "))
	case in.grantsSample() || in.status == Denied:
		v.disagree(in, answer, "the policy documents that could be read")
	case in.status == Missing && in.cause == NoGrant && len(answer.Missing) > 0:
		v.status, v.cause = Conditional, Condition
		v.why = "AWS denies the request without values for " + strings.Join(answer.Missing, ", ")
	default:
		v.adopt(in)
		v.note = unread
		if in.cause == NoGrant {
			v.why = "AWS reports that no statement grants the action"
		}
	}
}

func (t TargetFacts) cutOff() string {
	if t.CutOff {
		return " before the deadline"
	}
	return ""
}

func (v *decision) deny(cause Cause, why string) { v.status, v.cause, v.why = Denied, cause, why }

// inspection is the engine's result for one need.
type inspection struct {
	status     Status
	cause      Cause
	why        string
	statements []StatementRef
	// example is a resource with this status. elsewhere reports that example is not the simulated
	// resource, and that the documents grant the simulated resource. open reports that they grant the
	// simulated resource only under a condition.
	example         string
	elsewhere, open bool
	// note limits a satisfied result.
	note string
	// mayDeny reports that a conditional status depends on a Deny.
	mayDeny bool
}

// grantsSample reports whether the documents grant the simulated request.
func (in inspection) grantsSample() bool {
	return in.status == Satisfied || in.elsewhere && !in.open
}

// grants reports whether the documents grant the action of q on a resource, for all values of
// unknown context keys.
func (t TargetFacts) grants(q policies.SimulationRequest, resource string) bool {
	r := t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: resource,
		Context: t.context(q)})
	return r.Decision == iampolicy.Allowed && !r.Conditional
}

// inspect decides with the documents for all resources of a need.
func (t TargetFacts) inspect(n policies.Need) inspection {
	need, err := iampolicy.NewNeed(n.Action, n.Pattern)
	if err != nil {
		return inspection{status: Unverified, why: err.Error(), example: n.Resource}
	}
	need = need.Named().Preferring(n.Resource)
	c := t.Grants.Cover(need, t.context(n.SimulationRequest))
	note := ""
	// A caller that only renders needs the deployed functions, not the name of the next one.
	if c.Status.Gap() && t.Purpose == policies.Render && !t.ahead {
		deployed := t.Scope.DeployedResources(n)
		lacking := slices.IndexFunc(deployed, func(resource string) bool {
			return !t.grants(n.SimulationRequest, resource)
		})
		switch {
		case lacking >= 0:
			c = t.Grants.Cover(need.Preferring(deployed[lacking]), t.context(n.SimulationRequest))
		case deployed != nil:
			note = "granted for the deployed functions, but not for " + n.Pattern +
				": the next release deploys a function with another name, which the policy does not grant"
			c = iampolicy.Coverage{Status: Satisfied, Covering: c.Covering}
		}
	}
	in := inspection{note: note, status: c.Status, cause: c.Cause, why: c.Explanation(),
		example:    c.ExampleARN,
		statements: StatementRefs(c.Deciding)}
	if c.Deciding == nil {
		in.statements = StatementRefs(c.Covering)
	}
	if in.elsewhere = c.Status.Gap() && c.ExampleARN != n.Resource; in.elsewhere {
		in.open = !t.grants(n.SimulationRequest, n.Resource)
	}
	in.mayDeny = slices.ContainsFunc(c.Deciding, func(m iampolicy.Match) bool {
		return m.Effect == iampolicy.Deny
	})
	return in
}

func split(matches []iampolicy.Match) (allows, denies []iampolicy.Match) {
	for _, m := range matches {
		if m.Effect == iampolicy.Allow {
			allows = append(allows, m)
		} else {
			denies = append(denies, m)
		}
	}
	return allows, denies
}

// StatementRefs returns references to the matched statements.
func StatementRefs(matches []iampolicy.Match) (list []StatementRef) {
	for _, m := range matches {
		list = append(list, NewStatementRef(m))
	}
	return list
}

// NewStatementRef returns a reference to a matched statement.
func NewStatementRef(m iampolicy.Match) StatementRef {
	return StatementRef{Policy: m.Policy, Index: m.Index, Sid: m.Sid, Effect: m.Effect.String(),
		Resources: m.Resources()}
}

// evaluateTrust evaluates whether Lambda may assume the render role.
func evaluateTrust(t TargetFacts) Finding {
	f := Finding{
		Target: t.Name, Policy: policies.Role, Sid: TrustSid, Action: "sts:AssumeRole", Resource: t.ARN,
		ExampleARN: t.ARN,
		Severity:   policies.Critical, Asked: 1, Source: trustPage, Breakage: policies.Hard,
		Reason: "lets Lambda run functions under the role",
		Impact: "functions cannot be created, and renders fail",
	}
	if t.Trust == nil {
		f.Status, f.Why, f.Inspected = Unverified,
			"the trust policy could not be read: "+t.TrustProblem.Why, "unknown"
		return f
	}
	trust := t.Trust.Trusts("lambda.amazonaws.com")
	allows, denies := split(trust.Matched)
	switch {
	case trust.Conditional:
		f.Status, f.Cause, f.Severity = Conditional, TrustPolicy, policies.Medium
		f.Why, f.Statements = trust.Undecided[0].UndecidedText(), StatementRefs(trust.Undecided)
	case trust.Decision == iampolicy.Allowed:
		f.Status, f.Covered, f.ExampleARN, f.Statements = Satisfied, 1, "", StatementRefs(allows)
	case trust.Decision == iampolicy.ExplicitDeny:
		f.Status, f.Cause, f.Why, f.Statements = Denied, TrustPolicy, denies[0].String()+" denies it",
			StatementRefs(denies)
	default:
		f.Status, f.Cause, f.Why = Missing, TrustPolicy,
			"no statement of the trust policy lets lambda.amazonaws.com assume the role"
	}
	f.Inspected = string(f.Status)
	return f
}
