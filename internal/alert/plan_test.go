package alert

import (
	"reflect"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestStateless checks that without a state every run with gaps sends a message, that the same gaps
// have the same key, and that a run without gaps sends no message.
func TestStateless(t *testing.T) {
	s := newStory(t)
	s.options.Stateless = true
	s.state = State{Baseline: start, Gaps: []Gap{{Identity: Identity{Target: "user/u"}}}}
	a := finding("user/u", "a", audit.Missing, policies.High)
	r := reportOf([]string{"user/u"}, a)
	first, second := s.run(r), s.after(hour, r)
	if announcements(first) != "opened a" || announcements(second) != "opened a" ||
		first.DedupKey != second.DedupKey ||
		first.OldestGapAge != nil {
		t.Errorf("announced %q (%s), %q (%s), age %v", announcements(first), first.DedupKey,
			announcements(second),
			second.DedupKey, first.OldestGapAge)
	}
	if got := announcements(s.after(hour,
		reportOf([]string{"user/u", "user/v"},
			finding("user/u", "a", audit.Unverified, policies.High)))); got != "auditor_error user/u" {
		t.Errorf("an unverified target is announced as %q", got)
	}
	if got := announcements(s.after(hour, reportOf([]string{"user/u"}))); got != "" {
		t.Errorf("a run without gaps announces %q", got)
	}
	if !reflect.DeepEqual(first.Next, State{}) || !reflect.DeepEqual(first.NextUndelivered, State{}) {
		t.Error("the plan has a state to store")
	}
	other := s.after(hour,
		reportOf([]string{"user/u"}, a, finding("user/u", "b", audit.Missing, policies.High)))
	if other.DedupKey == first.DedupKey {
		t.Error("another announcement has the same key")
	}
	s.mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.now.Add(day)}}
	if p := s.run(r); announcements(p) != "" || p.Report.Summary.GapsMuted != 1 {
		t.Errorf("a muted gap is announced: %q, %+v", announcements(p), p.Report.Summary)
	}
}

// TestTopicWithoutSubscription checks that without a confirmed subscription nothing counts as
// announced. The next run announces the gaps again, with the time at which they were found. If a
// gap recovers before a message reaches a subscriber, its recovery is not announced.
func TestTopicWithoutSubscription(t *testing.T) {
	u := []string{"user/u", "user/v"}
	a, b := finding("user/u", "a", audit.Missing, policies.High),
		finding("user/u", "b", audit.Missing, policies.High)
	s := newStory(t)
	s.noSubscribers = true
	expect := func(p Planned, want string) {
		t.Helper()
		if got := announcements(p); got != want {
			t.Fatalf("after %s: announced %q, want %q", s.now.Sub(start), got, want)
		}
	}
	expect(s.run(reportOf(u, a, b)), "baseline a, baseline b")
	expect(s.after(hour, reportOf(u, a, b)), "baseline a, baseline b")
	expect(s.after(hour, reportOf(u, a)), "baseline a")
	s.noSubscribers = false
	p := s.after(hour, reportOf(u, a))
	expect(p, "baseline a")
	if since := decoded(p.Message).Announcements[0].Since; !since.Equal(start) ||
		*p.OldestGapAge != 3*hour {
		t.Errorf("since %s, age %s", since, *p.OldestGapAge)
	}
	s.noSubscribers = true
	expect(s.after(hour, reportOf(u)), "recovered a ended")
	expect(s.after(hour, reportOf(u)), "recovered a ended")
	expect(s.after(hour, reportOf(u, a)), "") // the recovery was not sent, so a is still open
	unverified := finding("user/v", "a", audit.Unverified, policies.High)
	expect(s.after(hour, reportOf(u, a, unverified)), "")
	expect(s.after(hour, reportOf(u, a, unverified)), "auditor_error user/v")
	s.mutes = mute.List{{Sid: "other", Owner: "kim", Reason: "r", Until: s.now.Add(90 * day)}}
	expect(s.after(hour, reportOf(u, a, unverified)),
		"auditor_error user/v, notice of sid other: new mute, hides nothing")
	s.noSubscribers = false
	expect(s.after(hour, reportOf(u, a, unverified)),
		"auditor_error user/v, notice of sid other: new mute, hides nothing")
	expect(s.after(hour, reportOf(u, a, unverified)), "")
}

// TestOverlappingRunsShareTheKey checks that two overlapping runs that plan from the same state
// have the same announcements and key, and that a later message has another key.
func TestOverlappingRunsShareTheKey(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	s := newStory(t)
	s.run(reportOf(u))
	before := s.state
	r := reportOf(u, a)
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
		p.NextUndelivered.Pending != nil {
		t.Error("Next or NextUndelivered has a claim")
	}
	// The second run reads the state of the first, and announces nothing.
	if again := Plan(one.Next, other, nil, s.now.Add(hour+30*time.Second),
		s.options); !again.Message.Zero() {
		t.Errorf("announced again: %q", announcements(again))
	}
	recovered := Plan(one.Next, reportOf(u), nil, s.now.Add(2*hour), s.options)
	reopened := Plan(recovered.Next, r, nil, s.now.Add(3*hour), s.options)
	if one.DedupKey == reopened.DedupKey {
		t.Error("a reopened gap has the key of its first opening")
	}
}

// TestARunThatIsOlderThanTheStateAnnouncesNothing checks that a run that started before the stored
// run announces nothing, because its findings are outdated.
func TestARunThatIsOlderThanTheStateAnnouncesNothing(t *testing.T) {
	u := []string{"user/u"}
	s := newStory(t)
	s.run(reportOf(u))
	slow := reportOf(u, finding("user/u", "a", audit.Missing, policies.High))
	slow.Run = audit.Run{ID: "slow", At: s.now.Add(hour)}
	s.after(2*hour, reportOf(u))
	p := Plan(s.state, slow, nil, s.now.Add(time.Minute), s.options)
	if !p.Message.Zero() || !reflect.DeepEqual(p.Next, s.state) {
		t.Errorf("announced %q, next %s", announcements(p), p.Next.JSON())
	}
	// If a wrong clock gave the stored run a time in the future, alerts are still sent.
	ahead := s.state
	ahead.Run.At = s.now.Add(1000 * day)
	if p := Plan(ahead, slow, nil, s.now.Add(time.Minute), s.options); announcements(p) != "opened a" {
		t.Errorf("with a stored run in the future: announced %q", announcements(p))
	}
}

// TestOpeningsThatWereNotAnnouncedDoNotCount checks that the number of openings includes only
// openings that were announced.
func TestOpeningsThatWereNotAnnouncedDoNotCount(t *testing.T) {
	u := []string{"user/u"}
	open, satisfied := reportOf(u, finding("user/u", "a", audit.Missing, policies.High)), reportOf(u)
	s := newStory(t)
	s.run(open)
	s.after(hour, satisfied)
	s.mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.now.Add(4 * hour)}}
	s.after(hour, open)
	s.after(hour, satisfied)
	if a := decoded(s.after(2*hour, open).Message).Announcements; len(a) != 1 ||
		a[0].Event != ReasonReopened || a[0].Opened != 2 {
		t.Errorf("announced %+v, want a reopened gap with 2 openings", a)
	}
}

// TestPlanIsPure checks that Plan does not change its arguments, and that equal arguments give
// equal plans.
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
	mutes := mute.List{{Target: "user/v", Owner: "o", Reason: "r", Until: s.now.Add(day)},
		{Target: "user/u", Owner: "o", Reason: "r", Until: s.now.Add(day)}}
	findings := len(r.Findings)
	one := Plan(s.state, r, mutes, s.now.Add(hour), s.options)
	two := Plan(s.state, r, mutes, s.now.Add(hour), s.options)
	if !reflect.DeepEqual(one, two) {
		t.Error("equal arguments give different plans")
	}
	if !reflect.DeepEqual(s.state, copied) || mutes[0].Target != "user/v" ||
		len(r.Findings) != findings {
		t.Error("an argument was changed")
	}
	for _, f := range r.Findings {
		if f.Muted != nil {
			t.Error("Plan marked a finding of its argument as muted")
		}
	}
}

// TestThreads checks that a new gap starts a chat thread, and that its reminders and its recovery
// use that thread.
func TestThreads(t *testing.T) {
	u := []string{"user/u"}
	a, b := finding("user/u", "a", audit.Missing, policies.High),
		finding("user/u", "b", audit.Missing, policies.Low)
	b.Cause = audit.SCP
	s := newStory(t)
	thread := func(p Planned) string { return decoded(p.Message).ThreadID }
	s.run(reportOf(u))
	opened := thread(s.after(hour, reportOf(u, a)))
	other := thread(s.after(hour, reportOf(u, a, b)))
	reminded := thread(s.after(23*hour, reportOf(u, a, b)))
	recovered := thread(s.after(hour, reportOf(u, b)))
	reopened := thread(s.after(hour, reportOf(u, a, b)))
	if opened == "" || other == opened || reminded != opened || recovered != opened ||
		reopened == opened {
		t.Errorf("opened %s, another %s, reminded %s, recovered %s, reopened %s", opened, other,
			reminded, recovered, reopened)
	}
}
