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
	// Lease is how long a run that claimed a message has for publishing it: after that another run
	// does.
	Lease = 20 * time.Second
	// margin is how long before the end of its lease a run stops publishing.
	margin = 5 * time.Second
	// shortestPoll and longestPoll are how often a claim of another run is looked at.
	shortestPoll, longestPoll = 100 * time.Millisecond, 2 * time.Second
	// attempts is how often a write is tried whose outcome is not known. The SDK has tried each
	// several times by then.
	attempts = 2
	// maxLost is how often a write may lose against others. Each time another run has got on, unless
	// S3 answers every write with a conflict.
	maxLost = 10
)

// A Ledger announces what one run of an auditor has to say.
type Ledger struct {
	// Objects is the evidence bucket. Nil is none: then there is no memory.
	Objects Objects
	// Key is where the state is kept: StateKey.
	Key string
	// Owner names this run, and no other: a second attempt at the same event has another name.
	Owner string
	// Run is the run's id.
	Run string
	// Now is the clock.
	Now func() time.Time

	sleep func(context.Context, time.Duration) error // nil is a timer
}

// A View is what there is to plan by.
type View struct {
	// State is the last confirmed one. It is zero if there is none, or none that can be read.
	State alert.State
	// Stateless says that nothing can be remembered, as alert.Options has it.
	Stateless bool
	// Trouble is what is wrong with the state. Nil is nothing.
	Trouble *audit.Problem
}

// An Outcome is what came of announcing.
type Outcome struct {
	// Planned is what this run had to say, and to remember.
	Planned alert.Planned
	// Published counts the messages this run sent: its own, and those of runs that died over them.
	Published int
	// Trouble is what went wrong with the state. It does not fail the run: a retry would alert again.
	Trouble []error
}

// ErrBusy is the error of a run that came to its end while another was announcing.
var ErrBusy = errors.New("another run is announcing, and this one's time is up: the next run " +
	"announces what is left")

// Announce decides by plan what to say, says it by publish, and stores what is to be remembered.
// heard says whether anybody is subscribed: if not, nothing is published and nothing counts as
// announced. The error is publish's, or ErrBusy; trouble with the state is in the outcome, and
// keeps no alert back.
//
// plan is called again when another run has stored something meanwhile.
func (l *Ledger) Announce(ctx context.Context, heard bool, plan func(View) alert.Planned,
	publish func(context.Context, alert.Message) error) (Outcome, error) {
	a := &announcement{Ledger: l, heard: heard, plan: plan, publish: publish}
	err := a.run(ctx)
	return a.out, err
}

// An announcement is one call of Announce.
type announcement struct {
	*Ledger
	heard   bool
	plan    func(View) alert.Planned
	publish func(context.Context, alert.Message) error
	out     Outcome

	// wanted is what this run has written last, or tried to: who reads it back knows that it was.
	wanted []byte
	// inDoubt counts writes of which is not known whether they were carried out, lost those that
	// others were ahead of.
	inDoubt, lost int
	poll          time.Duration
	kept          bool // a copy of a state that cannot be read
}

// A found is the state as read.
type found struct {
	raw   []byte
	state alert.State
	when  Condition // for writing over it
	// trouble is set for a state that was damaged.
	trouble *audit.Problem
}

func (a *announcement) run(ctx context.Context) error {
	if a.Objects == nil {
		return a.alone(ctx, View{Stateless: true})
	}
	for {
		at, err := a.read(ctx)
		if err != nil {
			a.trouble(err)
			return a.alone(ctx, View{Stateless: true, Trouble: &audit.Problem{
				What: "the auditor's state, " + a.Key + " in the evidence bucket", Why: err.Error(),
			}})
		}
		view := View{State: at.state, Trouble: at.trouble}
		view.State.Pending = nil
		pending := at.state.Pending
		written := a.wanted != nil && bytes.Equal(at.raw, a.wanted)
		switch {
		case pending != nil && written:
			// It is ours, and the reply to the write was lost.
			if over, err := a.deliver(ctx, at, view); over {
				return err
			}
			continue
		case written:
			return nil
		case pending != nil && a.Now().Before(pending.Until):
			if err := a.wait(ctx, pending.Until); err != nil {
				a.out.Planned = a.plan(view)
				return ErrBusy
			}
			continue
		}
		var claim alert.Pending
		if pending != nil && a.heard {
			claim = *pending // of a run that is gone
		} else {
			p := a.plan(view)
			a.out.Planned = p
			if p.Message.Zero() || !a.heard {
				next := p.Next
				if !p.Message.Zero() {
					next = p.Unheard
				}
				if _, err = a.write(ctx, next, at.when); err == nil {
					return nil
				}
			} else {
				claim = alert.Pending{ID: a.Owner, DedupKey: p.DedupKey, Message: p.Message, Next: p.Next}
			}
		}
		if claim.ID != "" {
			claim.Owner, claim.Until = a.Owner, a.Now().UTC().Add(Lease)
			next := view.State
			next.Pending = &claim
			var ours found
			if ours, err = a.write(ctx, next, at.when); err == nil {
				if over, err := a.deliver(ctx, ours, view); over {
					return err
				}
				continue
			}
		}
		if errors.Is(err, ErrChanged) {
			a.lost++
		} else {
			a.inDoubt++
		}
		if a.lost == maxLost || a.inDoubt == attempts {
			// It can be read and not written: what is new is told all the same, and again by the next run.
			a.trouble(err)
			return a.alone(ctx, view)
		}
	}
}

// read reads the state. One that is damaged is kept beside it, and is as good as none.
func (a *announcement) read(ctx context.Context) (found, error) {
	ctx, stop := part(ctx)
	defer stop()
	raw, etag, err := a.Objects.Get(ctx, a.Key)
	if errors.Is(err, ErrMissing) {
		return found{when: IfAbsent()}, nil
	}
	if err != nil {
		return found{}, err
	}
	at := found{raw: raw, when: IfMatch(etag)}
	at.state, err = alert.ParseState(raw)
	if err == nil || errors.Is(err, alert.ErrNewerState) {
		return at, err
	}
	at.state = alert.State{}
	at.trouble = &audit.Problem{
		What: "the auditor's state, " + a.Key + " in the evidence bucket", Why: err.Error(),
		Remedy: "nothing has to be done: a copy is kept beside it, and what is open is announced anew",
	}
	if !a.kept {
		a.kept = true
		a.trouble(fmt.Errorf("%s: %w", a.Key, err))
		if _, err := a.Objects.Put(ctx, brokenKey(a.Key, a.Run), raw, IfAbsent()); err != nil &&
			!errors.Is(err, ErrChanged) {
			a.trouble(err)
		}
	}
	return at, nil
}

// write stores a state, and returns it as it is read back.
func (a *announcement) write(ctx context.Context, s alert.State, when Condition) (found, error) {
	body := s.JSON()
	if _, err := alert.ParseState(body); err != nil {
		return found{}, fmt.Errorf("%s: not written, because no run could read it back: %w", a.Key, err)
	}
	ctx, stop := part(ctx)
	defer stop()
	a.wanted = body
	etag, err := a.Objects.Put(ctx, a.Key, body, when)
	return found{raw: body, state: s, when: IfMatch(etag)}, err
}

// deliver publishes what this run has claimed, and confirms that it is out. It reports whether that
// was all: a run that delivered for another has its own news to plan for.
func (a *announcement) deliver(ctx context.Context, at found, view View) (over bool, err error) {
	claim := at.state.Pending
	own := claim.ID == a.Owner
	if err = a.send(ctx, claim); err == nil {
		a.out.Published++
		a.confirm(ctx, at, claim.Next)
		a.wanted = nil
		return own, nil
	}
	// Nothing was announced, and whoever comes next need not wait. A message that was taken over stays
	// claimed: who claimed it is gone, and nobody else might find what it tells of.
	if own {
		a.confirm(ctx, at, view.State)
	} else {
		a.out.Planned = a.plan(view)
	}
	return true, err
}

// send publishes while nobody else may.
func (a *announcement) send(ctx context.Context, claim *alert.Pending) error {
	left := claim.Until.Sub(a.Now()) - margin
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline)*3/4) // the rest is for confirming
	}
	ctx, stop := context.WithTimeout(ctx, left)
	defer stop()
	return a.publish(ctx, claim.Message)
}

// confirm replaces a claim of this run by the state after it.
func (a *announcement) confirm(ctx context.Context, at found, after alert.State) {
	var err error
	for range attempts {
		if _, err = a.Objects.Put(ctx, a.Key, after.JSON(), at.when); err == nil {
			return
		}
		now, errRead := a.read(ctx)
		if errRead == nil && !bytes.Equal(now.raw, at.raw) {
			return // it was carried out, or another run has taken the claim over
		}
		err = errors.Join(err, errRead)
	}
	a.trouble(err)
}

// alone announces without a claim.
func (a *announcement) alone(ctx context.Context, view View) error {
	p := a.plan(view)
	a.out.Planned = p
	if p.Message.Zero() || !a.heard {
		return nil
	}
	if err := a.publish(ctx, p.Message); err != nil {
		return err
	}
	a.out.Published++
	return nil
}

// wait lets another run get on. Its error is the context's.
func (a *announcement) wait(ctx context.Context, until time.Time) error {
	a.poll = min(max(2*a.poll, shortestPoll), longestPoll)
	d := min(a.poll, max(until.Sub(a.Now()), shortestPoll))
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return context.DeadlineExceeded
	}
	if a.sleep != nil {
		return a.sleep(ctx, d)
	}
	waiting, stop := context.WithTimeout(ctx, d)
	defer stop()
	<-waiting.Done()
	return ctx.Err()
}

func (a *announcement) trouble(err error) { a.out.Trouble = append(a.out.Trouble, err) }

// part gives a call to the bucket a third of the time that is left, so that one that hangs does not
// eat up the time for the alert.
func part(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/3)
}
