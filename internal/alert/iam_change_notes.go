package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// maxCalls is how many calls to IAM a message has, maxSpelt how many of them a text spells out. The
// full report has more.
const (
	maxIAMChanges = 20
	maxSpelt      = 5
)

// iamChangesTitle says how far to believe what follows: CloudTrail may be late, and the call need
// not be the cause.
const iamChangesTitle = "CHANGED IN IAM, as CloudTrail reports it"

// A call is a call to IAM as the JSON tells of it.
type iamChangeJSON struct {
	audit.IAMChange
	Text string `json:"text"`
}

// iamChangesAbout are the calls to IAM that made the auditor run, as far as they touch whom the
// news is about: those that do for sure first, and then the newest. What somebody did to somebody
// again goes behind all of it, so that ten policies that are put do not hide the one that is
// detached. They are said along, and decide nothing: neither whether there is a message nor its
// key.
func (n digest) iamChangesAbout() (calls []audit.IAMChange) {
	if n.report.Run.Trigger == nil {
		return nil
	}
	about := map[string]bool{}
	for _, c := range n.transitions {
		about[c.gap.Target] = true
	}
	for _, e := range n.errorTransitions {
		about[e.error.Target] = true
	}
	for _, x := range n.reportNotices {
		about[x.Target] = true
	}
	var unsure, again []audit.IAMChange
	seen := map[[3]string]bool{}
	for _, c := range n.report.Run.Trigger.Changes {
		_, on := c.Entity()
		did := [3]string{c.ActorWithAddress(), c.Event, on}
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

// withoutIAMChanges is a run without what triggered it in full.
func withoutIAMChanges(r audit.Run) audit.Run {
	if r.Trigger != nil {
		r.Trigger = &audit.Trigger{By: r.Trigger.By}
	}
	return r
}

// iamChangeText says in one sentence who did what to whom, and when.
func iamChangeText(c audit.IAMChange) string {
	text := c.ActorWithAddress() + ": " + c.Description()
	if reaches := c.AffectedTargets(); reaches != "" {
		text += ", " + reaches
	}
	return text + at(c)
}

func at(c audit.IAMChange) string {
	if c.At.IsZero() {
		return ""
	}
	return ", " + timeText(c.At)
}

// moreIAMChanges says how many calls a text leaves out.
func (n digest) moreIAMChanges(told int) string {
	text := report.Plural(len(n.iamChanges), "call")
	if told > 0 {
		text = fmt.Sprintf("and %d more", len(n.iamChanges)-told)
	}
	if full := n.options.Sender.full(); full != "" {
		text += ": the full report has them"
	}
	return text
}

// cuttable is how many calls a message has if all fits.
func (n digest) cuttable() int { return min(len(n.iamChanges), maxIAMChanges) }

// omittedFindings counts what does not fit, but for the calls: they are counted where they are told
// of.
func (n digest) omittedFindings() int { return n.omitted - (n.cuttable() - len(n.excerpt.calls)) }

// iamChangeSections writes the calls for a mail.
func (n digest) iamChangeSections() (list []report.Section) {
	if len(n.iamChanges) == 0 {
		return nil
	}
	calls := n.excerpt.calls[:min(len(n.excerpt.calls), maxSpelt)]
	s := report.Section{Title: iamChangesTitle}
	for _, c := range calls {
		s.Fields = append(s.Fields, report.Field{Label: "by", Text: iamChangeText(c)})
	}
	if len(calls) < len(n.iamChanges) {
		s.Fields = append(s.Fields, report.Field{Text: n.moreIAMChanges(len(calls))})
	}
	return []report.Section{s}
}

// iamChangesParagraph writes so many calls for a card.
func (n digest) iamChangesParagraph(count int) string {
	lines := []string{"*" + iamChangesTitle + "*"}
	for _, c := range n.excerpt.calls[:count] {
		line := "by " + code(c.Actor)
		if c.From != "" {
			line += " from " + code(c.From)
		}
		line += ": " + code(c.Description())
		if reaches := c.AffectedTargets(); reaches != "" {
			line += ", " + prose(reaches)
		}
		lines = append(lines, line+at(c))
	}
	if count < len(n.iamChanges) {
		lines = append(lines, n.moreIAMChanges(count))
	}
	return strings.Join(lines, "\n")
}
