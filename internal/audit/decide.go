package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// decision is the judgement on one need: the values for a Finding.
type decision struct {
	need    needs.Need
	status  Status
	cause   Cause
	why     string
	note    string
	example string

	// inspected is the result of the engine, simulated the answer of AWS. missing are the context keys
	// that AWS lists as missing.
	inspected, simulated string
	statements           []StatementRef
	simulatedStatements  []string
	missing              []string
	// disputed is true if the status is a gap only by some of the sources of AWS, which note names.
	disputed bool
	// assumed is true if the status depends on the assumed context, and conditions that are not known
	// may change it.
	assumed bool
}

const (
	boundaryWhy = "AWS reports that the permissions boundary does not allow the action"
)

// decide combines the engine's result and the simulator's answer into one status.
//
// The engine evaluates every resource of the need. The simulator evaluates one example resource.
// docs/how-it-judges.md lists all rules in a table. The main rules are:
//
//   - If the engine reports satisfied and AWS allows the request, the need is satisfied.
//   - If the documents grant the request and AWS attributes its denial to the organization or to
//     the permissions boundary, the organization or the boundary is the cause. decideOrganization
//     says whether a denial by the organization is certain.
//   - If the documents do not grant the request and AWS denies it, decide uses the engine's result.
//   - If AWS allows the example and the documents do not grant another resource, decide uses the
//     engine's result, too.
//   - If the engine and AWS contradict each other, or AWS did not answer, the need is unverified.
//
// When AWS denies a request, it lists every context key of every statement as missing, even keys
// that do not matter. If all documents were read, decide ignores this list: only the engine's
// result can make a gap conditional.
//
// AWS's simulator does not evaluate resource control policies, so they are decided on their own:
// see applyResourceControl.
func (t TargetFacts) decide(n needs.Need) decision {
	v := t.withoutResourceControl().decideWithSimulator(n)
	v.applyResourceControl(t)
	return v
}

// decideWithSimulator is decide without resource control policies.
func (t TargetFacts) decideWithSimulator(n needs.Need) decision {
	q := n.SimulationRequest
	v := decision{need: n, example: q.Resource}
	answer, answered := t.Answers[q]
	if answered {
		v.simulated, v.simulatedStatements, v.missing = answer.Decision.String(), answer.Statements,
			answer.Missing
	}
	if slices.Contains(t.Guessed, q.Resource) {
		v.status, v.inspected = Unverified, "unknown"
		v.why = "the principal could not be read, so the path in its ARN is unknown"
		return v
	}
	if answer.Inferred {
		v.note = t.inferredNote(q)
	}
	answer = v.withoutOrganization(answer)
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
		v.allowedByAWS(t, in, answer)
	default:
		v.deniedByAWS(t, in, answer)
	}
	return v
}

// allowedByAWS sets the status of a need if AWS allows the example and all documents were read.
func (v *decision) allowedByAWS(t TargetFacts, in inspection, answer Answer) {
	if answer.Inferred && len(t.Grants.Organization) > 0 {
		// AWS answered for another region, where the service control policies may differ.
		if limit := t.organization(v.need); limit.status.Gap() {
			v.adopt(limit)
			v.statements, v.cause, v.note = limit.statements, SCP, ""
			return
		}
	}
	switch {
	case in.status == Satisfied:
		v.status = Satisfied
		v.addNote(in.note)
	case in.elsewhere:
		v.adopt(in)
	case in.status == Conditional:
		v.status, v.note = Satisfied, "AWS allows the request, although "+in.why
	default:
		v.disagree(in, answer, "the policy documents")
	}
}

// deniedByAWS sets the status of a need if AWS denies the example and all documents were read.
func (v *decision) deniedByAWS(t TargetFacts, in inspection, answer Answer) {
	if answer.OrganizationDenies && t.Grants.Organization != nil {
		in = t.withoutOrganization().inspect(v.need)
	}
	switch {
	case answer.OrganizationDenies &&
		(in.grantsSimulated() || in.open || in.status == Conditional):
		v.decideOrganization(t, answer)
	case answer.BoundaryDenies && in.grantsSimulated():
		v.deny(PermissionsBoundary, boundaryWhy)
	case in.grantsSimulated():
		v.disagree(in, answer, "the policy documents")
	case in.status != Conditional || answer.Decision == iampolicy.ImplicitDeny || in.mayDeny:
		v.adopt(in)
		if in.status == Conditional && !in.elsewhere {
			v.decideAbsentKeys(t)
		}
		if answer.OrganizationDenies {
			v.addNote("a service control policy of the organization also denies the action")
		}
	default:
		v.disagree(in, answer, "the policy documents")
	}
}

// adopt copies the engine's result.
func (v *decision) adopt(in inspection) {
	v.status, v.cause, v.why, v.example = in.status, in.cause, in.why, in.example
	v.disputed = in.dispute != ""
	v.addNote(in.dispute)
}

// addNote adds a note to those that the decision has.
func (v *decision) addNote(note string) {
	if v.note != "" && note != "" {
		v.note += "; "
	}
	v.note += note
}

// disagree makes the need unverified and states both results. read describes the documents.
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
func (t TargetFacts) Granted(q needs.SimulationRequest) bool {
	return t.inspect(needs.Need{SimulationRequest: q, Pattern: q.Resource,
		Literal: true}).status == Satisfied
}

// partlyRead sets the status of a need if some documents could not be read. An unread document can
// override the others. Therefore the answer of AWS decides, and the documents only explain a
// denial.
func (v *decision) partlyRead(t TargetFacts, in inspection, answer Answer, answered bool) {
	const unread = "not all policies could be read"
	switch {
	case !answered:
		v.status, v.why = Unverified, unread+", and AWS did not simulate the request"+t.cutOff()
	case answer.Decision == iampolicy.Allowed:
		v.status, v.why = Unverified, "AWS allows the sample, but "+unread+
			", so other resources are unverified"
	case answer.OrganizationDenies:
		v.decideOrganization(t, answer)
	case answer.BoundaryDenies:
		v.deny(PermissionsBoundary, boundaryWhy)
	case answer.Decision == iampolicy.ExplicitDeny &&
		(in.cause == IdentityDeny || in.cause == PermissionsBoundary) && !in.elsewhere:
		v.adopt(in)
		v.addNote(unread)
	case answer.Decision == iampolicy.ExplicitDeny:
		v.deny(IdentityDeny, "AWS reports an explicit deny: "+strings.Join(answer.Statements, ", "))
	case in.grantsSimulated() || in.status == Denied:
		v.disagree(in, answer, "the policy documents that could be read")
	case in.status == Missing && in.cause == NoGrant && len(answer.Missing) > 0:
		v.status, v.cause = Conditional, Condition
		v.why = "AWS denies the request without values for " + strings.Join(answer.Missing, ", ")
	default:
		v.adopt(in)
		v.addNote(unread)
		if in.cause == NoGrant {
			v.why = "AWS reports that no statement grants the action"
		}
	}
}

// cutOff returns the end of a sentence about a target without a simulation.
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
	// example is a resource that has the status above. elsewhere is true if example is a gap, but is
	// not the simulated resource. In this case the documents grant the simulated resource. open is
	// true if they grant it only under a condition.
	example         string
	elsewhere, open bool
	// note states the limits of a satisfied status.
	note string
	// mayDeny is true if a deciding statement is a Deny.
	mayDeny bool
	// dispute is set if the status is a gap only by some of the sources of AWS.
	dispute string
}

// grantsSimulated reports whether the documents grant the simulated request without a condition.
func (in inspection) grantsSimulated() bool {
	return in.status == Satisfied || in.elsewhere && !in.open
}

// grants reports whether the documents grant the action of q on a resource, for all values of
// unknown context keys.
func (t TargetFacts) grants(q needs.SimulationRequest, resource string) bool {
	r := t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: resource,
		Context: t.context(q)})
	return r.Decision == iampolicy.Allowed && !r.Conditional
}

// inspect returns the engine's result for all resources of a need.
func (t TargetFacts) inspect(n needs.Need) inspection {
	requests, err := n.Requests()
	if err != nil {
		return inspection{status: Unverified, why: err.Error(), example: n.Resource}
	}
	c, dispute := requests.Cover(t.Grants, t.context(n.SimulationRequest))
	note := ""
	// A target that only renders needs grants for the names of the deployed functions. A grant for the
	// name of the next function is not required.
	if c.Status.Gap() && !t.Purpose.Deploys() && !t.nextName {
		deployed := t.Scope.DeployedResources(n)
		ungranted := slices.IndexFunc(deployed, func(resource string) bool {
			return !t.grants(n.SimulationRequest, resource)
		})
		switch {
		case ungranted >= 0:
			c = t.Grants.Cover(requests.Preferring(deployed[ungranted]), t.context(n.SimulationRequest))
		case deployed != nil:
			note = "granted for the deployed functions, but not for " + n.Pattern +
				": the next release deploys a function with another name, which the policy does not grant"
			c = iampolicy.Coverage{Status: Satisfied, Covering: c.Covering}
		}
	}
	in := inspection{note: note, status: c.Status, cause: c.Cause, why: c.Explanation(),
		example: c.ExampleARN, dispute: dispute, statements: iampolicy.Refs(c.Deciding)}
	if c.Deciding == nil {
		in.statements = iampolicy.Refs(c.Covering)
	}
	if in.elsewhere = c.Status.Gap() && c.ExampleARN != n.Resource; in.elsewhere {
		in.open = !t.grants(n.SimulationRequest, n.Resource)
	}
	in.mayDeny = slices.ContainsFunc(c.Deciding, func(m iampolicy.Match) bool {
		return m.Effect == iampolicy.Deny
	})
	return in
}

func splitByEffect(matches []iampolicy.Match) (allows, denies []iampolicy.Match) {
	for _, m := range matches {
		if m.Effect == iampolicy.Allow {
			allows = append(allows, m)
		} else {
			denies = append(denies, m)
		}
	}
	return allows, denies
}

// evaluateTrust returns the finding about the trust policy: whether it lets Lambda assume the role.
func evaluateTrust(t TargetFacts) Finding {
	f := Finding{
		Target: t.Name, Policy: policies.Role, Sid: TrustSid, Action: "sts:AssumeRole", Resource: t.ARN,
		ExampleARN: t.ARN,
		Severity:   policies.Critical, Asked: 1, Source: trustPage, Breakage: policies.Hard,
		Stops:  policies.Renders,
		Reason: "lets Lambda run functions under the role",
		Impact: "functions cannot be created, and renders fail",
	}
	if t.Trust == nil {
		f.Status, f.Why, f.Inspected = Unverified,
			"the trust policy could not be read: "+t.TrustProblem.Why, "unknown"
		return f
	}
	trust := t.Trust.Trusts("lambda.amazonaws.com")
	allows, denies := splitByEffect(trust.Matched)
	switch {
	case trust.Conditional:
		f.Status, f.Cause, f.Severity = Conditional, TrustPolicy, policies.Medium
		f.Why, f.Statements = trust.Undecided[0].UndecidedText(), iampolicy.Refs(trust.Undecided)
	case trust.Decision == iampolicy.Allowed:
		f.Status, f.Covered, f.ExampleARN, f.Statements = Satisfied, 1, "", iampolicy.Refs(allows)
	case trust.Decision == iampolicy.ExplicitDeny:
		f.Status, f.Cause, f.Why, f.Statements = Denied, TrustPolicy,
			denies[0].String()+" denies sts:AssumeRole",
			iampolicy.Refs(denies)
	default:
		f.Status, f.Cause, f.Why = Missing, TrustPolicy,
			"no statement of the trust policy lets lambda.amazonaws.com assume the role"
	}
	f.Inspected = string(f.Status)
	return f
}
