package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

const (
	// Lease is how long a claim reserves a message for the run that claimed the message. After that,
	// another run takes the message over.
	Lease = 20 * time.Second
	// publishMargin is how long before the end of its lease a run stops publishing.
	publishMargin = 5 * time.Second
	// minPoll and maxPoll bound the interval at which a run reads another run's claim again.
	minPoll, maxPoll = 100 * time.Millisecond, 2 * time.Second
	// writeAttempts is how often a write with an unknown outcome is tried. Each attempt already
	// includes the retries of the SDK.
	writeAttempts = 2
	// maxLostWrites is the number of lost writes after which a run publishes without a claim. A write
	// is lost if another run wrote first. Normally each lost write means that another run made
	// progress. The limit ends the loop if S3 answers every write with a conflict.
	maxLostWrites = 10
	// maxRefused is the number of messages of one run that a topic may refuse. After the first one, a
	// shorter message is planned.
	maxRefused = 2
	// maxTakeovers is how often a claim is taken over. A claim that no run can send must not keep the
	// alerts of later runs from being sent.
	maxTakeovers = 3
)

// A Ledger announces the report of one run of an auditor.
type Ledger struct {
	// Objects is the evidence bucket. With nil there is no state: every run announces all gaps.
	Objects Objects
	// Key is the key of the state: StateKey.
	Key string
	// Owner identifies this run in claims. It is unique: a second attempt at the same event has
	// another Owner.
	Owner string
	// Run is the id of the run.
	Run string
	// Now is the clock.
	Now func() time.Time

	sleep func(context.Context, time.Duration) error // nil means a timer
}

// A View is the state that a message is planned from.
type View struct {
	// State is the last confirmed state. It is zero if there is no state or if the state is
	// unreadable.
	State alert.State
	// Stateless is true if the run cannot store a state: see alert.Options.
	Stateless bool
	// Problem describes why the state is unreadable. It is nil if the state is readable.
	Problem *audit.Problem
}

// A Plan is what a run decided, and the message that announces it.
type Plan struct {
	alert.Planned
	// Message announces the digest of Planned. It is zero if there is no digest.
	Message alert.Message
}

// An Outcome is the result of Announce.
type Outcome struct {
	// Plan is the message and the next state of this run.
	Plan Plan
	// Published counts the messages that this run sent: its own message, and the messages of runs that
	// died before the confirmation.
	Published int
	// StateErrors are failed reads and writes of the state. They do not fail the run, because a retry
	// of the run would notify again.
	StateErrors []error

	// stored is the last state that this run wrote; nil for none.
	stored *storedState
}

// ErrBusy is the error of a run that reaches its deadline while another run is announcing.
var ErrBusy = errors.New("another run held the state until the deadline of this run, so this run " +
	"sent no alert: the next run sends it")

// Announce plans a message, publishes it, and stores the next state. If hasSubscriber is false, it
// publishes nothing, and nothing counts as announced. The error is that of publish, or ErrBusy.
// Failed reads and writes of the state are in the outcome, and do not prevent the message.
//
// Announce calls plan again if another run stores a state before this run can.
func (l *Ledger) Announce(ctx context.Context, hasSubscriber bool, plan func(View) Plan,
	publish func(context.Context, alert.Message) error) (Outcome, error) {
	a := &announcement{Ledger: l, hasSubscriber: hasSubscriber, plan: plan, publish: publish}
	err := a.run(ctx)
	return a.outcome, err
}

// An announcement is one call of Announce.
type announcement struct {
	*Ledger
	hasSubscriber bool
	plan          func(View) Plan
	publish       func(context.Context, alert.Message) error
	outcome       Outcome

	// lastBody is the last state that this run wrote or tried to write. If the run reads the same
	// bytes back, the write succeeded.
	lastBody []byte
	// unknownWrites counts writes with an unknown outcome. lostWrites counts writes that failed
	// because another run wrote first.
	unknownWrites, lostWrites int
	pollInterval              time.Duration
	brokenCopied              bool // an unreadable state was copied to brokenKey

	// refused counts the messages of this run that were refused for good. refusal describes the last
	// message that was given up, to announce that if the state cannot be written.
	refused int
	refusal *alert.Refused
	// claimVersion is the version of the state with the claim of another run, and claimSeen when this
	// run first read that version.
	claimVersion Condition
	claimSeen    time.Time
}

// A storedState is the state as it was read.
type storedState struct {
	body      []byte
	state     alert.State
	overwrite Condition // the condition of a write that replaces this state
	// problem is set for an unreadable state.
	problem *audit.Problem
}

func (a *announcement) run(ctx context.Context) error {
	if a.Objects == nil {
		return a.publishWithoutClaim(ctx, View{Stateless: true})
	}
	for {
		stored, err := a.readState(ctx)
		if err != nil {
			a.addStateError(err)
			return a.publishWithoutClaim(ctx, View{Stateless: true, Problem: &audit.Problem{
				What: "the auditor's state, " + a.Key + " in the evidence bucket", Why: err.Error(),
			}})
		}
		view := View{State: stored.state, Problem: stored.problem}
		view.State.Pending = nil
		pending := stored.state.Pending
		ownWrite := a.lastBody != nil && bytes.Equal(stored.body, a.lastBody)
		switch {
		case pending != nil && ownWrite:
			// This run wrote the claim, but the reply to the write was lost.
			if done, err := a.publishClaim(ctx, stored, view); done {
				return err
			}
			continue
		case ownWrite:
			a.outcome.stored = &stored
			return nil
		case pending != nil && a.Now().Before(a.leaseEnd(stored)):
			if err := a.wait(ctx, a.leaseEnd(stored)); err != nil {
				a.outcome.Plan = a.plan(view)
				return ErrBusy
			}
			continue
		}
		var claim *alert.Pending
		if pending != nil && a.hasSubscriber && !a.gaveUp(pending, &view) {
			claim = pending // the run that made this claim is dead
			claim.Takeovers++
		} else {
			p := a.plan(view)
			a.outcome.Plan = p
			if p.Message.Zero() || !a.hasSubscriber {
				next := p.Next
				if !p.Message.Zero() {
					next = p.NextUndelivered
				}
				if _, err = a.writeState(ctx, next, stored.overwrite); err == nil {
					return nil
				}
			} else {
				claim = &alert.Pending{ID: a.Owner, DedupKey: p.Digest.DedupKey, Message: p.Message,
					Next: p.Next}
			}
		}
		if claim != nil {
			claim.Owner, claim.Until = a.Owner, a.Now().UTC().Add(Lease)
			next := view.State
			next.Pending = claim
			var claimed storedState
			if claimed, err = a.writeState(ctx, next, stored.overwrite); err == nil {
				if done, err := a.publishClaim(ctx, claimed, view); done {
					return err
				}
				continue
			}
		}
		if errors.Is(err, ErrChanged) {
			a.lostWrites++
		} else {
			a.unknownWrites++
		}
		if a.lostWrites == maxLostWrites || a.unknownWrites == writeAttempts {
			// The state is readable but not writable. Notify anyway; the next run will notify again.
			a.addStateError(err)
			return a.publishWithoutClaim(ctx, view)
		}
	}
}

// readState reads the state. It copies an unreadable state to brokenKey, and returns an empty state
// with a problem instead. The state of a newer release is an error.
func (a *announcement) readState(ctx context.Context) (storedState, error) {
	ctx, stop := withThirdOfDeadline(ctx)
	defer stop()
	body, etag, err := a.Objects.Get(ctx, a.Key)
	if errors.Is(err, ErrMissing) {
		return storedState{overwrite: IfAbsent()}, nil
	}
	if err != nil {
		return storedState{}, err
	}
	stored := storedState{body: body, overwrite: IfMatch(etag)}
	stored.state, err = alert.ParseState(body)
	if err == nil || errors.Is(err, alert.ErrNewerState) {
		return stored, err
	}
	stored.state = alert.State{}
	stored.problem = &audit.Problem{
		What: "the auditor's state, " + a.Key + " in the evidence bucket", Why: err.Error(),
		Remedy: "no action needed: the auditor keeps a copy of the damaged state, and announces all " +
			"open gaps again",
	}
	if !a.brokenCopied {
		a.brokenCopied = true
		a.addStateError(fmt.Errorf("%s: %w", a.Key, err))
		if _, err := a.Objects.Put(ctx, brokenKey(a.Key, a.Run), body, IfAbsent()); err != nil &&
			!errors.Is(err, ErrChanged) {
			a.addStateError(err)
		}
	}
	return stored, nil
}

// writeState writes a state, and returns it as readState would.
func (a *announcement) writeState(ctx context.Context, s alert.State,
	when Condition) (storedState, error) {
	body := s.JSON()
	if _, err := alert.ParseState(body); err != nil {
		return storedState{},
			fmt.Errorf("%s: state not written, because no run could read it: %w", a.Key, err)
	}
	ctx, stop := withThirdOfDeadline(ctx)
	defer stop()
	a.lastBody = body
	etag, err := a.Objects.Put(ctx, a.Key, body, when)
	written := storedState{body: body, state: s, overwrite: IfMatch(etag)}
	if err == nil {
		a.outcome.stored = &written
	}
	return written, err
}

// publishClaim publishes a message that this run has claimed, and confirms the claim. done is true
// if Announce is done. A run that published the message of a dead run still has to plan its own
// message.
func (a *announcement) publishClaim(ctx context.Context, stored storedState,
	view View) (done bool, err error) {
	claim := stored.state.Pending
	own := claim.ID == a.Owner
	if err = a.publishWithinLease(ctx, claim); err == nil {
		a.outcome.Published++
		a.replaceClaim(ctx, stored, claim.Next)
		a.lastBody = nil
		return own, nil
	}
	var refused *alert.RefusedError
	if errors.As(err, &refused) {
		view.State = a.giveUp(claim.Message, view.State, err)
		withdrawn := a.replaceClaim(ctx, stored, view.State)
		a.lastBody = nil
		if own && !refused.Content || a.refused >= maxRefused {
			if !own {
				a.outcome.Plan = a.plan(view)
			}
			return true, err
		}
		a.addStateError(err)
		if !withdrawn {
			return true, a.publishWithoutClaim(ctx, view)
		}
		return false, nil // plan a message that announces this, too
	}
	// Nothing was announced. Withdraw this run's own claim, so that the next run need not wait. Keep
	// the claim of a dead run: its message may announce gaps that no later run finds.
	if own {
		a.replaceClaim(ctx, stored, view.State)
	} else {
		a.outcome.Plan = a.plan(view)
	}
	return true, err
}

// gaveUp reports whether the claim of a dead run was taken over too often. It then gives the claim
// up in the view: the claim or the state of this run replaces it.
func (a *announcement) gaveUp(pending *alert.Pending, view *View) bool {
	if pending.Takeovers < maxTakeovers {
		return false
	}
	err := fmt.Errorf("%d runs could not send the alert %s", pending.Takeovers+1, pending.DedupKey)
	a.addStateError(err)
	view.State = a.giveUp(pending.Message, view.State, err)
	return true
}

// giveUp returns the last confirmed state with a message that was given up, and counts the message.
func (a *announcement) giveUp(m alert.Message, confirmed alert.State, err error) alert.State {
	a.refused++
	confirmed = confirmed.GiveUp(m, err, a.Now())
	a.refusal = confirmed.Refused
	return confirmed
}

// leaseEnd returns when the lease of a claim ends. The time in the claim comes from another clock.
// It is not believed if it is more than a lease after this run first read the claim: the owner made
// the claim before that, and stops publishing before the end of its lease.
func (a *announcement) leaseEnd(stored storedState) time.Time {
	if a.claimVersion != stored.overwrite || a.claimSeen.IsZero() {
		a.claimVersion, a.claimSeen = stored.overwrite, a.Now()
	}
	if latest := a.claimSeen.Add(Lease); stored.state.Pending.Until.After(latest) {
		return latest
	}
	return stored.state.Pending.Until
}

// publishWithinLease publishes a claimed message, and stops before the lease or the deadline ends.
func (a *announcement) publishWithinLease(ctx context.Context, claim *alert.Pending) error {
	timeLeft := claim.Until.Sub(a.Now()) - publishMargin
	if deadline, ok := ctx.Deadline(); ok {
		timeLeft = min(timeLeft, time.Until(deadline)*3/4) // the rest is for replaceClaim
	}
	ctx, stop := context.WithTimeout(ctx, timeLeft)
	defer stop()
	return a.publish(ctx, claim.Message)
}

// replaceClaim replaces a claim of this run by next: the state after the message, or the state
// before the claim. It reports whether the claim is gone.
func (a *announcement) replaceClaim(ctx context.Context, claimed storedState,
	next alert.State) bool {
	var err error
	for range writeAttempts {
		var etag string
		if etag, err = a.Objects.Put(ctx, a.Key, next.JSON(), claimed.overwrite); err == nil {
			a.outcome.stored = &storedState{state: next, overwrite: IfMatch(etag)}
			return true
		}
		current, errRead := a.readState(ctx)
		if errRead == nil && !bytes.Equal(current.body, claimed.body) {
			return true // the write succeeded, or another run took the claim over
		}
		err = errors.Join(err, errRead)
	}
	a.addStateError(err)
	return false
}

// publishWithoutClaim publishes a message without storing a claim or a state.
func (a *announcement) publishWithoutClaim(ctx context.Context, view View) error {
	for {
		if a.refusal != nil {
			view.State.Refused = a.refusal
		}
		p := a.plan(view)
		a.outcome.Plan = p
		if p.Message.Zero() || !a.hasSubscriber {
			return nil
		}
		err := a.publish(ctx, p.Message)
		var refused *alert.RefusedError
		switch {
		case err == nil:
			a.outcome.Published++
			return nil
		case !errors.As(err, &refused):
			return err
		}
		view.State = a.giveUp(p.Message, view.State, err)
		if !refused.Content || a.refused >= maxRefused {
			return err
		}
		a.addStateError(err)
	}
}

// wait sleeps for one poll interval while another run announces, at most until that run's claim
// ends. It returns an error if ctx ends first.
func (a *announcement) wait(ctx context.Context, until time.Time) error {
	a.pollInterval = min(max(2*a.pollInterval, minPoll), maxPoll)
	d := min(a.pollInterval, max(until.Sub(a.Now()), minPoll))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	if a.sleep != nil {
		return a.sleep(ctx, d)
	}
	timer, stop := context.WithTimeout(ctx, d)
	defer stop()
	<-timer.Done()
	return ctx.Err()
}

func (a *announcement) addStateError(err error) {
	a.outcome.StateErrors = append(a.outcome.StateErrors, err)
}

// withThirdOfDeadline returns a context that ends after a third of the remaining time. If a call to
// the bucket hangs, the other two thirds remain for the alert.
func withThirdOfDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/3)
}
