package alert_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// judgedStory returns a story in which an auditor with the rules "1" audited the report twice.
func judgedStory(t *testing.T, r audit.Report, mutes ...mute.Mute) *story {
	t.Helper()
	s := newStory(t)
	s.Options.Judgement = alert.Judgement{Rules: "1", Version: "v0.1.0"}
	s.Mutes = mutes
	s.Run(r)
	if p := s.After(hour, r); p.Digest != nil {
		t.Fatalf("the second run announced %q", announcements(p))
	}
	return s
}

// upgradeAuditor continues a story with an auditor that has other rules.
func upgradeAuditor(s *story) {
	s.Options.Judgement = alert.Judgement{Rules: "2", Version: "v0.2.0"}
}

// TestReclassified checks what the first run after an upgrade of the auditor announces. The account
// is that of user/u. In each case the second run announces nothing.
func TestReclassified(t *testing.T) {
	users := []string{"user/u"}
	gap := func(action string, status audit.Status, severity policies.Severity) audit.Finding {
		return finding("user/u", action, status, severity)
	}
	withCause := func(f audit.Finding, cause audit.Cause) audit.Finding {
		f.Cause = cause
		return f
	}
	byCause := mute.Mute{Target: "user/u", Cause: audit.NoGrant}
	byCause.Owner, byCause.Reason, byCause.Until = "alex", "in review", start.Add(30*day)
	for _, tt := range []struct {
		name          string
		before, after []audit.Finding
		mutes         []mute.Mute
		// want are the announcements, and line a part of the mail.
		want, line string
	}{
		{name: "another severity",
			before: []audit.Finding{gap("a", audit.Missing, critical)},
			after:  []audit.Finding{gap("a", audit.Missing, medium)},
			want:   "reclassified a", line: "Changed: user/u: a: missing, was critical, now medium"},
		{name: "another status",
			before: []audit.Finding{gap("a", audit.Missing, high)},
			after:  []audit.Finding{gap("a", audit.Conditional, medium)},
			want:   "reclassified a",
			line:   "Changed: user/u: a: was missing (high), now conditional (medium)"},
		{name: "a requirement that is gone",
			before: []audit.Finding{gap("d", audit.Missing, low)},
			want:   "reclassified d ended",
			line:   "Removed: user/u: d: was missing (low), no longer required"},
		{name: "a gap that is none any more",
			before: []audit.Finding{gap("a", audit.Missing, high)},
			want:   "reclassified a ended",
			line:   "Satisfied: user/u: a: was missing (high), now satisfied"},
		{name: "a new requirement",
			after: []audit.Finding{gap("d", audit.Missing, high)},
			want:  "reclassified d", line: "Added: user/u: d: missing (high), new requirement"},
		{name: "a gap that a stricter rule can cause",
			after: []audit.Finding{gap("a", audit.Partial, high)},
			want:  "reclassified a", line: "Added: user/u: a: partial (high), no gap before: the requirement is new, its rule is " +
				"stricter, or the account changed"},
		{name: "a gap in a requirement that was satisfied before is new",
			after: []audit.Finding{gap("a", audit.Missing, high), gap("d", audit.Missing, low)},
			want:  "opened a, reclassified d", line: "[HIGH] New buckets may be public Who: user/u (caller)"},
		{name: "a target that is missing now is new",
			after: []audit.Finding{{Target: "user/u", Policy: "user", Status: audit.Missing,
				Cause: audit.TargetMissing, Severity: critical, Why: "no such user"}},
			want: "opened user/u", line: "[CRITICAL] A caller does not exist Who: user/u (caller)"},
		{name: "a mute that hides a gap with another severity",
			before: []audit.Finding{gap("a", audit.Missing, low)},
			after:  []audit.Finding{gap("a", audit.Missing, low)}, mutes: []mute.Mute{byCause}},
		{name: "a mute that does not match any more",
			before: []audit.Finding{gap("a", audit.Missing, high)},
			after: []audit.Finding{withCause(gap("a", audit.Conditional, medium),
				audit.Condition)},
			mutes: []mute.Mute{byCause},
			want: "reclassified a, notice of target user/u, cause no-grant: " +
				"unused, hides nothing",
			line: "Unmuted: user/u: a: was missing (high), now conditional (medium), and the mute of " +
				"target user/u, cause no-grant (owner alex) no longer matches it: the cause was no-grant, " +
				"and is condition"},
		{name: "the same findings", before: []audit.Finding{gap("a", audit.Missing, high)},
			after: []audit.Finding{gap("a", audit.Missing, high)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := judgedStory(t, reportOf(users, tt.before...), tt.mutes...)
			upgradeAuditor(s)
			after := reportOf(users, tt.after...)
			s.NoSubscribers = true
			s.After(hour, after)
			s.NoSubscribers = false
			p := s.After(hour, after)
			if got := announcements(p); got != tt.want {
				t.Errorf("announced %q, want %q", got, tt.want)
			}
			if body := strings.Join(strings.Fields(message(p).Bodies["email"]), " "); !strings.Contains(body,
				strings.Join(strings.Fields(tt.line), " ")) {
				t.Errorf("the mail does not contain %q:\n%s", tt.line, message(p).Bodies["email"])
			}
			if again := s.After(hour, after); again.Digest != nil {
				t.Errorf("the next run announced %q", announcements(again))
			}
		})
	}
}

// TestReclassifiedMessage checks the subject and the attributes of the message.
func TestReclassifiedMessage(t *testing.T) {
	users := []string{"user/u"}
	s := judgedStory(t, reportOf(users, finding("user/u", "a", audit.Missing, critical),
		finding("user/u", "d", audit.Missing, low)))
	upgradeAuditor(s)
	m := message(s.After(hour, reportOf(users, finding("user/u", "a", audit.Missing, medium))))
	if want := "[NOTICE] Judgement changed, 2 reclassified; still open: some features will fail " +
		"(123456789012)"; m.Subject != want {
		t.Errorf("subject %q, want %q", m.Subject, want)
	}
	for _, a := range m.Attributes {
		if a.Name == "severity" && a.Value != "low" || a.Name == "events" && a.Value != `["reclassified"]` {
			t.Errorf("attribute %+v", a)
		}
	}
	if want := "Judgement changed with auditor v0.2.0: 2 findings reclassified"; !strings.Contains(
		m.Bodies["email"], want) || !strings.Contains(m.Bodies["https"], want) {
		t.Errorf("no %q in\n%s\n%s", want, m.Bodies["email"], m.Bodies["https"])
	}
	var body struct {
		Announcements []struct {
			Event, Action, Reclassified, WasSeverity, WasStatus string
			Ended                                               bool
		}
	}
	if err := json.Unmarshal([]byte(m.Bodies["default"]), &body); err != nil {
		t.Fatal(err)
	}
	if a := body.Announcements[0]; a.Action != "a" || a.Reclassified != "rejudged" ||
		a.WasSeverity != "critical" || a.WasStatus != "missing" || a.Ended {
		t.Errorf("announcement %+v", a)
	}
	if a := body.Announcements[1]; a.Action != "d" || a.Reclassified != "not-required" || !a.Ended {
		t.Errorf("announcement %+v", a)
	}
}

// TestReclassifiedResources checks that the lines about one action name its resources, if it is
// reclassified on several of them. Without them, it would be missing and satisfied.
func TestReclassifiedResources(t *testing.T) {
	users := []string{"user/u"}
	s := judgedStory(t, reportOf(users, finding("user/u", "a", audit.Missing, critical),
		finding("user/u", "d", audit.Missing, low)))
	upgradeAuditor(s)
	other := finding("user/u", "a", audit.Partial, medium)
	other.Resource = "arn:aws:s3:::acme-output/*"
	m := message(s.After(hour, reportOf(users, other)))
	for _, want := range []string{"user/u: a on arn:aws:s3:::acme-output/*: partial",
		"user/u: a on arn:aws:s3:::remotionlambda-*: was missing", "user/u: d: was missing"} {
		if !strings.Contains(strings.Join(strings.Fields(m.Bodies["email"]), " "), want) {
			t.Errorf("no %q in\n%s", want, m.Bodies["email"])
		}
	}
}

// TestAReclassifiedCauseIsOneEntry checks that the open gaps of one root cause are one entry, with
// the highest severity, although only some of them are reclassified.
func TestAReclassifiedCauseIsOneEntry(t *testing.T) {
	users := []string{"user/u"}
	s := judgedStory(t, reportOf(users, finding("user/u", "a", audit.Missing, critical),
		finding("user/u", "d", audit.Missing, critical)))
	upgradeAuditor(s)
	mail := message(s.After(hour, reportOf(users, finding("user/u", "a", audit.Missing, high),
		finding("user/u", "d", audit.Missing, critical)))).Bodies["email"]
	if strings.Count(mail, "\nWho: ") != 1 ||
		!strings.Contains(mail, "\nALSO OPEN\n[CRITICAL] Some renders will fail\nWho: user/u") {
		t.Errorf("more than one entry, or another severity:\n%s", mail)
	}
}

// TestAnIncompleteRunReclassifiesLater checks that an upgrade waits for a run that can list the
// functions: a gap that such a run does not contain may still exist.
func TestAnIncompleteRunReclassifiesLater(t *testing.T) {
	users := []string{"user/u"}
	s := judgedStory(t, reportOf(users, finding("user/u", "d", audit.Missing, low)))
	upgradeAuditor(s)
	incomplete := reportOf(users)
	incomplete.Problems = []audit.Problem{{Target: audit.AccountTarget, What: "the functions",
		Why: "access denied"}}
	if p := s.After(hour, incomplete); strings.Contains(announcements(p), "reclassified") {
		t.Errorf("announced %q", announcements(p))
	}
	if s.State.Judgement != "1" {
		t.Errorf("judgement %q, want 1", s.State.Judgement)
	}
	if p := s.After(hour, reportOf(users)); !strings.Contains(announcements(p),
		"reclassified d ended") || s.State.Judgement != "2" {
		t.Errorf("announced %q, judgement %q", announcements(p), s.State.Judgement)
	}
}

// TestTheFirstStateHasNoJudgement checks that a state of the first releases is judged by the
// requirements that they knew.
func TestTheFirstStateHasNoJudgement(t *testing.T) {
	users := []string{"user/u"}
	gap := func(action string) audit.Finding {
		return finding("user/u", action, audit.Missing, high)
	}
	s := newStory(t)
	s.Run(reportOf(users, gap("s3:PutObject")))
	if s.State.Judgement != "" || s.State.Judged != nil {
		t.Fatalf("judgement %q, %v", s.State.Judgement, s.State.Judged)
	}
	upgradeAuditor(s)
	p := s.After(hour, reportOf(users, gap("s3:PutObject"), gap("s3:GetObject"),
		gap("s3:PutObjectTagging")))
	if got, want := announcements(p), "opened s3:GetObject, reclassified s3:PutObjectTagging"; got !=
		want {
		t.Errorf("announced %q, want %q", got, want)
	}
}

// TestReclassifiedAgain checks that a requirement that is gone after one upgrade and returns with
// the next one is a new requirement, and no gap that opened again.
func TestReclassifiedAgain(t *testing.T) {
	users := []string{"user/u"}
	gap := reportOf(users, finding("user/u", "d", audit.Missing, low))
	s := judgedStory(t, gap)
	upgradeAuditor(s)
	if got := announcements(s.After(hour, reportOf(users))); got != "reclassified d ended" {
		t.Errorf("announced %q", got)
	}
	s.Options.Judgement.Rules = "3"
	if got, want := announcements(s.After(hour, gap)), "reclassified d"; got != want {
		t.Errorf("announced %q, want %q", got, want)
	}
}

// TestRandomUpgrades checks for random findings before and after an upgrade that no open gap stays
// without an announcement, that no gap recovers or retires, and that the next run announces
// nothing.
func TestRandomUpgrades(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	users := []string{"user/u", "user/v"}
	statuses := []audit.Status{audit.Satisfied, audit.Conditional, audit.Partial, audit.Missing,
		audit.Denied, audit.Unverified}
	severities := []policies.Severity{low, medium, high, critical}
	report := func() audit.Report {
		var findings []audit.Finding
		for _, user := range users {
			for _, action := range []string{"a", "b", "c", "d", "e", "f"} {
				if random.IntN(4) > 0 {
					findings = append(findings, finding(user, action, statuses[random.IntN(len(statuses))],
						severities[random.IntN(len(severities))]))
				}
			}
		}
		return reportOf(users, findings...)
	}
	for i := range 500 {
		s := newStory(t)
		s.Options.Judgement = alert.Judgement{Rules: "1"}
		if i%2 == 0 {
			s.Mutes = mute.List{{Target: "user/u", Action: "b", Owner: "alex", Reason: "in review",
				Until: start.Add(30 * day)}}
		}
		s.Run(report())
		upgradeAuditor(s)
		after := report()
		if s.NoSubscribers = i%3 == 0; s.NoSubscribers {
			s.After(hour, after) // announces nothing
			s.NoSubscribers = false
		}
		p := s.After(hour, after)
		if p.Digest != nil {
			for _, c := range p.Digest.Gaps {
				if c.Reason == alert.ReasonRecovered || c.Reason == alert.ReasonRetired ||
					c.Reason == alert.ReasonPartlyRecovered || c.Reason == alert.ReasonWorse {
					t.Errorf("story %d: announced %s %+v", i, c.Reason, c.Gap.Identity)
				}
			}
		}
		for _, f := range s.Last.Report.Findings {
			if f.Gap() && !slices.ContainsFunc(s.State.Gaps, func(g alert.Gap) bool {
				return g.Identity == alert.IdentityOf(f) && !g.Notified.IsZero() &&
					g.NotifiedSeverity == f.Severity
			}) {
				t.Errorf("story %d: %+v is not announced", i, alert.IdentityOf(f))
			}
		}
		if again := s.After(hour, after); again.Digest != nil && len(again.Digest.Gaps) > 0 {
			t.Errorf("story %d: the next run announced %q", i, announcements(again))
		}
	}
}

// TestANoticeWithAnotherText checks that an upgrade does not announce a notice again whose text
// changed, but announces one of another kind.
func TestANoticeWithAnotherText(t *testing.T) {
	users := []string{"user/u"}
	notice := func(kind audit.NoticeKind, text string) audit.Notice {
		return audit.Notice{Kind: kind, Text: text}
	}
	s := judgedStory(t, withNotices(reportOf(users), notice(audit.NoticeUpgrade, "old text")))
	upgradeAuditor(s)
	after := withNotices(reportOf(users), notice(audit.NoticeUpgrade, "new text"),
		notice(audit.NoticeReadScope, "no discovery"))
	if got, want := announcements(s.After(hour, after)), "notice no discovery"; got != want {
		t.Errorf("announced %q, want %q", got, want)
	}
	after = withNotices(after, notice(audit.NoticeUpgrade, "another text"))
	if got, want := announcements(s.After(hour, after)), "notice another text"; got != want {
		t.Errorf("announced %q after the upgrade, want %q", got, want)
	}
}

// TestASplitRequirement checks that a gap in some resources of a requirement continues in the
// requirements about these resources, which a later release of the auditor has.
func TestASplitRequirement(t *testing.T) {
	users := []string{"user/u"}
	on := func(bucket string, status audit.Status, severity policies.Severity) audit.Finding {
		f := finding("user/u", "s3:GetObject", status, severity)
		f.Resource = "arn:aws:s3:::" + bucket + "/*"
		return f
	}
	s := judgedStory(t, reportOf(users, on("remotionlambda-*", audit.Partial, critical)))
	upgradeAuditor(s)
	after := reportOf(users, on("remotionlambda-*", audit.Satisfied, critical),
		on("one", audit.Missing, critical), on("two", audit.Missing, medium))
	p := s.After(hour, after)
	if got, want := announcements(p),
		"reclassified s3:GetObject, reclassified s3:GetObject"; got != want {
		t.Errorf("announced %q, want %q", got, want)
	}
	if p.Digest == nil || p.Digest.Severity != policies.Low {
		t.Error("the severity of what was announced before is announced again")
	}
	for _, g := range s.State.Gaps {
		if !g.Since.Equal(start) {
			t.Errorf("%s is open since %s, want %s", g.Resource, g.Since, start)
		}
	}
	if again := s.After(hour, after); again.Digest != nil {
		t.Errorf("the next run announced %q", announcements(again))
	}
	fixed := reportOf(users, on("remotionlambda-*", audit.Satisfied, critical),
		on("one", audit.Satisfied, critical), on("two", audit.Missing, medium))
	const want = "partly_recovered"
	if got := announcements(s.After(hour, fixed)); !strings.Contains(got, want) {
		t.Errorf("announced %q, want %q", got, want)
	}
}
