package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// reasonTitles contains the title of each reason in mails and cards.
var reasonTitles = map[Reason]string{
	ReasonOpened: "NEW", ReasonReopened: "REOPENED", ReasonWorse: "WORSE",
	ReasonReminder: "STILL OPEN",
	ReasonBaseline: "FOUND", ReasonPartlyRecovered: "PARTLY RECOVERED",
	ReasonRecovered: "RECOVERED", ReasonRetired: "NO LONGER AUDITED",
}

// title returns the title of an announced entry.
func (e entry) title() string {
	if e.reason == ReasonPartlyRecovered && !e.closed {
		return "IMPROVED" // the gaps are still open
	}
	return reasonTitles[e.reason]
}

// mail returns the plain text body.
func (d digest) mail() string {
	s := d.options.Sender
	l := report.Letter{
		Opening: []string{strings.Join(d.subjectParts(), ", "), report.Headline(d.report)},
		Shown:   d.excerpt.report, Omitted: d.omittedFindings(), FullReport: s.reportURL(),
		Function: s.Function,
		Region:   s.Region, Settings: s.Settings,
	}
	l.Shown.Notices = d.accompanyingNotices(l.Shown.Notices)
	if d.options.Stateless { // without a state, it is unknown which gaps are new
		l.Opening = l.Opening[1:]
	}
	for _, e := range entries(d.excerpt.transitions) {
		l.Sections = append(l.Sections, d.entrySection(e))
	}
	// IAM changes follow the gaps that they may have caused. Without gaps they follow the section of
	// unverified targets.
	if len(d.excerpt.transitions) > 0 {
		l.Sections = append(l.Sections, d.iamChangeSections()...)
	} else {
		l.Rest = append(l.Rest, d.iamChangeSections()...)
	}
	var resolved []report.Field
	for _, e := range d.excerpt.errorTransitions {
		switch {
		case e.ended:
			resolved = append(resolved, report.Field{Label: "Resolved", Text: d.errorText(e)})
		case !e.error.limitsVerification():
			l.Sections = append(l.Sections, report.Section{Title: e.title(), Fields: nonEmpty(
				report.Field{Label: "Problem", Text: e.problem}, report.Field{Label: "Cause", Text: e.why},
				report.Field{Label: "Impact", Text: e.impact}, report.Field{Label: "Fix", Text: e.remedy})})
		default:
			text := d.errorText(e)
			if e.problem != "" { // the section also shows the report's problem with its cause
				text = e.error.Target + ": " + e.problem
			}
			if !d.options.Stateless {
				text += "; since " + timeText(e.error.Since)
			}
			l.Unverified = append(l.Unverified, report.Field{Label: "Target", Text: text})
		}
	}
	if resolved != nil {
		l.Sections = append(l.Sections, report.Section{Title: errorTransition{ended: true}.title(),
			Fields: resolved})
	}
	if count := d.counts.indeterminate; count > 0 {
		l.Unverified = append(l.Unverified,
			report.Field{Label: "Known gaps", Text: report.Plural(count, "gap") + notRechecked})
	}
	for _, x := range d.excerpt.muteNotices {
		l.Rest = append(l.Rest, report.Section{Title: "MUTE", Fields: []report.Field{
			{Label: "Mutes", Text: x.mute.Condition()}, {Label: "Status", Text: x.text(d.now)},
			{Label: "Owner", Text: x.mute.Owner},
			{Label: "Reason", Text: x.mute.Reason}, {Label: "Until", Text: timeText(x.mute.Until)},
		}})
	}
	for _, x := range d.excerpt.reportNotices {
		l.Rest = append(l.Rest, d.reportNoticeSection(x))
	}
	for _, e := range entries(d.excerpt.openGaps) {
		l.Rest = append(l.Rest, d.openGapSection(e))
	}
	l.Closing = d.aboutFields()
	var b strings.Builder
	// Writing to a strings.Builder never fails.
	_ = report.Mail(&b, d.report, l)
	return b.String()
}

// notRechecked follows the number of known gaps that this run could not recheck.
const notRechecked = " not rechecked, possibly still open"

// entrySection returns the section of an announced entry.
func (d digest) entrySection(e entry) report.Section {
	severity := strings.ToUpper(e.group.Severity.String())
	title := e.title() + "  " + severity + "  " + e.group.Principal()
	if d.options.Stateless {
		title = severity + "  " + e.group.Principal()
	}
	s := report.Section{Title: title}
	if e.closed {
		s.Title = e.title() + "  " + e.group.Principal()
		s.Fields = append(s.Fields,
			report.Field{Label: "Old status",
				Text: fmt.Sprintf("%s: %s", e.group.Status, e.group.Summary())},
			report.Field{Label: "Old cause", Text: fmt.Sprintf("%s: %s", e.group.Cause, e.group.Why)})
		if e.reason == ReasonRetired {
			s.Fields = append(s.Fields, report.Field{Label: "Status",
				Text: "not recovered: the audit no longer covers the target, the region or the requirement"})
		}
		s.Fields = append(s.Fields, report.Field{Label: "Duration",
			Text: durationText(d.now.Sub(e.since)) + ", since " + timeText(e.since)})
		return s
	}
	s.Group = &e.group
	if e.previous != nil {
		s.Fields = append(s.Fields,
			report.Field{Label: "Old status", Text: strings.Join(e.previous, ", ")})
	}
	if !d.options.Stateless {
		s.Fields = append(s.Fields, d.since(e))
	}
	if command := d.muteCommand(e.group); command != "" {
		s.Fields = append(s.Fields, report.Field{Label: "Mute 24h", Text: command, Command: true})
	}
	return s
}

// openGapSection returns the section of gaps that are open and were announced before.
func (d digest) openGapSection(e entry) report.Section {
	return report.Section{Title: "OPEN  " + strings.ToUpper(e.group.Severity.String()) + "  " +
		e.group.Principal(), Fields: []report.Field{
		{Label: statusLabel(e.group.Status), Text: e.group.Summary()},
		{Label: "Cause", Text: fmt.Sprintf("%s: %s", e.group.Cause, e.group.Why)},
		d.since(e),
	}}
}

// statusLabel returns the status with a capital letter.
func statusLabel(s audit.Status) string {
	return strings.ToUpper(string(s[:1])) + string(s[1:])
}

// since returns the field about the start of an entry, with the number of openings or of the
// reminder. A new gap may be older than the run that found it, so its label is "First found".
func (d digest) since(e entry) report.Field {
	if e.since.IsZero() || e.since.Equal(d.now) {
		text := "by this run, " + timeText(d.now)
		if e.opened > 1 {
			return report.Field{Label: "Found again",
				Text: fmt.Sprintf("%s; opened for the %s time", text, ordinal(e.opened))}
		}
		return report.Field{Label: "First found", Text: text}
	}
	text := timeText(e.since) + ", for " + durationText(d.now.Sub(e.since))
	if e.reason == ReasonReminder {
		text += fmt.Sprintf("; %s reminder", ordinal(e.reminders+1))
	}
	return report.Field{Label: "Open since", Text: text}
}

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

// aboutFields returns the fields that end the ABOUT section: the number of muted gaps, the location
// of the full report, and the next reminder.
func (d digest) aboutFields() (list []report.Field) {
	if muted := d.report.Summary.GapsMuted; muted > 0 {
		list = append(list,
			report.Field{Label: "Muted", Text: report.Plural(muted, "gap") + ", not announced"})
	}
	if url := d.options.Sender.reportURL(); url != "" {
		list = append(list, report.Field{Label: "Full report", Text: url, Command: true})
	}
	reminder := ""
	switch {
	case d.options.Stateless && d.options.Sender.Bucket == "":
		reminder = "on every run with gaps or errors, because EVIDENCE_BUCKET is not set"
	case d.options.Stateless:
		reminder = "on every run with gaps or errors, because the stored state cannot be used"
	case !d.nextReminder.IsZero():
		reminder = timeText(d.nextReminder) + " if nothing changes"
	}
	if reminder != "" {
		list = append(list, report.Field{Label: "Next reminder", Text: reminder})
	}
	return list
}

// muteCommand returns the command that mutes a group for 24 hours, or "" without a bucket.
func (d digest) muteCommand(g report.Group) string {
	if d.options.Sender.Bucket == "" {
		return ""
	}
	m := mute.Mute{Target: g.Target, Cause: g.Cause}
	sid := g.Findings[0].Sid
	if actions := g.Actions(); len(actions) == 1 {
		m.Action = actions[0]
	} else if !slices.ContainsFunc(g.Findings, func(f audit.Finding) bool { return f.Sid != sid }) {
		m.Sid = sid // narrows the mute
	}
	return MuteCommand(d.options.Sender.Bucket, m)
}

// nonEmpty returns the fields that have a text.
func nonEmpty(fields ...report.Field) (list []report.Field) {
	for _, f := range fields {
		if f.Text != "" {
			list = append(list, f)
		}
	}
	return list
}

// MuteCommand returns the command that mutes the gaps that m matches for 24 hours, quoted for a
// shell. The owner is the user that runs the command. The reason is a placeholder.
func MuteCommand(bucket string, m mute.Mute) string {
	words := []string{"remotion-audit", "mute", "--bucket", bucket}
	for _, flag := range []struct{ name, value string }{{"--target", m.Target}, {"--action", m.Action},
		{"--cause", string(m.Cause)}, {"--sid", m.Sid}} {
		if flag.value != "" {
			words = append(words, flag.name, flag.value)
		}
	}
	return report.ShellWords(append(words, "--for", "24h")...) +
		` --owner "$USER" --reason 'under investigation'`
}
