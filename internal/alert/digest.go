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
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Digest is the content of one message: the announcements, and what a text shows beside them.
// Package render writes it. A digest is plain data and has no texts of its own.
type Digest struct {
	// Report is the report of the run, with the mutes applied. Now is the time of the run's plan.
	Report audit.Report
	Now    time.Time
	// Stateless is true if the run can store no state, so that it is unknown which gaps are new.
	Stateless bool
	// NewBaseline is true if there are Options.Problems, such as a damaged state. A baseline is then
	// not that of the first audit.
	NewBaseline bool
	// Refusals counts the alerts that were given up for their content since the last message. The
	// message is shorter after each of them.
	Refusals int

	// Auditor is the version of the auditor, for the announcement of reclassified findings.
	Auditor string

	// Reasons lists why the message is sent, without duplicates, the worst first.
	Reasons []Reason
	// Severity is the highest severity of the announcements. Closed gaps count too, so that a
	// subscriber with a severity filter that gets the message about a gap also gets the message about
	// its recovery. An auditor error counts as high, because it can hide any gap.
	Severity policies.Severity
	// Targets lists the targets of the announcements, without duplicates, the worst first.
	Targets []string
	// DedupKey identifies the announcements: see identify. Thread is the chat thread of the message.
	DedupKey, Thread string

	// Gaps, Errors, Mutes and Notices are the announcements, each list with the worst first.
	Gaps    []GapTransition
	Errors  []ErrorTransition
	Mutes   []MuteNotice
	Notices []audit.Notice
	// OpenGaps are the open gaps that the message does not announce. Unverified are the unverified
	// findings of the report.
	OpenGaps   []GapTransition
	Unverified []audit.Finding
	// IAMChanges are the IAM changes that triggered the run and affect an announced target.
	IAMChanges []audit.IAMChange

	Counts Counts
	// HasErrors is true if an auditor error that is not about an audited target is open, announced or
	// not.
	HasErrors bool
	// NextReminder is when the next reminder is due; zero means never.
	NextReminder time.Time
}

// Counts contains numbers of gaps.
type Counts struct {
	// Baseline to Retired count the announced gaps by reason. Improved counts open gaps that are
	// better than announced, Recovered closed gaps. Open counts all other open gaps, including gaps
	// with a reminder.
	Baseline, Opened, Reopened, Worse, Improved, Recovered, Retired, Open int
	// Reclassified counts the announced findings that an upgrade of the auditor judges otherwise.
	// ReclassifiedOpen are those of them that are open gaps.
	Reclassified, ReclassifiedOpen int
	// Indeterminate counts announced gaps that this run could not recheck.
	Indeterminate int
	// LongestOpen is the longest time that a recovered gap was open.
	LongestOpen time.Duration
}

// newDigest returns a digest that announces the transitions that have a reason, the errors and the
// notices. Messages leave out what a target may do beyond Remotion's needs. The digest has no
// DedupKey, Thread, HasErrors and NextReminder yet.
func newDigest(l *lifecycle, transitions []GapTransition, errs []ErrorTransition,
	mutes []MuteNotice, notices []audit.Notice) Digest {
	d := Digest{Report: l.report, Now: l.now, Stateless: l.options.Stateless,
		NewBaseline: len(l.options.Problems) > 0, Errors: errs, Mutes: mutes, Notices: notices,
		Auditor: auditorVersion(l.options.Judgement.Version)}
	d.Report.Notices = slices.DeleteFunc(slices.Clone(d.Report.Notices), audit.Notice.OverGrant)
	if refused := l.previous.Refused; refused != nil {
		d.Refusals = refused.Times
	}
	announced := map[Identity]bool{}
	for _, c := range transitions {
		if c.Reason == "" {
			continue
		}
		if c.Reason == ReasonRecovered && l.causeRemains(c.Finding) {
			c.Reason = ReasonPartlyRecovered
		}
		announced[c.Gap.Identity] = true
		d.Gaps = append(d.Gaps, c)
		d.Counts.add(c)
	}
	previous := map[Identity]Gap{}
	for _, g := range l.previous.Gaps {
		previous[g.Identity] = g
		if l.indeterminate(g) {
			d.Counts.Indeterminate++
		}
	}
	for _, f := range l.report.Findings {
		id := IdentityOf(f)
		switch {
		case f.Status == audit.Unverified:
			d.Unverified = append(d.Unverified, f)
		case f.Gap() && !announced[id]:
			g, ok := previous[id]
			if !ok {
				g = Gap{Identity: id, Since: l.now, Opened: 1}
			}
			d.OpenGaps = append(d.OpenGaps, GapTransition{Gap: g, Finding: f})
		}
	}
	c := &d.Counts
	announcedOpen := c.Baseline + c.Opened + c.Reopened + c.Worse + c.Improved + c.ReclassifiedOpen
	c.Open = max(0, l.report.Summary.Gaps-announcedOpen)
	// position is the index of a finding in the report. Gaps that differ only in their position keep
	// the order of the report. A gap that the report does not contain has position 0.
	position := map[Identity]int{}
	for i, f := range l.report.Findings {
		position[IdentityOf(f)] = i
	}
	worstFirst := func(a, b GapTransition) int {
		return cmp.Or(cmp.Compare(reasonOrder(a), reasonOrder(b)),
			cmp.Compare(b.Finding.Severity, a.Finding.Severity),
			cmp.Compare(position[IdentityOf(a.Finding)], position[IdentityOf(b.Finding)]))
	}
	slices.SortStableFunc(d.Gaps, worstFirst)
	slices.SortStableFunc(d.OpenGaps, worstFirst)
	slices.SortStableFunc(d.Unverified, func(a, b audit.Finding) int {
		return cmp.Compare(b.Severity, a.Severity)
	})
	d.Reasons, d.Severity, d.Targets = d.reasons(), d.severity(), d.targets()
	d.IAMChanges = d.relevantIAMChanges()
	return d
}

// raised reports whether a reclassified finding is an open gap with a higher severity than before.
func (c GapTransition) raised() bool {
	return c.Gap.Closed.IsZero() && c.Finding.Severity > c.Previous.Severity
}

// causeRemains reports whether a gap with the root cause of the recovered finding is open: in the
// report, or not seen by this run.
func (l *lifecycle) causeRemains(recovered audit.Finding) bool {
	same := func(f audit.Finding) bool {
		return f.Target == recovered.Target && f.Policy == recovered.Policy &&
			f.Cause == recovered.Cause && f.Why == recovered.Why
	}
	return slices.ContainsFunc(l.report.Findings, func(f audit.Finding) bool {
		return f.Gap() && same(f)
	}) || slices.ContainsFunc(l.previous.Gaps, func(g Gap) bool {
		return l.indeterminate(g) && l.findings[g.Identity].Status != audit.Unverified &&
			same(findingOf(g))
	})
}

// reasonOrder returns the position of the transition's reason in the order of announcements, the
// worst first.
func reasonOrder(c GapTransition) int {
	return slices.Index([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline,
		ReasonReclassified, ReasonReminder, ReasonPartlyRecovered, ReasonRecovered,
		ReasonRetired}, c.Reason)
}

func (c *Counts) add(of GapTransition) {
	switch of.Reason {
	case ReasonBaseline:
		c.Baseline++
	case ReasonOpened:
		c.Opened++
	case ReasonReopened:
		c.Reopened++
	case ReasonWorse:
		c.Worse++
	case ReasonRetired:
		c.Retired++
	case ReasonReclassified:
		c.Reclassified++
		if of.Gap.Closed.IsZero() {
			c.ReclassifiedOpen++
		}
	case ReasonRecovered, ReasonPartlyRecovered:
		if !of.Gap.Closed.IsZero() {
			c.Recovered++
			c.LongestOpen = max(c.LongestOpen, of.Gap.Closed.Sub(of.Gap.Since))
		} else {
			c.Improved++
		}
	}
}

// empty reports whether there is nothing to announce.
func (d Digest) empty() bool {
	return len(d.Gaps)+len(d.Errors)+len(d.Mutes)+len(d.Notices) == 0
}

func (d Digest) reasons() (list []Reason) {
	add := func(r Reason) {
		if !slices.Contains(list, r) {
			list = append(list, r)
		}
	}
	for _, c := range d.Gaps {
		add(c.Reason)
	}
	for _, e := range d.Errors {
		add(e.Reason)
	}
	if len(d.Mutes)+len(d.Notices) > 0 {
		add(ReasonNotice)
	}
	return list
}

func (d Digest) severity() (worst policies.Severity) {
	for _, c := range d.Gaps {
		severity := c.Finding.Severity
		if c.Reason == ReasonReclassified && !c.raised() {
			severity = policies.Low
		}
		worst = max(worst, severity)
	}
	if len(d.Errors) > 0 {
		worst = max(worst, policies.High)
	}
	for _, x := range d.Mutes {
		worst = max(worst, x.Severity)
	}
	if len(d.Notices) > 0 {
		worst = max(worst, policies.Low)
	}
	return worst
}

func (d Digest) targets() (list []string) {
	seen := map[string]bool{"": true}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	for _, c := range d.Gaps {
		add(c.Gap.Target)
	}
	for _, e := range d.Errors {
		add(e.Error.Target)
	}
	for _, x := range d.Notices {
		add(x.Target)
	}
	return list
}

// identify sets the DedupKey and the Thread. The key is a hash of the account, the announcement and
// the previous message's key. The key does not depend on the run, so two overlapping runs that
// announce the same have the same key. A later message with the same announcement has another key,
// because its previous key differs.
func (d *Digest) identify(previous State) {
	var b strings.Builder
	fmt.Fprintln(&b, previous.Announced, d.Report.Account)
	for _, c := range d.Gaps {
		fmt.Fprintf(&b, "%s %q %q %d %s %s\n", c.Reason, c.Gap.Identity, c.Gap.Status, c.Gap.Opened,
			c.Gap.Severity, c.Gap.Cause)
	}
	for _, e := range d.Errors {
		fmt.Fprintf(&b, "%s %q %q %t %t\n", e.Reason, e.Error.Target, e.Error.What, e.Error.Unverified,
			e.Ended)
	}
	for _, x := range d.Mutes {
		fmt.Fprintf(&b, "%s %q %s\n", x.Kind, x.Mute, x.Effect)
	}
	for _, x := range d.Notices {
		fmt.Fprintf(&b, "%s %q %q\n", x.Kind, x.Target, x.Text)
	}
	sum := sha256.Sum256([]byte(b.String()))
	d.DedupKey = hex.EncodeToString(sum[:])[:32]

	// A message about a new gap or error starts a thread, so that the channel shows the message.
	// Reminders and recoveries use the thread of the gap or error.
	d.Thread = ""
	startsThread := slices.ContainsFunc(d.Gaps, func(c GapTransition) bool {
		return slices.Contains([]Reason{ReasonWorse, ReasonReopened, ReasonOpened, ReasonBaseline,
			ReasonReclassified}, c.Reason)
	}) ||
		slices.ContainsFunc(d.Errors, func(e ErrorTransition) bool {
			return e.Reason == ReasonAuditorError && !e.Ended
		})
	if !startsThread && len(d.Gaps) > 0 {
		d.Thread = d.Gaps[0].Gap.Thread
	} else if !startsThread && len(d.Errors) > 0 {
		d.Thread = d.Errors[0].Error.Thread
	}
	if d.Thread == "" {
		d.Thread = "remotion-audit-" + textfmt.ASCII(d.Report.Account, MaxAccount) + "-" + d.DedupKey[:12]
	}
}
