package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func TestMuteNotices(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	criticalGap := finding("user/u", "b", audit.Missing, policies.Critical)
	s := newStory(t)
	s.run(reportOf(u, a))
	m := mute.Mute{Target: "user/u", Reason: "r", Owner: "kim", Until: start.Add(20 * day)}
	s.mutes = mute.List{m}
	check := func(after time.Duration, r audit.Report, want string) {
		t.Helper()
		if got := announcements(s.after(after, r)); got != want {
			t.Errorf("at %s: announced %q, want %q", s.now.Sub(start), got, want)
		}
		if again := announcements(s.plan(replayed(r, s))); again != "" {
			t.Errorf("at %s: a replay announced %q", s.now.Sub(start), again)
		}
	}
	const notice = "notice of target user/u: "
	check(hour, reportOf(u, a), notice+"new mute, hides 1 gap (highest severity: high)")
	check(hour, reportOf(u, a, criticalGap),
		notice+"now hides 2 gaps (highest severity: critical), more or worse gaps than announced before")
	check(hour, reportOf(u, a), "")
	check(hour, reportOf(u, a, criticalGap), "")
	check(hour, reportOf(u, a, criticalGap, finding("user/u", "c", audit.Missing, policies.Low)),
		notice+"now hides 3 gaps (highest severity: critical), more or worse gaps than announced before")
	check(hour, reportOf(u), notice+"hides nothing and can be removed")
	check(hour, reportOf(u, finding("user/u", "a", audit.Unverified, policies.High)),
		"auditor_error user/u")
	check(hour, reportOf(u), "auditor_error user/u ended")
	check(hour, reportOf(u, a), "")
	check(13*day, reportOf(u, a), notice+"ends in 6d 15h, hides 1 gap (highest severity: high)")
	s.mutes[0].Owner, s.mutes[0].Until = "sam", s.now.Add(3*day)
	check(hour, reportOf(u, a), notice+"changed mute, hides 1 gap (highest severity: high)")
	s.mutes = append(s.mutes, mute.Mute{Target: "user/u", Reason: "shorter", Owner: "alex",
		Until: s.now.Add(hour)})
	check(time.Minute, reportOf(u, a), "")
	s.mutes = nil
	check(day, reportOf(u, a), "reopened a") // the gap recovered and reopened while muted
	s.mutes = mute.List{{Target: "user/u", Reason: "r", Owner: "kim", Until: s.now.Add(-hour)}}
	check(hour, reportOf(u, a), "")
}

func TestMuteCommand(t *testing.T) {
	got := MuteCommand("audit-evidence", mute.Mute{Target: "role/it's $(id)", Action: "s3:PutBucketPolicy",
		Cause: audit.SCP})
	want := `remotion-audit mute --bucket audit-evidence --target 'role/it'\''s $(id)' ` +
		`--action s3:PutBucketPolicy --cause scp --for 24h --owner "$USER" ` +
		`--reason 'under investigation'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestManyErrorsOfTheMutesFile checks that a message and the state contain a limited number of
// errors of the mutes file.
func TestManyErrorsOfTheMutesFile(t *testing.T) {
	s := newStory(t)
	s.run(reportOf([]string{"user/u"}))
	_, s.options.MuteErrors = mute.Parse([]byte("mutes:\n"+
		strings.Repeat("  - target: user/x\n", 2000)), start)
	p := s.after(hour, reportOf([]string{"user/u"}))
	checkMessage(t, p, s.options)
	if n := len(s.state.Errors); n != maxMuteErrors+1 ||
		!strings.Contains(p.Message.Bodies["email"], "5900 more errors") {
		t.Errorf("the state has %d errors, want %d\n%s", n, maxMuteErrors+1, p.Message.Bodies["email"])
	}
}
