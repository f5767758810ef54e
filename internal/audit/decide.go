package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A verdict is the judgement on one need.
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
	organizationWhy = "a service control policy of the organization forbids it: only the " +
		"organization's administrator can change that"
	boundaryWhy = "the permissions boundary does not allow it, says AWS"
)

// decide brings what was inspected and what was simulated to one status.
//
// The engine decides for every resource of the need, AWS for the one that stands for it. The table
// it follows: satisfied and allowed is satisfied; a denial that AWS blames on the organization or
// the boundary is that; what the documents lack or forbid, and AWS denies, is as inspected, and so
// is what they lack elsewhere; where the two contradict each other, or AWS did not answer, nothing
// is claimed.
//
// AWS lists every context key that any statement names as missing from any denied request, so a key
// alone does not make a gap conditional: the documents have to hang on it.
func (t TargetFacts) decide(n policies.Need) decision {
	q := n.SimulationRequest
	v := decision{need: n, example: q.Resource}
	if slices.Contains(t.Guessed, q.Resource) {
		v.status, v.inspected = Unverified, "unknown"
		v.why = "the principal could not be looked up, so the path in its ARN is not known"
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
	denied := answer.Decision != iampolicy.Allowed
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
		v.why = fmt.Sprintf("AWS was not asked%s, so service control policies were not seen; the "+
			"policies alone say %s", t.cutOff(), in.status)
	case in.status == Unverified:
		v.status, v.why = Unverified, in.why
	case !denied && in.status == Satisfied:
		v.status = Satisfied
		if v.note == "" {
			v.note = in.note
		} else if in.note != "" {
			v.note += "; " + in.note
		}
	case !denied && in.elsewhere:
		v.as(in)
	case !denied && in.status == Conditional:
		v.status, v.note = Satisfied, "granted by AWS, though "+in.why
	case denied && answer.OrganizationDenies &&
		(in.grantsSample() || in.open || in.status == Conditional):
		v.deny(SCP, organizationWhy)
	case denied && answer.BoundaryDenies && in.grantsSample():
		v.deny(PermissionsBoundary, boundaryWhy)
	case denied && in.grantsSample():
		v.disagree(t, in, answer, "the policies as read")
	case denied && (in.status != Conditional || answer.Decision == iampolicy.ImplicitDeny ||
		in.mayDeny):
		v.as(in)
		if answer.OrganizationDenies {
			v.note = "a service control policy of the organization forbids it as well"
		}
	default:
		v.disagree(t, in, answer, "the policies as read")
	}
	return v
}

// as takes over what the engine says.
func (v *decision) as(in inspection) {
	v.status, v.cause, v.why, v.example = in.status, in.cause, in.why, in.example
}

// disagree claims nothing, and shows both.
func (v *decision) disagree(t TargetFacts, in inspection, answer Answer, read string) {
	say := in.status
	if in.elsewhere {
		say = Satisfied
	}
	v.status = Unverified
	v.why = fmt.Sprintf("the engine and AWS disagree: %s say %s, the simulation says %s", read, say,
		answer.Decision)
}

// Granted reports whether the documents that were read grant it, whatever the context keys that are
// not known. Whether there are others that were not read is not looked at.
func (t TargetFacts) Granted(q policies.SimulationRequest) bool {
	return t.inspect(policies.Need{SimulationRequest: q, Pattern: q.Resource}).status == Satisfied
}

// partlyRead judges where not all documents are known. What was read may be overruled by what was
// not: it explains a denial, and decides nothing.
func (v *decision) partlyRead(t TargetFacts, in inspection, answer Answer, answered bool) {
	const unread = "not all policies could be read"
	switch {
	case !answered:
		v.status, v.why = Unverified, "neither could all policies be read nor AWS be asked"+t.cutOff()
	case answer.Decision == iampolicy.Allowed:
		v.status, v.note = Satisfied, unread+": AWS allows what was asked, and more is not known"
	case answer.OrganizationDenies:
		v.deny(SCP, organizationWhy)
	case answer.BoundaryDenies:
		v.deny(PermissionsBoundary, boundaryWhy)
	case answer.Decision == iampolicy.ExplicitDeny &&
		(in.cause == IdentityDeny || in.cause == PermissionsBoundary) && !in.elsewhere:
		v.as(in)
		v.note = unread
	case answer.Decision == iampolicy.ExplicitDeny:
		v.deny(IdentityDeny, "a policy denies it, says AWS: "+strings.Join(answer.Statements, ", "))
	case in.grantsSample() || in.status == Denied:
		v.disagree(t, in, answer, "the policies that could be read")
	case in.status == Missing && in.cause == NoGrant && len(answer.Missing) > 0:
		v.status, v.cause = Conditional, Condition
		v.why = "AWS denies it without values for " + strings.Join(answer.Missing, ", ")
	default:
		v.as(in)
		v.note = unread
		if in.cause == NoGrant {
			v.why = "no statement grants it, says AWS"
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

// inspection is the engine's side of a verdict: what the documents say.
type inspection struct {
	status     Status
	cause      Cause
	why        string
	statements []StatementRef
	// example is a resource for which the status holds; elsewhere says that it is another than the one
	// AWS is asked about, which the documents grant, or grant under a condition, as open says.
	example         string
	elsewhere, open bool
	// note says of what is satisfied how far.
	note string
	// mayDeny says of a conditional status that a Deny is what it hangs on.
	mayDeny bool
}

// grantsSample reports whether the documents grant what AWS is asked about.
func (in inspection) grantsSample() bool {
	return in.status == Satisfied || in.elsewhere && !in.open
}

// grants reports whether the documents grant the question's action on a resource, whatever is not
// known.
func (t TargetFacts) grants(q policies.SimulationRequest, resource string) bool {
	r := t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: resource,
		Context: t.context(q)})
	return r.Decision == iampolicy.Allowed && !r.Conditional
}

// inspect decides by the documents about everything that is needed.
func (t TargetFacts) inspect(n policies.Need) inspection {
	need, err := iampolicy.NewNeed(n.Action, n.Pattern)
	if err != nil {
		return inspection{status: Unverified, why: err.Error(), example: n.Resource}
	}
	need = need.Named().Preferring(n.Resource)
	c := t.Grants.Cover(need, t.context(n.SimulationRequest))
	note := ""
	// Who only renders calls what there is, whatever Remotion would call the next function.
	if c.Status.Gap() && t.Purpose == policies.Render && !t.ahead {
		deployed := t.Place.Deployed(n)
		lacking := slices.IndexFunc(deployed, func(resource string) bool {
			return !t.grants(n.SimulationRequest, resource)
		})
		switch {
		case lacking >= 0:
			c = t.Grants.Cover(need.Preferring(deployed[lacking]), t.context(n.SimulationRequest))
		case deployed != nil:
			note = "granted for the functions that are deployed, and not for " + n.Pattern +
				": the next release's function will have another name"
			c = iampolicy.Coverage{Status: Satisfied, Covering: c.Covering}
		}
	}
	in := inspection{note: note, status: c.Status, cause: c.Cause, why: c.Why(), example: c.ExampleARN,
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

// StatementRefs names statements of policies.
func StatementRefs(matches []iampolicy.Match) (list []StatementRef) {
	for _, m := range matches {
		list = append(list, NewStatementRef(m))
	}
	return list
}

// NewStatementRef names a statement of a policy.
func NewStatementRef(m iampolicy.Match) StatementRef {
	return StatementRef{Policy: m.Policy, Index: m.Index, Sid: m.Sid, Effect: m.Effect.String(),
		Resources: m.Resources()}
}

// evaluateTrust judges whether Lambda may assume the render role.
func evaluateTrust(t TargetFacts) Finding {
	f := Finding{
		Target: t.Name, Policy: policies.Role, Sid: TrustSid, Action: "sts:AssumeRole", Resource: t.ARN,
		ExampleARN: t.ARN,
		Severity:   policies.Critical, Asked: 1, Source: trustPage, Breakage: policies.Hard,
		Reason: "lets Lambda run functions under the role",
		Impact: "functions cannot be created, and renders stop",
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
		f.Why, f.Statements = trust.Undecided[0].Open(), StatementRefs(trust.Undecided)
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
