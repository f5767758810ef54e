package evidence

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// The model check plays every order of the steps of two or three runs, over a bucket in memory.
//
// A run is a goroutine that stops before each step (a read, a write, a publish, a wait) until the
// schedule resumes it. One goroutine runs at a time, so a list of choices determines the whole
// schedule. A waiting run is resumed when the object changes. When all remaining runs wait, the
// clock advances. The next step of a run depends only on its history. So a schedule that reaches a
// known world (the same bucket, and runs with the same histories) is not continued.

var begin = time.Date(2026, 11, 14, 9, 0, 0, 0, time.UTC)

// A mishap is a fault in one step of one run. Steps count from 0 for each run.
type mishap struct {
	run, step int
	kind      mishapKind
}

type mishapKind int

const (
	none           mishapKind = iota
	crashBefore               // the process dies before the step
	crashAfter                // the process dies after the step
	lostReply                 // the reply of a write is lost, and the SDK's retry gets 412
	lostAllReplies            // the replies of a write and of all its retries are lost
	conflict                  // a write is refused with 409, though no other run wrote
	failed                    // a write fails without effect
	frozen                    // the process is frozen before the step until its lease is over
)

// An actor is one run.
type actor struct {
	name string
	gaps []string // the gaps that the run finds
	step int
	dead bool
	done bool
	// blocked is the version of the object that the run waits to see replaced, or awake or asleep.
	blocked int
	until   time.Time     // when the wait ends at the latest
	resume  chan struct{} // the schedule sends to let the run do one step
	history []string      // the steps of the run and their results
	err     error
}

const (
	awake  = -1
	asleep = -2 // frozen: only the clock ends the wait
)

// A world is a bucket, a topic, and the runs.
type world struct {
	t      testing.TB
	now    time.Time
	actors []*actor
	mishap mishap
	more   []mishap      // mishaps of other runs
	turn   chan struct{} // an actor sends when it stops or ends

	body    []byte
	version int
	sent    []string // subjects of the published messages
	steps   []string // the steps of all runs, for test errors
}

var errDied = errors.New("died")

// do waits for the actor's turn, then does one step of the actor, with the mishap if it is due.
func (w *world) do(a *actor, what string, step func() error) error {
	if a.dead {
		return errDied
	}
	w.turn <- struct{}{}
	<-a.resume
	if a.dead {
		return errDied
	}
	n := a.step
	a.step++
	kind := none
	for _, m := range append(w.more, w.mishap) {
		if a == w.actors[m.run] && n == m.step {
			kind = m.kind
		}
	}
	w.steps = append(w.steps,
		fmt.Sprintf("%s %s%s", a.name, what, [...]string{"", " (dies before)", " (dies after)",
			" (reply lost, then 412)", " (reply lost)", " (409)", " (fails)",
			" (after a freeze)"}[kind]))
	isWrite := strings.HasPrefix(what, "put")
	var err error
	switch {
	case kind == crashBefore:
		a.dead, err = true, errDied
	case kind == conflict && isWrite:
		err = ErrChanged
	case kind == failed && isWrite:
		err = errors.New("500")
	default:
		if kind == frozen {
			w.wait(a, asleep, Lease+time.Second)
		}
		err = step()
		switch {
		case kind == crashAfter:
			a.dead, err = true, errDied
		case kind == lostReply && isWrite && err == nil:
			err = ErrChanged
		case kind == lostAllReplies && isWrite:
			err = errors.New("no reply")
		}
	}
	a.history = append(a.history, fmt.Sprint(what, w.version, err))
	return err
}

// wait stops an actor until the object no longer has the version blocked, or d has passed.
func (w *world) wait(a *actor, blocked int, d time.Duration) {
	a.blocked, a.until = blocked, w.now.Add(d)
	w.turn <- struct{}{}
	<-a.resume
	a.blocked = awake
}

// actorBucket is the bucket that one actor uses.
type actorBucket struct {
	w *world
	a *actor
}

func etag(version int) string { return fmt.Sprint(version) }

func (v actorBucket) Get(_ context.Context, key string) (body []byte, mark string, err error) {
	err = v.w.do(v.a, "get", func() error {
		if v.w.version == 0 {
			return ErrMissing
		}
		body, mark = v.w.body, etag(v.w.version)
		return nil
	})
	return body, mark, err
}

func (v actorBucket) Put(_ context.Context, key string, body []byte,
	when Condition) (mark string, err error) {
	what := "put"
	if s, err := alert.ParseState(body); err == nil && s.Pending != nil {
		what = "put claim"
	}
	err = v.w.do(v.a, what, func() error {
		if when.absent && v.w.version > 0 || when.etag != "" && when.etag != etag(v.w.version) {
			return ErrChanged
		}
		v.w.body = body
		v.w.version++
		mark = etag(v.w.version)
		return nil
	})
	return mark, err
}

// plan returns a function that announces the gaps that the state does not contain, and adds them to
// the state. The tests use it instead of alert.Plan, which has its own tests.
func plan(gaps []string, run string) func(View) Plan {
	return func(v View) Plan {
		var added []string
		next := v.State
		next.Gaps = slices.Clone(v.State.Gaps)
		for _, name := range gaps {
			if slices.ContainsFunc(next.Gaps, func(g alert.Gap) bool { return g.Action == name }) {
				continue
			}
			added = append(added, name)
			next.Gaps = append(next.Gaps,
				alert.Gap{Identity: alert.Identity{Target: "user/u", Policy: policies.User, Action: name},
					Status: audit.Missing, Severity: policies.High, Since: begin, Opened: 1})
		}
		undelivered := v.State
		next.Run = audit.Run{ID: run, At: begin}
		undelivered.Run = next.Run
		p := Plan{Planned: alert.Planned{Next: next, NextUndelivered: undelivered}}
		if len(added) > 0 {
			p.Message = alert.Message{Subject: strings.Join(added, "+")}
			p.Digest = &alert.Digest{DedupKey: p.Message.Subject}
		}
		return p
	}
}

func (w *world) start(a *actor) {
	a.blocked = awake
	a.resume = make(chan struct{})
	l := &Ledger{Objects: actorBucket{w, a}, Key: "state/1/a.json", Owner: a.name, Run: a.name,
		Now: func() time.Time { return w.now }}
	l.sleep = func(_ context.Context, d time.Duration) error {
		if a.dead {
			return errDied
		}
		w.wait(a, w.version, d)
		a.history = append(a.history, fmt.Sprint("waited", w.now))
		return nil
	}
	go func() {
		_, a.err = l.Announce(context.Background(), true, plan(a.gaps, a.name),
			func(_ context.Context, m alert.Message) error {
				err := w.do(a, "publish "+m.Subject, func() error {
					w.sent = append(w.sent, m.Subject)
					return nil
				})
				return err
			})
		a.done = true
		w.turn <- struct{}{}
	}()
	<-w.turn // wait until the actor stops before its first step
}

// run plays one schedule, and returns the number of actors to choose from at each point. A choice
// counts modulo that number. After the last choice, run always resumes the first ready actor. isNew
// is false if the schedule reaches a known world.
func (w *world) run(choices []int, seen map[[sha256.Size]byte]bool) (options []int, isNew bool) {
	for _, a := range w.actors {
		w.start(a)
	}
	for {
		if len(options) >= len(choices) && seen != nil {
			key := w.key()
			if seen[key] {
				w.end()
				return options, false
			}
			seen[key] = true
		}
		var ready, waiting []*actor
		for _, a := range w.actors {
			switch {
			case a.done:
			case a.blocked == awake, a.blocked >= 0 && a.blocked != w.version, !w.now.Before(a.until):
				ready = append(ready, a)
			default:
				waiting = append(waiting, a)
			}
		}
		if len(ready) == 0 {
			if len(waiting) == 0 {
				return options, true
			}
			next := slices.MinFunc(waiting, func(a, b *actor) int { return a.until.Compare(b.until) })
			w.now = next.until
			ready = []*actor{next}
		}
		choice := 0
		if n := len(options); n < len(choices) {
			choice = choices[n] % len(ready)
		}
		options = append(options, len(ready))
		ready[choice].resume <- struct{}{}
		<-w.turn
	}
}

// key identifies the world: worlds with equal keys continue in the same ways.
func (w *world) key() [sha256.Size]byte {
	var b strings.Builder
	sent := slices.Sorted(slices.Values(w.sent))
	fmt.Fprintln(&b, w.now, w.version, string(w.body), sent)
	for _, a := range w.actors {
		fmt.Fprintln(&b, a.done, a.dead, a.blocked, a.blocked != awake && w.now.Before(a.until), a.until,
			a.history)
	}
	return sha256.Sum256([]byte(b.String()))
}

// end makes every run die, so that its goroutine ends.
func (w *world) end() {
	for _, a := range w.actors {
		for !a.done {
			a.dead = true
			a.resume <- struct{}{}
			<-w.turn
		}
	}
}

// later plays one more run after every lease has ended. The run finds the given gaps.
func (w *world) later(gaps []string) {
	w.now = w.now.Add(Lease + time.Second)
	w.mishap, w.more = mishap{kind: none}, nil
	w.actors = []*actor{{name: "later", gaps: gaps}}
	w.run(nil, nil)
}

// explore plays every schedule of the runs with one mishap, calls check after each, and returns the
// number of schedules. Each element of runs contains the gaps that one run finds.
func explore(t *testing.T, m mishap, runs [][]string, check func(*world)) (schedules int) {
	t.Helper()
	var choices []int
	seen := make(map[[sha256.Size]byte]bool)
	for {
		w := &world{t: t, now: begin, mishap: m, turn: make(chan struct{})}
		for i, gaps := range runs {
			w.actors = append(w.actors, &actor{name: string(rune('A' + i)), gaps: gaps})
		}
		options, isNew := w.run(choices, seen)
		if isNew {
			check(w)
		}
		schedules++
		if t.Failed() {
			t.Fatalf("schedule %d, mishap %+v:\n%s\nsent %q", schedules, m, strings.Join(w.steps, "\n"),
				w.sent)
		}
		// Choose the next schedule in depth-first order: the last choice that has another option takes
		// that option.
		for len(choices) < len(options) {
			choices = append(choices, 0)
		}
		last := len(choices) - 1
		for last >= 0 && choices[last]+1 >= options[last] {
			last--
		}
		if last < 0 {
			return schedules
		}
		choices = append(choices[:last:last], choices[last]+1)
	}
}

// copies counts the sent messages that announce a gap.
func (w *world) copies(gap string) (n int) {
	for _, m := range w.sent {
		if slices.Contains(strings.Split(m, "+"), gap) {
			n++
		}
	}
	return n
}

// diedUnconfirmed reports whether the mishap occurred when or after the run published a message, at
// the latest during the confirmation.
func (w *world) diedUnconfirmed() bool {
	published := false
	for _, s := range w.steps {
		name, what, _ := strings.Cut(s, " ")
		if name != string(rune('A'+w.mishap.run)) {
			continue
		}
		switch {
		case strings.HasPrefix(what, "publish") && strings.HasSuffix(what, "(dies after)"):
			return true
		case strings.HasPrefix(what, "publish") && !strings.Contains(what, "("):
			published = true
		case what == "put" && published:
			return false
		case published && (strings.Contains(what, "(dies") || strings.Contains(what, "(fails)") ||
			strings.Contains(what, "(reply lost)")):
			return true
		}
	}
	return false
}

func TestEveryOrderOfStepsSendsOneCopy(t *testing.T) {
	tests := []struct {
		name string
		runs [][]string
		gaps []string
	}{
		{"two runs that find the same gap", [][]string{{"g"}, {"g"}}, []string{"g"}},
		{"two runs, one of which finds more gaps", [][]string{{"g"}, {"g", "h"}}, []string{"g", "h"}},
		{"two runs, one of which finds nothing", [][]string{{"g"}, nil}, []string{"g"}},
		{"three runs that find the same gap", [][]string{{"g"}, {"g"}, {"g"}}, []string{"g"}},
		{"three runs that find different gaps", [][]string{{"g"}, {"h"}, {"g", "h"}},
			[]string{"g", "h"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n := explore(t, mishap{}, tt.runs, func(w *world) {
				for _, gap := range tt.gaps {
					if got := w.copies(gap); got != 1 {
						t.Errorf("%d copies of %s", got, gap)
					}
				}
				for _, a := range w.actors {
					if a.err != nil {
						t.Errorf("%s: %v", a.name, a.err)
					}
				}
				if s, err := alert.ParseState(w.body); err != nil || s.Pending != nil ||
					len(s.Gaps) != len(tt.gaps) {
					t.Errorf("at the end the state is %s, %v", w.body, err)
				}
			})
			t.Logf("%d schedules", n)
		})
	}
}

// exploreMishaps calls explore with each kind of mishap, at each step that the first run takes in
// any schedule.
func exploreMishaps(t *testing.T, kinds []mishapKind, runs [][]string,
	check func(*world)) (schedules int) {
	t.Helper()
	for _, kind := range kinds {
		for step, reached := 0, true; reached; step++ {
			reached = false
			schedules += explore(t, mishap{step: step, kind: kind}, runs, func(w *world) {
				reached = reached || w.actors[0].step > step
				check(w)
			})
		}
	}
	return schedules
}

func TestRunThatDiesLosesNoMessage(t *testing.T) {
	t.Parallel()
	check := func(w *world) {
		unconfirmed := w.diedUnconfirmed()
		// The surviving runs have announced all gaps, so a later run announces nothing.
		for _, after := range []bool{false, true} {
			if after {
				w.later([]string{"g", "h"})
			}
			for _, gap := range []string{"g", "h"} {
				if got := w.copies(gap); got != 1 && (!unconfirmed || got != 2) {
					t.Errorf("%d copies of %s (died between publish and confirm: %v)", got, gap, unconfirmed)
				}
			}
		}
	}
	n := exploreMishaps(t, []mishapKind{crashBefore, crashAfter}, [][]string{{"g"}, {"g", "h"}}, check)
	if !testing.Short() { // dying after a step has the same effect as dying before the next step
		n += exploreMishaps(t, []mishapKind{crashBefore}, [][]string{{"g"}, {"g", "h"}, {"g"}}, check)
	}
	t.Logf("%d schedules", n)
}

// TestClaimOfDeadRunIsSent checks that the message that a dead run claimed is sent, even if no
// later run finds its gaps.
func TestClaimOfDeadRunIsSent(t *testing.T) {
	t.Parallel()
	exploreMishaps(t, []mishapKind{crashBefore, crashAfter}, [][]string{{"g"}}, func(w *world) {
		claimed := slices.ContainsFunc(w.steps, func(s string) bool {
			return strings.HasPrefix(s, "A put claim") && !strings.Contains(s, "dies before")
		})
		unconfirmed := w.diedUnconfirmed()
		w.later(nil)
		if got := w.copies("g"); claimed && got != 1 && (!unconfirmed || got != 2) ||
			!claimed && got != 0 {
			t.Errorf("%d copies; the message was claimed: %v", got, claimed)
		}
	})
}

// TestFrozenRunOverwritesNothing checks that a run that Lambda freezes for longer than its lease
// does not overwrite the newer state. Another run takes over the claim of the frozen run, which may
// send its message a second time.
func TestFrozenRunOverwritesNothing(t *testing.T) {
	t.Parallel()
	n := exploreMishaps(t, []mishapKind{frozen}, [][]string{{"g"}, {"g", "h"}}, func(w *world) {
		w.later([]string{"g", "h"})
		if g, h := w.copies("g"), w.copies("h"); g < 1 || g > 2 || h != 1 {
			t.Errorf("%d copies of g, want 1 or 2; %d copies of h, want 1", g, h)
		}
	})
	t.Logf("%d schedules", n)
}

func TestWriteWithoutReplyLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	n := exploreMishaps(t, []mishapKind{lostReply, lostAllReplies, conflict, failed},
		[][]string{{"g"}, {"g"}}, func(w *world) {
			if took := w.now.Sub(begin); took >= Lease {
				t.Errorf("the runs waited %s: a run did not recognize its own claim", took)
			}
			w.later([]string{"g"})
			if got := w.copies("g"); got != 1 {
				t.Errorf("%d copies, want 1", got)
			}
		})
	t.Logf("%d schedules", n)
}
