package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// maxCalls is how many calls to IAM a message has, maxSpelt how many of them a text spells out. The full report has
// more.
const (
	maxCalls = 20
	maxSpelt = 5
)

// callsTitle says how far to believe what follows: CloudTrail may be late, and the call need not be the cause.
const callsTitle = "CHANGED IN IAM, as CloudTrail reports it"

// A call is a call to IAM as the JSON tells of it.
type call struct {
	audit.Change
	Text string `json:"text"`
}

// callsOf are the calls to IAM that made the auditor run, as far as they touch whom the news is about: those that do
// for sure first, and then the newest. What somebody did to somebody again goes behind all of it, so that ten policies
// that are put do not hide the one that is detached. They are said along, and decide nothing: neither whether there
// is a message nor its key.
func (n news) callsOf() (calls []audit.Change) {
	if n.report.Run.Trigger == nil {
		return nil
	}
	about := map[string]bool{}
	for _, c := range n.changes {
		about[c.gap.Target] = true
	}
	for _, e := range n.errors {
		about[e.error.Target] = true
	}
	for _, x := range n.worth {
		about[x.Target] = true
	}
	var unsure, again []audit.Change
	seen := map[[3]string]bool{}
	for _, c := range n.report.Run.Trigger.Changes {
		_, on := c.On()
		did := [3]string{c.Who(), c.Event, on}
		switch {
		case !slices.ContainsFunc(c.Targets, func(target string) bool { return about[target] }):
			continue
		case seen[did]:
			again = append(again, c)
		case c.Unsure:
			unsure = append(unsure, c)
		default:
			calls = append(calls, c)
		}
		seen[did] = true
	}
	return slices.Concat(calls, unsure, again)
}

// withoutCalls is a run without what triggered it in full.
func withoutCalls(r audit.Run) audit.Run {
	if r.Trigger != nil {
		r.Trigger = &audit.Trigger{By: r.Trigger.By}
	}
	return r
}

// callText says in one sentence who did what to whom, and when.
func callText(c audit.Change) string {
	text := c.Who() + ": " + c.What()
	if reaches := c.Reaches(); reaches != "" {
		text += ", " + reaches
	}
	return text + at(c)
}

func at(c audit.Change) string {
	if c.At.IsZero() {
		return ""
	}
	return ", " + clock(c.At)
}

// moreCalls says how many calls a text leaves out.
func (n news) moreCalls(told int) string {
	text := report.Plural(len(n.calls), "call")
	if told > 0 {
		text = fmt.Sprintf("and %d more", len(n.calls)-told)
	}
	if full := n.options.Sender.full(); full != "" {
		text += ": the full report has them"
	}
	return text
}

// cuttable is how many calls a message has if all fits.
func (n news) cuttable() int { return min(len(n.calls), maxCalls) }

// findingsLeft counts what does not fit, but for the calls: they are counted where they are told of.
func (n news) findingsLeft() int { return n.left - (n.cuttable() - len(n.shown.calls)) }

// callsSection writes the calls for a mail.
func (n news) callsSection() (list []report.Section) {
	if len(n.calls) == 0 {
		return nil
	}
	calls := n.shown.calls[:min(len(n.shown.calls), maxSpelt)]
	s := report.Section{Title: callsTitle}
	for _, c := range calls {
		s.Fields = append(s.Fields, report.Field{Label: "by", Text: callText(c)})
	}
	if len(calls) < len(n.calls) {
		s.Fields = append(s.Fields, report.Field{Text: n.moreCalls(len(calls))})
	}
	return []report.Section{s}
}

// callsParagraph writes so many calls for a card.
func (n news) callsParagraph(count int) string {
	lines := []string{"*" + callsTitle + "*"}
	for _, c := range n.shown.calls[:count] {
		line := "by " + code(c.Actor)
		if c.From != "" {
			line += " from " + code(c.From)
		}
		line += ": " + code(c.What())
		if reaches := c.Reaches(); reaches != "" {
			line += ", " + prose(reaches)
		}
		lines = append(lines, line+at(c))
	}
	if count < len(n.calls) {
		lines = append(lines, n.moreCalls(count))
	}
	return strings.Join(lines, "\n")
}
