package alert

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// Options are what Plan goes by beside what it is about. The zero value remembers nothing, and reminds
// on every run.
type Options struct {
	// Stateless says that there is no memory, because there is no evidence bucket or because what is in
	// it may not be overwritten: every failing run alerts. The previous state is ignored, and Next and
	// Unheard are not to be stored.
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
	// not be read. They are announced at once, as auditor errors. Their Target is empty.
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
	// Next is to be stored once the message is out, or at once when there is none.
	Next State
	// Unheard is to be stored instead of Next when nobody is subscribed: what is known is remembered, and
	// nothing counts as announced.
	Unheard State
	// Report is the given one with the mutes applied.
	Report audit.Report
	// OldestGapAge is how long the oldest gap that is not muted has been open; zero without gaps, nil
	// without a memory.
	OldestGapAge *time.Duration
}

// Plan decides what is to be said about a report. It is a function of its arguments: the same ones give
// the same plan, and with the state it returns the same report gives none until a reminder is due.
func Plan(previous State, r audit.Report, mutes Mutes, now time.Time, o Options) Planned {
	r = r.Muted(mutes.inForce(now).of)
	p := Planned{Next: previous, Unheard: previous, Report: r}
	if m, ok := Compose(r, o.Sender); ok {
		p.Message, p.DedupKey = m, DedupKey(r)
	}
	return p
}
