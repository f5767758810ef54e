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

// news is everything there is to say after a run.
type news struct {
	report  audit.Report
	now     time.Time
	options Options

	changes []change
	errors  []errorChange
	notices []notice
	// worth are notices of the report that were not told before.
	worth []audit.Notice
	// standing are gaps that are open and not announced now; problems and unknown are the report's problems
	// and unverified findings. They are shown beside what is announced.
	standing []change
	problems []audit.Problem
	unknown  []audit.Finding
	// calls are those to IAM that triggered the run, as far as they touch whom the rest is about.
	calls []audit.Change
	// shown is what of it fits into a message, and left counts what does not.
	shown *shown
	left  int

	counts counts
	// troubled says that something is wrong around the audit, whether it is announced now or was before.
	troubled bool
	// remind is when the next reminder is due, zero for never.
	remind time.Time
	key    string
	thread string
}

// counts are of gaps, and of all news: what does not fit counts too.
type counts struct {
	found, opened, reopened, worse, eased, recovered, retired, open int
	// held are gaps that were open, and about which nothing could be learnt now.
	held int
	// longest is how long the longest of those that recovered was open.
	longest time.Duration
}

// newsOf puts what is announced into order, the worst first.
func newsOf(l *lifecycle, changes []change, errs []errorChange, notices []notice) news {
	n := news{report: l.report, now: l.now, options: l.options, errors: errs, notices: notices, problems: l.report.Problems}
	announced := map[Identity]bool{}
	for _, c := range changes {
		if c.event == "" {
			continue
		}
		if c.event == Recovered && l.remains(c.finding) {
			c.event = PartlyRecovered
		}
		announced[c.gap.Identity] = true
		n.changes = append(n.changes, c)
		n.counts.add(c)
	}
	was := map[Identity]Gap{}
	for _, g := range l.previous.Gaps {
		was[g.Identity] = g
		if l.held(g) {
			n.counts.held++
		}
	}
	for _, f := range l.report.Findings {
		id := identityOf(f)
		switch {
		case f.Status == audit.Unverified:
			n.unknown = append(n.unknown, f)
		case f.Gap() && !announced[id]:
			n.standing = append(n.standing, change{gap: was[id], finding: f})
		}
	}
	n.counts.open = max(0, l.report.Summary.Gaps-n.counts.found-n.counts.opened-n.counts.reopened-n.counts.worse-n.counts.eased)
	place := map[Identity]int{} // in the report, which follows Remotion's documents; what is gone comes first
	for i, f := range l.report.Findings {
		place[identityOf(f)] = i
	}
	worst := func(a, b change) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(b.finding.Severity, a.finding.Severity),
			cmp.Compare(place[identityOf(a.finding)], place[identityOf(b.finding)]))
	}
	slices.SortStableFunc(n.changes, worst)
	slices.SortStableFunc(n.standing, worst)
	slices.SortStableFunc(n.unknown, func(a, b audit.Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return n
}

// remains reports whether other gaps of the same root cause are still there.
func (l *lifecycle) remains(gone audit.Finding) bool {
	return slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Gap() && f.Target == gone.Target && f.Policy == gone.Policy && f.Cause == gone.Cause && f.Why == gone.Why
	})
}

// order puts bad news before good news.
func order(c change) int {
	return slices.Index([]Event{Worse, Reopened, Opened, Baseline, Reminder, PartlyRecovered, Recovered, Retired}, c.event)
}

func (c *counts) add(of change) {
	switch of.event {
	case Baseline:
		c.found++
	case Opened:
		c.opened++
	case Reopened:
		c.reopened++
	case Worse:
		c.worse++
	case Retired:
		c.retired++
	case Recovered, PartlyRecovered:
		if !of.gap.Closed.IsZero() {
			c.recovered++
			c.longest = max(c.longest, of.gap.Closed.Sub(of.gap.Since))
		} else {
			c.eased++
		}
	}
}

func (n news) silent() bool { return len(n.changes)+len(n.errors)+len(n.notices)+len(n.worth) == 0 }

// events lists why there is a message, the worst first.
func (n news) events() (list []Event) {
	add := func(e Event) {
		if !slices.Contains(list, e) {
			list = append(list, e)
		}
	}
	for _, c := range n.changes {
		add(c.event)
	}
	for _, e := range n.errors {
		add(e.event)
	}
	if len(n.notices)+len(n.worth) > 0 {
		add(Notice)
	}
	return list
}

// severity is the highest announced, of gaps that are gone too: whoever is told that something broke is
// told that it is mended. A blind auditor hides whatever is there, and counts as high.
func (n news) severity() (worst policies.Severity) {
	for _, c := range n.changes {
		worst = max(worst, c.finding.Severity)
	}
	if len(n.errors) > 0 {
		worst = max(worst, policies.High)
	}
	for _, x := range n.notices {
		worst = max(worst, x.severity)
	}
	if len(n.worth) > 0 {
		worst = max(worst, policies.Low)
	}
	return worst
}

// maxTargets bounds the attribute, so that no number of targets makes a message that cannot be sent.
const maxTargets = 100

// targets lists whom the announcements are about, once each, the worst first.
func (n news) targets() []string {
	list := []string{}
	add := func(name string) {
		if name != "" && len(list) < maxTargets && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, c := range n.changes {
		add(c.gap.Target)
	}
	for _, e := range n.errors {
		add(e.error.Target)
	}
	for _, x := range n.worth {
		add(x.Target)
	}
	return list
}

// identify makes the dedupKey, and finds the thread. The key is made of the announcement and of the one
// before it, and not of the run: two runs that plan the same at once have the same key, and nothing that
// is announced later ever has it again.
func (n *news) identify(previous State) {
	h := sha256.New()
	fmt.Fprintln(h, previous.Announced, n.report.Account)
	for _, c := range n.changes {
		fmt.Fprintf(h, "%s %q %q %d %s %s\n", c.event, c.gap.Identity, c.gap.Status, c.gap.Opened, c.gap.Severity, c.gap.Cause)
	}
	for _, e := range n.errors {
		fmt.Fprintf(h, "%s %q %q %t %t\n", e.event, e.error.Target, e.error.What, e.error.Dark, e.ended)
	}
	for _, x := range n.notices {
		fmt.Fprintf(h, "%s %q %s\n", x.kind, x.mute, x.hides)
	}
	for _, x := range n.worth {
		fmt.Fprintf(h, "%s %q %q\n", x.Kind, x.Target, x.Text)
	}
	n.key = hex.EncodeToString(h.Sum(nil))[:32]

	// What is new opens a thread, so that it shows in the channel. What follows goes where it began.
	n.thread = ""
	fresh := slices.ContainsFunc(n.changes, func(c change) bool { return slices.Contains([]Event{Worse, Reopened, Opened, Baseline}, c.event) }) ||
		slices.ContainsFunc(n.errors, func(e errorChange) bool { return e.event == AuditorError && !e.ended })
	if !fresh && len(n.changes) > 0 {
		n.thread = n.changes[0].gap.Thread
	} else if !fresh && len(n.errors) > 0 {
		n.thread = n.errors[0].error.Thread
	}
	if n.thread == "" {
		n.thread = "remotion-audit-" + ascii(n.report.Account, maxAccount) + "-" + n.key[:12]
	}
}

// A line is what one root cause did to one target, and what became of it.
type line struct {
	event Event
	// closed says that none of its gaps is one any more.
	closed bool
	group  report.Group
	// since is when the oldest of its gaps was first seen, opened the most often that one was opened, and
	// reminders the most that one was told again.
	since             time.Time
	opened, reminders int
	// was is how bad was said that it is, where that has changed.
	was []string
}

// changed reports whether a gap is still one, and not as bad as was said, or worse.
func (g Gap) changed(event Event) bool {
	return (event == Worse || event == PartlyRecovered) && g.Closed.IsZero() && !g.Told.IsZero()
}

// lines gathers changes into lines, in their order.
func lines(changes []change) (list []line) {
	type kind struct {
		event  Event
		closed bool
	}
	var kinds []kind
	of := map[kind][]audit.Finding{}
	gaps := map[Identity]Gap{}
	for _, c := range changes {
		k := kind{c.event, !c.gap.Closed.IsZero()}
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
				if was := fmt.Sprintf("%s (%s)", gap.ToldStatus, gap.ToldSeverity); gap.changed(k.event) && !slices.Contains(l.was, was) {
					l.was = append(l.was, was)
				}
				l.opened, l.reminders = max(l.opened, gap.Opened), max(l.reminders, gap.Reminders)
			}
			list = append(list, l)
		}
	}
	return list
}
