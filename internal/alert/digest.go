package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// digest is the content of a message: its announcements, and what the message shows in addition.
type digest struct {
	report  audit.Report
	now     time.Time
	options Options

	transitions      []transition
	errorTransitions []errorTransition
	muteNotices      []muteNotice
	// reportNotices are the notices of the report that were not announced before.
	reportNotices []audit.Notice
	// openGaps are the open gaps that the message does not announce. problems and unverified are the
	// report's problems and unverified findings. The message shows all three lists.
	openGaps   []transition
	problems   []audit.Problem
	unverified []audit.Finding
	// iamChanges are the IAM changes that triggered the run and affect an announced target.
	iamChanges []audit.IAMChange
	// excerpt is the part of the digest that fits into a message. omitted counts the units that do not
	// fit.
	excerpt *excerpt
	omitted int

	counts counts
	// hasErrors is true if an auditor error that is not about an audited target is open, announced or
	// not.
	hasErrors bool
	// nextReminder is when the next reminder is due; zero means never.
	nextReminder time.Time
	key          string
	thread       string
}

// counts contains numbers of gaps, including gaps that do not fit into the message.
type counts struct {
	// baseline to retired count the announced gaps by reason. open counts all other open gaps,
	// including gaps with a reminder.
	baseline, opened, reopened, worse, improved, recovered, retired, open int
	// indeterminate counts announced gaps that this run could not recheck.
	indeterminate int
	// longestOpen is the longest time that a recovered gap was open.
	longestOpen time.Duration
}

// newDigest returns a digest that announces the transitions that have a reason, the errors and the
// notices. The transitions are sorted, the worst first.
func newDigest(l *lifecycle, transitions []transition, errs []errorTransition,
	notices []muteNotice) digest {
	d := digest{report: l.report, now: l.now, options: l.options, errorTransitions: errs,
		muteNotices: notices, problems: l.report.Problems}
	announced := map[Identity]bool{}
	for _, c := range transitions {
		if c.reason == "" {
			continue
		}
		if c.reason == ReasonRecovered && l.causeRemains(c.finding) {
			c.reason = ReasonPartlyRecovered
		}
		announced[c.gap.Identity] = true
		d.transitions = append(d.transitions, c)
		d.counts.add(c)
	}
	previous := map[Identity]Gap{}
	for _, g := range l.previous.Gaps {
		previous[g.Identity] = g
		if l.indeterminate(g) {
			d.counts.indeterminate++
		}
	}
	for _, f := range l.report.Findings {
		id := identityOf(f)
		switch {
		case f.Status == audit.Unverified:
			d.unverified = append(d.unverified, f)
		case f.Gap() && !announced[id]:
			d.openGaps = append(d.openGaps, transition{gap: previous[id], finding: f})
		}
	}
	c := &d.counts
	announcedOpen := c.baseline + c.opened + c.reopened + c.worse + c.improved
	c.open = max(0, l.report.Summary.Gaps-announcedOpen)
	// position is the index of a finding in the report. Gaps that differ only in their position keep
	// the order of the report. A gap that the report does not contain has position 0.
	position := map[Identity]int{}
	for i, f := range l.report.Findings {
		position[identityOf(f)] = i
	}
	worstFirst := func(a, b transition) int {
		return cmp.Or(cmp.Compare(reasonOrder(a), reasonOrder(b)),
			cmp.Compare(b.finding.Severity, a.finding.Severity),
			cmp.Compare(position[identityOf(a.finding)], position[identityOf(b.finding)]))
	}
	slices.SortStableFunc(d.transitions, worstFirst)
	slices.SortStableFunc(d.openGaps, worstFirst)
	slices.SortStableFunc(d.unverified, func(a, b audit.Finding) int {
		return cmp.Compare(b.Severity, a.Severity)
	})
	return d
}

// causeRemains reports whether a gap with the root cause of the recovered finding is still open.
func (l *lifecycle) causeRemains(recovered audit.Finding) bool {
	return slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Gap() && f.Target == recovered.Target && f.Policy == recovered.Policy &&
			f.Cause == recovered.Cause && f.Why == recovered.Why
	})
}

// reasonOrder returns the position of the transition's reason in the order of announcements, the
// worst first.
func reasonOrder(c transition) int {
	return slices.Index([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline,
		ReasonReminder, ReasonPartlyRecovered, ReasonRecovered, ReasonRetired}, c.reason)
}

func (c *counts) add(of transition) {
	switch of.reason {
	case ReasonBaseline:
		c.baseline++
	case ReasonOpened:
		c.opened++
	case ReasonReopened:
		c.reopened++
	case ReasonWorse:
		c.worse++
	case ReasonRetired:
		c.retired++
	case ReasonRecovered, ReasonPartlyRecovered:
		if !of.gap.Closed.IsZero() {
			c.recovered++
			c.longestOpen = max(c.longestOpen, of.gap.Closed.Sub(of.gap.Since))
		} else {
			c.improved++
		}
	}
}

// empty reports whether there is nothing to announce.
func (d digest) empty() bool {
	return len(d.transitions)+len(d.errorTransitions)+len(d.muteNotices)+len(d.reportNotices) == 0
}

// reasons lists why the message is sent, the worst first.
func (d digest) reasons() (list []Reason) {
	add := func(r Reason) {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	for _, c := range d.transitions {
		add(c.reason)
	}
	for _, e := range d.errorTransitions {
		add(e.reason)
	}
	if len(d.muteNotices)+len(d.reportNotices) > 0 {
		add(ReasonNotice)
	}
	return list
}

// severity returns the highest severity of what is announced. Closed gaps count too, so that a
// subscriber with a severity filter that gets the message about a gap also gets the message about
// its recovery. An auditor error counts as high, because it can hide any gap.
func (d digest) severity() (worst policies.Severity) {
	for _, c := range d.transitions {
		worst = max(worst, c.finding.Severity)
	}
	if len(d.errorTransitions) > 0 {
		worst = max(worst, policies.High)
	}
	for _, x := range d.muteNotices {
		worst = max(worst, x.severity)
	}
	if len(d.reportNotices) > 0 {
		worst = max(worst, policies.Low)
	}
	return worst
}

// maxTargets bounds the attribute "targets", so that many targets do not exceed the size limit of a
// message.
const maxTargets = 100

// targets lists the targets of the announcements, once each, the worst first.
func (d digest) targets() []string {
	list := []string{}
	add := func(name string) {
		if name != "" && len(list) < maxTargets && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, c := range d.transitions {
		add(c.gap.Target)
	}
	for _, e := range d.errorTransitions {
		add(e.error.Target)
	}
	for _, x := range d.reportNotices {
		add(x.Target)
	}
	return list
}

// identify sets the dedupKey and the thread. The key is a hash of the account, the announcement and
// the previous message's key. The key does not depend on the run, so two overlapping runs that
// announce the same have the same key. A later message with the same announcement has another key,
// because its previous key differs.
func (d *digest) identify(previous State) {
	var b strings.Builder
	fmt.Fprintln(&b, previous.Announced, d.report.Account)
	for _, c := range d.transitions {
		fmt.Fprintf(&b, "%s %q %q %d %s %s\n", c.reason, c.gap.Identity, c.gap.Status, c.gap.Opened,
			c.gap.Severity, c.gap.Cause)
	}
	for _, e := range d.errorTransitions {
		fmt.Fprintf(&b, "%s %q %q %t %t\n", e.reason, e.error.Target, e.error.What, e.error.Unverified,
			e.ended)
	}
	for _, x := range d.muteNotices {
		fmt.Fprintf(&b, "%s %q %s\n", x.kind, x.mute, x.effect)
	}
	for _, x := range d.reportNotices {
		fmt.Fprintf(&b, "%s %q %q\n", x.Kind, x.Target, x.Text)
	}
	sum := sha256.Sum256([]byte(b.String()))
	d.key = hex.EncodeToString(sum[:])[:32]

	// A message about a new gap or error starts a thread, so that the channel shows the message.
	// Reminders and recoveries use the thread of the gap or error.
	d.thread = ""
	startsThread := slices.ContainsFunc(d.transitions, func(c transition) bool {
		return slices.Contains([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline},
			c.reason)
	}) ||
		slices.ContainsFunc(d.errorTransitions, func(e errorTransition) bool {
			return e.reason == ReasonAuditorError && !e.ended
		})
	if !startsThread && len(d.transitions) > 0 {
		d.thread = d.transitions[0].gap.Thread
	} else if !startsThread && len(d.errorTransitions) > 0 {
		d.thread = d.errorTransitions[0].error.Thread
	}
	if d.thread == "" {
		d.thread = "remotion-audit-" + ascii(d.report.Account, maxAccount) + "-" + d.key[:12]
	}
}

// entry is one paragraph of a message: the gaps of one target that have the same root cause and the
// same reason to be announced.
type entry struct {
	reason Reason
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

// statusChanged reports whether an open gap is worse or better than in its last announcement.
func (g Gap) statusChanged(reason Reason) bool {
	return (reason == ReasonWorse || reason == ReasonPartlyRecovered) && g.Closed.IsZero() &&
		!g.Notified.IsZero()
}

// entries groups transitions by reason, by whether the gap is closed, and by root cause. The order
// of the reasons is that of the transitions.
func entries(transitions []transition) (list []entry) {
	type kind struct {
		reason Reason
		closed bool
	}
	var kinds []kind
	findings := map[kind][]audit.Finding{}
	gaps := map[Identity]Gap{}
	for _, c := range transitions {
		k := kind{c.reason, !c.gap.Closed.IsZero()}
		if findings[k] == nil {
			kinds = append(kinds, k)
		}
		findings[k] = append(findings[k], c.finding)
		gaps[identityOf(c.finding)] = c.gap
	}
	for _, k := range kinds {
		for _, g := range report.Grouped(findings[k]) {
			e := entry{reason: k.reason, closed: k.closed, group: g}
			for _, f := range g.Findings {
				gap := gaps[identityOf(f)]
				if e.since.IsZero() || !gap.Since.IsZero() && gap.Since.Before(e.since) {
					e.since = gap.Since
				}
				previous := fmt.Sprintf("%s (%s)", gap.NotifiedStatus, gap.NotifiedSeverity)
				if gap.statusChanged(k.reason) && !slices.Contains(e.previous, previous) {
					e.previous = append(e.previous, previous)
				}
				e.opened, e.reminders = max(e.opened, gap.Opened), max(e.reminders, gap.Reminders)
			}
			list = append(list, e)
		}
	}
	return list
}
