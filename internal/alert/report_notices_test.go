package alert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var upgradeNotice = audit.Notice{Kind: audit.NoticeUpgrade,
	Text:    "Remotion 4.0.418 and later needs permissions that are not granted: s3:PutBucketPolicy for user/u",
	Command: "remotion-audit audit --upgrade-to 4.0.527"}

// withNotices returns the report with the notices.
func withNotices(r audit.Report, notices ...audit.Notice) audit.Report {
	r.Notices = notices
	return r
}

// TestNoticesAreAnnouncedOnce checks that a notice that requires an action is announced once.
func TestNoticesAreAnnouncedOnce(t *testing.T) {
	fine := reportOf([]string{"user/u"})
	other := upgradeNotice
	other.Text += " and lambda:TagResource for user/u"
	newer := audit.Notice{Kind: audit.NoticeNewerRelease,
		Text: "Remotion 4.0.999 is newer than this catalogue"}
	notAnnounced := audit.Notice{Kind: audit.NoticeCustomName, Text: "these are not: mine"}
	upgrade := "notice " + upgradeNotice.Text
	expect := func(step string, p Planned, want string) {
		t.Helper()
		if got := announcements(p); got != want {
			t.Errorf("%s: announced %q, want %q", step, got, want)
		}
	}
	s := newStory(t)
	expect("the first run", s.run(withNotices(fine, upgradeNotice, upgradeNotice, notAnnounced)),
		upgrade)
	if m := s.last.Message; attribute(m, "severity") != "low" ||
		!strings.HasPrefix(m.Subject, "[NOTICE] Remotion IAM: 1 notice | ") ||
		strings.Count(m.Bodies["email"], "needs permissions that are not granted") != 1 {
		t.Errorf("%q %+v\n%s", m.Subject, m.Attributes, m.Bodies["email"])
	}
	expect("the same notice", s.after(hour, withNotices(fine, upgradeNotice)), "")
	expect("the notice is absent", s.after(hour, fine), "")
	expect("the notice returns", s.after(day, withNotices(fine, upgradeNotice)), "")
	expect("another notice", s.after(hour, withNotices(fine, upgradeNotice, newer)),
		"notice "+newer.Text)
	expect("another text", s.after(hour, withNotices(fine, other, newer)), "notice "+other.Text)
	expect("the notice returns after a month", s.after(31*day, withNotices(fine, upgradeNotice)),
		upgrade)

	s = newStory(t)
	s.noSubscribers = true
	expect("no subscriber", s.run(withNotices(fine, upgradeNotice)), upgrade)
	s.noSubscribers = false
	expect("a subscriber", s.after(hour, withNotices(fine, upgradeNotice)), upgrade)

	s = newStory(t)
	s.state = State{Baseline: start.Add(-hour)} // the state of a release that announced no notices
	expect("the first run after an upgrade", s.run(withNotices(fine, upgradeNotice)), "")
	expect("a new notice after an upgrade", s.after(hour, withNotices(fine, upgradeNotice, newer)),
		"notice "+newer.Text)

	s = newStory(t)
	s.options.Stateless = true
	expect("without a state", s.run(withNotices(fine, upgradeNotice)), "")
}

// TestReadScopeIsAnnouncedOnce checks that the notice about the read scope is announced once, and
// that other mails show the notice only if the run is stateless.
func TestReadScopeIsAnnouncedOnce(t *testing.T) {
	scope := audit.Notice{Kind: audit.NoticeReadScope, Text: "READ_SCOPE=named: nothing is listed"}
	countNotices := func(p Planned) int { return strings.Count(p.Message.Bodies["email"], scope.Text) }
	s := newStory(t)
	if p := s.run(withNotices(reportOf([]string{"user/u"}), scope)); announcements(p) != "notice "+
		scope.Text ||
		countNotices(p) != 1 {
		t.Errorf("announced %q\n%s", announcements(p), p.Message.Bodies["email"])
	}
	if p := s.after(hour, withNotices(reportOf([]string{"user/u"}), scope)); announcements(p) != "" {
		t.Errorf("announced again: %q", announcements(p))
	}
	gap := withNotices(reportOf([]string{"user/u"}, finding("user/u", "s3:GetObject", audit.Missing,
		policies.Critical)), scope)
	if p := s.after(hour, gap); announcements(p) == "" || countNotices(p) != 0 {
		t.Errorf("announced %q\n%s", announcements(p), p.Message.Bodies["email"])
	}
	s = newStory(t)
	s.options.Stateless = true
	if p := s.run(gap); countNotices(p) != 1 {
		t.Errorf("the mail of a stateless run does not contain the notice once\n%s",
			p.Message.Bodies["email"])
	}
}

// TestNoticesFit checks that a message with thousands of notices and releases does not exceed the
// size limit, and still contains all gaps.
func TestNoticesFit(t *testing.T) {
	for _, size := range []int{10, 300, 3000} {
		r := bigReport(2, 10, 1, 100)
		for i := range size {
			text := fmt.Sprintf("notice %d\n<!channel> %s", i, strings.Repeat("n", 2000))
			r.Notices = append(r.Notices, audit.Notice{Kind: audit.NoticeNewerRelease, Text: text},
				audit.Notice{Kind: audit.NoticeDocument, Target: "user/u0", Text: text})
			r.Remotion.Releases = append(r.Remotion.Releases, fmt.Sprint("4.1.", i))
			for j := range r.Findings {
				r.Findings[j].Releases = append(r.Findings[j].Releases, fmt.Sprint("4.1.", i))
			}
			r.Remotion.Deployed = append(r.Remotion.Deployed, audit.Deployed{Release: fmt.Sprint("4.1.", i),
				Functions: 1})
		}
		s := newStory(t)
		p := s.run(r)
		checkMessage(t, p, s.options)
		d := decoded(p.Message)
		gaps := 0
		for _, a := range d.Announcements {
			if a.Event == ReasonBaseline {
				gaps++
			}
		}
		// The gaps come first. All of them fit.
		if cut := size > 10; gaps != 20 || d.Truncated != cut ||
			cut != strings.Contains(p.Message.Bodies["email"], "more findings not shown") {
			t.Errorf("%d notices: %d gaps are announced, truncated %v, %d bytes", size, gaps,
				d.Truncated, p.Message.size())
		}
		if len(s.state.Notices) > maxNotices {
			t.Errorf("the state has %d notices", len(s.state.Notices))
		}
		if got := announcements(s.after(hour, r)); got != "" {
			t.Errorf("the next run announced %.200q", got)
		}
	}
}
