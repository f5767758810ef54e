package audit

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A verdict is the judgement on one question.
type verdict struct {
	question policies.Question
	status   Status
	cause    Cause
	why      string
	note     string

	inspected, simulated string
	statements           []Statement
	simulatedStatements  []string
	missing              []string
}

// ask brings what was inspected and what was simulated to one status.
//
// The table it follows: satisfied and allowed is satisfied; a denial that AWS blames on the
// organization or the boundary is that; what the documents lack or forbid, and AWS denies, is as
// inspected; where the two contradict each other, or AWS did not answer, nothing is claimed.
//
// AWS lists every context key that any statement names as missing from any denied request, so a key
// alone does not make a gap conditional: the documents have to hang on it.
func (t TargetFacts) ask(q policies.Question) verdict {
	v := verdict{question: q}
	answer, answered := t.Answers[q]
	if answered {
		v.simulated, v.simulatedStatements, v.missing = answer.Decision.String(), answer.Statements, answer.Missing
	}
	unread := len(t.Unread) > 0 || t.Presence == PresenceUnknown
	if unread && len(t.Grants.Identity) == 0 {
		v.inspected = "unknown"
		v.byAnswerAlone(t, answer, answered)
		return v
	}
	result := t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource, Context: t.context(q)})
	in := inspect(q, result)
	v.inspected, v.statements = string(in.status), in.statements
	denied := answer.Decision != iampolicy.Allowed
	if unread {
		// What was read may be overruled by what was not: it explains a denial, and decides nothing.
		v.inspected = "unknown"
		if answered && denied && in.status != Satisfied {
			v.status, v.cause, v.why, v.note = in.status, in.cause, in.why, "not all policies could be read"
			return v
		}
		v.byAnswerAlone(t, answer, answered)
		return v
	}
	switch {
	case !answered:
		v.status = Unverified
		v.why = fmt.Sprintf("AWS was not asked%s, so service control policies were not seen; the policies alone say %s", t.cutOff(), in.status)
	case in.status == Satisfied && !denied:
		v.status = Satisfied
	case in.status == Satisfied && answer.OrganizationDenies:
		v.deny(SCP, "a service control policy of the organization forbids it: only the organization's administrator can change that")
	case in.status == Satisfied && answer.BoundaryDenies:
		v.deny(PermissionsBoundary, "the permissions boundary does not allow it, says AWS")
	case in.status == Conditional && !denied:
		v.status, v.note = Satisfied, "granted by AWS, though "+in.why
	case in.status == Conditional:
		v.status, v.cause, v.why = Conditional, Condition, in.why
	case in.status != Satisfied && denied:
		v.status, v.cause, v.why = in.status, in.cause, in.why
		if answer.OrganizationDenies {
			v.note = "a service control policy of the organization forbids it as well"
		}
	default:
		v.status = Unverified
		v.why = fmt.Sprintf("the engine and AWS disagree: the policies as read say %s, the simulation says %s", in.status, answer.Decision)
	}
	return v
}

func (t TargetFacts) cutOff() string {
	if t.CutOff {
		return " before the deadline"
	}
	return ""
}

func (v *verdict) deny(cause Cause, why string) { v.status, v.cause, v.why = Denied, cause, why }

// byAnswerAlone judges where the documents are not all known.
func (v *verdict) byAnswerAlone(t TargetFacts, answer Answer, answered bool) {
	switch {
	case !answered:
		v.status, v.why = Unverified, "neither could the policies be read nor AWS be asked"+t.cutOff()
	case answer.Decision == iampolicy.Allowed:
		v.status, v.note = Satisfied, "not all policies could be read: AWS allows what was asked, and more is not known"
	case answer.OrganizationDenies:
		v.deny(SCP, "a service control policy of the organization forbids it: only the organization's administrator can change that")
	case answer.BoundaryDenies:
		v.deny(PermissionsBoundary, "the permissions boundary does not allow it, says AWS")
	case answer.Decision == iampolicy.ExplicitDeny:
		v.deny(IdentityDeny, "a policy denies it, says AWS: "+strings.Join(answer.Statements, ", "))
	case len(answer.Missing) > 0:
		v.status, v.cause = Conditional, Condition
		v.why = "AWS denies it without values for " + strings.Join(answer.Missing, ", ")
	default:
		v.status, v.cause, v.why = Missing, NoGrant, "no statement grants it, says AWS; the documents were not read"
	}
}

// inspection is the engine's side of a verdict: what the documents say.
type inspection struct {
	status     Status
	cause      Cause
	why        string
	statements []Statement
}

func inspect(q policies.Question, r iampolicy.Result) inspection {
	allows, denies := split(r.Matched)
	switch {
	case r.Conditional:
		return inspection{Conditional, Condition, conditionWhy(r.Undecided), statementsOf(r.Undecided)}
	case r.Decision == iampolicy.Allowed:
		return inspection{status: Satisfied, statements: statementsOf(allows)}
	case r.Decision == iampolicy.ExplicitDeny:
		cause := IdentityDeny
		if denies[0].Layer == iampolicy.Boundary {
			cause = PermissionsBoundary
		}
		return inspection{Denied, cause, name(denies[0]) + " denies it", statementsOf(denies)}
	case r.IdentityAllows && !r.BoundaryAllows:
		return inspection{Denied, PermissionsBoundary, "the permissions boundary does not allow it", statementsOf(allows)}
	}
	if unmet := identityAllows(r.Unmet); unmet != nil {
		return inspection{Missing, Condition, name(unmet[0]) + " grants it only under a condition that a request of Remotion's does not meet", statementsOf(unmet)}
	}
	if near := identityAllows(r.Near); near != nil {
		m := nearest(q.Resource, near)
		but := "only on "
		if m.NotResource {
			but = "on everything but "
		}
		return inspection{Missing, NarrowerGrant, name(m) + " grants it " + but + list(m.Resources), statementsOf([]iampolicy.Match{m})}
	}
	return inspection{status: Missing, cause: NoGrant, why: "no statement grants it"}
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

func identityAllows(matches []iampolicy.Match) (list []iampolicy.Match) {
	for _, m := range matches {
		if m.Layer == iampolicy.Identity && m.Effect == iampolicy.Allow {
			list = append(list, m)
		}
	}
	return list
}

// nearest is the statement with the resource pattern that agrees longest with what is needed: with
// a typo in an ARN that is the one with the typo.
func nearest(resource string, matches []iampolicy.Match) iampolicy.Match {
	best, length := matches[0], -1
	for _, m := range matches {
		for _, pattern := range m.Resources {
			n := 0
			for n < len(pattern) && n < len(resource) && pattern[n] == resource[n] {
				n++
			}
			if n > length {
				best, length = m, n
			}
		}
	}
	return best
}

func conditionWhy(undecided []iampolicy.Match) string {
	m := undecided[0]
	verb := " grants it under a condition"
	if m.Effect == iampolicy.Deny {
		verb = " denies it under a condition"
	}
	return name(m) + verb + " that cannot be established from outside"
}

// name is how people are told of a statement: statement 2 (Storage) of inline policy "remotion".
func name(m iampolicy.Match) string {
	sid := ""
	if m.Sid != "" {
		sid = fmt.Sprintf(" (Sid %s)", m.Sid)
	}
	return fmt.Sprintf("statement %d%s of %s", m.Index, sid, m.Policy)
}

func list(resources []string) string {
	if len(resources) > 3 {
		return fmt.Sprintf("%s and %d more", strings.Join(resources[:3], ", "), len(resources)-3)
	}
	return strings.Join(resources, ", ")
}

func statementsOf(matches []iampolicy.Match) (list []Statement) {
	for _, m := range matches {
		list = append(list, Statement{Policy: m.Policy, Index: m.Index, Sid: m.Sid, Effect: m.Effect.String(), Resources: m.Resources})
	}
	return list
}

// judgeTrust judges whether Lambda may assume the render role.
func judgeTrust(t TargetFacts) Finding {
	f := Finding{
		Target: t.Name, Policy: policies.Role, Sid: TrustSid, Action: "sts:AssumeRole", Resource: t.ARN, ExampleARN: t.ARN,
		Severity: policies.Critical, Asked: 1, Source: trustPage, Breakage: policies.Hard,
		Reason: "lets Lambda run functions under the role", Impact: "functions cannot be created, and renders stop",
	}
	if t.Trust == nil {
		f.Status, f.Why, f.Inspected = Unverified, "the trust policy could not be read: "+t.TrustProblem.Why, "unknown"
		return f
	}
	trust := t.Trust.Trusts("lambda.amazonaws.com")
	allows, denies := split(trust.Matched)
	switch {
	case trust.Conditional:
		f.Status, f.Cause, f.Severity = Conditional, TrustPolicy, policies.Medium
		f.Why, f.Statements = conditionWhy(trust.Undecided), statementsOf(trust.Undecided)
	case trust.Decision == iampolicy.Allowed:
		f.Status, f.Covered, f.ExampleARN, f.Statements = Satisfied, 1, "", statementsOf(allows)
	case trust.Decision == iampolicy.ExplicitDeny:
		f.Status, f.Cause, f.Why, f.Statements = Denied, TrustPolicy, name(denies[0])+" denies it", statementsOf(denies)
	default:
		f.Status, f.Cause, f.Why = Missing, TrustPolicy, "no statement of the trust policy lets lambda.amazonaws.com assume the role"
	}
	f.Inspected = string(f.Status)
	return f
}
