package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// titles are what a mail calls events.
var titles = map[Reason]string{
	ReasonOpened: "NEW", ReasonReopened: "BACK", ReasonWorse: "WORSE", ReasonReminder: "STILL OPEN",
	ReasonBaseline: "FOUND", ReasonPartlyRecovered: "PARTLY RECOVERED",
	ReasonRecovered: "RECOVERED", ReasonRetired: "NO LONGER AUDITED",
}

// mail is the plain text body.
func (n digest) mail() string {
	s := n.options.Sender
	l := report.Letter{
		Opening: []string{strings.Join(n.subjectParts(), ", "), report.Headline(n.report)},
		Shown:   n.excerpt.report, Left: n.omittedFindings(), Full: s.full(), Function: s.Function,
		Region: s.Region, Settings: s.Settings,
	}
	l.Shown.Notices = n.accompanyingNotices(l.Shown.Notices)
	if n.options.Stateless { // what is new nobody knows
		l.Opening = l.Opening[1:]
	}
	for _, line := range lines(n.excerpt.changes) {
		l.Sections = append(l.Sections, n.section(line))
	}
	// They stand beside what they may have caused. What could not be looked at goes before them, if
	// there is nothing else.
	if len(n.excerpt.changes) > 0 {
		l.Sections = append(l.Sections, n.iamChangeSections()...)
	} else {
		l.Rest = append(l.Rest, n.iamChangeSections()...)
	}
	var over []report.Field
	for _, e := range n.excerpt.errors {
		switch {
		case e.ended:
			over = append(over, report.Field{Label: "over", Text: n.said(e)})
		case !e.error.sight():
			l.Sections = append(l.Sections, report.Section{Title: e.title(), Fields: withText(
				report.Field{Label: "problem", Text: e.what}, report.Field{Label: "why", Text: e.why},
				report.Field{Label: "to do", Text: e.remedy})})
		default:
			text := n.said(e)
			if e.what != "" { // why follows, with all that was denied
				text = e.what
			}
			if !n.options.Stateless {
				text += "; since " + timeText(e.error.Since)
			}
			l.Unverified = append(l.Unverified, report.Field{Label: "blind", Text: text})
		}
	}
	if over != nil {
		l.Sections = append(l.Sections, report.Section{Title: errorTransition{ended: true}.title(),
			Fields: over})
	}
	if held := n.counts.held; held > 0 {
		l.Unverified = append(l.Unverified,
			report.Field{Label: "open before",
				Text: report.Plural(held, "gap") + " could not be looked at again, and may still be there"})
	}
	for _, x := range n.excerpt.notices {
		l.Rest = append(l.Rest, report.Section{Title: "MUTE", Fields: []report.Field{
			{Label: "of", Text: x.mute.what()}, {Label: "is", Text: x.said(n.now)},
			{Label: "owner", Text: x.mute.Owner},
			{Label: "reason", Text: x.mute.Reason}, {Label: "until", Text: timeText(x.mute.Until)},
		}})
	}
	for _, x := range n.excerpt.worth {
		l.Rest = append(l.Rest, n.reportNoticeSection(x))
	}
	for _, line := range lines(n.excerpt.standing) {
		l.Rest = append(l.Rest, n.standingSection(line))
	}
	l.Closing = n.closing()
	var b strings.Builder
	// A strings.Builder takes everything.
	_ = report.Mail(&b, n.report, l)
	return b.String()
}

// section writes what was announced of one root cause.
func (n digest) section(l line) report.Section {
	title := titles[l.event] + "  " + strings.ToUpper(l.group.Severity.String()) + "  " + l.group.Who()
	if n.options.Stateless {
		title = strings.ToUpper(l.group.Severity.String()) + "  " + l.group.Who()
	}
	s := report.Section{Title: title}
	if l.closed {
		s.Title = titles[l.event] + "  " + l.group.Who()
		s.Fields = append(s.Fields,
			report.Field{Label: "was", Text: fmt.Sprintf("%s: %s", l.group.Status, l.group.What())})
		s.Fields = append(s.Fields,
			report.Field{Label: "because", Text: fmt.Sprintf("%s: %s", l.group.Cause, l.group.Why)})
		if l.event == ReasonRetired {
			s.Fields = append(s.Fields,
				report.Field{Label: "now",
					Text: "the target, the region or the requirement is not audited any more: this is no " +
						"recovery"})
		}
		s.Fields = append(s.Fields,
			report.Field{Label: "after", Text: durationText(n.now.Sub(l.since)) + ", since " +
				timeText(l.since)})
		return s
	}
	s.Group = &l.group
	if l.was != nil {
		s.Fields = append(s.Fields, report.Field{Label: "was", Text: strings.Join(l.was, ", ")})
	}
	if !n.options.Stateless {
		s.Fields = append(s.Fields, n.since(l))
	}
	if command := n.muteCommand(l.group); command != "" {
		s.Fields = append(s.Fields, report.Field{Label: "mute 24h", Text: command, Command: true})
	}
	return s
}

// standingSection writes what is open and was announced before.
func (n digest) standingSection(l line) report.Section {
	return report.Section{Title: "OPEN  " + strings.ToUpper(l.group.Severity.String()) + "  " +
		l.group.Who(), Fields: []report.Field{
		{Label: string(l.group.Status), Text: l.group.What()},
		{Label: "why", Text: fmt.Sprintf("%s: %s", l.group.Cause, l.group.Why)},
		n.since(l),
	}}
}

// since says how long it has been so, and how often it was told. What is new is as old as what made
// it, which stands beside it: this run found it.
func (n digest) since(l line) report.Field {
	if l.since.IsZero() || l.since.Equal(n.now) {
		text := "by this run, " + timeText(n.now)
		if l.opened > 1 {
			text += fmt.Sprintf("; open for the %s time", ordinal(l.opened))
		}
		return report.Field{Label: "found", Text: text}
	}
	text := timeText(l.since) + ", for " + durationText(n.now.Sub(l.since))
	if l.event == ReasonReminder {
		text += fmt.Sprintf("; %s reminder", ordinal(l.reminders+1))
	}
	return report.Field{Label: "since", Text: text}
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

// closing says what is muted, what nobody could tell, and when the next word is due.
func (n digest) closing() (list []report.Field) {
	if muted := n.report.Summary.GapsMuted; muted > 0 {
		list = append(list,
			report.Field{Label: "muted", Text: report.Plural(muted, "gap") + " not told of"})
	}
	if full := n.options.Sender.full(); full != "" {
		list = append(list, report.Field{Label: "in full", Text: full, Command: true})
	}
	switch {
	case n.options.Stateless && n.options.Sender.Bucket == "":
		list = append(list,
			report.Field{Label: "reminder",
				Text: "on every run that finds this: there is no EVIDENCE_BUCKET to remember it in"})
	case n.options.Stateless:
		list = append(list,
			report.Field{Label: "reminder",
				Text: "on every run that finds this: what is remembered cannot be used"})
	case !n.nextReminder.IsZero():
		list = append(list,
			report.Field{Label: "reminder", Text: "at " + timeText(n.nextReminder) + " if nothing changes"})
	}
	return list
}

// muteCommand mutes what one root cause did to one target, for a day. Without a bucket there is
// none.
func (n digest) muteCommand(g report.Group) string {
	if n.options.Sender.Bucket == "" {
		return ""
	}
	m := Mute{Target: g.Target, Cause: g.Cause}
	sid := g.Findings[0].Sid
	if actions := g.Actions(); len(actions) == 1 {
		m.Action = actions[0]
	} else if !slices.ContainsFunc(g.Findings, func(f audit.Finding) bool { return f.Sid != sid }) {
		m.Sid = sid // so that it hides no more than it has to
	}
	return MuteCommand(n.options.Sender.Bucket, m)
}

// withText leaves out the fields that have none.
func withText(fields ...report.Field) (list []report.Field) {
	for _, f := range fields {
		if f.Text != "" {
			list = append(list, f)
		}
	}
	return list
}

// what says in a few words what a mute matches.
func (m Mute) what() string {
	var list []string
	for _, part := range []struct{ name, value string }{{"target", m.Target}, {"action", m.Action},
		{"cause", string(m.Cause)}, {"sid", m.Sid}} {
		if part.value != "" {
			list = append(list, part.name+" "+part.value)
		}
	}
	return strings.Join(list, ", ")
}
