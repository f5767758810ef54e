package output

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/baseline"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A listing is a document as a list of judgements. The formats that other programs read (markdown,
// junit, sarif, github and csv) write listings, so that each of them shows the same judgements.
// Its texts are untrusted: each format cleans them.
type listing struct {
	tool contract.Tool
	// name is the name of the document, such as "audit". subject is what it is about, and status the
	// result in capitals.
	name, subject, status string
	// title is the result in a few words; empty if the status says as much. headline is the result in
	// full.
	title, headline string
	// category separates the results of two documents in code scanning.
	category string
	at       time.Time
	suites   []suite
	// gone has the gaps of the baseline that the document does not have. compared is true with a
	// baseline.
	gone     []suite
	compared bool
	// facts are further labels with their texts.
	facts []fact
	// notes are sentences that are no judgement.
	notes []string
	// show is the command that shows everything.
	show string
	// accountPlace is the file that stands for the account, and placed is true if the user chose it.
	accountPlace string
	placed       bool
}

type fact struct{ label, text string }

// A suite holds the judgements on one target, or on the policy files of one principal.
type suite struct {
	name, kind string
	entries    []entry
}

// An outcome says how a judgement counts.
type outcome uint8

const (
	passed     outcome = iota
	gap                // counts for exit status 1
	unverified         // counts for exit status 2
	known              // a gap of the baseline, which does not count
	muted
	noted // does not count
	gone  // a gap of the baseline that the document does not have
)

// An entry is one judgement.
type entry struct {
	outcome
	// word is the status in a word, such as missing.
	word     string
	severity policies.Severity // 0 for none; a gap without a severity counts as critical
	cause    iampolicy.Cause
	policy   policies.PolicyKind
	sid      string
	action   string // empty for a judgement that is not about an action
	resource string
	example  string
	why      string
	reason   string
	impact   string
	source   string
	// statements are the deciding ones; of a passed entry, those that grant the permission.
	statements []iampolicy.StatementRef
	mute       *audit.Mute
	// state compares a gap with the baseline; empty without one.
	state audit.BaselineState
	// rule is the stable identifier of what was judged, and identity that of this judgement.
	rule, identity string
	// file is a path with slashes; empty without a file. line and column count from 1.
	file         string
	line, column int
	fix          *fixText
	// later is true for a gap that only a planned upgrade would open.
	later bool
}

// fixText is how a group of gaps is closed. Gaps with the same fix share one.
type fixText struct {
	text    string
	diff    []string
	command string
}

// level returns the severity for order and level: a gap without one counts as critical.
func (e *entry) level() policies.Severity {
	if (e.outcome == gap || e.outcome == known) && e.severity == 0 {
		return policies.Critical
	}
	return e.severity
}

// title returns the judgement in a few words.
func (e *entry) title() string {
	what := cmp.Or(e.subject(), e.word)
	if e.subject() != "" {
		what = e.word + " " + what
	}
	if e.later {
		what += " (after the upgrade)"
	}
	return what
}

// subject returns the action that is judged. For a check, it returns the id, because the action is
// no missing permission.
func (e *entry) subject() string {
	if e.policy == audit.CheckKind {
		return "check " + e.sid
	}
	return e.action
}

// count returns the number of entries with an outcome.
func (l *listing) count(o outcome) (n int) {
	for _, s := range l.suites {
		for i := range s.entries {
			if s.entries[i].outcome == o {
				n++
			}
		}
	}
	return n
}

// A judged is an entry with its suite.
type judged struct {
	*entry
	suite *suite
}

// ordered returns the entries with some outcomes: gaps first, then what is unverified, each in the
// order of severity, highest first.
func (l *listing) ordered(outcomes ...outcome) (list []judged) {
	for i := range l.suites {
		s := &l.suites[i]
		for j := range s.entries {
			if slices.Contains(outcomes, s.entries[j].outcome) {
				list = append(list, judged{&s.entries[j], s})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b judged) int {
		return cmp.Or(cmp.Compare(a.outcome, b.outcome), cmp.Compare(b.level(), a.level()))
	})
	return list
}

// toolOf returns the tool that a document names.
func toolOf(t *contract.Tool, version string) contract.Tool {
	if t != nil {
		return *t
	}
	return contract.Tool{Name: contract.ToolName, Version: version}
}

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

// gapOutcome returns the outcome of an unmuted gap.
func gapOutcome(s audit.BaselineState) outcome {
	if s == audit.BaselineKnown {
		return known
	}
	return gap
}

// addBaseline adds the gaps of the baseline that the document does not have. of is the start of
// their identities.
func (l *listing) addBaseline(c *audit.Comparison, of string) {
	if c == nil {
		return
	}
	l.compared = true
	index := map[string]int{}
	for _, g := range c.Gone {
		i, ok := index[g.Target]
		if !ok {
			i = len(l.gone)
			index[g.Target] = i
			l.gone = append(l.gone, suite{name: g.Target, kind: "gaps of the baseline"})
		}
		e := entry{outcome: gone, word: string(g.Status), severity: g.Severity, policy: g.Policy,
			sid: g.Sid, action: g.Action, resource: g.Resource, later: g.AfterUpgrade,
			why:      report.GoneText(g.State),
			rule:     ruleOfFinding(g.Policy, g.Sid, g.Action, audit.TargetMissing),
			identity: baseline.Identity(of, g.Target, g.Policy, g.Sid, g.Action, g.Resource)}
		if g.AfterUpgrade {
			e.identity += "\nupgrade"
		}
		l.gone[i].entries = append(l.gone[i].entries, e)
	}
}

// goneGaps returns the gaps of addBaseline, in the order of severity.
func (l *listing) goneGaps() []judged {
	return (&listing{suites: l.gone}).ordered(gone)
}

// ruleOfFinding returns the stable identifier of what a finding judges: for a check, the Sid.
func ruleOfFinding(kind policies.PolicyKind, sid, action string, cause audit.Cause) string {
	if kind == audit.CheckKind {
		return ruleOf(string(kind), sid, "")
	}
	return ruleOf(string(kind), action, string(cause))
}

// ruleOf returns the stable identifier of a requirement: the kind of policy and the action. The Sid
// is no part of it, because the Sids of Remotion's role policy are numbers that shift.
func ruleOf(kind, action, cause string) string {
	return cmp.Or(kind, "required") + "/" + cmp.Or(action, cause, "incomplete")
}

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

// putAt sets the place of an entry to that of a finding. It reports false if that is no place in a
// file.
func (files) putAt(e *entry, at *check.Place) bool {
	if at == nil || at.File == "" {
		return false
	}
	e.file, e.line, e.column = textfmt.SlashPath(at.File), max(at.Line, 1), max(at.Column, 1)
	return true
}

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

// diffListing returns the changes of a comparison. None is a gap: whether an account has the
// permissions is not known.
func diffListing(c policies.Comparison) listing {
	l := listing{tool: toolOf(c.Tool, ""), name: "policies diff",
		subject: "Remotion " + strings.Join(c.From, ", ") + " to " + c.To, status: "COMPARED",
		category: "diff", accountPlace: releasePlace, notes: slices.Clone(c.Notices),
		show: "remotion-audit policies diff --format text, with the same flags"}
	if c.Partition != policies.AWS {
		l.subject += " in " + c.Partition
	}
	added, dropped := 0, 0
	for _, p := range c.Policies {
		s := suite{name: string(p.Kind) + " policy", kind: "policy of Remotion"}
		add := func(word string, list []policies.Requirement) {
			for _, r := range list {
				s.entries = append(s.entries, entry{outcome: noted, word: word, severity: r.Severity,
					policy: r.Kind, sid: r.Sid, action: r.Action, resource: r.Resource, reason: r.Reason,
					impact: r.Impact, source: r.Source, rule: ruleOf(string(r.Kind), r.Action, ""),
					identity: baseline.Identity("diff "+word, "", r.Kind, r.Sid, r.Action, r.Resource)})
			}
		}
		add("added", p.Added)
		add("dropped", p.Dropped)
		added, dropped = added+len(p.Added), dropped+len(p.Dropped)
		l.suites = append(l.suites, s)
	}
	l.headline = fmt.Sprintf("%d added, %d dropped", added, dropped)
	if c.KnownUntil != "" {
		l.headline += ", as far as " + c.KnownUntil + " tells"
	}
	if c.Problem != "" {
		l.status = "UNVERIFIED"
		l.suites = append(l.suites, suite{name: "the releases", kind: "policy of Remotion",
			entries: []entry{{outcome: unverified, word: "unknown release", why: c.Problem,
				rule: "diff/incomplete", identity: "diff\nproblem"}}})
	}
	return l
}

// The files that stand for what is not a file. Code scanning refuses a result without one.
const (
	// DefaultPlace is the settings file of the command. It stands for an account.
	DefaultPlace = "remotion-audit.yaml"
	// stdinPlace stands for a policy from standard input.
	stdinPlace = "standard-input"
	// releasePlace names the release of Remotion in a project.
	releasePlace = "package.json"
)
