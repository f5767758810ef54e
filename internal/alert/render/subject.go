package render

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
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

// subject returns the label, the counts, the target and the account. If the text is too long,
// subject cuts the target first, then the last counts.
func subject(d alert.Digest) string {
	head, tail := "["+label(d)+"] Remotion IAM: ", " | "+textfmt.ASCII(d.Report.Account, 12)
	parts := ""
	for _, part := range subjectParts(d) {
		longer := strings.TrimPrefix(parts+", "+part, ", ")
		if d.Counts.Reclassified > 0 && part == judgementChanged(d) {
			for _, shorter := range shortJudgementChanged(d) {
				if len(head)+len(longer)+len(tail) <= subjectLimit {
					break
				}
				longer = strings.TrimPrefix(parts+", "+shorter, ", ")
			}
		}
		if len(head)+len(longer)+len(tail) > subjectLimit {
			break
		}
		parts = longer
	}
	if target := targetSummary(d); target != "" && subjectLimit-len(head+parts+tail) > 8 {
		parts += " | " + textfmt.ASCII(target, subjectLimit-len(head+parts+tail)-3)
	}
	return textfmt.ASCII(head+parts+tail, subjectLimit)
}

// sms returns the counts and the most important announcement in one line, with its cause.
func sms(d alert.Digest) string {
	return textfmt.ASCII(label(d)+" Remotion IAM "+textfmt.ASCII(d.Report.Account, 12)+": "+
		strings.Join(subjectParts(d), ", ")+". "+topItem(d), smsLimit)
}

// topItem describes the most important announcement in one sentence.
func topItem(d alert.Digest) string {
	others, reclassified := splitReclassified(d.Gaps)
	if len(others) == 0 && reclassified != nil {
		return reclassifiedFields(reclassified)[0].Text
	}
	if all := entries(others); len(all) > 0 && all[0].closed {
		return all[0].group.Target + ": " + strings.ToLower(all[0].title()) + ": " +
			cmp.Or(strings.Join(all[0].group.Actions(), ", "), all[0].group.Summary())
	} else if len(all) > 0 {
		g := all[0].group
		return g.Target + ": " + g.ShortCause(d.Report.Fixes) + "; " + g.Impact()
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

// subjectParts returns the counts of announcements, then the counts of open and muted gaps.
func subjectParts(d alert.Digest) (list []string) {
	add := func(count int, label string) {
		if count > 0 {
			list = append(list, fmt.Sprintf("%d %s", count, label))
		}
	}
	c := d.Counts
	switch {
	case c.Baseline > 0 && d.NewBaseline:
		list = append(list, "new baseline, "+textfmt.Plural(c.Baseline, "gap"))
	case c.Baseline > 0:
		list = append(list, "first audit, "+textfmt.Plural(c.Baseline, "gap"))
	case d.Stateless && c.Opened > 0:
		list = append(list, textfmt.Plural(c.Opened, "gap")) // without a state the gaps may be old
	default:
		add(c.Opened, "new")
	}
	add(c.Reopened, "reopened")
	add(c.Worse, "worse")
	add(c.Improved, "improved")
	if c.Recovered > 0 && c.Retired == 0 && d.Report.Status == audit.StatusCompliant {
		list = append(list, "recovered after "+textfmt.Duration(c.LongestOpen))
	} else {
		add(c.Recovered, "recovered")
	}
	add(c.Retired, "no longer audited")
	if c.Reclassified > 0 {
		list = append(list, judgementChanged(d))
	}
	list = append(list, verificationParts(d)...)
	if len(d.Mutes) > 0 {
		list = append(list, textfmt.Plural(len(d.Mutes), "mute notice"))
	}
	if len(d.Notices) > 0 {
		list = append(list, textfmt.Plural(len(d.Notices), "notice"))
	}
	open := "open"
	if len(list) == 0 {
		open = "still open"
	}
	add(c.Open, open)
	add(d.Report.Summary.GapsMuted, "muted")
	return list
}

// verificationParts returns the parts of the subject about an incomplete audit and about other
// auditor errors.
func verificationParts(d alert.Digest) (list []string) {
	incomplete, otherErrors, longest := false, 0, time.Duration(0)
	for _, e := range d.Errors {
		switch {
		case e.Ended:
			longest = max(longest, d.Now.Sub(e.Error.Since))
		case !e.Error.LimitsVerification():
			otherErrors++
		default:
			incomplete = true
		}
	}
	switch unverified := d.Report.Summary.Unverified; {
	case incomplete && len(d.Report.Targets) == 0:
		list = append(list, "nothing is audited")
	case incomplete && unverified == 0:
		list = append(list, "audit incomplete")
	case incomplete:
		list = append(list, fmt.Sprintf("audit incomplete, %d unverified", unverified))
	case unverified > 0:
		list = append(list, fmt.Sprintf("%d unverified", unverified))
	case longest > 0 && otherErrors == 0:
		list = append(list, "verified again after "+textfmt.Duration(longest))
	}
	if otherErrors > 0 {
		list = append(list, textfmt.Plural(otherErrors, "auditor error"))
	}
	return list
}

// targetSummary returns the target of the worst announcement, and the number of other targets.
func targetSummary(d alert.Digest) string {
	targets := d.Targets
	if len(targets) > 1 {
		return fmt.Sprintf("%s +%d", targets[0], len(targets)-1)
	}
	return strings.Join(targets, "")
}
