package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"weak"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// A Judge evaluates one target after the other, in any order. It keeps what the report contains,
// but not the facts of a target, so that an account with many targets needs little memory.
type Judge struct {
	// Known returns earlier documents of a target, for an undo; nil for none. The judge calls it only
	// for targets with gaps, because it may have to read them.
	Known func(TargetFacts) []remedy.Known
	// Changes are the IAM changes that started the run, newest first: they may name the tool that owns
	// a document.
	Changes []IAMChange

	facts   Facts
	targets map[int]*judgement
	// checked holds the results of the checks; nil before Checked.
	checked *CheckResult
	// outOfTime reports whether the time for the audit is over. The judge asks before each need, and
	// not again after the first true: late is then true.
	outOfTime func() bool
	late      bool
	// tightened counts the over-grants with tightened documents.
	tightened int
	// required holds the requirements of equal scopes, uncalled what Scope.Uncalled returns for them,
	// texts one copy of each text of the findings, and recognized and misnamed what is known about
	// documents. Most targets of an account have the same.
	required   map[requirementsKey][]policies.Requirement
	uncalled   map[requirementsKey][]policies.Requirement
	texts      map[string]string
	recognized map[recognizedKey]recognized
	misnamed   map[weak.Pointer[iampolicy.Document]]string
}

// requirementsKey is all that Scope.Requirements depends on, with lists as text.
type requirementsKey struct {
	releases, partition, regions string
	kind                         policies.PolicyKind
	purpose                      policies.Purpose
	entity                       string
	// resources are the buckets, layers and networks of the account.
	resources string
}

// judgement is what the report contains about one target.
type judgement struct {
	target   TargetReport
	findings []Finding
	fix      *remedy.Fix // nil without gaps
	problems []Problem
	// controlled is true if the resource control policies are known.
	controlled bool
	// documents are the notices about the documents of the target, buckets its buckets with custom
	// names.
	documents []Notice
	buckets   []string
	// overGrants are the notices about what the target may do beyond Remotion's needs.
	overGrants []Notice
	// assumed are the buckets with an assumed role, uncalled the actions of NoticeUncalled.
	// withoutInsights are the regions of NoticeInsights.
	assumed, uncalled, withoutInsights []string
	// upgrade are the unsatisfied requirements of the planned release, or else of the newest known
	// release. renamed are those that only functions with new names do not satisfy.
	upgrade, renamed []Finding
}

// NewJudge returns a judge for the targets of an account. It ignores facts.Targets. As soon as
// outOfTime returns true, the judge makes all that it has not judged unverified. Nil means that
// there is time for everything.
func NewJudge(facts Facts, outOfTime func() bool) *Judge {
	if outOfTime == nil {
		outOfTime = func() bool { return false }
	}
	facts.Targets = nil
	return &Judge{facts: facts, targets: map[int]*judgement{}, outOfTime: outOfTime,
		required: map[requirementsKey][]policies.Requirement{},
		uncalled: map[requirementsKey][]policies.Requirement{}, texts: map[string]string{},
		recognized: map[recognizedKey]recognized{},
		misnamed:   map[weak.Pointer[iampolicy.Document]]string{}}
}

// stopped reports whether the time is over.
func (j *Judge) stopped() bool {
	j.late = j.late || j.outOfTime()
	return j.late
}

// NotInTime is the Why of the findings and the Problem about what the judge did not judge in time.
const NotInTime = "not judged in time"

const notInTimeRemedy = "increase the function's memory, which also sets its share of a " +
	"processor, or the time limit, or audit fewer principals and regions"

// Add evaluates the target with that index in the report.
func (j *Judge) Add(index int, t TargetFacts) {
	t.Assumed = j.facts.Assumed
	findings, required, total := j.evaluateTarget(t)
	sum := count(findings, total)
	result := &judgement{controlled: t.Grants.ResourceControl != nil, findings: findings,
		problems:  problemsOf(t),
		documents: append(j.documentNotices(t, sum.Gaps > 0), j.actionNotices(t)...)}
	if t.Presence != Absent {
		result.upgrade, result.renamed = j.upgradeOf(t)
	}
	result.fix = j.fixOf(t, findings, required)
	if j.late && slices.ContainsFunc(findings, func(f Finding) bool {
		return f.Status == Unverified && f.Why == NotInTime
	}) {
		t.CutOff = true
		result.problems = append(result.problems, Problem{Target: t.Name,
			What: "the judgement of " + t.Name, Why: NotInTime, Remedy: notInTimeRemedy})
	}
	result.target = TargetReport{Name: t.Name, ARN: t.ARN, Kind: t.Kind, Purpose: t.Purpose,
		Summary: sum, CutOff: t.CutOff, Context: contextLines(t.principalContext())}
	if t.Kind == Caller {
		result.target.Operations = t.Purpose.Operations()
	}
	result.buckets, result.assumed = bucketsOf(t)
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.RootCause != "" }) {
		releases := t.judgedBy(j.facts.judgedBy())
		result.uncalled = j.uncalledOf(t, releases)
		result.withoutInsights = j.withoutInsightsOf(t, releases)
	}
	result.overGrants = j.overGrants(t, required)
	for _, list := range [][]Finding{findings, result.upgrade, result.renamed} {
		j.compact(list)
	}
	j.targets[index] = result
}

// Satisfied reports whether all requirements of the target with that index are satisfied, and all
// about the target was read.
func (j *Judge) Satisfied(index int) bool {
	t := j.targets[index]
	return t != nil && len(t.problems) == 0 && !t.target.CutOff && len(t.findings) > 0 &&
		!slices.ContainsFunc(t.findings, func(f Finding) bool { return f.Status != Satisfied })
}

// Report returns the report about the targets that were added, in the order of their indexes.
func (j *Judge) Report() Report {
	targets := j.ordered()
	r := Report{
		SchemaVersion: SchemaVersion, Account: j.facts.Account, Partition: j.facts.Partition,
		Regions:           append([]string{}, j.facts.Regions...),
		FunctionsByRegion: j.facts.functionsByRegion(),
		Remotion:          j.facts.remotion(),
		AssumedContext:    assumedLines(j.facts.Assumed), NotChecked: notCheckedOf(targets, j.checked),
		Targets: []TargetReport{}, Findings: []Finding{}, Problems: []Problem{},
	}
	for _, t := range targets {
		r.Targets = append(r.Targets, t.target)
		r.Findings = append(r.Findings, t.findings...)
		r.Problems = append(r.Problems, t.problems...)
		if t.fix != nil {
			t.fix.Number = len(r.Fixes) + 1
			r.Fixes = append(r.Fixes, *t.fix)
		}
		r.Summary = r.Summary.Plus(t.target.Summary)
	}
	var late []Problem
	if j.facts.LateProblems != nil {
		late = j.facts.LateProblems()
	}
	for _, p := range slices.Concat(j.facts.Problems, late, j.facts.releaseProblems()) {
		p.Target = AccountTarget
		r.Problems = append(r.Problems, p)
	}
	r.Upgrade, r.Notices = j.facts.upgrade(targets), j.facts.notices(targets)
	r.addChecks(j.checked)
	r.AuditorAccess = r.auditorAccess()
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

// requirements returns the requirements of a target for releases. The caller must not change the
// list.
func (j *Judge) requirements(t TargetFacts, releases []policies.Release) []policies.Requirement {
	key := keyOf(t, releases)
	list, ok := j.required[key]
	if !ok {
		list = t.Scope.Requirements(releases, t.Kind.Policy(), t.Purpose)
		j.required[key] = list
	}
	return list
}

// uncalledRequirements returns the documented permissions that nothing uses, of equal scopes once.
// The caller must not change the list.
func (j *Judge) uncalledRequirements(t TargetFacts,
	releases []policies.Release) []policies.Requirement {
	key := keyOf(t, releases)
	list, ok := j.uncalled[key]
	if !ok {
		list = t.Scope.Uncalled(releases, t.Kind.Policy())
		j.uncalled[key] = list
	}
	return list
}

// keyOf returns the key of the requirements of a target.
func keyOf(t TargetFacts, releases []policies.Release) requirementsKey {
	a, _ := arn.Parse(t.Scope.Caller)
	key := requirementsKey{partition: t.Scope.Partition,
		regions: strings.Join(t.Scope.Regions, " "),
		kind:    t.Kind.Policy(), purpose: t.Purpose, entity: a.Kind(),
		resources: fmt.Sprint(t.Scope.Buckets, t.Scope.OwnLayers, t.Scope.WithoutRemotionLayers,
			t.Scope.InsightsRegions, t.Scope.VPC, t.Scope.NamedBuckets)}
	for _, r := range releases {
		key.releases += r.Since + " " + r.Name() + "\n"
	}
	return key
}

// maxListed is the largest number of statements or context keys that a finding lists, and
// maxResources the largest length of all resources that the findings of a target list.
const (
	maxListed    = 40
	maxResources = 64 << 10
)

// compact bounds the lists of a target's findings, which could otherwise repeat long documents for
// each requirement, and keeps one copy of each text, because other findings have the same texts.
func (j *Judge) compact(findings []Finding) {
	left := maxResources
	for i := range findings {
		f := &findings[i]
		f.Statements = cut(f.Statements)
		for n := range f.Statements {
			s := &f.Statements[n]
			for _, resource := range s.Resources {
				left -= len(resource)
			}
			if left < 0 {
				s.Resources = nil
			}
			s.Resources = j.shared(s.Resources)
			s.Policy, s.Sid = j.share(s.Policy), j.share(s.Sid)
		}
		f.Why, f.ExampleARN = j.share(f.Why), j.share(f.ExampleARN)
		f.Notes = j.shared(f.Notes)
		f.SimulatedStatements, f.MissingContext = j.shared(cut(f.SimulatedStatements)),
			j.shared(cut(f.MissingContext))
	}
}

func cut[T any](list []T) []T { return list[:min(len(list), maxListed)] }

// shared returns a copy of a list with the shared copies of its texts.
func (j *Judge) shared(list []string) []string {
	list = slices.Clone(list)
	for i := range list {
		list[i] = j.share(list[i])
	}
	return list
}

// share returns the judge's copy of a text. The text can be a part of a document, which the judge
// must not keep.
func (j *Judge) share(text string) string {
	shared, ok := j.texts[text]
	if !ok {
		shared = strings.Clone(text)
		j.texts[shared] = shared
	}
	return shared
}
