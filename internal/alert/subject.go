package alert

import (
	"cmp"
	"fmt"
	"strings"
	"time"

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
func (d digest) subject() string {
	head, tail := "["+d.label()+"] Remotion IAM: ", " | "+ascii(d.report.Account, 12)
	parts := ""
	for _, part := range d.subjectParts() {
		longer := strings.TrimPrefix(parts+", "+part, ", ")
		if len(head)+len(longer)+len(tail) > subjectLimit {
			break
		}
		parts = longer
	}
	if target := d.targetSummary(); target != "" && subjectLimit-len(head+parts+tail) > 8 {
		parts += " | " + ascii(target, subjectLimit-len(head+parts+tail)-3)
	}
	return ascii(head+parts+tail, subjectLimit)
}

// sms returns the counts and the most important announcement in one line.
func (d digest) sms() string {
	return ascii(d.label()+" Remotion IAM "+ascii(d.report.Account, 12)+": "+
		strings.Join(d.subjectParts(), ", ")+". "+d.topItem(), smsLimit)
}

// topItem describes the most important announcement in one sentence.
func (d digest) topItem() string {
	if all := entries(d.transitions); len(all) > 0 && all[0].closed {
		return all[0].group.Target + ": " + strings.ToLower(all[0].title()) + ": " +
			cmp.Or(strings.Join(all[0].group.Actions(), ", "), all[0].group.Summary())
	} else if len(all) > 0 {
		return all[0].group.Target + ": " + all[0].group.Impact()
	}
	if len(d.errorTransitions) > 0 {
		return d.errorText(d.errorTransitions[0])
	}
	if len(d.muteNotices) == 0 {
		return d.reportNotices[0].Text
	}
	return d.muteNotices[0].sentence(d.now)
}

// label returns the word at the start of the subject: the highest severity of the announced open
// gaps, or UNVERIFIED, ERROR or NOTICE. After a recovery it is the label of the report, or ERROR if
// the report is OK but hasErrors is true.
func (d digest) label() string {
	var worst policies.Severity
	good := false
	for _, c := range d.transitions {
		if c.gap.Closed.IsZero() {
			worst = max(worst, c.finding.Severity)
		}
		good = good || c.reason == ReasonRecovered || c.reason == ReasonPartlyRecovered
	}
	unverified, failed := false, false
	for _, e := range d.errorTransitions {
		unverified = unverified || !e.ended && e.error.limitsVerification()
		failed, good = failed || !e.ended, good || e.ended
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
	if label := report.Label(d.report); label != "OK" || !d.hasErrors {
		return label
	}
	return "ERROR"
}

// subjectParts returns the counts of announcements, then the counts of open and muted gaps.
func (d digest) subjectParts() (list []string) {
	add := func(count int, label string) {
		if count > 0 {
			list = append(list, fmt.Sprintf("%d %s", count, label))
		}
	}
	c := d.counts
	switch {
	case c.baseline > 0 && len(d.options.Problems) > 0:
		list = append(list, "new baseline, "+textfmt.Plural(c.baseline, "gap"))
	case c.baseline > 0:
		list = append(list, "first audit, "+textfmt.Plural(c.baseline, "gap"))
	case d.options.Stateless && c.opened > 0:
		list = append(list, textfmt.Plural(c.opened, "gap")) // without a state the gaps may be old
	default:
		add(c.opened, "new")
	}
	add(c.reopened, "reopened")
	add(c.worse, "worse")
	add(c.improved, "improved")
	if c.recovered > 0 && c.retired == 0 && d.report.Status == audit.StatusCompliant {
		list = append(list, "recovered after "+durationText(c.longestOpen))
	} else {
		add(c.recovered, "recovered")
	}
	add(c.retired, "no longer audited")
	list = append(list, d.verificationParts()...)
	if len(d.muteNotices) > 0 {
		list = append(list, textfmt.Plural(len(d.muteNotices), "mute notice"))
	}
	if len(d.reportNotices) > 0 {
		list = append(list, textfmt.Plural(len(d.reportNotices), "notice"))
	}
	open := "open"
	if len(list) == 0 {
		open = "still open"
	}
	add(c.open, open)
	add(d.report.Summary.GapsMuted, "muted")
	return list
}

// verificationParts returns the parts of the subject about an incomplete audit and about other
// auditor errors.
func (d digest) verificationParts() (list []string) {
	incomplete, otherErrors, longest := false, 0, time.Duration(0)
	for _, e := range d.errorTransitions {
		switch {
		case e.ended:
			longest = max(longest, d.now.Sub(e.error.Since))
		case !e.error.limitsVerification():
			otherErrors++
		default:
			incomplete = true
		}
	}
	switch unverified := d.report.Summary.Unverified; {
	case incomplete && len(d.report.Targets) == 0:
		list = append(list, "nothing is audited")
	case incomplete && unverified == 0:
		list = append(list, "audit incomplete")
	case incomplete:
		list = append(list, fmt.Sprintf("audit incomplete, %d unverified", unverified))
	case unverified > 0:
		list = append(list, fmt.Sprintf("%d unverified", unverified))
	case longest > 0 && otherErrors == 0:
		list = append(list, "verified again after "+durationText(longest))
	}
	if otherErrors > 0 {
		list = append(list, textfmt.Plural(otherErrors, "auditor error"))
	}
	return list
}

// targetSummary returns the target of the worst announcement, and the number of other targets.
func (d digest) targetSummary() string {
	targets := d.targets()
	if len(targets) > 1 {
		return fmt.Sprintf("%s +%d", targets[0], len(targets)-1)
	}
	return strings.Join(targets, "")
}

// ascii replaces each character that is not printable ASCII by '?', and cuts the text to limit
// bytes.
func ascii(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r >= ' ' && r <= '~' {
			return r
		}
		return '?'
	}, s)
	switch {
	case limit <= 0:
		return ""
	case len(s) <= limit:
		return s
	case limit <= 3:
		return s[:limit]
	}
	return s[:limit-3] + "..."
}
