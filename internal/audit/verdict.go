package audit

import (
	"fmt"
	"slices"
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

const (
	organizationWhy = "a service control policy of the organization forbids it: only the organization's administrator can change that"
	boundaryWhy     = "the permissions boundary does not allow it, says AWS"
)

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
	if slices.Contains(t.Guessed, q.Resource) {
		v.status, v.inspected = Unverified, "unknown"
		v.why = "the principal could not be looked up, so the path in its ARN is not known"
		return v
	}
	answer, answered := t.Answers[q]
	if answered {
		v.simulated, v.simulatedStatements, v.missing = answer.Decision.String(), answer.Statements, answer.Missing
	}
	if answer.Inferred {
		v.note = t.inferredNote(q)
	}
	denied := answer.Decision != iampolicy.Allowed
	in := t.inspect(q)
	v.inspected, v.statements = string(in.status), in.statements
	if len(t.Unread) > 0 || t.Presence == PresenceUnknown {
		v.inspected = "unknown"
		v.partlyRead(t, in, answer, answered)
		return v
	}
	switch {
	case !answered:
		v.status = Unverified
		v.why = fmt.Sprintf("AWS was not asked%s, so service control policies were not seen; the policies alone say %s", t.cutOff(), in.status)
	case !denied && in.status == Satisfied:
		v.status = Satisfied
	case !denied && in.status == Conditional:
		v.status, v.note = Satisfied, "granted by AWS, though "+in.why
	case denied && answer.OrganizationDenies && (in.status == Satisfied || in.status == Conditional):
		v.deny(SCP, organizationWhy)
	case denied && answer.BoundaryDenies && in.status == Satisfied:
		v.deny(PermissionsBoundary, boundaryWhy)
	case denied && in.status == Conditional && (answer.Decision == iampolicy.ImplicitDeny || in.mayDeny):
		v.status, v.cause, v.why = Conditional, Condition, in.why
	case denied && in.status != Satisfied && in.status != Conditional:
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

// Granted reports whether the documents that were read grant it, whatever the context keys that are
// not known. Whether there are others that were not read is not looked at.
func (t TargetFacts) Granted(q policies.Question) bool { return t.inspect(q).status == Satisfied }

func (t TargetFacts) inspect(q policies.Question) inspection {
	return inspect(q, t.Grants.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource, Context: t.context(q)}))
}

// partlyRead judges where not all documents are known. What was read may be overruled by what was
// not: it explains a denial, and decides nothing.
func (v *verdict) partlyRead(t TargetFacts, in inspection, answer Answer, answered bool) {
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
	case answer.Decision == iampolicy.ExplicitDeny && in.status == Denied:
		v.status, v.cause, v.why, v.note = in.status, in.cause, in.why, unread
	case answer.Decision == iampolicy.ExplicitDeny:
		v.deny(IdentityDeny, "a policy denies it, says AWS: "+strings.Join(answer.Statements, ", "))
	case in.status == Satisfied || in.status == Denied:
		v.status = Unverified
		v.why = fmt.Sprintf("the engine and AWS disagree: the policies that could be read say %s, the simulation says %s", in.status, answer.Decision)
	case in.status == Missing && in.cause == NoGrant && len(answer.Missing) > 0:
		v.status, v.cause = Conditional, Condition
		v.why = "AWS denies it without values for " + strings.Join(answer.Missing, ", ")
	default:
		v.status, v.cause, v.why, v.note = in.status, in.cause, in.why, unread
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

func (v *verdict) deny(cause Cause, why string) { v.status, v.cause, v.why = Denied, cause, why }

// inspection is the engine's side of a verdict: what the documents say.
type inspection struct {
	status     Status
	cause      Cause
	why        string
	statements []Statement
	// mayDeny says of a conditional status that a Deny may be what it hangs on.
	mayDeny bool
}

func inspect(q policies.Question, r iampolicy.Result) inspection {
	allows, denies := split(r.Matched)
	switch {
	case r.Conditional:
		return inspection{status: Conditional, cause: Condition, why: openWhy(decisive(r)), statements: statementsOf(r.Undecided), mayDeny: mayDeny(r)}
	case r.Decision == iampolicy.Allowed:
		return inspection{status: Satisfied, statements: statementsOf(allows)}
	case r.Decision == iampolicy.ExplicitDeny:
		cause := IdentityDeny
		if denies[0].Layer == iampolicy.Boundary {
			cause = PermissionsBoundary
		}
		return inspection{status: Denied, cause: cause, why: name(denies[0]) + " denies it", statements: statementsOf(denies)}
	case r.IdentityAllows && !r.BoundaryAllows:
		return inspection{status: Denied, cause: PermissionsBoundary, why: "the permissions boundary does not allow it", statements: statementsOf(allows)}
	}
	if unmet := identityAllows(r.Unmet); unmet != nil {
		why := name(unmet[0]) + " grants it only under a condition that a request of Remotion's does not meet"
		return inspection{status: Missing, cause: Condition, why: why, statements: statementsOf(unmet)}
	}
	if near := identityAllows(r.Near); near != nil {
		m := nearest(q.Resource, near)
		but := "only on "
		if m.NotResource {
			but = "on everything but "
		}
		why := name(m) + " grants it " + but + list(m.Resources)
		return inspection{status: Missing, cause: NarrowerGrant, why: why, statements: statementsOf([]iampolicy.Match{m})}
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

// decisive is the open statement that the decision hangs on: a Deny where something grants for good,
// else an Allow.
func decisive(r iampolicy.Result) iampolicy.Match {
	want := iampolicy.Allow
	if r.Decision == iampolicy.ExplicitDeny || r.IdentityAllows && r.BoundaryAllows && mayDeny(r) {
		want = iampolicy.Deny
	}
	for _, m := range r.Undecided {
		if m.Effect == want {
			return m
		}
	}
	return r.Undecided[0]
}

func mayDeny(r iampolicy.Result) bool {
	deny := func(m iampolicy.Match) bool { return m.Effect == iampolicy.Deny }
	return slices.ContainsFunc(r.Matched, deny) || slices.ContainsFunc(r.Undecided, deny)
}

// openWhy says of a statement that it hangs on something that is not known.
func openWhy(m iampolicy.Match) string {
	verb := " grants it"
	if m.Effect == iampolicy.Deny {
		verb = " denies it"
	}
	switch {
	case m.Conditional:
		return name(m) + verb + " under a condition that cannot be established from outside"
	case m.Resources != nil:
		return name(m) + verb + " through a policy variable whose value is not known"
	}
	return name(m) + verb + " to every principal, and AWS does not say whether that means services"
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
		f.Why, f.Statements = openWhy(trust.Undecided[0]), statementsOf(trust.Undecided)
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
