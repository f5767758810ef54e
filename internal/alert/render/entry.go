package render

import (
	"fmt"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// entry is one paragraph of a message: the gaps of one target that have the same root cause and the
// same reason to be announced.
type entry struct {
	reason alert.Reason
	// closed is true if all gaps of the entry are closed.
	closed bool
	group  report.Group
	// since is when the oldest gap of the entry was found. opened and reminders are the highest values
	// of its gaps.
	since             time.Time
	opened, reminders int
	// previous contains the last announced status and severity of each gap that is worse or better
	// now.
	previous []string
}

// entries groups transitions by reason, by whether the gap is closed, and by root cause. The order
// of the reasons is that of the transitions.
func entries(transitions []alert.GapTransition) (list []entry) {
	type kind struct {
		reason alert.Reason
		closed bool
	}
	var kinds []kind
	findings := map[kind][]audit.Finding{}
	byIdentity := map[alert.Identity]alert.GapTransition{}
	for _, c := range transitions {
		k := kind{c.Reason, !c.Gap.Closed.IsZero()}
		if findings[k] == nil {
			kinds = append(kinds, k)
		}
		findings[k] = append(findings[k], c.Finding)
		byIdentity[alert.IdentityOf(c.Finding)] = c
	}
	for _, k := range kinds {
		for _, g := range report.Grouped(findings[k]) {
			e := entry{reason: k.reason, closed: k.closed, group: g}
			for _, f := range g.Findings {
				c := byIdentity[alert.IdentityOf(f)]
				gap := c.Gap
				if e.since.IsZero() || !gap.Since.IsZero() && gap.Since.Before(e.since) {
					e.since = gap.Since
				}
				previous := fmt.Sprintf("%s (%s)", gap.NotifiedStatus, gap.NotifiedSeverity)
				if c.StatusChanged() && !slices.Contains(e.previous, previous) {
					e.previous = append(e.previous, previous)
				}
				e.opened, e.reminders = max(e.opened, gap.Opened), max(e.reminders, gap.Reminders)
			}
			list = append(list, e)
		}
	}
	return list
}

// leadFirst moves the entry that the subject is about to the front, so that a mail and a card begin
// with it.
func leadFirst(list []entry, l lead) []entry {
	i := slices.IndexFunc(list, func(e entry) bool {
		return !e.closed && e.reason == l.entry.reason && e.group.Target == l.entry.group.Target &&
			e.group.Policy == l.entry.group.Policy && e.group.Status == l.entry.group.Status &&
			e.group.Why == l.entry.group.Why
	})
	if l.title == "" || i < 0 {
		return list
	}
	return slices.Concat(list[i:i+1], list[:i], list[i+1:])
}

// reasonTitles contains the title of each reason in mails and cards.
var reasonTitles = map[alert.Reason]string{
	alert.ReasonOpened: "NEW", alert.ReasonReopened: "REOPENED", alert.ReasonWorse: "WORSE",
	alert.ReasonReminder: "STILL OPEN", alert.ReasonReclassified: "RECLASSIFIED",
	alert.ReasonBaseline: "FOUND", alert.ReasonPartlyRecovered: "PARTLY RECOVERED",
	alert.ReasonRecovered: "RECOVERED", alert.ReasonRetired: "NO LONGER AUDITED",
}

// title returns the title of an announced entry.
func (e entry) title() string {
	if e.reason == alert.ReasonPartlyRecovered && !e.closed {
		return "IMPROVED" // the gaps are still open
	}
	return reasonTitles[e.reason]
}

// olderThan reports whether gaps of the entry were open before the run of a digest.
func (e entry) olderThan(d alert.Digest) bool { return e.opened > 1 || !e.since.Equal(d.Now) }

// since returns the field about the start of an entry, with the number of openings or of the
// reminder. A new gap may be older than the run that found it, so its label is "First found".
func since(d alert.Digest, e entry) report.Field {
	if e.since.IsZero() || e.since.Equal(d.Now) {
		text := "by this run, " + textfmt.Time(d.Now)
		if e.opened > 1 {
			return report.Field{Label: "Found again",
				Text: fmt.Sprintf("%s; opened for the %s time", text, ordinal(e.opened))}
		}
		return report.Field{Label: "First found", Text: text}
	}
	text := textfmt.Time(e.since) + ", for " + textfmt.Duration(d.Now.Sub(e.since))
	if e.reason == alert.ReasonReminder {
		text += fmt.Sprintf("; %s reminder", ordinal(e.reminders+1))
	}
	return report.Field{Label: "Open since", Text: text}
}

// ordinal formats a number for texts: 1st, 2nd, 3rd, 4th.
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}
