package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// digest is everything there is to say after a run.
type digest struct {
	report  audit.Report
	now     time.Time
	options Options

	transitions      []transition
	errorTransitions []errorTransition
	muteNotices      []muteNotice
	// reportNotices are notices of the report that were not told before.
	reportNotices []audit.Notice
	// openGaps are gaps that are open and not announced now; problems and unknown are the report's
	// problems and unverified findings. They are shown beside what is announced.
	openGaps   []transition
	problems   []audit.Problem
	unverified []audit.Finding
	// iamChanges are those to IAM that triggered the run, as far as they touch whom the rest is about.
	iamChanges []audit.IAMChange
	// excerpt is what of it fits into a message, and left counts what does not.
	excerpt *excerpt
	omitted int

	counts counts
	// hasErrors says that something is wrong around the audit, whether it is announced now or was
	// before.
	hasErrors bool
	// nextReminder is when the next reminder is due, zero for never.
	nextReminder time.Time
	key          string
	thread       string
}

// counts are of gaps, and of all news: what does not fit counts too.
type counts struct {
	found, opened, reopened, worse, eased, recovered, retired, open int
	// held are gaps that were open, and about which nothing could be learnt now.
	held int
	// longest is how long the longest of those that recovered was open.
	longest time.Duration
}

// newDigest puts what is announced into order, the worst first.
func newDigest(l *lifecycle, changes []transition, errs []errorTransition,
	notices []muteNotice) digest {
	n := digest{report: l.report, now: l.now, options: l.options, errorTransitions: errs,
		muteNotices: notices, problems: l.report.Problems}
	announced := map[Identity]bool{}
	for _, c := range changes {
		if c.reason == "" {
			continue
		}
		if c.reason == ReasonRecovered && l.causeRemains(c.finding) {
			c.reason = ReasonPartlyRecovered
		}
		announced[c.gap.Identity] = true
		n.transitions = append(n.transitions, c)
		n.counts.add(c)
	}
	was := map[Identity]Gap{}
	for _, g := range l.previous.Gaps {
		was[g.Identity] = g
		if l.indeterminate(g) {
			n.counts.held++
		}
	}
	for _, f := range l.report.Findings {
		id := identityOf(f)
		switch {
		case f.Status == audit.Unverified:
			n.unverified = append(n.unverified, f)
		case f.Gap() && !announced[id]:
			n.openGaps = append(n.openGaps, transition{gap: was[id], finding: f})
		}
	}
	n.counts.open = max(0,
		l.report.Summary.Gaps-n.counts.found-n.counts.opened-n.counts.reopened-n.counts.worse-n.counts.eased)
	// in the report, which follows Remotion's documents; what is gone comes first
	place := map[Identity]int{}
	for i, f := range l.report.Findings {
		place[identityOf(f)] = i
	}
	worst := func(a, b transition) int {
		return cmp.Or(cmp.Compare(reasonOrder(a), reasonOrder(b)),
			cmp.Compare(b.finding.Severity, a.finding.Severity),
			cmp.Compare(place[identityOf(a.finding)], place[identityOf(b.finding)]))
	}
	slices.SortStableFunc(n.transitions, worst)
	slices.SortStableFunc(n.openGaps, worst)
	slices.SortStableFunc(n.unverified, func(a, b audit.Finding) int {
		return cmp.Compare(b.Severity, a.Severity)
	})
	return n
}

// causeRemains reports whether other gaps of the same root cause are still there.
func (l *lifecycle) causeRemains(gone audit.Finding) bool {
	return slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Gap() && f.Target == gone.Target && f.Policy == gone.Policy && f.Cause == gone.Cause &&
			f.Why == gone.Why
	})
}

// reasonOrder puts bad news before good news.
func reasonOrder(c transition) int {
	return slices.Index([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline,
		ReasonReminder, ReasonPartlyRecovered, ReasonRecovered, ReasonRetired}, c.reason)
}

func (c *counts) add(of transition) {
	switch of.reason {
	case ReasonBaseline:
		c.found++
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
			c.longest = max(c.longest, of.gap.Closed.Sub(of.gap.Since))
		} else {
			c.eased++
		}
	}
}

func (n digest) silent() bool {
	return len(n.transitions)+len(n.errorTransitions)+len(n.muteNotices)+len(n.reportNotices) == 0
}

// reasons lists why there is a message, the worst first.
func (n digest) reasons() (list []Reason) {
	add := func(e Reason) {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	for _, c := range n.transitions {
		add(c.reason)
	}
	for _, e := range n.errorTransitions {
		add(e.reason)
	}
	if len(n.muteNotices)+len(n.reportNotices) > 0 {
		add(ReasonNotice)
	}
	return list
}

// severity is the highest announced, of gaps that are gone too: whoever is told that something
// broke is told that it is mended. A blind auditor hides whatever is there, and counts as high.
func (n digest) severity() (worst policies.Severity) {
	for _, c := range n.transitions {
		worst = max(worst, c.finding.Severity)
	}
	if len(n.errorTransitions) > 0 {
		worst = max(worst, policies.High)
	}
	for _, x := range n.muteNotices {
		worst = max(worst, x.severity)
	}
	if len(n.reportNotices) > 0 {
		worst = max(worst, policies.Low)
	}
	return worst
}

// maxTargets bounds the attribute, so that no number of targets makes a message that cannot be
// sent.
const maxTargets = 100

// targets lists whom the announcements are about, once each, the worst first.
func (n digest) targets() []string {
	list := []string{}
	add := func(name string) {
		if name != "" && len(list) < maxTargets && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, c := range n.transitions {
		add(c.gap.Target)
	}
	for _, e := range n.errorTransitions {
		add(e.error.Target)
	}
	for _, x := range n.reportNotices {
		add(x.Target)
	}
	return list
}

// identify makes the dedupKey, and finds the thread. The key is made of the announcement and of the
// one before it, and not of the run: two runs that plan the same at once have the same key, and
// nothing that is announced later ever has it again.
func (n *digest) identify(previous State) {
	h := sha256.New()
	fmt.Fprintln(h, previous.Announced, n.report.Account)
	for _, c := range n.transitions {
		fmt.Fprintf(h, "%s %q %q %d %s %s\n", c.reason, c.gap.Identity, c.gap.Status, c.gap.Opened,
			c.gap.Severity, c.gap.Cause)
	}
	for _, e := range n.errorTransitions {
		fmt.Fprintf(h, "%s %q %q %t %t\n", e.reason, e.error.Target, e.error.What, e.error.Unverified,
			e.ended)
	}
	for _, x := range n.muteNotices {
		fmt.Fprintf(h, "%s %q %s\n", x.kind, x.mute, x.hides)
	}
	for _, x := range n.reportNotices {
		fmt.Fprintf(h, "%s %q %q\n", x.Kind, x.Target, x.Text)
	}
	n.key = hex.EncodeToString(h.Sum(nil))[:32]

	// What is new opens a thread, so that it shows in the channel. What follows goes where it began.
	n.thread = ""
	fresh := slices.ContainsFunc(n.transitions, func(c transition) bool {
		return slices.Contains([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline},
			c.reason)
	}) ||
		slices.ContainsFunc(n.errorTransitions, func(e errorTransition) bool {
			return e.reason == ReasonAuditorError && !e.ended
		})
	if !fresh && len(n.transitions) > 0 {
		n.thread = n.transitions[0].gap.Thread
	} else if !fresh && len(n.errorTransitions) > 0 {
		n.thread = n.errorTransitions[0].error.Thread
	}
	if n.thread == "" {
		n.thread = "remotion-audit-" + ascii(n.report.Account, maxAccount) + "-" + n.key[:12]
	}
}

// A line is what one root cause did to one target, and what became of it.
type line struct {
	event Reason
	// closed says that none of its gaps is one any more.
	closed bool
	group  report.Group
	// since is when the oldest of its gaps was first seen, opened the most often that one was opened,
	// and reminders the most that one was told again.
	since             time.Time
	opened, reminders int
	// was is how bad was said that it is, where that has changed.
	was []string
}

// changed reports whether a gap is still one, and not as bad as was said, or worse.
func (g Gap) changed(event Reason) bool {
	return (event == ReasonWorse || event == ReasonPartlyRecovered) && g.Closed.IsZero() &&
		!g.Notified.IsZero()
}

// lines gathers changes into lines, in their order.
func lines(changes []transition) (list []line) {
	type kind struct {
		event  Reason
		closed bool
	}
	var kinds []kind
	of := map[kind][]audit.Finding{}
	gaps := map[Identity]Gap{}
	for _, c := range changes {
		k := kind{c.reason, !c.gap.Closed.IsZero()}
		if of[k] == nil {
			kinds = append(kinds, k)
		}
		of[k] = append(of[k], c.finding)
		gaps[identityOf(c.finding)] = c.gap
	}
	for _, k := range kinds {
		for _, g := range report.Grouped(of[k]) {
			l := line{event: k.event, closed: k.closed, group: g}
			for _, f := range g.Findings {
				gap := gaps[identityOf(f)]
				if l.since.IsZero() || !gap.Since.IsZero() && gap.Since.Before(l.since) {
					l.since = gap.Since
				}
				if was := fmt.Sprintf("%s (%s)", gap.NotifiedStatus,
					gap.NotifiedSeverity); gap.changed(k.event) && !slices.Contains(l.was, was) {
					l.was = append(l.was, was)
				}
				l.opened, l.reminders = max(l.opened, gap.Opened), max(l.reminders, gap.Reminders)
			}
			list = append(list, l)
		}
	}
	return list
}
