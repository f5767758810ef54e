package alert

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var upgradeNotice = audit.Notice{Kind: audit.NoticeUpgrade,
	Text:    "what Remotion 4.0.418 and later needs is not granted: s3:PutBucketPolicy for user/u",
	Command: "remotion-audit audit --upgrade-to 4.0.527"}

func noticed(r audit.Report, notices ...audit.Notice) audit.Report {
	r.Notices = notices
	return r
}

// A notice that asks for something to be done is told once, whatever else is the matter.
func TestNoticesAreToldOnce(t *testing.T) {
	fine := made([]string{"user/u"})
	other := upgradeNotice
	other.Text += " and lambda:TagResource for user/u"
	newer := audit.Notice{Kind: audit.NoticeNewerRelease,
		Text: "Remotion 4.0.999 is newer than this catalogue"}
	quiet := audit.Notice{Kind: audit.NoticeCustomName, Text: "these are not: mine"}
	up, says := "notice "+upgradeNotice.Text, func(s *story, what string, p Planned, want string) {
		t.Helper()
		if got := told(p); got != want {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	s := newStory(t)
	says(s, "a first run", s.run(noticed(fine, upgradeNotice, upgradeNotice, quiet)), up)
	if m := s.last.Message; value(m, "severity") != "low" ||
		!strings.HasPrefix(m.Subject, "[NOTICE] Remotion IAM: 1 notice | ") ||
		strings.Count(m.Bodies["email"], "needs is not granted") != 1 {
		t.Errorf("%q %+v\n%s", m.Subject, m.Attributes, m.Bodies["email"])
	}
	says(s, "the same", s.after(hour, noticed(fine, upgradeNotice)), "")
	says(s, "it is not there for a while", s.after(hour, fine), "")
	says(s, "and back", s.after(day, noticed(fine, upgradeNotice)), "")
	says(s, "another", s.after(hour, noticed(fine, upgradeNotice, newer)), "notice "+newer.Text)
	says(s, "it says more", s.after(hour, noticed(fine, other, newer)), "notice "+other.Text)
	says(s, "after a month nobody remembers", s.after(31*day, noticed(fine, upgradeNotice)), up)

	s = newStory(t)
	s.deaf = true
	says(s, "nobody listens", s.run(noticed(fine, upgradeNotice)), up)
	s.deaf = false
	says(s, "somebody does", s.after(hour, noticed(fine, upgradeNotice)), up)

	s = newStory(t)
	s.state = State{Baseline: start.Add(-hour)} // of a release that told none
	says(s, "the first run after an upgrade", s.run(noticed(fine, upgradeNotice)), "")
	says(s, "what is new then", s.after(hour, noticed(fine, upgradeNotice, newer)),
		"notice "+newer.Text)

	s = newStory(t)
	s.options.Stateless = true
	says(s, "without a memory", s.run(noticed(fine, upgradeNotice)), "")
}

// That nothing is discovered is told once, and goes along with no other mail, unless nobody
// remembers.
func TestReadScopeIsToldOnce(t *testing.T) {
	scope := audit.Notice{Kind: audit.NoticeReadScope, Text: "READ_SCOPE=named: nothing is listed"}
	in := func(p Planned) int { return strings.Count(p.Message.Bodies["email"], scope.Text) }
	s := newStory(t)
	if p := s.run(noticed(made([]string{"user/u"}), scope)); told(p) != "notice "+scope.Text ||
		in(p) != 1 {
		t.Errorf("told %q\n%s", told(p), p.Message.Bodies["email"])
	}
	if p := s.after(hour, noticed(made([]string{"user/u"}), scope)); told(p) != "" {
		t.Errorf("and again: %q", told(p))
	}
	gap := noticed(made([]string{"user/u"}, finding("user/u", "s3:GetObject", audit.Missing,
		policies.Critical)), scope)
	if p := s.after(hour, gap); told(p) == "" || in(p) != 0 {
		t.Errorf("told %q\n%s", told(p), p.Message.Bodies["email"])
	}
	s = newStory(t)
	s.options.Stateless = true
	if p := s.run(gap); in(p) != 1 {
		t.Errorf("without a memory\n%s", p.Message.Bodies["email"])
	}
}

// However many notices and releases there are, what is announced goes out, and the notices are cut
// before it.
func TestNoticesFit(t *testing.T) {
	for _, size := range []int{10, 300, 3000} {
		r := crowd(2, 10, 1, 100)
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
		// The gaps come first, and all of them fit.
		if cut := size > 10; gaps != 20 || d.Truncated != cut ||
			cut != strings.Contains(p.Message.Bodies["email"], "more findings did not fit") {
			t.Errorf("%d notices: %d gaps are told, truncated %v, %d bytes", size, gaps, d.Truncated,
				p.Message.size())
		}
		if len(s.state.Notices) > maxNotices {
			t.Errorf("%d notices are remembered", len(s.state.Notices))
		}
		if got := told(s.after(hour, r)); got != "" {
			t.Errorf("the run after says %.200q", got)
		}
	}
}
