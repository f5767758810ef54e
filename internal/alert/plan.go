package alert

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Options are the settings of Plan. With the zero value, Plan uses the state and sends reminders on
// every run.
type Options struct {
	// Stateless is true if the run can store no state: it has no evidence bucket, cannot read the
	// state, or must not overwrite the state. Every run with gaps alerts. Plan ignores the previous
	// state, and the caller must not store Next and NextUndelivered.
	Stateless bool
	// RepeatAfter is the time between the announcement of a gap and its first reminder. Zero sends a
	// reminder on every run.
	RepeatAfter time.Duration
	// First is the report of an earlier attempt within this run, or nil. If both reports contain an
	// auditor error, this run announces the error.
	First *audit.Report
	// MuteErrors are the errors that mute.Parse returned.
	MuteErrors []mute.Error
	// Problems are problems of the auditor, such as a damaged state or a mutes file that it has no
	// permission to read. Plan announces them at once, as auditor errors. Their Target is empty, and
	// their What must be the same in each run.
	Problems []audit.Problem
	// Judgement is how this auditor judges.
	Judgement Judgement
	// Configured is the configuration of the run. If it is unknown, only the reports of two runs
	// retire a gap.
	Configured Configuration
}

// Planned is the result of Plan: what to announce and the state to store.
type Planned struct {
	// Digest is the content of the message to send. It is nil if there is nothing to announce.
	Digest *Digest
	// Next is the state to store after the message is published, or at once if there is none.
	Next State
	// NextUndelivered is the state to store instead of Next if the topic has no confirmed
	// subscription. It contains the findings of this run, but nothing counts as announced. Without a
	// message it equals Next.
	NextUndelivered State
	// Report is the given report with the mutes applied.
	Report audit.Report
	// OldestGapAge is how long the oldest unmuted gap has been open: zero without gaps, nil without a
	// state.
	OldestGapAge *time.Duration
}

// Plan compares a report with the previous state, and decides which message to send. It depends
// only on its arguments. If the caller stores Next, a run with the same report sends no message
// until a reminder is due.
func Plan(previous State, r audit.Report, mutes mute.List, now time.Time, o Options) Planned {
	mutes = mutes.InForce(now)
	r = mutes.Apply(r, now)
	previous = previous.at(now, r.Run.At)
	previous.Pending = nil
	if o.Stateless {
		previous = State{Refused: previous.Refused}
	}
	if r.Run.At.Before(previous.Run.At) && !previous.Run.At.After(now) {
		// A run that started later has already stored its state, so the findings of this run are
		// outdated.
		return Planned{Next: previous, NextUndelivered: previous, Report: r,
			OldestGapAge: oldestGapAge(previous.Gaps, now)}
	}
	l := newLifecycle(previous, r, mutes, now, o)
	gaps, transitions := l.nextGaps()
	errs, errorTransitions := l.nextErrors()
	seenMutes, changedMutes := muteNotices(previous.Mutes, mutes, r, l.notSeen(), now)
	seenNotices, notices := reportNotices(previous, r, l.coverage.lost, l.rejudged, now)
	if o.Stateless { // notices would be announced on every run
		seenMutes, changedMutes, notices = nil, nil, nil
	}
	d := newDigest(l, transitions, errorTransitions, changedMutes, notices)
	d.identify(previous)

	undelivered := previous
	undelivered.SchemaVersion, undelivered.Run = StateVersion, r.Run
	undelivered.Gaps, undelivered.Errors = gaps, errs
	undelivered.Run.Trigger = nil // the IAM changes of the trigger would make the state grow
	undelivered.Regions = l.coverage.regions
	next := undelivered
	// The configuration is not stored with an undelivered message: a later run, too, must see what
	// the configuration no longer names.
	next.Configured, next.Refused = l.coverage.next(previous.Configured), nil
	next.Notices = seenNotices
	if o.Judgement.Rules != "" && l.coverage.complete && !l.coverage.lost {
		next.Judgement, next.Judged = o.Judgement.Rules, judgedIn(r, previous.Judged)
	}
	if len(notices) == 0 {
		undelivered.Notices = seenNotices
	}
	next.Gaps = markGapsNotified(gaps, transitions, now, d.Thread)
	next.Errors = markErrorsNotified(errs, errorTransitions, now, d.Thread)
	next.Mutes = seenMutes
	d.HasErrors = slices.ContainsFunc(next.Errors, func(e Error) bool { return e.What != "" })
	if next.Baseline.IsZero() {
		next.Baseline = now
	}
	p := Planned{Next: next, NextUndelivered: next, Report: r}
	if !o.Stateless {
		p.OldestGapAge = oldestGapAge(next.Gaps, now)
		d.NextReminder = l.nextReminder(next)
	} else {
		p.Next, p.NextUndelivered = State{}, State{}
	}
	if d.empty() {
		return p
	}
	if !o.Stateless {
		p.Next.Announced = d.DedupKey
		p.NextUndelivered = undelivered
	}
	p.Digest = &d
	return p
}

// oldestGapAge returns how long the oldest unmuted gap has been open; zero if there is none.
func oldestGapAge(gaps []Gap, now time.Time) *time.Duration {
	var age time.Duration
	for _, g := range gaps {
		if g.Closed.IsZero() && !g.Muted {
			age = max(age, now.Sub(g.Since))
		}
	}
	return &age
}

// nextReminder returns when the next reminder is due if nothing changes, or zero. A gap that the
// report does not confirm gets no reminder.
func (l *lifecycle) nextReminder(s State) (at time.Time) {
	useIfEarlier := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, g := range s.Gaps {
		if f, inReport := l.findings[g.Identity]; inReport && f.Gap() && !g.Notified.IsZero() {
			useIfEarlier(g.Notified.Add(l.options.reminderInterval(g.Reminders,
				g.Severity == policies.Critical)))
		}
	}
	for _, e := range s.Errors {
		if !e.Notified.IsZero() {
			useIfEarlier(e.Notified.Add(l.options.reminderInterval(e.Reminders, false)))
		}
	}
	return at
}
