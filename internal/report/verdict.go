package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Verdict is what a report means, in a few words. It never says more than the findings prove.
type Verdict struct {
	// Title is what will happen: "Renders will fail". It has no full stop.
	Title string
	// Meaning are further sentences: how many gaps, what else fails, what could not be checked.
	Meaning []string
	// Tone is the colour of the title.
	Tone textfmt.Tone
}

// VerdictOf returns the verdict on a report.
func VerdictOf(r audit.Report) Verdict {
	gaps := gapsOf(r)
	v := Verdict{Tone: toneOf(r)}
	outcomes := outcomesOf(r, gaps)
	switch {
	case len(outcomes) > 0:
		v.Title = named(outcomes[0], gaps)
		v.add("%s.", Headline(r))
		for _, also := range outcomes[1:] {
			v.add("%s.", named(also, gaps))
		}
		if absentCallers(gaps) != nil {
			v.add("%s", "A principal that does not exist can neither render nor deploy: correct the "+
				"name in CALLERS (--callers), or create it.")
		}
	case r.Status == audit.StatusUnverified:
		v.Title = "Could not check: " + uncheckedPart(r)
		for _, reason := range reasonsOf(r) {
			v.add("Reason: %s.", reason)
		}
		v.add("%s.", Headline(r))
	case r.Summary.GapsMuted > 0:
		v.Title = "No missing permission found, except muted gaps"
		v.add("%s.", Headline(r))
		for _, o := range outcomesOf(r, mutedOf(r)) {
			v.add("Muted: %s.", lowerFirst(o))
		}
	default:
		v.Title = "No missing permission found"
		v.add("%s.", Headline(r))
	}
	if len(outcomes) > 0 && r.Unverified() {
		v.add("Could not check: %s.", uncheckedPart(r))
		for _, reason := range reasonsOf(r) {
			v.add("Reason: %s.", reason)
		}
	}
	v.addUpgrade(r)
	if r.Status == audit.StatusCompliant {
		if list := textfmt.OneLines(r.NotChecked); len(list) > 0 {
			v.add("Not checked: %s.", strings.Join(list, ", "))
		}
		v.add("If renders still fail: remotion-audit explain --error \"TEXT\"")
	}
	return v
}

// add adds a sentence. A name at its start keeps its case.
func (v *Verdict) add(format string, args ...any) {
	v.Meaning = append(v.Meaning, sentence(fmt.Sprintf(format, args...)))
}

// addUpgrade adds what happens after a planned upgrade; nothing if there is none.
func (v *Verdict) addUpgrade(r audit.Report) {
	u := r.Upgrade
	if u == nil {
		return
	}
	to := textfmt.OneLine(u.To)
	if u.Problem != "" {
		v.add("Could not check the upgrade to %s.", to)
	}
	gaps := slices.DeleteFunc(slices.Clone(u.Findings), func(f audit.Finding) bool {
		return !f.Gap()
	})
	after := r
	after.Findings = slices.Concat(r.Findings, u.Findings)
	for _, o := range outcomesOf(after, gaps) {
		v.add("After the upgrade to %s: %s.", to, lowerFirst(o))
	}
}

// lowerFirst returns a title for the middle of a sentence. A name at its start keeps its case.
func lowerFirst(title string) string { return strings.ToLower(title[:1]) + title[1:] }

// Text returns the title and the meaning in one text.
func (v Verdict) Text() string {
	return strings.Join(append([]string{v.Title + "."}, v.Meaning...), " ")
}

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

// uncheckedPart says how much could not be checked, and of which targets.
func uncheckedPart(r audit.Report) string {
	if len(r.Targets) == 0 {
		return "the account"
	}
	var targets []string
	for _, f := range unverifiedOf(r) {
		targets = textfmt.AppendNew(targets, textfmt.OneLine(f.Target))
	}
	n := r.Summary.Unverified
	if n == 0 {
		var what []string
		for _, p := range r.Problems {
			what = textfmt.AppendNew(what, fewRegions(textfmt.OneLine(p.What)))
		}
		return textfmt.Enumerate(what, 2)
	}
	text := fmt.Sprintf("%d of %s", n, textfmt.Plural(r.Summary.Requirements, "requirement"))
	if len(targets) > 0 && len(targets) < len(r.Targets) {
		text += " (" + textfmt.Some(targets, 2) + ")"
	}
	return text
}

// maxRegions is the number of regions that a title names.
const maxRegions = 3

// fewRegions shortens the regions at the end of what could not be read: a subject has no place for
// all of them.
func fewRegions(what string) string {
	if before, list, ok := strings.Cut(what, " in "); ok {
		regions := strings.Split(list, ", ")
		return before + " in " + textfmt.Enumerate(regions, maxRegions)
	}
	return what
}

// maxReasons is the number of reasons that a verdict gives, and maxReason the length of one.
const maxReasons, maxReason = 2, 240

// reasonsOf returns why requirements could not be checked: what AWS denies to the auditor, what
// could not be read, or else why the findings are unverified.
func reasonsOf(r audit.Report) (list []string) {
	var denied []string
	if access := r.Access(); access != nil {
		for _, d := range access.Lacks {
			denied = textfmt.AppendNew(denied, textfmt.OneLine(d.Action))
		}
		list = append(list, "AWS denies the auditor "+textfmt.Enumerate(denied, 3))
	}
	for _, p := range r.Problems {
		if p.Grant != "" {
			continue
		}
		text := textfmt.OneLine(p.Why)
		if len(r.Problems) > 1 || r.Summary.Unverified > 0 || len(r.Targets) == 0 {
			text = textfmt.OneLine(p.What) + ": " + text // else the title has it
		}
		list = textfmt.AppendNew(list, text)
	}
	if list == nil {
		for _, f := range unverifiedOf(r) {
			list = textfmt.AppendNew(list, textfmt.OneLine(f.Why))
		}
	}
	for i := range list {
		list[i] = textfmt.Truncate(strings.TrimSuffix(list[i], "."), maxReason)
	}
	if more := len(list) - maxReasons; more > 0 {
		list = append(list[:maxReasons:maxReasons], textfmt.Plural(more, "further reason")+" below")
	}
	return list
}

// toneOf returns the tone of the status of a report.
func toneOf(r audit.Report) textfmt.Tone {
	if r.Status == audit.StatusGaps {
		return SeverityTone(r.Worst())
	}
	return reportTone(r.Status)
}

// reportTone returns the tone of the status of a report or a check.
func reportTone(s audit.ReportStatus) textfmt.Tone {
	switch s {
	case audit.StatusGaps:
		return textfmt.Critical
	case audit.StatusCompliant:
		return textfmt.Good
	}
	return textfmt.Unknown
}

// SeverityTone returns the tone of a severity.
func SeverityTone(s policies.Severity) textfmt.Tone {
	switch s {
	case policies.Critical:
		return textfmt.Critical
	case policies.High:
		return textfmt.High
	case policies.Medium:
		return textfmt.Medium
	}
	return textfmt.Low
}

// Effect is what fails without some actions of a group.
type Effect struct {
	Severity policies.Severity
	Actions  []string
	Impact   string
}

// Effects returns what fails without the actions of a group, those of the highest severity first.
// Actions with the same impact and severity are one effect. It says "possibly" if a condition that
// the audit does not know may prevent it.
func (g Group) Effects() []Effect {
	var effects []Effect
	for _, f := range g.Findings {
		impact := textfmt.OneLine(f.Impact)
		if f.UnderAssumedContext {
			impact = "possibly: " + impact
		}
		action := textfmt.OneLine(f.Action)
		i := slices.IndexFunc(effects, func(e Effect) bool {
			return e.Impact == impact && e.Severity == f.Severity
		})
		switch {
		case i < 0:
			effects = append(effects, Effect{f.Severity, []string{action}, impact})
		case !slices.Contains(effects[i].Actions, action):
			effects[i].Actions = append(effects[i].Actions, action)
		}
	}
	return effects
}

// StatusTone returns the tone of the status of one requirement.
func StatusTone(s audit.Status) textfmt.Tone {
	switch s {
	case audit.Satisfied:
		return textfmt.Good
	case audit.Unverified:
		return textfmt.Unknown
	case audit.Conditional, audit.Partial:
		return textfmt.High
	}
	return textfmt.Critical
}
