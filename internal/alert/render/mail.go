package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxTargetsInMail is the number of targets that a mail lists.
const maxTargetsInMail = 20

// section is a titled block of a mail.
type section struct {
	title string
	// group is written before the fields; nil for none.
	group  *report.Group
	fields []report.Field
}

// mail returns the plain text body: the announced gaps, what could not be verified, the other
// announcements, the open gaps, and the audit itself.
func mail(x excerpt) string {
	d := x.digest
	b := report.NewBlocks(d.Report)
	b.SetFixSettings(fixSettings(d.Report, x.from))
	if !d.Stateless { // without a state, it is unknown which gaps are new
		b.Line(strings.Join(subjectParts(d), ", "))
	}
	b.Line(report.Headline(d.Report))
	if e, omitted := omittedRefusal(x); omitted {
		b.Line("")
		b.Line(e.Problem + ": " + e.Why)
	}
	shown := x.report
	shown.Notices = accompanyingNotices(x)
	b.Auditor(shown)
	b.Explanations(shown)

	others, reclassified := splitReclassified(x.gaps)
	for _, e := range entries(others) {
		writeSection(b, entrySection(x, e))
	}
	if reclassified != nil {
		writeSection(b, reclassifiedSection(x, reclassified))
	}
	// IAM changes follow the gaps that they may have caused. Without gaps they follow the section of
	// unverified targets.
	if len(x.gaps) > 0 {
		writeIAMChanges(b, x)
	}
	for _, s := range errorSections(x) {
		writeSection(b, s)
	}
	b.Unverified(shown, unverifiedFields(x))
	if len(x.gaps) == 0 {
		writeIAMChanges(b, x)
	}
	for _, n := range x.mutes {
		writeSection(b, section{title: "MUTE", fields: []report.Field{
			{Label: "Mutes", Text: n.Mute.Condition()}, {Label: "Status", Text: muteStatus(n, d.Now)},
			{Label: "Owner", Text: n.Mute.Owner}, {Label: "Reason", Text: n.Mute.Reason},
			{Label: "Until", Text: textfmt.Time(n.Mute.Until)},
		}})
	}
	for _, n := range x.notices {
		writeSection(b, noticeSection(x, n))
	}
	for _, e := range openEntries(x, reclassified) {
		writeSection(b, openGapSection(d, e))
	}
	if omitted := x.omittedFindings(); omitted > 0 {
		elsewhere := "run the audit below to see all of them."
		if url := x.from.reportURL(); url != "" {
			elsewhere = "see " + url + "."
		}
		b.Line("")
		b.Line(textfmt.Plural(omitted, "more finding") + " not shown for lack of space: " + elsewhere)
	}
	b.Notices(shown)
	b.Line("")
	b.Line("ABOUT THIS AUDIT")
	b.About(d.Report, maxTargetsInMail)
	b.Fields(aboutFields(x)...)
	writeCommands(b, x)
	return b.String()
}

func writeSection(b *report.Blocks, s section) {
	b.Line("")
	b.Line(s.title)
	if s.group != nil {
		b.Group(*s.group)
	}
	b.Fields(s.fields...)
}

// omittedRefusal returns the error about an alert that was given up, if the mail has no space for
// its section. Such a mail is short because of that error.
func omittedRefusal(x excerpt) (e alert.ErrorTransition, omitted bool) {
	refusal := func(e alert.ErrorTransition) bool { return e.Error.What == alert.RefusedWhat }
	i := slices.IndexFunc(x.digest.Errors, refusal)
	if i < 0 || slices.ContainsFunc(x.errors, refusal) {
		return e, false
	}
	return x.digest.Errors[i], true
}

// errorSections returns the sections of the auditor errors that are not about an audited target,
// and of the errors that ended.
func errorSections(x excerpt) (list []section) {
	var resolved []report.Field
	for _, e := range x.errors {
		switch {
		case e.Ended:
			resolved = append(resolved, report.Field{Label: "Resolved", Text: errorText(x.digest, e)})
		case !e.Error.LimitsVerification():
			list = append(list, section{title: errorTitle(e), fields: nonEmpty(
				report.Field{Label: "Problem", Text: e.Problem}, report.Field{Label: "Cause", Text: e.Why},
				report.Field{Label: "Impact", Text: e.Impact}, report.Field{Label: "Fix", Text: e.Remedy})})
		}
	}
	if resolved != nil {
		list = append(list, section{title: errorTitle(alert.ErrorTransition{Ended: true}),
			fields: resolved})
	}
	return list
}

// unverifiedFields returns the first fields of the section UNVERIFIED: the announced targets, and
// the number of known gaps that this run could not recheck.
func unverifiedFields(x excerpt) (list []report.Field) {
	for _, e := range x.errors {
		if e.Ended || !e.Error.LimitsVerification() {
			continue
		}
		text := errorText(x.digest, e)
		if e.Problem != "" { // the section also shows the report's problem with its cause
			text = e.Error.Target + ": " + e.Problem
		}
		if !x.digest.Stateless {
			text += "; since " + textfmt.Time(e.Error.Since)
		}
		list = append(list, report.Field{Label: "Target", Text: text})
	}
	if count := x.digest.Counts.Indeterminate; count > 0 {
		list = append(list,
			report.Field{Label: "Known gaps", Text: textfmt.Plural(count, "gap") + notRechecked})
	}
	return list
}

// notRechecked follows the number of known gaps that this run could not recheck.
const notRechecked = " not rechecked, possibly still open"

// entrySection returns the section of an announced entry.
func entrySection(x excerpt, e entry) section {
	d := x.digest
	severity := strings.ToUpper(e.group.Severity.String())
	title := e.title() + "  " + severity + "  " + e.group.Principal()
	if d.Stateless {
		title = severity + "  " + e.group.Principal()
	}
	s := section{title: title}
	if e.closed {
		s.title = e.title() + "  " + e.group.Principal()
		s.fields = append(s.fields,
			report.Field{Label: "Old status",
				Text: fmt.Sprintf("%s: %s", e.group.Status, e.group.Summary())},
			report.Field{Label: "Old cause", Text: fmt.Sprintf("%s: %s", e.group.Cause, e.group.Why)})
		if e.reason == alert.ReasonRetired {
			s.fields = append(s.fields, report.Field{Label: "Status",
				Text: "not recovered: the audit no longer covers the target, the region or the requirement"})
		}
		s.fields = append(s.fields, report.Field{Label: "Duration",
			Text: textfmt.Duration(d.Now.Sub(e.since)) + ", since " + textfmt.Time(e.since)})
		return s
	}
	s.group = &e.group
	if e.previous != nil {
		s.fields = append(s.fields,
			report.Field{Label: "Old status", Text: strings.Join(e.previous, ", ")})
	}
	if !d.Stateless {
		s.fields = append(s.fields, since(d, e))
	}
	if command := muteCommand(x.from.Bucket, e.group); command != "" {
		s.fields = append(s.fields, report.Field{Label: "Mute 24h", Text: command, Command: true})
	}
	return s
}

// openGapSection returns the section of gaps that are open and were announced before.
func openGapSection(d alert.Digest, e entry) section {
	return section{title: "OPEN  " + strings.ToUpper(e.group.Severity.String()) + "  " +
		e.group.Principal(), fields: []report.Field{
		{Label: textfmt.Capitalize(string(e.group.Status)), Text: e.group.Summary()},
		{Label: "Cause", Text: fmt.Sprintf("%s: %s", e.group.Cause, e.group.Why)},
		since(d, e),
	}}
}

// noticeSection returns the section of an announced notice.
func noticeSection(x excerpt, n audit.Notice) section {
	s := section{title: "NOTICE", fields: nonEmpty(
		report.Field{Label: "Target", Text: n.Target}, report.Field{Label: "Text", Text: n.Text})}
	if n.Command != "" {
		s.fields = append(s.fields, report.Field{Label: "Command", Text: withAuditFlags(x, n).Command,
			Command: true})
	}
	return s
}

// accompanyingNotices returns the notices that a mail shows but does not announce. It leaves out
// the notice about the read scope, which is a setting and is announced once. Without a state, no
// notice is announced, so each mail shows all notices.
func accompanyingNotices(x excerpt) (list []audit.Notice) {
	for _, n := range x.report.Notices {
		if !slices.Contains(x.digest.Notices, n) &&
			(n.Kind != audit.NoticeReadScope || x.digest.Stateless) {
			list = append(list, withAuditFlags(x, n))
		}
	}
	return list
}

// writeIAMChanges writes the section of the IAM changes, if there are any.
func writeIAMChanges(b *report.Blocks, x excerpt) {
	if len(x.digest.IAMChanges) == 0 {
		return
	}
	changes := x.iamChanges[:min(len(x.iamChanges), maxIAMChangesInText)]
	s := section{title: iamChangesTitle}
	for _, c := range changes {
		s.fields = append(s.fields, report.Field{Label: "Change", Text: iamChangeText(c)})
	}
	if len(changes) < len(x.digest.IAMChanges) {
		s.fields = append(s.fields, report.Field{Text: omittedIAMChangesText(x, len(changes))})
	}
	writeSection(b, s)
}

// aboutFields returns the fields that end the ABOUT section: the number of muted gaps, the location
// of the full report, and the next reminder.
func aboutFields(x excerpt) (list []report.Field) {
	d := x.digest
	if muted := d.Report.Summary.GapsMuted; muted > 0 {
		list = append(list,
			report.Field{Label: "Muted", Text: textfmt.Plural(muted, "gap") + ", not announced"})
	}
	if url := x.from.reportURL(); url != "" {
		list = append(list, report.Field{Label: "Full report", Text: url, Command: true})
	}
	reminder := ""
	switch {
	case d.Stateless && x.from.Bucket == "":
		reminder = "on every run with gaps or errors, because EVIDENCE_BUCKET is not set"
	case d.Stateless:
		reminder = "on every run with gaps or errors, because the stored state cannot be used"
	case !d.NextReminder.IsZero():
		reminder = textfmt.Time(d.NextReminder) + " if nothing changes"
	}
	if reminder != "" {
		list = append(list, report.Field{Label: "Next reminder", Text: reminder})
	}
	return list
}

// writeCommands writes the commands that print Remotion's policies and repeat the audit.
func writeCommands(b *report.Blocks, x excerpt) {
	r := x.digest.Report
	if kinds := kindsWithGaps(r); len(kinds) > 0 {
		b.Line("")
		b.Line("COMPARE with the policy that Remotion documents:")
		for _, kind := range kinds {
			b.Line("  " + textfmt.ShellWords("remotion-audit", "policies", string(kind),
				"--remotion-version", r.Remotion.Since))
		}
	}
	b.Line("")
	b.Line("RECHECK after a change:")
	for _, command := range checkCommands(r, x.from) {
		b.Line("  " + command)
	}
}

func kindsWithGaps(r audit.Report) (kinds []policies.PolicyKind) {
	for _, kind := range policies.Kinds {
		if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
			return f.Gap() && f.Policy == kind &&
				(f.Cause == audit.NoGrant || f.Cause == audit.NarrowerGrant)
		}) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
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
