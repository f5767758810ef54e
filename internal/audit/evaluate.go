package audit

import (
	"maps"
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
	judge := NewJudge(facts)
	for i, t := range facts.Targets {
		judge.Add(i, t)
	}
	return judge.Report()
}

// A Judge evaluates one target after the other, in any order. It keeps what the report contains,
// but not the facts of a target, so that an account with many targets needs little memory.
type Judge struct {
	facts   Facts
	targets map[int]*judgement
}

// judgement is what the report contains about one target.
type judgement struct {
	target   TargetReport
	findings []Finding
	problems []Problem
	// documents are the notices about the documents of the target, buckets its buckets with custom
	// names.
	documents []Notice
	buckets   []string
	// upgrade are the unsatisfied requirements of the planned release, or else of the newest known
	// release. renamed are those that only functions with new names do not satisfy.
	upgrade, renamed []Finding
}

// NewJudge returns a judge for the targets of an account. It ignores facts.Targets.
func NewJudge(facts Facts) *Judge {
	facts.Targets = nil
	return &Judge{facts: facts, targets: map[int]*judgement{}}
}

// Add evaluates the target with that index in the report.
func (j *Judge) Add(index int, t TargetFacts) {
	t.Assumed = j.facts.Assumed
	findings, total := evaluateTarget(t, j.facts.judgedBy())
	sum := count(findings, total)
	result := &judgement{
		target: TargetReport{Name: t.Name, ARN: t.ARN, Kind: t.Kind, Purpose: t.Purpose, Summary: sum,
			CutOff: t.CutOff},
		findings: findings, problems: problemsOf(t), documents: documentNotices(t, sum.Gaps > 0),
	}
	if t.Presence != Absent {
		result.upgrade, result.renamed = j.facts.upgradeOf(t)
	}
	for _, bucket := range t.Scope.Buckets {
		if !policies.BucketNamedByRemotion(bucket) {
			result.buckets = append(result.buckets, bucket)
		}
	}
	j.targets[index] = result
}

// Report returns the report about the targets that were added, in the order of their indexes.
func (j *Judge) Report() Report {
	r := Report{
		SchemaVersion: SchemaVersion, Account: j.facts.Account, Partition: j.facts.Partition,
		Regions:           append([]string{}, j.facts.Regions...),
		FunctionsByRegion: j.facts.functionsByRegion(),
		Remotion:          j.facts.remotion(),
		AssumedContext:    assumedLines(j.facts.Assumed),
		Targets:           []TargetReport{}, Findings: []Finding{}, Problems: []Problem{},
	}
	targets := j.ordered()
	for _, t := range targets {
		r.Targets = append(r.Targets, t.target)
		r.Findings = append(r.Findings, t.findings...)
		r.Problems = append(r.Problems, t.problems...)
		r.Summary = r.Summary.Plus(t.target.Summary)
	}
	for _, p := range j.facts.Problems {
		p.Target = AccountTarget
		r.Problems = append(r.Problems, p)
	}
	r.Upgrade, r.Notices = j.facts.upgrade(targets), j.facts.notices(targets)
	switch {
	case r.Summary.Gaps > 0:
		r.Status = StatusGaps
	case r.Unverified():
		r.Status = StatusUnverified
	default:
		r.Status = StatusCompliant
	}
	return r
}

// ordered returns the judgements in the order of their indexes.
func (j *Judge) ordered() []*judgement {
	list := make([]*judgement, 0, len(j.targets))
	for _, index := range slices.Sorted(maps.Keys(j.targets)) {
		list = append(list, j.targets[index])
	}
	return list
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

// evaluateTarget returns the findings about a target and the number of its requirements.
func evaluateTarget(t TargetFacts, releases []policies.Release) (findings []Finding, total int) {
	required := t.Scope.Requirements(t.judgedBy(releases), t.Kind.Policy(), t.Purpose)
	total = len(required)
	if t.Kind == RenderRole {
		total++
	}
	if t.Presence == Absent {
		return []Finding{withFunctions(missingTarget(t, required), t)}, total
	}
	if t.Kind == RenderRole {
		findings = append(findings, withFunctions(evaluateTrust(t), t))
	}
	for _, r := range required {
		f := evaluateRequirement(t, r)
		f.Releases = r.NeededBy
		findings = append(findings, f)
	}
	return findings, total
}

// missingTarget returns the finding about a target that does not exist, with the highest severity
// of its requirements.
func missingTarget(t TargetFacts, required []policies.Requirement) Finding {
	f := Finding{
		Target: t.Name, Policy: t.Kind.Policy(), Resource: t.ARN, ExampleARN: t.ARN,
		Status: Missing, Cause: TargetMissing, Asked: 1, Breakage: policies.Hard,
		Why: "the account has no " + t.entity() + " of this name, under any path",
	}
	for _, r := range required {
		f.Severity = max(f.Severity, r.Severity)
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

// evaluateRequirement combines the decisions on all needs of a requirement into one finding.
func evaluateRequirement(t TargetFacts, r policies.Requirement) Finding {
	f := Finding{
		Target: t.Name, Policy: r.Kind, Sid: r.Sid, Action: r.Action, Resource: r.Resource,
		Severity: r.Severity,
		Reason:   r.Reason, Impact: r.Impact, Breakage: r.Breakage, Source: r.Source, Status: Satisfied,
	}
	var worst *decision
	gaps := 0
	for _, n := range t.Scope.Needed(r) {
		v := t.decide(n)
		f.Asked++
		if v.status == Satisfied {
			f.Covered++
			f.Notes = addNote(f.Notes, v.note)
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
		return f
	}
	f.Status, f.Cause, f.Why = worst.status, worst.cause, worst.why
	f.ExampleARN, f.Region = worst.example, worst.need.Region
	f.Inspected, f.Simulated = worst.inspected, worst.simulated
	f.Statements, f.SimulatedStatements, f.MissingContext = worst.statements,
		worst.simulatedStatements, worst.missing
	f.Notes = addNote(f.Notes, worst.note)
	if gaps > 0 && f.Covered > 0 {
		f.Status = Partial
	}
	if worst.status == Conditional {
		f.Severity = min(f.Severity, policies.Medium)
	}
	return f
}

func addNote(notes []string, note string) []string {
	if note == "" || slices.Contains(notes, note) {
		return notes
	}
	return append(notes, note)
}
