package alert

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
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
func (n digest) subject() string {
	head, tail := "["+n.label()+"] Remotion IAM: ", " | "+ascii(n.report.Account, 12)
	parts := ""
	for _, part := range n.subjectParts() {
		longer := strings.TrimPrefix(parts+", "+part, ", ")
		if len(head)+len(longer)+len(tail) > subjectLimit {
			break
		}
		parts = longer
	}
	if target := n.targetSummary(); target != "" && subjectLimit-len(head+parts+tail) > 8 {
		parts += " | " + ascii(target, subjectLimit-len(head+parts+tail)-3)
	}
	return ascii(head+parts+tail, subjectLimit)
}

// sms returns the counts and the most important announcement in one line.
func (n digest) sms() string {
	return ascii(n.label()+" Remotion IAM "+ascii(n.report.Account, 12)+": "+
		strings.Join(n.subjectParts(), ", ")+". "+n.topItem(), smsLimit)
}

// topItem describes the most important announcement in one sentence.
func (n digest) topItem() string {
	if all := entries(n.transitions); len(all) > 0 && all[0].closed {
		return all[0].group.Target + ": " + strings.ToLower(all[0].title()) + ": " +
			cmp.Or(strings.Join(all[0].group.Actions(), ", "), all[0].group.Summary())
	} else if len(all) > 0 {
		return all[0].group.Target + ": " + all[0].group.Impact()
	}
	if len(n.errorTransitions) > 0 {
		return n.errorText(n.errorTransitions[0])
	}
	if len(n.muteNotices) == 0 {
		return n.reportNotices[0].Text
	}
	return n.muteNotices[0].sentence(n.now)
}

// label returns the word at the start of the subject: the highest severity of the announced open
// gaps, or UNVERIFIED, ERROR or NOTICE. After a recovery it is the label of the report, or ERROR if
// the report is OK but hasErrors is true.
func (n digest) label() string {
	var worst policies.Severity
	good := false
	for _, c := range n.transitions {
		if c.gap.Closed.IsZero() {
			worst = max(worst, c.finding.Severity)
		}
		good = good || c.reason == ReasonRecovered || c.reason == ReasonPartlyRecovered
	}
	unverified, failed := false, false
	for _, e := range n.errorTransitions {
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
	if label := report.Label(n.report); label != "OK" || !n.hasErrors {
		return label
	}
	return "ERROR"
}

// subjectParts returns the counts of announcements, then the counts of open and muted gaps.
func (n digest) subjectParts() (list []string) {
	add := func(count int, label string) {
		if count > 0 {
			list = append(list, fmt.Sprintf("%d %s", count, label))
		}
	}
	c := n.counts
	switch {
	case c.baseline > 0 && len(n.options.Problems) > 0:
		list = append(list, "new baseline, "+report.Plural(c.baseline, "gap"))
	case c.baseline > 0:
		list = append(list, "first audit, "+report.Plural(c.baseline, "gap"))
	case n.options.Stateless && c.opened > 0:
		list = append(list, report.Plural(c.opened, "gap")) // without a state the gaps may be old
	default:
		add(c.opened, "new")
	}
	add(c.reopened, "reopened")
	add(c.worse, "worse")
	add(c.improved, "improved")
	if c.recovered > 0 && c.retired == 0 && n.report.Status == audit.StatusCompliant {
		list = append(list, "recovered after "+durationText(c.longestOpen))
	} else {
		add(c.recovered, "recovered")
	}
	add(c.retired, "no longer audited")
	list = append(list, n.verificationParts()...)
	if len(n.muteNotices) > 0 {
		list = append(list, report.Plural(len(n.muteNotices), "mute notice"))
	}
	if len(n.reportNotices) > 0 {
		list = append(list, report.Plural(len(n.reportNotices), "notice"))
	}
	open := "open"
	if len(list) == 0 {
		open = "still open"
	}
	add(c.open, open)
	add(n.report.Summary.GapsMuted, "muted")
	return list
}

// verificationParts returns the parts of the subject about an incomplete audit and about other
// auditor errors.
func (n digest) verificationParts() (list []string) {
	incomplete, otherErrors, longest := false, 0, time.Duration(0)
	for _, e := range n.errorTransitions {
		switch {
		case e.ended:
			longest = max(longest, n.now.Sub(e.error.Since))
		case !e.error.limitsVerification():
			otherErrors++
		default:
			incomplete = true
		}
	}
	switch unverified := n.report.Summary.Unverified; {
	case incomplete && len(n.report.Targets) == 0:
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
		list = append(list, report.Plural(otherErrors, "auditor error"))
	}
	return list
}

// targetSummary returns the target of the worst announcement, and the number of other targets.
func (n digest) targetSummary() string {
	targets := n.targets()
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
