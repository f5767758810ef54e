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
	// subjectLimit is the most characters SNS takes as a subject.
	// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
	subjectLimit = 99
	// smsLimit is what fits into one part of an SMS that holds ASCII.
	smsLimit = 140
)

// subject says how bad it is, what is new, who, and where. What does not fit is cut, names first.
func (n digest) subject() string {
	head, tail := "["+n.label()+"] Remotion IAM: ", " | "+ascii(n.report.Account, 12)
	what := ""
	for _, part := range n.subjectParts() {
		longer := strings.TrimPrefix(what+", "+part, ", ")
		if len(head)+len(longer)+len(tail) > subjectLimit {
			break
		}
		what = longer
	}
	if who := n.who(); who != "" && subjectLimit-len(head+what+tail) > 8 {
		what += " | " + ascii(who, subjectLimit-len(head+what+tail)-3)
	}
	return ascii(head+what+tail, subjectLimit)
}

// sms says the most important thing in one line.
func (n digest) sms() string {
	return ascii(n.label()+" Remotion IAM "+ascii(n.report.Account, 12)+": "+
		strings.Join(n.subjectParts(), ", ")+". "+n.first(), smsLimit)
}

// first is the worst there is to say, in one sentence.
func (n digest) first() string {
	if all := lines(n.transitions); len(all) > 0 && all[0].closed {
		return all[0].group.Target + ": " + strings.ToLower(titles[all[0].event]) + ": " +
			cmp.Or(strings.Join(all[0].group.Actions(), ", "), all[0].group.What())
	} else if len(all) > 0 {
		return all[0].group.Target + ": " + all[0].group.Impact()
	}
	if len(n.errorTransitions) > 0 {
		return n.said(n.errorTransitions[0])
	}
	if len(n.muteNotices) == 0 {
		return n.reportNotices[0].Text
	}
	return "mute of " + n.muteNotices[0].mute.what() + " " + n.muteNotices[0].said(n.now)
}

// label is the one word a message is filed under: how bad what is announced is, else how things
// are.
func (n digest) label() string {
	var worst policies.Severity
	good := false
	for _, c := range n.transitions {
		if c.gap.Closed.IsZero() {
			worst = max(worst, c.finding.Severity)
		}
		good = good || c.reason == ReasonRecovered || c.reason == ReasonPartlyRecovered
	}
	blind := false
	wrong := false
	for _, e := range n.errorTransitions {
		blind, wrong, good = blind || !e.ended && e.error.sight(), wrong || !e.ended, good || e.ended
	}
	switch {
	case worst > 0:
		return strings.ToUpper(worst.String())
	case blind:
		return "UNVERIFIED"
	case wrong:
		return "ERROR"
	case !good:
		return "NOTICE"
	}
	if label := report.Label(n.report); label != "OK" || !n.hasErrors {
		return label
	}
	return "ERROR"
}

// subjectParts says what is new and how much is open, in as few words as a subject has room for.
func (n digest) subjectParts() (list []string) {
	add := func(count int, what string) {
		if count > 0 {
			list = append(list, fmt.Sprintf("%d %s", count, what))
		}
	}
	c := n.counts
	switch {
	case c.found > 0 && len(n.options.Problems) > 0:
		list = append(list, "new baseline, "+report.Plural(c.found, "gap"))
	case c.found > 0:
		list = append(list, "first audit, "+report.Plural(c.found, "gap"))
	case n.options.Stateless && c.opened > 0:
		list = append(list, report.Plural(c.opened, "gap")) // whether they are new nobody knows
	default:
		add(c.opened, "new")
	}
	add(c.reopened, "back")
	add(c.worse, "worse")
	add(c.eased, "less bad")
	if c.recovered > 0 && c.retired == 0 && n.report.Status == audit.StatusCompliant {
		list = append(list, "recovered after "+durationText(c.longest))
	} else {
		add(c.recovered, "recovered")
	}
	add(c.retired, "no longer audited")
	list = append(list, n.coverageParts()...)
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

// coverageParts says whether the auditor could look.
func (n digest) coverageParts() (list []string) {
	blind, wrong, over := false, 0, time.Duration(0)
	for _, e := range n.errorTransitions {
		switch {
		case e.ended:
			over = max(over, n.now.Sub(e.error.Since))
		case !e.error.sight():
			wrong++
		default:
			blind = true
		}
	}
	switch unverified := n.report.Summary.Unverified; {
	case blind && len(n.report.Targets) == 0:
		list = append(list, "nothing is audited")
	case blind && unverified == 0:
		list = append(list, "could not look at everything")
	case blind:
		list = append(list, fmt.Sprintf("could not look, %d unverified", unverified))
	case unverified > 0:
		list = append(list, fmt.Sprintf("%d unverified", unverified))
	case over > 0 && wrong == 0:
		list = append(list, "can look again after "+durationText(over))
	}
	if wrong > 0 {
		list = append(list, report.Plural(wrong, "auditor error"))
	}
	return list
}

// who names the target with the worst news, and how many more there are.
func (n digest) who() string {
	targets := n.targets()
	if len(targets) > 1 {
		return fmt.Sprintf("%s +%d", targets[0], len(targets)-1)
	}
	return strings.Join(targets, "")
}

// ascii keeps printable ASCII, writes '?' for the rest, and cuts at limit.
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
