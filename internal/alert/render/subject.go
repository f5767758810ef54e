package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

const (
	// subjectLimit is the maximum length of a subject in SNS.
	// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	subjectLimit = 99
	// smsLimit is the maximum length of an ASCII text in one part of an SMS.
	smsLimit = 140
)

// head has the short texts of a message. They are about all announcements, including those that do
// not fit into the bodies.
type head struct {
	lead                         lead
	subject, sms, title, summary string
}

// headOf returns the short texts of a digest.
func headOf(d alert.Digest) head {
	l := leadOf(d)
	start, end := "["+label(d)+"] ", " ("+textfmt.ASCII(d.Report.Account, alert.MaxAccount)+")"
	title := start + prose(headline(d, l, maxCardTitle))
	return head{
		lead:    l,
		subject: start + headline(d, l, subjectLimit-len(start)-len(end)) + end,
		sms:     sms(d, l),
		title:   title + prose(end),
		summary: title + ". " + prose(topItem(d, l)),
	}
}

// headline returns what the message announces in at most limit characters of printable ASCII: what
// breaks with its cause, then the other announcements. If the text is too long, headline leaves out
// the last announcements first, then cuts names, then leaves out the cause.
func headline(d alert.Digest, l lead, limit int) string {
	for name := maxName; name >= minName; name -= 4 {
		if parts := headlineParts(d, l, name); len(parts[0]) <= limit {
			return joinedParts(d, parts, limit)
		}
	}
	if l.title != "" {
		outcome := l.outcome() + ": "
		return textfmt.ASCII(outcome+textfmt.ASCII(arn.Name(l.entry.group.Target),
			max(limit-len(outcome), 0)), limit)
	}
	return joinedParts(d, headlineParts(d, l, minName), limit)
}

// joinedParts returns the first part and the others that fit. What still breaks is the last part,
// and worth more than the whole text of the first part.
func joinedParts(d alert.Digest, parts []string, limit int) string {
	line := textfmt.ASCII(parts[0], limit)
	for i, part := range parts[1:] {
		rest := limit - len("; ") - len(part)
		switch {
		case len(line) <= rest:
			line += "; " + part
		case i == len(parts)-2 && strings.HasPrefix(part, stillOpen) && rest >= minFirstPart:
			if line = parts[0]; line == judgementChanged(d) {
				line = fmt.Sprintf("Judgement changed, %d reclassified", d.Counts.Reclassified)
			}
			line = textfmt.ASCII(line, rest) + "; " + part
		}
	}
	return line
}

const (
	// maxName and minName bound the characters of a name in a subject.
	maxName = 64
	minName = 12
	// minFirstPart is the number of characters that the first part of a headline keeps.
	minFirstPart = 30
	// stillOpen is the start of the part about open gaps that the message does not announce.
	stillOpen = "still open: "
)

// headlineParts returns the announcements of a message in the order of their importance, each as
// printable ASCII. Names have at most name characters. The list is not empty.
func headlineParts(d alert.Digest, l lead, name int) (list []string) {
	add := func(parts ...string) {
		for _, part := range parts {
			if part = textfmt.ASCII(part, maxHeadlinePart); part != "" && list != nil {
				part = strings.ToLower(part[:1]) + part[1:]
			}
			if part != "" {
				list = append(list, part)
			}
		}
	}
	unchecked, otherErrors, verifiedAgain := verificationParts(d)
	add(l.text(d, name), unchecked)
	add(closedParts(d, name)...)
	if d.Counts.Reclassified > 0 {
		add(judgementChanged(d))
	}
	add(otherErrors, verifiedAgain, mutePart(d))
	if count := d.Report.Summary.Unverified; unchecked == "" && count > 0 {
		add(fmt.Sprintf("%d unverified", count))
	}
	if notice := textfmt.ASCII(noticePart(d), maxHeadlinePart); notice != "" {
		list = append(list, notice)
	}
	add(openPart(d, l))
	if list == nil {
		add("No announcement")
	}
	return list
}

// openPart returns the open gaps that the message does not announce as an incident: also those that
// an upgrade of the auditor judges otherwise. It says what they stop if that is worse than what the
// announced gaps stop.
func openPart(d alert.Digest, l lead) string {
	open := slices.Clone(d.OpenGaps)
	for _, c := range d.Gaps {
		if c.Reason == alert.ReasonReclassified && c.Gap.Closed.IsZero() && c.Finding.Gap() {
			open = append(open, c)
		}
	}
	if len(open) == 0 {
		return ""
	}
	findings := slices.Clone(l.findings)
	for _, c := range open {
		findings = append(findings, c.Finding)
	}
	if title := report.TitleOf(d.Report, findings); title != l.title {
		return stillOpen + strings.ToLower(title)
	}
	return textfmt.Plural(len(open), "gap") + " already open"
}

// maxHeadlinePart bounds a part of a headline, such as the text of a notice.
const maxHeadlinePart = 300

// lead is the announced open gaps in short: what they stop, and the entry that stops it.
type lead struct {
	// title is empty if the message announces no open gap.
	title    string
	findings []audit.Finding
	entry    entry
	// others is the number of further entries.
	others int
}

// leadOf returns the lead of a digest. An upgrade of the auditor is no incident, so reclassified
// findings do not count.
func leadOf(d alert.Digest) lead {
	var open []alert.GapTransition
	var findings []audit.Finding
	for _, c := range d.Gaps {
		if c.Reason != alert.ReasonReclassified && c.Gap.Closed.IsZero() {
			open, findings = append(open, c), append(findings, c.Finding)
		}
	}
	l := lead{title: report.TitleOf(d.Report, findings), findings: findings}
	// The entry is the one that stops most for its own principal.
	worst := report.TitleOf(audit.Report{}, findings)
	list := entries(open)
	for i, e := range list {
		if own := report.TitleOf(audit.Report{}, e.group.Findings); i == 0 ||
			own == worst && report.TitleOf(audit.Report{}, l.entry.group.Findings) != worst {
			l.entry = e
		}
	}
	l.others = len(list) - 1
	return l
}

// outcome returns what the gaps stop, with the reason of a message about known gaps.
func (l lead) outcome() string {
	if word := reasonWords[l.entry.reason]; word != "" {
		return l.title + " (" + word + ")"
	}
	return l.title
}

// text returns what the gaps stop with the cause: "Renders will fail: typo in clips". It is ""
// without open gaps.
func (l lead) text(d alert.Digest, name int) string {
	if l.title == "" {
		return ""
	}
	s := l.outcome() + ": " + shortCause(d.Report, l.entry.group, name)
	if l.others > 0 {
		s += fmt.Sprintf(" +%d more", l.others)
	}
	return s
}

// closedParts returns what recovered and what is no longer audited.
func closedParts(d alert.Digest, name int) (list []string) {
	type kind struct {
		title string
		names []string
	}
	kinds := []kind{{title: "Recovered"}, {title: "Partly recovered"}, {title: "No longer audited"}}
	for _, c := range d.Gaps {
		if c.Gap.Closed.IsZero() {
			continue
		}
		i := 0
		switch c.Reason {
		case alert.ReasonReclassified:
			continue
		case alert.ReasonPartlyRecovered:
			i = 1
		case alert.ReasonRetired:
			i = 2
		}
		kinds[i].names = textfmt.AppendNew(kinds[i].names, arn.Name(c.Gap.Target))
	}
	for _, k := range kinds {
		if k.names == nil {
			continue
		}
		if k.title == "Recovered" && d.Counts.Retired == 0 &&
			d.Report.Status == audit.StatusCompliant {
			k.title += " after " + textfmt.Duration(d.Counts.LongestOpen)
		}
		part := k.title + ": " + textfmt.ASCII(k.names[0], name)
		if more := len(k.names) - 1; more > 0 {
			part += fmt.Sprintf(" +%d more", more)
		}
		list = append(list, part)
	}
	return list
}

// mutePart returns the announced mutes.
func mutePart(d alert.Digest) string {
	switch len(d.Mutes) {
	case 0:
		return ""
	case 1:
		return textfmt.Capitalize(muteSentence(d.Mutes[0], d.Now))
	}
	hidden := d.Report.Summary.GapsMuted
	part := textfmt.Plural(len(d.Mutes), "mute notice")
	if hidden > 0 {
		part += ", " + textfmt.Plural(hidden, "gap") + " muted"
	}
	return part
}

// noticePart returns the announced notices.
func noticePart(d alert.Digest) string {
	switch len(d.Notices) {
	case 0:
		return ""
	case 1:
		return d.Notices[0].Text
	}
	return textfmt.Plural(len(d.Notices), "notice")
}

// sms returns what breaks, who and why in one line. The account stays if the text is too long.
func sms(d alert.Digest, l lead) string {
	start := label(d) + " Remotion " + textfmt.ASCII(d.Report.Account, alert.MaxAccount) + ": "
	if l.title != "" {
		return textfmt.ASCII(start+l.outcome()+". "+l.entry.group.Target+": "+
			l.entry.group.ShortCause(d.Report.Fixes), smsLimit)
	}
	text := start + headline(d, l, smsLimit-len(start))
	i := slices.IndexFunc(d.Errors, func(e alert.ErrorTransition) bool { return !e.Ended })
	switch {
	case i >= 0 && len(d.Report.Targets) == 0 && len(d.Report.Problems) > 0:
		text += ": " + d.Report.Problems[0].Why
	case i >= 0:
		text += ". " + errorText(d, d.Errors[i])
	}
	return textfmt.ASCII(text, smsLimit)
}

// topItem describes the most important announcement in one sentence, for the summary of a card.
func topItem(d alert.Digest, l lead) string {
	others, reclassified := splitReclassified(d.Gaps)
	if len(others) == 0 && reclassified != nil {
		return reclassifiedFields(reclassified)[0].Text
	}
	if l.title != "" {
		return l.entry.group.Target + ": " + l.entry.group.ShortCause(d.Report.Fixes)
	}
	if all := entries(others); len(all) > 0 {
		return all[0].group.Target + ": " + strings.ToLower(all[0].title()) + ": " +
			cmp.Or(strings.Join(all[0].group.Actions(), ", "), all[0].group.Summary())
	}
	if len(d.Errors) > 0 {
		return errorText(d, d.Errors[0])
	}
	if len(d.Mutes) == 0 {
		return d.Notices[0].Text
	}
	return muteSentence(d.Mutes[0], d.Now)
}

// label returns the word at the start of the subject: the highest severity of the announced open
// gaps, or UNVERIFIED, ERROR or NOTICE. After a recovery it is the label of the report, or ERROR if
// the report is OK but HasErrors is true.
func label(d alert.Digest) string {
	var worst policies.Severity
	good := false
	for _, c := range d.Gaps {
		if c.Reason == alert.ReasonReclassified {
			continue // an upgrade of the auditor is no incident
		}
		if c.Gap.Closed.IsZero() {
			worst = max(worst, c.Finding.Severity)
		}
		good = good || c.Reason == alert.ReasonRecovered || c.Reason == alert.ReasonPartlyRecovered
	}
	unverified, failed := false, false
	for _, e := range d.Errors {
		unverified = unverified || !e.Ended && e.Error.LimitsVerification()
		failed, good = failed || !e.Ended, good || e.Ended
	}
	switch {
	case worst > 0:
		return strings.ToUpper(worst.String())
	case unverified:
		return "UNVERIFIED"
	case failed:
		return "ERROR"
	case !good:
		return "NOTICE"
	}
	if word := report.Label(d.Report); word != "OK" || !d.HasErrors {
		return word
	}
	return "ERROR"
}

// verificationParts returns the parts of a headline about auditor errors: what an incomplete audit
// could not check, the errors that do not limit the verification, and the errors that ended.
func verificationParts(d alert.Digest) (unchecked, otherErrors, verifiedAgain string) {
	incomplete, longest := false, time.Duration(0)
	var others, ended []string
	for _, e := range d.Errors {
		switch {
		case e.Ended:
			longest = max(longest, d.Now.Sub(e.Error.Since))
			ended = append(ended, arn.Name(e.Error.Target))
		case !e.Error.LimitsVerification():
			others = append(others, cmp.Or(e.Error.What, e.Problem))
		default:
			incomplete = true
		}
	}
	switch {
	case incomplete && len(d.Report.Targets) == 0:
		unchecked = "Nothing was audited"
		if len(d.Report.Problems) > 0 {
			what, _, _ := strings.Cut(d.Report.Problems[0].What, ": ")
			unchecked += ": " + what
		}
	case incomplete:
		unchecked = "Could not check: " + cmp.Or(report.Unchecked(d.Report), "a target")
	case longest > 0 && others == nil:
		verifiedAgain = "Verified again after " + textfmt.Duration(longest) + ": " + ended[0]
		if more := len(ended) - 1; more > 0 {
			verifiedAgain += fmt.Sprintf(" +%d more", more)
		}
	}
	switch {
	case len(others) > 0 && (len(d.Gaps) > 0 || unchecked != ""):
		otherErrors = textfmt.Plural(len(others), "auditor error")
	case len(others) > 0:
		otherErrors = "Auditor error: " + others[0]
		if more := len(others) - 1; more > 0 {
			otherErrors += fmt.Sprintf(" +%d more", more)
		}
	}
	return unchecked, otherErrors, verifiedAgain
}
