package output

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/baseline"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditListing returns the judgements of a report: the findings, the gaps after a planned upgrade,
// and what could not be read.
func auditListing(a Audit) listing {
	r := a.Report
	l := listing{tool: toolOf(r.Tool, r.Run.Version), name: "audit", subject: "account " + r.Account,
		status: strings.ToUpper(string(r.Status)), headline: report.VerdictOf(r).Text(),
		category: "audit/" + r.Account, at: r.Run.At, accountPlace: DefaultPlace,
		show: "remotion-audit audit --format text"}
	if a.Place != "" {
		l.accountPlace, l.placed = a.Place, true
	}
	l.title = report.VerdictOf(r).Title
	l.facts = auditFacts(r)
	fixes := fixesOf(r)
	index := map[string]int{}
	suiteOf := func(target string, policy policies.PolicyKind, kind string) *suite {
		key := target + "\n" + string(policy)
		i, ok := index[key]
		if !ok {
			i = len(l.suites)
			index[key] = i
			l.suites = append(l.suites, suite{name: target, kind: kind})
		}
		return &l.suites[i]
	}
	for _, t := range r.Targets {
		suiteOf(t.Name, t.Kind.Policy(), string(t.Kind))
	}
	for i, f := range r.Findings {
		e := findingEntry(r.Account, f)
		e.fix = fixes[i]
		kind := ""
		if f.IsCheck() {
			kind = "check"
		}
		s := suiteOf(f.Target, f.Policy, kind)
		s.entries = append(s.entries, e)
	}
	if r.Upgrade != nil {
		for _, f := range r.Upgrade.Findings {
			e := findingEntry(r.Account, f)
			e.later = true
			e.identity += "\nupgrade"
			s := suiteOf(f.Target, f.Policy, "")
			s.entries = append(s.entries, e)
		}
	}
	for _, p := range r.Problems {
		s := suiteOf(p.Target, "", "reads of the auditor")
		e := entry{outcome: unverified, word: p.What, why: p.Why, rule: "audit/incomplete",
			identity: strings.Join([]string{r.Account, p.Target, p.What}, "\n")}
		switch {
		case p.Grant != "":
			e.fix = &fixText{text: "grant the auditor " + p.Grant}
		case p.Remedy != "":
			e.fix = &fixText{text: p.Remedy}
		}
		s.entries = append(s.entries, e)
	}
	l.addBaseline(r.Baseline, r.Account)
	for _, n := range r.Notices {
		text := n.Text
		if n.Target != "" {
			text = n.Target + ": " + text
		}
		l.notes = append(l.notes, text)
	}
	return l
}

// auditFacts returns what a report is about.
func auditFacts(r audit.Report) []fact {
	list := []fact{{"Account", r.Account}, {"Regions", strings.Join(r.Regions, ", ")},
		{"Remotion", r.Remotion.Release}, {"Installed", r.Remotion.Installed}}
	if !r.Run.At.IsZero() {
		list = append(list, fact{"Time", textfmt.Time(r.Run.At)})
	}
	if len(r.NotChecked) > 0 {
		list = append(list, fact{"Not checked", strings.Join(r.NotChecked, ", ")})
	}
	return slices.DeleteFunc(list, func(f fact) bool { return f.text == "" })
}

// maxFixDiff is the number of lines of a diff that a format for code review shows.
const maxFixDiff = 40

// fixesOf returns the fixes of the gaps and of failed checks by the positions of the findings.
func fixesOf(r audit.Report) map[int]*fixText {
	type key struct {
		target   string
		policy   policies.PolicyKind
		sid      string
		action   string
		resource string
	}
	keyOf := func(f audit.Finding) key { return key{f.Target, f.Policy, f.Sid, f.Action, f.Resource} }
	positions := map[key]int{}
	var gaps []audit.Finding
	for i, f := range r.Findings {
		if f.Gap() {
			positions[keyOf(f)] = i
			gaps = append(gaps, f)
		}
	}
	fixes := map[int]*fixText{}
	for _, g := range report.Grouped(gaps) {
		e, ok := g.Fix(r.Fixes, maxFixDiff)
		if !ok {
			continue
		}
		fix := &fixText{text: e.Text, diff: e.Diff}
		if e.Edits {
			fix.command = g.FixCommand(e, r.Targets, r.Run.Flags)
		}
		for _, f := range g.Findings {
			fixes[positions[keyOf(f)]] = fix
		}
	}
	return fixes
}

func findingEntry(account string, f audit.Finding) entry {
	e := entry{word: string(f.Status), severity: f.Severity, cause: f.Cause, policy: f.Policy,
		sid: f.Sid, action: f.Action, resource: f.Resource, example: f.ExampleARN, why: f.Why,
		reason: f.Reason, impact: f.Impact, source: f.Source, statements: f.Statements, mute: f.Muted,
		state: f.Baseline}
	switch {
	case f.Gap():
		e.outcome = gapOutcome(f.Baseline)
	case f.Status.Gap():
		e.outcome = muted
	case f.Status == audit.Unverified:
		e.outcome = unverified
	}
	if f.Action == "" {
		e.word = string(audit.TargetMissing)
	}
	e.rule = ruleOfFinding(f.Policy, f.Sid, f.Action, f.Cause)
	e.identity = baseline.Identity(account, f.Target, f.Policy, f.Sid, f.Action, f.Resource)
	return e
}
