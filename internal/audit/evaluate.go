package audit

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TrustSid is the Sid of the requirement that the trust policy of a render role lets Lambda assume
// the role. None of Remotion's documents contains this requirement.
const TrustSid = "TrustPolicy"

const trustPage = "https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html"

// Evaluate compares facts with the requirements of their releases and returns the report. Targets,
// findings and problems are in the order of the facts. Evaluate reads no clock, does not call AWS
// and cannot fail.
func Evaluate(facts Facts) Report {
	judge := NewJudge(facts, nil)
	for i, t := range facts.Targets {
		judge.Add(i, t)
	}
	return judge.Report()
}

func problemsOf(t TargetFacts) []Problem {
	list := slices.Concat(t.Unread, t.Unanswered)
	if t.Kind == RenderRole && t.TrustProblem != (Problem{}) {
		list = append(list, t.TrustProblem)
	}
	var distinct []Problem
	for _, p := range list {
		p.Target = t.Name
		if !slices.Contains(distinct, p) {
			distinct = append(distinct, p)
		}
	}
	return distinct
}

func count(findings []Finding, total int) Summary {
	s := Summary{Requirements: total}
	for _, f := range findings {
		switch f.Status {
		case Satisfied:
			s.Satisfied++
		case Unverified:
			s.Unverified++
		default:
			s.Gaps++
			if f.Severity == policies.Critical {
				s.GapsCritical++
			}
		}
	}
	return s
}

// Plus returns the sum of two summaries.
func (s Summary) Plus(o Summary) Summary {
	return Summary{
		Requirements: s.Requirements + o.Requirements, Satisfied: s.Satisfied + o.Satisfied,
		Gaps: s.Gaps + o.Gaps, GapsCritical: s.GapsCritical + o.GapsCritical,
		GapsMuted: s.GapsMuted + o.GapsMuted, Unverified: s.Unverified + o.Unverified,
	}
}

// evaluateTarget returns the findings about a target, its requirements, and their number with that
// of its trust policy. A target that exists has one finding for each requirement, in the same
// order, after the one about its trust policy.
func (j *Judge) evaluateTarget(t TargetFacts) (findings []Finding,
	required []policies.Requirement, total int) {
	releases := t.judgedBy(j.facts.judgedBy())
	required = j.requirements(t, releases)
	total = len(required)
	if t.Kind == RenderRole {
		total++
	}
	if t.Presence == Absent {
		return []Finding{withFunctions(missingTarget(t, required), t)}, nil, total
	}
	if t.Kind == RenderRole {
		findings = append(findings, withFunctions(evaluateTrust(t), t))
	}
	for _, r := range required {
		f := j.evaluateRequirement(t, r)
		f.Releases = r.NeededBy
		findings = append(findings, f)
	}
	first := len(findings) - len(required)
	applyAlternatives(findings[first:], required, t.granted(findings, releases))
	t.limitRendererGaps(findings)
	j.setRootCause(t, findings)
	return findings, required, total
}

// granted returns a function that reports whether all findings about an action are satisfied, as
// far as the target needs it. A condition may grant the action, so that nothing proves that it
// fails. For an action without a finding, which the purpose does not need, the documents decide.
func (t TargetFacts) granted(findings []Finding,
	releases []policies.Release) func(action string) bool {
	return func(action string) bool {
		found := false
		for _, f := range findings {
			if f.Action == action && f.Status != Satisfied && f.Status != Conditional &&
				!t.mayOnlyRender(f) {
				return false
			}
			found = found || f.Action == action
		}
		return found || len(t.Unread) == 0 && t.grantsAll(action, releases)
	}
}

// grantsAll reports whether the documents grant an action on the sample of each of its needs.
func (t TargetFacts) grantsAll(action string, releases []policies.Release) bool {
	found := false
	for _, r := range policies.Union(releases, t.Kind.Policy()) {
		if r.Action != action {
			continue
		}
		for _, n := range t.Scope.Needed(r.AsDocumented()) {
			if !t.grants(n.SimulationRequest, n.Resource) {
				return false
			}
			found = true
		}
	}
	return found
}

// applyAlternatives sets the effect of each gap again, because Remotion can do some things with
// another permission, which may be granted. findings has one element for each requirement.
func applyAlternatives(findings []Finding, required []policies.Requirement,
	granted func(action string) bool) {
	for i := range findings {
		findings[i].setConsequence(required[i].Given(granted))
	}
}

// setConsequence sets what happens without the permission. A severity that the judgement lowered
// stays at most as high.
func (f *Finding) setConsequence(c policies.Consequence) {
	f.Operations, f.Reason, f.Impact, f.Breakage, f.Source = c.Operations, c.Reason, c.Impact,
		c.Breakage, c.Source
	f.Stops = c.Stops
	f.Severity = min(f.Severity, c.Severity)
}

// missingTarget returns the finding about a target that does not exist, with the highest severity
// of its requirements.
func missingTarget(t TargetFacts, required []policies.Requirement) Finding {
	f := Finding{
		Target: t.Name, Policy: t.Kind.Policy(), Resource: t.ARN, ExampleARN: t.ARN,
		Status: Missing, Cause: TargetMissing, Asked: 1, Breakage: policies.Hard,
		Why: "the account has no " + t.entity() + " of this name, under any path",
	}
	if kind, name, ok := strings.Cut(t.Namesake, "/"); ok {
		if kind == "sso" {
			kind = "permission set"
		}
		f.Why += ": " + kind + " " + name + " exists"
	}
	for _, r := range required {
		f.Severity, f.Stops = max(f.Severity, r.Severity), max(f.Stops, r.Stops)
	}
	if t.Kind == RenderRole {
		f.Reason, f.Impact, f.Source = "is the execution role of Remotion's functions",
			"functions cannot be created, and existing ones cannot run", trustPage
		return f
	}
	f.Reason, f.Impact, f.Source = "runs Remotion's CLI or SDK",
		"the caller cannot render or deploy",
		"https://www.remotion.dev/docs/lambda/permissions"
	return f
}

func (t TargetFacts) entity() string {
	if strings.HasPrefix(t.Name, "user/") {
		return "user"
	}
	return "role"
}

// evaluateRequirement combines the decisions on all needs of a requirement into one finding. Needs
// that are not judged in time are unverified.
func (j *Judge) evaluateRequirement(t TargetFacts, r policies.Requirement) Finding {
	f := Finding{
		Target: t.Name, Policy: r.Kind, Sid: r.Sid, Action: r.Action, Resource: r.Resource,
		Severity: r.Severity, Status: Satisfied,
	}
	f.setConsequence(r.Consequence)
	if j.stopped() { // then even the list of needs takes too long
		f.Status, f.Why = Unverified, NotInTime
		return f
	}
	var worst *decision
	var granting []StatementRef
	gaps := 0
	for _, n := range t.Scope.Needed(r) {
		v := decision{need: n, example: n.Resource, status: Unverified, why: NotInTime}
		if !j.stopped() {
			v = t.decide(n)
		}
		f.Asked++
		if v.status == Satisfied {
			f.Covered++
			f.Notes = addNote(f.Notes, v.note)
			granting = addStatements(granting, v.statements)
			continue
		}
		if v.status.Gap() {
			gaps++
		}
		if worst == nil || v.status.Rank() > worst.status.Rank() {
			worst = &v
		}
	}
	if worst == nil {
		f.Statements = granting
		return f
	}
	f.Status, f.Cause, f.Why = worst.status, worst.cause, worst.why
	f.ExampleARN, f.Region = worst.example, worst.need.Region
	f.Inspected, f.Simulated = worst.inspected, worst.simulated
	f.Statements, f.SimulatedStatements, f.MissingContext = worst.statements,
		worst.simulatedStatements, worst.missing
	f.Notes, f.UnderAssumedContext = addNote(f.Notes, worst.note), worst.assumed
	if gaps > 0 && f.Covered > 0 {
		f.Status = Partial
	}
	if worst.status == Conditional || worst.disputed {
		f.Severity = min(f.Severity, policies.Medium)
	}
	return f
}

// maxGranting is the number of statements that a satisfied finding lists.
const maxGranting = 8

// addStatements adds the statements that list does not have, without their resources, up to
// maxGranting.
func addStatements(list, statements []StatementRef) []StatementRef {
	for _, s := range statements {
		s.Resources = nil
		if len(list) < maxGranting && !slices.ContainsFunc(list, func(o StatementRef) bool {
			return o.Policy == s.Policy && o.Sid == s.Sid && o.Index == s.Index
		}) {
			list = append(list, s)
		}
	}
	return list
}

func addNote(notes []string, note string) []string {
	if note == "" || slices.Contains(notes, note) {
		return notes
	}
	return append(notes, note)
}
