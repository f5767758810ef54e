package alert

import (
	"reflect"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Without a memory every failing run alerts, with the key that equal announcements share, and a run
// that is fine says nothing.
func TestStateless(t *testing.T) {
	s := newStory(t)
	s.options.Stateless = true
	s.state = State{Baseline: start, Gaps: []Gap{{Identity: Identity{Target: "user/u"}}}}
	a := finding("user/u", "a", audit.Missing, policies.High)
	r := made([]string{"user/u"}, a)
	first, second := s.run(r), s.after(hour, r)
	if told(first) != "opened a" || told(second) != "opened a" || first.DedupKey != second.DedupKey ||
		first.OldestGapAge != nil {
		t.Errorf("told %q (%s), %q (%s), age %v", told(first), first.DedupKey, told(second),
			second.DedupKey, first.OldestGapAge)
	}
	if got := told(s.after(hour,
		made([]string{"user/u", "user/v"},
			finding("user/u", "a", audit.Unverified, policies.High)))); got != "auditor_error user/u" {
		t.Errorf("a blind target is told as %q", got)
	}
	if got := told(s.after(hour, made([]string{"user/u"}))); got != "" {
		t.Errorf("a run that is fine tells %q", got)
	}
	if !reflect.DeepEqual(first.Next, State{}) || !reflect.DeepEqual(first.Unheard, State{}) {
		t.Error("there is something to store")
	}
	other := s.after(hour,
		made([]string{"user/u"}, a, finding("user/u", "b", audit.Missing, policies.High)))
	if other.DedupKey == first.DedupKey {
		t.Error("another announcement has the same key")
	}
	s.mutes = Mutes{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.now.Add(day)}}
	if p := s.run(r); told(p) != "" || p.Report.Summary.GapsMuted != 1 {
		t.Errorf("what is muted tells %q, %+v", told(p), p.Report.Summary)
	}
}

// With nobody subscribed nothing counts as announced: the next run announces again, with what is
// known since when, and what recovered meanwhile was never told.
func TestNobodyListens(t *testing.T) {
	u := []string{"user/u", "user/v"}
	a, b := finding("user/u", "a", audit.Missing, policies.High),
		finding("user/u", "b", audit.Missing, policies.High)
	s := newStory(t)
	s.deaf = true
	expect := func(p Planned, want string) {
		t.Helper()
		if got := told(p); got != want {
			t.Fatalf("after %s: told %q, want %q", s.now.Sub(start), got, want)
		}
	}
	expect(s.run(made(u, a, b)), "baseline a, baseline b")
	expect(s.after(hour, made(u, a, b)), "baseline a, baseline b")
	expect(s.after(hour, made(u, a)), "baseline a")
	s.deaf = false
	p := s.after(hour, made(u, a))
	expect(p, "baseline a")
	if since := decoded(p.Message).Announcements[0].Since; !since.Equal(start) ||
		*p.OldestGapAge != 3*hour {
		t.Errorf("since %s, age %s", since, *p.OldestGapAge)
	}
	s.deaf = true
	expect(s.after(hour, made(u)), "recovered a over")
	expect(s.after(hour, made(u)), "recovered a over")
	expect(s.after(hour, made(u, a)), "") // it is there after all, and that was told
	blind := finding("user/v", "a", audit.Unverified, policies.High)
	expect(s.after(hour, made(u, a, blind)), "")
	expect(s.after(hour, made(u, a, blind)), "auditor_error user/v")
	s.mutes = Mutes{{Sid: "other", Owner: "kim", Reason: "r", Until: s.now.Add(90 * day)}}
	expect(s.after(hour, made(u, a, blind)),
		"auditor_error user/v, notice of sid other new: it hides nothing")
	s.deaf = false
	expect(s.after(hour, made(u, a, blind)),
		"auditor_error user/v, notice of sid other new: it hides nothing")
	expect(s.after(hour, made(u, a, blind)), "")
}

// Two runs that overlap and plan from the same state announce the same, under one key; what is
// announced later never has it again.
func TestOverlappingRunsShareTheKey(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	s := newStory(t)
	s.run(made(u))
	before := s.state
	r := made(u, a)
	r.Run = audit.Run{ID: "x", At: s.now.Add(hour)}
	other := r
	other.Run = audit.Run{ID: "y", At: s.now.Add(hour + time.Second)}
	one := Plan(before, r, nil, s.now.Add(hour+20*time.Second), s.options)
	two := Plan(before, other, nil, s.now.Add(hour+30*time.Second), s.options)
	if one.DedupKey != two.DedupKey || one.Message.Zero() {
		t.Errorf("keys %q and %q", one.DedupKey, two.DedupKey)
	}
	claimed := before
	claimed.Pending = &Pending{ID: "p", Message: one.Message, Next: one.Next}
	if p := Plan(claimed, r, nil, s.now.Add(hour), s.options); p.Next.Pending != nil ||
		p.Unheard.Pending != nil {
		t.Error("a claim is part of what is to be stored once it is settled")
	}
	// The second finds the first's state, and has nothing to add.
	if again := Plan(one.Next, other, nil, s.now.Add(hour+30*time.Second),
		s.options); !again.Message.Zero() {
		t.Errorf("told again: %q", told(again))
	}
	gone := Plan(one.Next, made(u), nil, s.now.Add(2*hour), s.options)
	back := Plan(gone.Next, r, nil, s.now.Add(3*hour), s.options)
	if one.DedupKey == back.DedupKey {
		t.Error("a gap that came back has the key of its first opening")
	}
}

// A run that looked before the one that is remembered brings no news: what it saw is past.
func TestOvertakenRun(t *testing.T) {
	u := []string{"user/u"}
	s := newStory(t)
	s.run(made(u))
	slow := made(u, finding("user/u", "a", audit.Missing, policies.High))
	slow.Run = audit.Run{ID: "slow", At: s.now.Add(hour)}
	s.after(2*hour, made(u))
	p := Plan(s.state, slow, nil, s.now.Add(time.Minute), s.options)
	if !p.Message.Zero() || !reflect.DeepEqual(p.Next, s.state) {
		t.Errorf("told %q, next %s", told(p), p.Next.JSON())
	}
	// A clock that was wrong once silences nobody.
	ahead := s.state
	ahead.Run.At = s.now.Add(1000 * day)
	if p := Plan(ahead, slow, nil, s.now.Add(time.Minute), s.options); told(p) != "opened a" {
		t.Errorf("with a state from the future: %q", told(p))
	}
}

// An opening that nobody heard of does not count, and the ones before it do.
func TestUnheardOpeningsDoNotCount(t *testing.T) {
	u := []string{"user/u"}
	there, gone := made(u, finding("user/u", "a", audit.Missing, policies.High)), made(u)
	s := newStory(t)
	s.run(there)
	s.after(hour, gone)
	s.mutes = Mutes{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.now.Add(4 * hour)}}
	s.after(hour, there)
	s.after(hour, gone)
	if a := decoded(s.after(2*hour, there).Message).Announcements; len(a) != 1 ||
		a[0].Event != ReasonReopened || a[0].Opened != 2 {
		t.Errorf("%+v", a)
	}
}

// Plan changes nothing that it is given, and gives the same for the same.
func TestPlanIsPure(t *testing.T) {
	d, s := newDrift(3), newStory(t)
	for range 30 {
		s.after(7*hour, d.step())
	}
	r := d.step()
	copied, err := ParseState(s.state.JSON())
	if err != nil {
		t.Fatal(err)
	}
	mutes := Mutes{{Target: "user/v", Owner: "o", Reason: "r", Until: s.now.Add(day)},
		{Target: "user/u", Owner: "o", Reason: "r", Until: s.now.Add(day)}}
	findings := len(r.Findings)
	one := Plan(s.state, r, mutes, s.now.Add(hour), s.options)
	two := Plan(s.state, r, mutes, s.now.Add(hour), s.options)
	if !reflect.DeepEqual(one, two) {
		t.Error("the same arguments give two plans")
	}
	if !reflect.DeepEqual(s.state, copied) || mutes[0].Target != "user/v" ||
		len(r.Findings) != findings {
		t.Error("an argument was changed")
	}
	for _, f := range r.Findings {
		if f.Muted != nil {
			t.Error("the report that was given is muted")
		}
	}
}

// What follows an announcement is in its chat thread; what is new starts one.
func TestThreads(t *testing.T) {
	u := []string{"user/u"}
	a, b := finding("user/u", "a", audit.Missing, policies.High),
		finding("user/u", "b", audit.Missing, policies.Low)
	b.Cause = audit.SCP
	s := newStory(t)
	thread := func(p Planned) string { return decoded(p.Message).ThreadID }
	s.run(made(u))
	opened := thread(s.after(hour, made(u, a)))
	other := thread(s.after(hour, made(u, a, b)))
	reminded := thread(s.after(23*hour, made(u, a, b)))
	gone := thread(s.after(hour, made(u, b)))
	back := thread(s.after(hour, made(u, a, b)))
	if opened == "" || other == opened || reminded != opened || gone != opened || back == opened {
		t.Errorf("opened %s, another %s, reminded %s, gone %s, back %s", opened, other, reminded, gone,
			back)
	}
}
