package report

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An outcome is what some gaps have in common: what stops, and how sure that is.
type outcome struct {
	stops policies.Stops
	// may is true if a condition or a dispute between two sources leaves it open.
	may bool
}

// outcomeTitles are the titles of the outcomes, the worst first. An outcome hides those of the same
// kind (renders, deploys) that follow it.
var outcomeTitles = []struct {
	outcome
	kind, title string
}{
	{outcome{stops: policies.Renders}, "renders", "Renders will fail"},
	{outcome{stops: policies.SomeRenders}, "renders", "Some renders will fail"},
	{outcome{stops: policies.Deploys}, "deploys", "Deploys will fail"},
	{outcome{stops: policies.Renders, may: true}, "renders", "Renders may fail"},
	{outcome{stops: policies.SomeRenders, may: true}, "renders", "Some renders may fail"},
	{outcome{stops: policies.SomeDeploys}, "deploys", "Some deploys will fail"},
	{outcome{stops: policies.Deploys, may: true}, "deploys", "Deploys may fail"},
	{outcome{stops: policies.SomeDeploys, may: true}, "deploys", "Some deploys may fail"},
	{outcome{stops: policies.BucketPrivacy, may: true}, "buckets", "New buckets may be public"},
	{outcome{stops: policies.Features}, "features", "Some features will fail"},
	{outcome{stops: policies.Features, may: true}, "features", "Some features may fail"},
}

// outcomesOf returns the titles of the outcomes of gaps, the worst first. A caller that does not
// exist is one: the settings can name a wrong one, so nothing proves that a render fails. What
// stops for one principal of the report and not for another one stops only in part.
func outcomesOf(r audit.Report, gaps []audit.Finding) (titles []string) {
	found := map[outcome]bool{}
	createsNone := noBuckets(gaps)
	others := stoppedTargets(r)
	for _, f := range gaps {
		if isAbsentCaller(f) {
			continue
		}
		o := outcomeOf(f)
		if o.stops == policies.BucketPrivacy && createsNone[f.Target] {
			continue
		}
		if !found[o] && sparesAnother(r.Targets, others, f) {
			o = o.inPart()
		}
		found[o] = true
	}
	shown := map[string]bool{}
	for _, t := range outcomeTitles {
		if found[t.outcome] && !shown[t.kind] {
			shown[t.kind] = true
			titles = append(titles, t.title)
		}
	}
	if absent := absentCallers(gaps); absent != nil {
		titles = append(titles, textfmt.Verb(len(absent), absentOne, absentSeveral))
	}
	return titles
}

// noBuckets returns the targets that cannot create a bucket, also no public one.
func noBuckets(gaps []audit.Finding) map[string]bool {
	targets := map[string]bool{}
	for _, f := range gaps {
		if f.Action == "s3:CreateBucket" && (f.Status == audit.Missing || f.Status == audit.Denied) {
			targets[f.Target] = true
		}
	}
	return targets
}

// A principal is a target in one of its kinds: a role can be a caller and a render role.
type principal struct {
	name   string
	policy policies.PolicyKind
}

// A stoppage is what a gap stops for its principal.
type stoppage struct {
	outcome
	// everything is true for a caller that does not exist.
	everything bool
	// creation is true if the gap is about the creation of buckets.
	creation bool
}

// stoppedTargets returns the distinct stoppages of each target, also by muted gaps. It returns nil
// if the report has no two targets of a kind.
func stoppedTargets(r audit.Report) map[principal][]stoppage {
	kinds := map[audit.TargetKind]int{}
	for i := range r.Targets {
		kinds[r.Targets[i].Kind]++
	}
	if kinds[audit.Caller] < 2 && kinds[audit.RenderRole] < 2 {
		return nil
	}
	stopped := map[principal][]stoppage{}
	for i := range r.Findings {
		f := &r.Findings[i]
		if !f.Status.Gap() {
			continue
		}
		p := principal{f.Target, f.Policy}
		s := stoppage{outcomeOf(*f), isAbsentCaller(*f), f.Action == "s3:CreateBucket"}
		if !slices.Contains(stopped[p], s) {
			stopped[p] = append(stopped[p], s)
		}
	}
	return stopped
}

// sparesAnother reports whether another target does the same with Remotion as the target of a gap,
// and has no gap that stops as much. A gap of a target that the report does not list spares none.
func sparesAnother(targets []audit.TargetReport, stopped map[principal][]stoppage,
	f audit.Finding) bool {
	if stopped == nil {
		return false
	}
	listed, spared, want := false, false, outcomeOf(f)
	for i := range targets {
		t := &targets[i]
		switch p := (principal{t.Name, t.Kind.Policy()}); {
		case p.policy != f.Policy:
		case p.name == f.Target:
			listed = true
		case !spared && sharesOperation(t.Operations, f.Operations, want.stops):
			spared = !slices.ContainsFunc(stopped[p], func(s stoppage) bool { return s.asMuch(want) })
		}
	}
	return listed && spared
}

// sharesOperation reports whether a target has one of the operations that stop without a
// permission. Render roles have no operations, and reports of older auditors have none for callers.
func sharesOperation(target, needing []policies.Operation, stops policies.Stops) bool {
	var of []policies.Operation
	switch stops {
	case policies.Renders, policies.SomeRenders:
		of = []policies.Operation{policies.RenderOperation, policies.Invoke, policies.Stills}
	case policies.Deploys, policies.SomeDeploys:
		of = []policies.Operation{policies.DeployOperation, policies.Sites}
	}
	return len(target) == 0 || len(needing) == 0 ||
		slices.ContainsFunc(target, func(o policies.Operation) bool {
			return slices.Contains(needing, o) && (of == nil || slices.Contains(of, o))
		})
}

// asMuch reports whether an outcome stops for the principal, too, and as surely. A principal that
// creates no bucket creates no private one either.
func (s stoppage) asMuch(o outcome) bool {
	return s.everything || (o.may || !s.may) && (s.stops == o.stops ||
		o.stops == policies.BucketPrivacy && s.creation)
}

// absentCallers names the callers that do not exist.
func absentCallers(gaps []audit.Finding) (names []string) {
	for _, f := range gaps {
		if isAbsentCaller(f) {
			names = textfmt.AppendNew(names, textfmt.OneLine(f.Target))
		}
	}
	return names
}

func isAbsentCaller(f audit.Finding) bool {
	return f.Cause == audit.TargetMissing && f.Policy != policies.Role
}

// The titles of callers that do not exist. The names follow in a verdict.
const absentOne, absentSeveral = "A caller does not exist", "Some callers do not exist"

// named returns a title with the names of the callers that do not exist, if it is about them.
func named(title string, gaps []audit.Finding) string {
	if title != absentOne && title != absentSeveral {
		return title
	}
	return title + ": " + textfmt.Enumerate(absentCallers(gaps), maxAbsent)
}

// maxAbsent is the number of callers that a verdict names as not existing.
const maxAbsent = 3

// outcomeOf returns what a gap stops. A grant on some of the resources stops only some of what a
// missing grant stops.
func outcomeOf(f audit.Finding) outcome {
	o := outcome{stops: f.Stops, may: f.Status == audit.Conditional || f.UnderAssumedContext ||
		contested(f)}
	if o.stops == 0 { // a report of an older auditor
		o.stops = stopsOf(f.Severity)
	}
	// The audit does not read the account's S3 Block Public Access, which can prevent a public bucket.
	o.may = o.may || o.stops == policies.BucketPrivacy
	if f.Status == audit.Partial {
		return o.inPart()
	}
	return o
}

// inPart returns the outcome if only a part of it stops.
func (o outcome) inPart() outcome {
	switch o.stops {
	case policies.Renders:
		o.stops = policies.SomeRenders
	case policies.Deploys:
		o.stops = policies.SomeDeploys
	}
	return o
}

// contested reports whether the severity of a gap was lowered, because the policy documents and
// AWS's simulator disagree.
func contested(f audit.Finding) bool {
	return f.Stops >= policies.SomeRenders && f.Severity < policies.Critical ||
		f.Stops >= policies.BucketPrivacy && f.Severity < policies.High
}

// stopsOf returns the least that a gap of a severity stops.
func stopsOf(s policies.Severity) policies.Stops {
	switch s {
	case policies.Critical:
		return policies.SomeRenders
	case policies.High:
		return policies.BucketPrivacy
	}
	return policies.Features
}
