package baseline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Report returns a report with the comparison with an earlier report about the same account.
func Report(r, base audit.Report) (audit.Report, error) {
	if r.Account != base.Account || r.Partition != base.Partition {
		return r, fmt.Errorf("the baseline is about account %s in partition %s, and this audit about %s "+
			"in %s: use a report about the same account", textfmt.Quote(base.Account, 20),
			textfmt.Quote(base.Partition, 20), r.Account, r.Partition)
	}
	r.Findings = slices.Clone(r.Findings)
	now := judgements(r.Account, r.Findings, false)
	before := judgements(r.Account, base.Findings, false)
	if r.Upgrade != nil {
		upgrade := *r.Upgrade
		upgrade.Findings = slices.Clone(upgrade.Findings)
		r.Upgrade = &upgrade
		now = append(now, judgements(r.Account, upgrade.Findings, true)...)
		if base.Upgrade != nil && base.Upgrade.To == upgrade.To {
			before = append(before, judgements(r.Account, base.Upgrade.Findings, true)...)
		}
	}
	c := compare(now, before)
	c.At = base.Run.At
	r.Baseline = &c
	return r, nil
}

// Results returns the results of a check with the comparison with an earlier check. It has no
// error: files that only one of them has are new, or not judged.
func Results(r, base check.Results) check.Results {
	r.Results = slices.Clone(r.Results)
	var now, before []judgement
	for i, result := range r.Results {
		if result.Verdict == nil {
			continue
		}
		v := *result.Verdict
		v.Findings = slices.Clone(v.Findings)
		r.Results[i].Verdict = &v
		now = append(now, checkJudgements(result, v.Findings)...)
	}
	for _, result := range base.Results {
		if result.Verdict != nil {
			before = append(before, checkJudgements(result, result.Verdict.Findings)...)
		}
	}
	c := compare(now, before)
	r.Baseline = &c
	return r
}

// A judgement is a finding of a report or of a check. gone describes it, for the case that only the
// baseline has the gap.
type judgement struct {
	identity string
	suite    string
	gap      bool // and not muted
	gone     audit.GoneGap
	// place is the request that is not allowed, if others of the requirement are, and uncovered the
	// number of such requests; 0 if it is unknown.
	place     string
	uncovered int
	// state is where the comparison writes.
	state *audit.BaselineState
}

// level returns the severity. A gap without one counts as critical.
func (j judgement) level() policies.Severity { return cmp.Or(j.gone.Severity, policies.Critical) }

// worst orders judgements: those with the highest severity first.
func worst(a, b judgement) int {
	return cmp.Or(cmp.Compare(b.level(), a.level()),
		cmp.Compare(b.gone.Status.Rank(), a.gone.Status.Rank()))
}

func judgements(account string, findings []audit.Finding, later bool) (list []judgement) {
	for i := range findings {
		f := &findings[i]
		j := judgement{gap: f.Gap(), state: &f.Baseline,
			suite:     f.Target + "\n" + string(f.Policy),
			place:     placeOf(f.Status, f.Cause, "", f.ExampleARN, f.Region),
			uncovered: f.Asked - f.Covered,
			identity:  Identity(account, f.Target, f.Policy, f.Sid, f.Action, f.Resource),
			gone: audit.GoneGap{State: goneState(f.Status, f.Muted), Target: f.Target, Policy: f.Policy,
				Sid: f.Sid, Action: f.Action, Resource: f.Resource, Status: f.Status, Severity: f.Severity,
				AfterUpgrade: later}}
		if later {
			j.identity += "\nupgrade"
		}
		list = append(list, j)
	}
	return list
}

func checkJudgements(r check.Result, findings []check.Finding) (list []judgement) {
	principal, kind := PrincipalOf(r), r.Verdict.Policy
	for i := range findings {
		f := &findings[i]
		list = append(list, judgement{gap: f.Gap(), state: &f.Baseline, suite: principal,
			identity: ofCheck(principal, kind, *f),
			place:    placeOf(f.Status, f.Cause, f.ExampleAction, f.ExampleARN, ""),
			gone: audit.GoneGap{State: goneState(f.Status, f.Muted), Target: principal, Policy: kind,
				Sid: f.Sid, Action: f.Action, Resource: f.Resource, Status: f.Status,
				Severity: f.Severity}})
	}
	return list
}

// placeOf returns what a gap in a part of a requirement has in common with itself in an earlier
// document. Without it, a gap in one region would hide a later one in another region.
func placeOf(s audit.Status, cause audit.Cause, request ...string) string {
	if s != audit.Partial && s != audit.Conditional {
		return ""
	}
	return string(cause) + "\n" + strings.Join(request, "\n")
}

// isWorse reports whether a gap is worse than that of a baseline.
func (j judgement) isWorse(old judgement) bool {
	return old.level() < j.level() || old.gone.Status.Rank() < j.gone.Status.Rank() ||
		j.place != "" && j.place == old.place && old.uncovered < j.uncovered
}

// hasMoved reports whether a gap is in another part of the requirement than that of a baseline.
func (j judgement) hasMoved(old judgement) bool {
	return j.place != "" && old.gone.Status == j.gone.Status && j.place != old.place
}

// goneState returns what became of a gap of the baseline that has a status now.
func goneState(s audit.Status, mute *audit.Mute) audit.GoneState {
	switch {
	case mute != nil:
		return audit.GoneMuted
	case s == audit.Satisfied:
		return audit.GoneClosed
	case s.Gap(): // the document has fewer of several equal gaps
		return audit.GoneClosed
	}
	return audit.GoneUnverified
}

// compare sets the states of the gaps of now, and returns the comparison. Of several judgements
// with one identity, the worst of now is compared with the worst of before that is in its place. A
// gap in another part of its requirement is new.
func compare(now, before []judgement) audit.Comparison {
	c := audit.Comparison{Gone: []audit.GoneGap{}}
	old := map[string][]judgement{}
	for _, j := range before {
		if j.gap {
			old[j.identity] = append(old[j.identity], j)
		}
	}
	for _, list := range old {
		slices.SortStableFunc(list, worst)
	}
	states := map[string]audit.GoneState{}
	suites := map[string]bool{}
	var gaps []judgement
	for _, j := range now {
		*j.state = ""
		suites[j.suite] = true
		if j.gap {
			gaps = append(gaps, j)
		}
		states[j.identity] = leastGone(states[j.identity], j.gone.State)
	}
	slices.SortStableFunc(gaps, worst)
	for _, j := range gaps {
		list := old[j.identity]
		i := max(0, slices.IndexFunc(list, func(o judgement) bool { return !j.hasMoved(o) }))
		switch {
		case len(list) == 0:
			*j.state = audit.BaselineNew
			c.New++
			continue
		case j.hasMoved(list[i]) && !j.isWorse(list[i]):
			*j.state = audit.BaselineNew
			c.New++
		case j.isWorse(list[i]):
			*j.state = audit.BaselineWorse
			c.Worse++
		default:
			*j.state = audit.BaselineKnown
			c.Known++
		}
		old[j.identity] = slices.Delete(list, i, i+1)
	}
	for _, j := range before {
		list := old[j.identity]
		if !j.gap || len(list) == 0 {
			continue
		}
		gone := list[0].gone
		old[j.identity] = list[1:]
		gone.State = states[j.identity]
		if gone.State == "" {
			gone.State = audit.GoneNotJudged
			// A report lists no satisfied requirement of an upgrade, and an absent target has no
			// requirement of its own.
			if (gone.AfterUpgrade || gone.Action == "") && suites[j.suite] {
				gone.State = audit.GoneClosed
			}
		}
		c.Gone = append(c.Gone, gone)
	}
	return c
}

// leastGone returns the state that claims less: only a requirement that is satisfied everywhere is
// closed.
func leastGone(a, b audit.GoneState) audit.GoneState {
	order := []audit.GoneState{"", audit.GoneClosed, audit.GoneMuted, audit.GoneUnverified}
	if slices.Index(order, a) > slices.Index(order, b) {
		return a
	}
	return b
}
