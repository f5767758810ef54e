package alert_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var upgradeNotice = audit.Notice{Kind: audit.NoticeUpgrade,
	Text:    "Remotion 4.0.418 and later needs permissions that are not granted: s3:PutBucketPolicy for user/u",
	Command: "remotion-audit audit --upgrade-to 4.0.527"}

// TestNoticesAreAnnouncedOnce checks that a notice that requires an action is announced once.
func TestNoticesAreAnnouncedOnce(t *testing.T) {
	fine := reportOf([]string{"user/u"})
	other := upgradeNotice
	other.Text += " and lambda:TagResource for user/u"
	newer := audit.Notice{Kind: audit.NoticeNewerRelease,
		Text: "Remotion 4.0.999 is newer than this catalogue"}
	notAnnounced := audit.Notice{Kind: audit.NoticeCustomName, Text: "these are not: mine"}
	upgrade := "notice " + upgradeNotice.Text
	expect := func(step string, p alert.Planned, want string) {
		t.Helper()
		if got := announcements(p); got != want {
			t.Errorf("%s: announced %q, want %q", step, got, want)
		}
	}
	s := newStory(t)
	expect("the first run", s.Run(withNotices(fine, upgradeNotice, upgradeNotice, notAnnounced)),
		upgrade)
	if m := message(s.Last); s.Last.Digest.Severity != policies.Low ||
		!strings.HasPrefix(m.Subject, "[NOTICE] Remotion 4.0.418 and later needs ") ||
		strings.Count(m.Bodies["email"], "needs permissions that are not granted") != 1 {
		t.Errorf("%q %+v\n%s", m.Subject, m.Attributes, m.Bodies["email"])
	}
	expect("the same notice", s.After(hour, withNotices(fine, upgradeNotice)), "")
	expect("the notice is absent", s.After(hour, fine), "")
	expect("the notice returns", s.After(day, withNotices(fine, upgradeNotice)), "")
	expect("another notice", s.After(hour, withNotices(fine, upgradeNotice, newer)),
		"notice "+newer.Text)
	expect("another text", s.After(hour, withNotices(fine, other, newer)), "notice "+other.Text)
	expect("the notice returns after a month", s.After(31*day, withNotices(fine, upgradeNotice)),
		upgrade)

	s = newStory(t)
	s.NoSubscribers = true
	expect("no subscriber", s.Run(withNotices(fine, upgradeNotice)), upgrade)
	s.NoSubscribers = false
	expect("a subscriber", s.After(hour, withNotices(fine, upgradeNotice)), upgrade)

	s = newStory(t)
	// The state of a release that announced no notices.
	s.State = alert.State{Baseline: start.Add(-hour)}
	expect("the first run after an upgrade", s.Run(withNotices(fine, upgradeNotice)), "")
	expect("a new notice after an upgrade", s.After(hour, withNotices(fine, upgradeNotice, newer)),
		"notice "+newer.Text)

	s = newStory(t)
	s.Options.Stateless = true
	expect("without a state", s.Run(withNotices(fine, upgradeNotice)), "")
}

// TestReadScopeIsAnnouncedOnce checks that the notice about the read scope is announced once, and
// that other mails show the notice only if the run is stateless.
func TestReadScopeIsAnnouncedOnce(t *testing.T) {
	scope := audit.Notice{Kind: audit.NoticeReadScope, Text: "READ_SCOPE=named: nothing is listed"}
	mail := func(p alert.Planned) string { return message(p).Bodies["email"] }
	countNotices := func(p alert.Planned) int { return strings.Count(mail(p), scope.Text) }
	s := newStory(t)
	if p := s.Run(withNotices(reportOf([]string{"user/u"}), scope)); announcements(p) != "notice "+
		scope.Text ||
		countNotices(p) != 1 {
		t.Errorf("announced %q\n%s", announcements(p), mail(p))
	}
	if p := s.After(hour, withNotices(reportOf([]string{"user/u"}), scope)); announcements(p) != "" {
		t.Errorf("announced again: %q", announcements(p))
	}
	gap := withNotices(reportOf([]string{"user/u"}, finding("user/u", "s3:GetObject", audit.Missing,
		policies.Critical)), scope)
	if p := s.After(hour, gap); announcements(p) == "" || countNotices(p) != 0 {
		t.Errorf("announced %q\n%s", announcements(p), mail(p))
	}
	s = newStory(t)
	s.Options.Stateless = true
	if p := s.Run(gap); countNotices(p) != 1 {
		t.Errorf("the mail of a stateless run does not contain the notice once\n%s",
			mail(p))
	}
}

// TestTheStateHasFewNotices checks that the state contains a limited number of notices, and that
// the next run announces none of the others.
func TestTheStateHasFewNotices(t *testing.T) {
	r := reportOf([]string{"user/u"})
	for i := range 3 * alert.MaxNotices {
		r.Notices = append(r.Notices, audit.Notice{Kind: audit.NoticeNewerRelease,
			Text: fmt.Sprint("notice ", i)})
	}
	s := newStory(t)
	if p := s.Run(r); len(p.Digest.Notices) != alert.MaxNotices ||
		len(s.State.Notices) != alert.MaxNotices {
		t.Errorf("announced %d notices, stored %d, want %d", len(p.Digest.Notices),
			len(s.State.Notices), alert.MaxNotices)
	}
	if got := announcements(s.After(hour, r)); got != "" {
		t.Errorf("the next run announced %.200q", got)
	}
}
