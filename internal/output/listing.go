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

// putAt sets the place of an entry to that of a finding. It reports false if that is no place in a
// file.
func (files) putAt(e *entry, at *check.Place) bool {
	if at == nil || at.File == "" {
		return false
	}
	e.file, e.line, e.column = textfmt.SlashPath(at.File), max(at.Line, 1), max(at.Column, 1)
	return true
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
