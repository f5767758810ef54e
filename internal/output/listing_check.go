package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/baseline"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// checkListing returns the judgements of a check, a suite for each principal.
func checkListing(r check.Results) listing {
	l := listing{tool: toolOf(r.Tool, ""), name: "check", status: strings.ToUpper(string(r.Status)),
		category: "check", accountPlace: stdinPlace,
		show: "remotion-audit check --format text, with the same files and flags"}
	satisfied, requirements := 0, 0
	for _, result := range r.Results {
		names := result.Policies
		s := suite{name: result.Name(), kind: "policy files"}
		v := result.Verdict
		if v == nil {
			e := entry{outcome: unverified, word: "unreadable policy", why: result.Error,
				rule: "check/unreadable", identity: "check\n" + s.name + "\nunreadable"}
			if len(names) > 0 {
				e.file, e.line, e.column = textfmt.SlashPath(names[0]), 1, 1
			}
			s.entries = append(s.entries, e)
			l.suites = append(l.suites, s)
			continue
		}
		if len(names) == 0 {
			for _, source := range v.Sources {
				names = append(names, cmp.Or(source.File, source.Policy))
			}
			result.Policies = names
			s.name = cmp.Or(result.Name(), "policies")
		}
		if len(r.Results) == 1 {
			l.tool = toolOf(cmp.Or(r.Tool, v.Tool), "")
		}
		satisfied, requirements = satisfied+v.Satisfied, requirements+v.Requirements
		place := files(v.Sources)
		fixes := verdictFixes(*v)
		stable := baseline.PrincipalOf(result)
		for i, f := range v.Findings {
			e := verdictEntry(stable, v.Policy, f, place)
			e.fix = fixes[i]
			s.entries = append(s.entries, e)
		}
		if v.Problem != "" {
			e := entry{outcome: unverified, word: "unknown release", why: v.Problem,
				rule: "check/incomplete", identity: "check\n" + stable + "\nproblem"}
			place.put(&e, nil)
			s.entries = append(s.entries, e)
		}
		for _, x := range v.Excess {
			l.notes = append(l.notes, fmt.Sprintf("%s grants %s on %s beyond the requirements (%s), such "+
				"as %s on %s", x.Statement, x.Action, x.Resource, x.Kind, x.ExampleAction, x.ExampleARN))
		}
		if v.ExcessIncomplete {
			l.notes = append(l.notes, "the list of grants beyond the requirements may be incomplete: "+
				v.WhyIncomplete())
		}
		for _, note := range v.Notes {
			l.notes = textfmt.AppendNew(l.notes, note)
		}
		l.facts = addFact(l.facts, "Required", v.Required)
		l.facts = addFact(l.facts, "Context", strings.Join(v.Assumed, " "))
		l.facts = addFact(l.facts, "Known until", v.KnownUntil)
		l.suites = append(l.suites, s)
	}
	l.addBaseline(r.Baseline, "check")
	l.subject = textfmt.Plural(len(r.Results), "principal")
	l.headline = l.counts(satisfied, requirements)
	if r.Baseline != nil {
		l.headline += "; " + report.BaselineText(*r.Baseline)
	}
	return l
}

func addFact(list []fact, label, text string) []fact {
	f := fact{label, text}
	if text == "" || slices.Contains(list, f) {
		return list
	}
	return append(list, f)
}

// counts returns the headline of a check.
func (l *listing) counts(satisfied, requirements int) string {
	var parts []string
	if n := l.count(gap) + l.count(known); n > 0 {
		parts = append(parts, textfmt.Plural(n, "gap"))
	}
	if n := l.count(muted); n > 0 {
		parts = append(parts, fmt.Sprintf("%d muted", n))
	}
	if n := l.count(unverified); n > 0 {
		parts = append(parts, fmt.Sprintf("%d unverified", n))
	}
	tail := fmt.Sprintf("%d of %d permissions are granted", satisfied, requirements)
	if parts == nil {
		return tail
	}
	return strings.Join(parts, ", ") + "; " + tail
}

func verdictEntry(name string, kind policies.PolicyKind, f check.Finding, place files) entry {
	e := entry{word: string(f.Status), severity: f.Severity, cause: f.Cause, policy: kind, sid: f.Sid,
		action: f.Action, resource: f.Resource, example: f.ExampleARN, why: f.Why, reason: f.Reason,
		impact: f.Impact, statements: f.Statements, rule: ruleOf(string(kind), f.Action, ""),
		mute: f.Muted, state: f.Baseline,
		identity: baseline.Identity("check", name, kind, f.Sid, f.Action, f.Resource)}
	if e.example != "" && f.ExampleAction != f.Action {
		e.example = f.ExampleAction + " on " + e.example
	}
	switch {
	case f.Gap():
		e.outcome = gapOutcome(f.Baseline)
	case f.Status.Gap():
		e.outcome = muted
	case f.Status == iampolicy.Unverified:
		e.outcome = unverified
	}
	decided := f.Statements
	if f.Status == iampolicy.Satisfied || len(decided) == 0 {
		decided = f.Covering
		if f.Status == iampolicy.Satisfied {
			e.statements = f.Covering
		}
	}
	if !place.putAt(&e, f.At) {
		place.put(&e, decided)
	}
	return e
}

// files are the files of the policies of a check.
type files []check.Source

// put sets the place of an entry: the first of the statements, or else the start of the first
// policy file.
func (f files) put(e *entry, statements []iampolicy.StatementRef) {
	for _, s := range statements {
		for _, source := range f {
			if source.Policy == s.Policy && source.File != "" {
				e.file, e.line, e.column = textfmt.SlashPath(source.File), max(s.Line, 1), max(s.Column, 1)
				return
			}
		}
	}
	for _, source := range f {
		if source.File != "" {
			e.file, e.line, e.column = textfmt.SlashPath(source.File), 1, 1
			return
		}
	}
}

// replacementListing returns the changes of a replacement. Only losses are gaps.
func replacementListing(r check.Replacement) listing {
	l := listing{tool: toolOf(r.Tool, ""), name: "check --instead-of",
		subject: strings.Join(r.Proposed, " + ") + " instead of " + strings.Join(r.Current, " + "),
		status:  strings.ToUpper(strings.ReplaceAll(string(r.Status), "-", " ")), category: "replacement",
		accountPlace: stdinPlace, notes: slices.Clone(r.Notes),
		show: "remotion-audit check --instead-of --format text, with the same files and flags"}
	l.facts = addFact(addFact(l.facts, "Required", r.Required), "Context",
		strings.Join(r.Assumed, " "))
	name := strings.Join(r.Proposed, " + ")
	principal := baseline.PrincipalOf(check.Result{Policies: r.Proposed,
		Verdict: &check.Verdict{Sources: r.Sources}})
	s := suite{name: name, kind: "proposed policies"}
	place := files(r.Sources)
	for _, c := range r.Changes {
		e := entry{outcome: noted, word: strings.ReplaceAll(string(c.Kind), "-", " "),
			severity: c.Severity, cause: c.Cause, policy: r.Policy, sid: c.Sid, action: c.Action,
			resource: c.Resource, example: c.ExampleARN, why: c.Why, reason: c.Reason, impact: c.Impact,
			statements: c.Statements, rule: ruleOf(string(r.Policy), c.Action, ""),
			identity: baseline.Identity("replacement", principal, r.Policy, c.Sid, c.Action, c.Resource)}
		switch c.Kind {
		case check.Lost:
			e.outcome = gap
		case check.ChangeUnverified:
			e.outcome = unverified
		}
		if !place.putAt(&e, c.At) {
			place.put(&e, c.Statements)
		}
		s.entries = append(s.entries, e)
	}
	if r.Problem != "" {
		e := entry{outcome: unverified, word: "unknown release", why: r.Problem,
			rule: "check/incomplete", identity: "replacement\n" + principal + "\nproblem"}
		place.put(&e, nil)
		s.entries = append(s.entries, e)
	}
	l.suites = []suite{s}
	l.headline = fmt.Sprintf("%d lost, %d unverified, %d gained, %d missing in both, %d kept", r.Lost,
		r.Unverified, r.Gained, r.MissingInBoth, r.Kept)
	return l
}
