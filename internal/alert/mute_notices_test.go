package alert_test

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func TestMuteNotices(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	criticalGap := finding("user/u", "b", audit.Missing, policies.Critical)
	s := newStory(t)
	s.Run(reportOf(u, a))
	m := mute.Mute{Target: "user/u", Reason: "r", Owner: "kim", Until: start.Add(20 * day)}
	s.Mutes = mute.List{m}
	check := func(after time.Duration, r audit.Report, want string) {
		t.Helper()
		if got := announcements(s.After(after, r)); got != want {
			t.Errorf("at %s: announced %q, want %q", s.Now.Sub(start), got, want)
		}
		if again := announcements(s.Replay(r)); again != "" {
			t.Errorf("at %s: a replay announced %q", s.Now.Sub(start), again)
		}
	}
	const notice = "notice of target user/u: "
	check(hour, reportOf(u, a), notice+"new, hides 1 gap (highest severity: high)")
	check(hour, reportOf(u, a, criticalGap),
		notice+"hides more, hides 2 gaps (highest severity: critical)")
	check(hour, reportOf(u, a), "")
	check(hour, reportOf(u, a, criticalGap), "")
	check(hour, reportOf(u, a, criticalGap, finding("user/u", "c", audit.Missing, policies.Low)),
		notice+"hides more, hides 3 gaps (highest severity: critical)")
	check(hour, reportOf(u), notice+"unused, hides nothing")
	check(hour, reportOf(u, finding("user/u", "a", audit.Unverified, policies.High)),
		"auditor_error user/u")
	check(hour, reportOf(u), "auditor_error user/u ended")
	check(hour, reportOf(u, a), "")
	check(13*day, reportOf(u, a), notice+"expiring, hides 1 gap (highest severity: high)")
	s.Mutes[0].Owner, s.Mutes[0].Until = "sam", s.Now.Add(3*day)
	check(hour, reportOf(u, a), notice+"changed, hides 1 gap (highest severity: high)")
	s.Mutes = append(s.Mutes, mute.Mute{Target: "user/u", Reason: "shorter", Owner: "alex",
		Until: s.Now.Add(hour)})
	check(time.Minute, reportOf(u, a), "")
	s.Mutes = nil
	check(day, reportOf(u, a), "reopened a") // the gap recovered and reopened while muted
	s.Mutes = mute.List{{Target: "user/u", Reason: "r", Owner: "kim", Until: s.Now.Add(-hour)}}
	check(hour, reportOf(u, a), "")
}

// TestManyErrorsOfTheMutesFile checks that the digest and the state contain a limited number of
// errors of the mutes file.
func TestManyErrorsOfTheMutesFile(t *testing.T) {
	s := newStory(t)
	s.Run(reportOf([]string{"user/u"}))
	_, s.Options.MuteErrors = mute.Parse([]byte("mutes:\n"+
		strings.Repeat("  - target: user/x\n", 2000)), start)
	p := s.After(hour, reportOf([]string{"user/u"}))
	if n := len(s.State.Errors); n != alert.MaxMuteErrors+1 ||
		!strings.Contains(announcements(p), "auditor_error mutes.yaml, 5900 more errors,") {
		t.Errorf("the state has %d errors, want %d; announced %.200q", n, alert.MaxMuteErrors+1,
			announcements(p))
	}
}
