package alert_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// TestStateless checks that without a state every run with gaps sends a message, that the same gaps
// have the same key, and that a run without gaps sends no message.
func TestStateless(t *testing.T) {
	s := newStory(t)
	s.Options.Stateless = true
	s.State = alert.State{Baseline: start,
		Gaps: []alert.Gap{{Identity: alert.Identity{Target: "user/u"}}}}
	a := finding("user/u", "a", audit.Missing, policies.High)
	r := reportOf([]string{"user/u"}, a)
	first, second := s.Run(r), s.After(hour, r)
	if announcements(first) != "opened a" || announcements(second) != "opened a" ||
		key(first) != key(second) ||
		first.OldestGapAge != nil {
		t.Errorf("announced %q (%s), %q (%s), age %v", announcements(first), key(first),
			announcements(second),
			key(second), first.OldestGapAge)
	}
	if got := announcements(s.After(hour,
		reportOf([]string{"user/u", "user/v"},
			finding("user/u", "a", audit.Unverified, policies.High)))); got != "auditor_error user/u" {
		t.Errorf("an unverified target is announced as %q", got)
	}
	if got := announcements(s.After(hour, reportOf([]string{"user/u"}))); got != "" {
		t.Errorf("a run without gaps announces %q", got)
	}
	if !reflect.DeepEqual(first.Next, alert.State{}) ||
		!reflect.DeepEqual(first.NextUndelivered, alert.State{}) {
		t.Error("the plan has a state to store")
	}
	other := s.After(hour,
		reportOf([]string{"user/u"}, a, finding("user/u", "b", audit.Missing, policies.High)))
	if key(other) == key(first) {
		t.Error("another announcement has the same key")
	}
	s.Mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.Now.Add(day)}}
	if p := s.Run(r); announcements(p) != "" || p.Report.Summary.GapsMuted != 1 {
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
	s.NoSubscribers = true
	expect := func(p alert.Planned, want string) {
		t.Helper()
		if got := announcements(p); got != want {
			t.Fatalf("after %s: announced %q, want %q", s.Now.Sub(start), got, want)
		}
	}
	expect(s.Run(reportOf(u, a, b)), "baseline a, baseline b")
	expect(s.After(hour, reportOf(u, a, b)), "baseline a, baseline b")
	expect(s.After(hour, reportOf(u, a)), "baseline a")
	s.NoSubscribers = false
	p := s.After(hour, reportOf(u, a))
	expect(p, "baseline a")
	if since := p.Digest.Gaps[0].Gap.Since; !since.Equal(start) ||
		*p.OldestGapAge != 3*hour {
		t.Errorf("since %s, age %s", since, *p.OldestGapAge)
	}
	s.NoSubscribers = true
	expect(s.After(hour, reportOf(u)), "recovered a ended")
	expect(s.After(hour, reportOf(u)), "recovered a ended")
	expect(s.After(hour, reportOf(u, a)), "") // the recovery was not sent, so a is still open
	unverified := finding("user/v", "a", audit.Unverified, policies.High)
	expect(s.After(hour, reportOf(u, a, unverified)), "")
	expect(s.After(hour, reportOf(u, a, unverified)), "auditor_error user/v")
	s.Mutes = mute.List{{Sid: "other", Owner: "kim", Reason: "r", Until: s.Now.Add(90 * day)}}
	expect(s.After(hour, reportOf(u, a, unverified)),
		"auditor_error user/v, notice of sid other: new, hides nothing")
	s.NoSubscribers = false
	expect(s.After(hour, reportOf(u, a, unverified)),
		"auditor_error user/v, notice of sid other: new, hides nothing")
	expect(s.After(hour, reportOf(u, a, unverified)), "")
}

// TestOverlappingRunsShareTheKey checks that two overlapping runs that plan from the same state
// have the same announcements and key, and that a later message has another key.
func TestOverlappingRunsShareTheKey(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	s := newStory(t)
	s.Run(reportOf(u))
	before := s.State
	r := reportOf(u, a)
	r.Run = audit.Run{ID: "x", At: s.Now.Add(hour)}
	other := r
	other.Run = audit.Run{ID: "y", At: s.Now.Add(hour + time.Second)}
	one := alert.Plan(before, r, nil, s.Now.Add(hour+20*time.Second), s.Options)
	two := alert.Plan(before, other, nil, s.Now.Add(hour+30*time.Second), s.Options)
	if key(one) != key(two) || one.Digest == nil {
		t.Errorf("keys %q and %q", key(one), key(two))
	}
	claimed := before
	claimed.Pending = &alert.Pending{ID: "p", Message: message(one), Next: one.Next}
	if p := alert.Plan(claimed, r, nil, s.Now.Add(hour), s.Options); p.Next.Pending != nil ||
		p.NextUndelivered.Pending != nil {
		t.Error("Next or NextUndelivered has a claim")
	}
	// The second run reads the state of the first, and announces nothing.
	if again := alert.Plan(one.Next, other, nil, s.Now.Add(hour+30*time.Second),
		s.Options); again.Digest != nil {
		t.Errorf("announced again: %q", announcements(again))
	}
	recovered := alert.Plan(one.Next, reportOf(u), nil, s.Now.Add(2*hour), s.Options)
	reopened := alert.Plan(recovered.Next, r, nil, s.Now.Add(3*hour), s.Options)
	if key(one) == key(reopened) {
		t.Error("a reopened gap has the key of its first opening")
	}
}

// TestARunThatIsOlderThanTheStateAnnouncesNothing checks that a run that started before the stored
// run announces nothing, because its findings are outdated.
func TestARunThatIsOlderThanTheStateAnnouncesNothing(t *testing.T) {
	u := []string{"user/u"}
	s := newStory(t)
	s.Run(reportOf(u))
	slow := reportOf(u, finding("user/u", "a", audit.Missing, policies.High))
	slow.Run = audit.Run{ID: "slow", At: s.Now.Add(hour)}
	s.After(2*hour, reportOf(u))
	p := alert.Plan(s.State, slow, nil, s.Now.Add(time.Minute), s.Options)
	if p.Digest != nil || !reflect.DeepEqual(p.Next, s.State) {
		t.Errorf("announced %q, next %s", announcements(p), p.Next.JSON())
	}
	// If a wrong clock gave the stored run a time in the future, alerts are still sent.
	ahead := s.State
	ahead.Run.At = s.Now.Add(1000 * day)
	if p := alert.Plan(ahead, slow, nil, s.Now.Add(time.Minute),
		s.Options); announcements(p) != "opened a" {
		t.Errorf("with a stored run in the future: announced %q", announcements(p))
	}
}

// TestOpeningsThatWereNotAnnouncedDoNotCount checks that the number of openings includes only
// openings that were announced.
func TestOpeningsThatWereNotAnnouncedDoNotCount(t *testing.T) {
	u := []string{"user/u"}
	open, satisfied := reportOf(u, finding("user/u", "a", audit.Missing, policies.High)), reportOf(u)
	s := newStory(t)
	s.Run(open)
	s.After(hour, satisfied)
	s.Mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: s.Now.Add(4 * hour)}}
	s.After(hour, open)
	s.After(hour, satisfied)
	if gaps := s.After(2*hour, open).Digest.Gaps; len(gaps) != 1 ||
		gaps[0].Reason != alert.ReasonReopened || gaps[0].Gap.Opened != 2 {
		t.Errorf("announced %+v, want a reopened gap with 2 openings", gaps)
	}
}

// TestPlanIsPure checks that Plan does not change its arguments, and that equal arguments give
// equal plans.
func TestPlanIsPure(t *testing.T) {
	d, s := newDrift(3), newStory(t)
	for range 30 {
		s.After(7*hour, d.Step())
	}
	r := d.Step()
	copied, err := alert.ParseState(s.State.JSON())
	if err != nil {
		t.Fatal(err)
	}
	mutes := mute.List{{Target: "user/v", Owner: "o", Reason: "r", Until: s.Now.Add(day)},
		{Target: "user/u", Owner: "o", Reason: "r", Until: s.Now.Add(day)}}
	findings := len(r.Findings)
	one := alert.Plan(s.State, r, mutes, s.Now.Add(hour), s.Options)
	two := alert.Plan(s.State, r, mutes, s.Now.Add(hour), s.Options)
	if !reflect.DeepEqual(one, two) {
		t.Error("equal arguments give different plans")
	}
	if !reflect.DeepEqual(s.State, copied) || mutes[0].Target != "user/v" ||
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
	thread := func(p alert.Planned) string { return p.Digest.Thread }
	s.Run(reportOf(u))
	opened := thread(s.After(hour, reportOf(u, a)))
	other := thread(s.After(hour, reportOf(u, a, b)))
	reminded := thread(s.After(23*hour, reportOf(u, a, b)))
	recovered := thread(s.After(hour, reportOf(u, b)))
	reopened := thread(s.After(hour, reportOf(u, a, b)))
	if opened == "" || other == opened || reminded != opened || recovered != opened ||
		reopened == opened {
		t.Errorf("opened %s, another %s, reminded %s, recovered %s, reopened %s", opened, other,
			reminded, recovered, reopened)
	}
}
