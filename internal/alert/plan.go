package alert

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Options are what Plan goes by beside what it is about. The zero value remembers, and reminds on
// every run.
type Options struct {
	// Stateless says that there is no memory, because there is no evidence bucket or because what is
	// in it may not be overwritten: every failing run alerts. The previous state is ignored, and Next
	// and Unheard are not to be stored.
	Stateless bool
	// RepeatAfter is how long an unchanged gap stays quiet before it is told again. Zero tells it on
	// every run.
	RepeatAfter time.Duration
	// First is the report of an earlier look within this run, nil if there was none. What was blind in
	// both is announced without waiting for the next run.
	First *audit.Report
	// MuteErrors are what is wrong with the file of mutes: ParseMutes.
	MuteErrors []MuteError
	// Problems are what went wrong around the audit: a state that is damaged, a file of mutes that may
	// not be read. They are announced at once, as auditor errors. Their Target is empty, and their
	// What has to be the same from run to run.
	Problems []audit.Problem
	// Sender is for the texts.
	Sender Sender
}

// Planned is what is to be said, and what is to be remembered.
type Planned struct {
	// Message is zero when there is nothing to say.
	Message Message
	// DedupKey is the message's: equal keys are the same announcement.
	DedupKey string
	// Reasons are why there is a message, as in its attribute.
	Reasons []Reason
	// Next is to be stored once the message is out, or at once when there is none.
	Next State
	// Unheard is to be stored instead of Next when nobody is subscribed: what is known is remembered,
	// and nothing counts as announced. Without a message the two are the same.
	Unheard State
	// Report is the given one with the mutes applied.
	Report audit.Report
	// OldestGapAge is how long the oldest gap that is not muted has been open; zero without gaps, nil
	// without a memory.
	OldestGapAge *time.Duration
}

// Plan decides what is to be said about a report. It is a function of its arguments: the same ones
// give the same plan, and with the state it returns the same report gives none until a reminder is
// due.
func Plan(previous State, r audit.Report, mutes Mutes, now time.Time, o Options) Planned {
	mutes = mutes.inForce(now)
	r = r.Muted(mutes.of)
	previous.Pending = nil
	if o.Stateless {
		previous = State{}
	}
	if r.Run.At.Before(previous.Run.At) && !previous.Run.At.After(now) {
		// A slow run, overtaken by one that looked later: what it saw is no news.
		return Planned{Next: previous, Unheard: previous, Report: r,
			OldestGapAge: oldest(previous.Gaps, now)}
	}
	l := newLifecycle(previous, r, mutes, now, o)
	gaps, changes := l.gaps()
	errs, errorChanges := l.errors()
	seen, notices := l.muteNotices()
	if o.Stateless {
		seen, notices = nil, nil // they would be announced on every run
	}
	noticed, fresh := l.reportNotices()
	if o.Stateless {
		fresh = nil // as would these
	}
	n := newDigest(l, changes, errorChanges, notices)
	n.reportNotices = fresh
	n.iamChanges = n.iamChangesAbout()

	unheard := previous
	unheard.SchemaVersion, unheard.Run, unheard.Gaps, unheard.Errors = StateVersion, r.Run, gaps, errs
	unheard.Run.Trigger = nil // a state does not grow with what happens around it
	n.identify(previous)
	next := unheard
	next.Notices = noticed
	if len(fresh) == 0 {
		unheard.Notices = noticed
	}
	next.Gaps, next.Errors, next.Mutes = markGapsNotified(gaps, changes, now, n.thread),
		markErrorsNotified(errs, errorChanges, now, n.thread), seen
	n.hasErrors = slices.ContainsFunc(next.Errors, func(e Error) bool { return e.What != "" })
	if next.Baseline.IsZero() {
		next.Baseline = now
	}
	p := Planned{Next: next, Unheard: next, Report: r}
	if !o.Stateless {
		p.OldestGapAge = oldest(next.Gaps, now)
		n.nextReminder = l.nextReminder(next)
	} else {
		p.Next, p.Unheard = State{}, State{}
	}
	if n.silent() {
		return p
	}
	if !o.Stateless {
		p.Next.Announced = n.key
		p.Unheard = unheard
	}
	p.Reasons, p.DedupKey, p.Message = n.reasons(), n.key, n.message()
	return p
}

// oldest is how long the oldest gap has been open that nobody muted.
func oldest(gaps []Gap, now time.Time) *time.Duration {
	var age time.Duration
	for _, g := range gaps {
		if g.Closed.IsZero() && !g.Muted {
			age = max(age, now.Sub(g.Since))
		}
	}
	return &age
}

// nextReminder is when something is told again if nothing changes, or zero. A gap that nobody can
// see is not told again.
func (l *lifecycle) nextReminder(s State) (at time.Time) {
	soonest := func(t time.Time) {
		if at.IsZero() || t.Before(at) {
			at = t
		}
	}
	for _, g := range s.Gaps {
		if f, inReport := l.seen[g.Identity]; inReport && f.Gap() && !g.Notified.IsZero() {
			soonest(g.Notified.Add(l.options.wait(g.Reminders, g.Severity == policies.Critical)))
		}
	}
	for _, e := range s.Errors {
		if !e.Notified.IsZero() {
			soonest(e.Notified.Add(l.options.wait(e.Reminders, false)))
		}
	}
	return at
}
