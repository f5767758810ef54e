package render

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
)

// gapWith returns a gap that stops something for a cause.
func gapWith(target, action string, status audit.Status, stops policies.Stops,
	cause audit.Cause) audit.Finding {
	severity := map[policies.Stops]policies.Severity{policies.Renders: policies.Critical,
		policies.SomeRenders: policies.Critical, policies.Deploys: policies.High,
		policies.BucketPrivacy: policies.High}[stops]
	f := finding(target, action, status, max(severity, policies.Medium))
	f.Stops, f.Cause, f.Why = stops, cause, string(cause)+" of "+target
	if cause == audit.TargetMissing {
		f.Action, f.Sid = "", ""
	}
	if status == audit.Conditional {
		f.Severity = policies.Medium
	}
	return f
}

// TestSubjects checks what the subject of a first message says about gaps: never more than is
// proved, and always the severity, what breaks and the account.
func TestSubjects(t *testing.T) {
	long := "user/" + strings.Repeat("long", 16)
	render := gapWith("role/clips", "a", audit.Missing, policies.Renders, audit.NoGrant)
	for _, tt := range []struct {
		name string
		gaps []audit.Finding
		want string
	}{
		{"a missing grant", []audit.Finding{render},
			"[CRITICAL] Renders will fail: clips lacks a (123456789012)"},
		{"a grant on some resources", []audit.Finding{
			gapWith("role/clips", "a", audit.Partial, policies.Renders, audit.NarrowerGrant)},
			"[CRITICAL] Some renders will fail: grant too narrow in clips (123456789012)"},
		{"a condition", []audit.Finding{
			gapWith("user/u", "a", audit.Conditional, policies.Renders, audit.Condition)},
			"[MEDIUM] Renders may fail: condition in u (123456789012)"},
		{"a deny", []audit.Finding{
			gapWith("user/u", "a", audit.Denied, policies.Deploys, audit.IdentityDeny)},
			"[HIGH] Deploys will fail: explicit deny for u (123456789012)"},
		{"a boundary", []audit.Finding{
			gapWith("user/u", "a", audit.Denied, policies.Deploys, audit.PermissionsBoundary)},
			"[HIGH] Deploys will fail: boundary of u (123456789012)"},
		{"a service control policy", []audit.Finding{
			gapWith("user/u", "a", audit.Denied, policies.Renders, audit.SCP)},
			"[CRITICAL] Renders will fail: SCP blocks u (123456789012)"},
		{"a trust policy", []audit.Finding{
			gapWith("role/clips", "sts:AssumeRole", audit.Denied, policies.Renders, audit.TrustPolicy)},
			"[CRITICAL] Renders will fail: trust policy of clips (123456789012)"},
		{"a target that does not exist", []audit.Finding{
			gapWith("user/u", "", audit.Missing, policies.Renders, audit.TargetMissing)},
			"[CRITICAL] A caller does not exist: u (123456789012)"},
		{"a public bucket", []audit.Finding{
			gapWith("user/u", "a", audit.Missing, policies.BucketPrivacy, audit.NoGrant)},
			"[HIGH] New buckets may be public: u lacks a (123456789012)"},
		{"a feature", []audit.Finding{
			gapWith("user/u", "a", audit.Missing, policies.Features, audit.NoGrant)},
			"[MEDIUM] Some features will fail: u lacks a (123456789012)"},
		{"several causes, the worst of which is not the first", []audit.Finding{
			gapWith("role/a", "a", audit.Partial, policies.Renders, audit.NarrowerGrant), render},
			"[CRITICAL] Some renders will fail: clips lacks a +1 more (123456789012)"},
		{"a gap and an unverified requirement", []audit.Finding{render,
			finding("role/clips", "b", audit.Unverified, policies.Low)},
			"[CRITICAL] Renders will fail: clips lacks a; could not check: 1 of 3 requirements " +
				"(123456789012)"},
		{"a long name", []audit.Finding{
			gapWith(long, "lambda:InvokeFunction", audit.Missing, policies.Renders, audit.NoGrant)},
			"[CRITICAL] Renders will fail: longlonglonglonglongl... lacks lambda:InvokeFunction " +
				"(123456789012)"},
		{"a long action", []audit.Finding{
			gapWith("user/remotion", strings.Repeat("a", 90), audit.Missing, policies.Renders,
				audit.NoGrant)},
			"[CRITICAL] Renders will fail: remotion (123456789012)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var targets []string
			for _, f := range tt.gaps {
				targets = append(targets, f.Target)
			}
			if len(targets) == 2 && targets[0] == targets[1] {
				targets = targets[:1]
			}
			p := newStory(t).run(reportOf(targets, tt.gaps...))
			checkMessage(t, p)
			if p.Message.Subject != tt.want {
				t.Errorf("got  %s\nwant %s", p.Message.Subject, tt.want)
			}
			sms := p.Message.Bodies["sms"]
			for _, part := range []string{"Remotion 123456789012: ", targets[0]} {
				if len(tt.gaps) == 1 && len(targets[0]) < 20 && !strings.Contains(sms, part) {
					t.Errorf("no %q in the SMS %q", part, sms)
				}
			}
		})
	}
}

// TestSubjectsOfAStory checks the subjects of the messages after the first one. Each gap is
// one of two callers, so it stops only some renders or deploys.
func TestSubjectsOfAStory(t *testing.T) {
	s := newStory(t)
	renders := gapWith("role/clips", "a", audit.Missing, policies.Renders, audit.NoGrant)
	deploys := gapWith("user/u", "b", audit.Missing, policies.Deploys, audit.NoGrant)
	targets := []string{"user/u", "role/clips"}
	for _, step := range []struct {
		wait int
		gaps []audit.Finding
		want string
	}{
		{1, nil, ""},
		{1, []audit.Finding{deploys}, "[HIGH] Some deploys will fail: u lacks b (123456789012)"},
		{1, []audit.Finding{deploys, renders},
			"[CRITICAL] Some renders will fail: clips lacks a; 1 gap already open (123456789012)"},
		{24, []audit.Finding{deploys, renders},
			"[CRITICAL] Some renders will fail (still open): clips lacks a +1 more (123456789012)"},
		{1, []audit.Finding{deploys},
			"[HIGH] Recovered: clips; still open: some deploys will fail (123456789012)"},
		{1, []audit.Finding{deploys, renders},
			"[CRITICAL] Some renders will fail (reopened): clips lacks a; 1 gap already open " +
				"(123456789012)"},
		{1, nil, "[OK] Recovered after 1d 4h: clips +1 more (123456789012)"},
	} {
		p := s.after(hour*time.Duration(step.wait), reportOf(targets, step.gaps...))
		checkMessage(t, p)
		if got := p.Message.Subject; got != step.want {
			t.Errorf("got  %s\nwant %s", got, step.want)
		}
	}
}

// TestSubjectsWithoutGaps checks the subjects of messages that announce no gap.
func TestSubjectsWithoutGaps(t *testing.T) {
	fine := reportOf([]string{"user/u"})
	newMute := mute.Mute{Target: "user/v", Reason: "known", Owner: "kim", Until: start.Add(90 * day)}
	notice := audit.Notice{Kind: audit.NoticeRenderRole, Text: "there is no role remotion-lambda-role"}
	other := audit.Notice{Kind: audit.NoticeUpgrade, Text: "an upgrade needs more"}
	for _, tt := range []struct {
		name   string
		report audit.Report
		change func(*story)
		want   string
	}{
		{"a mute", fine, func(s *story) { s.Mutes = mute.List{newMute} },
			"[NOTICE] Mute of target user/v: new mute, hides nothing (123456789012)"},
		{"two mutes", fine, func(s *story) {
			s.Mutes = mute.List{newMute, {Target: "user/w", Reason: "r", Owner: "o", Until: newMute.Until}}
		}, "[NOTICE] 2 mute notices (123456789012)"},
		{"an error of the mutes file", fine, func(s *story) {
			s.Options.MuteErrors = []mute.Error{{Line: 3, Text: "a mute needs owner"}}
		}, "[ERROR] Auditor error: mutes.yaml, line 3: a mute needs owner (123456789012)"},
		{"a notice", alerttest.WithNotices(fine, notice), func(*story) {},
			"[NOTICE] there is no role remotion-lambda-role (123456789012)"},
		{"two notices", alerttest.WithNotices(fine, notice, other), func(*story) {},
			"[NOTICE] 2 notices (123456789012)"},
		{"an invalid configuration", misconfigured, func(s *story) { s.Options.First = &misconfigured },
			"[UNVERIFIED] Nothing was audited: the configuration is wrong (123456789012)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t)
			s.run(fine)
			tt.change(s)
			p := s.after(hour, tt.report)
			checkMessage(t, p)
			if got := p.Message.Subject; got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestHeadlineKeepsWhatStillBreaks checks that a long name in the first part of a subject does not
// displace what still breaks.
func TestHeadlineKeepsWhatStillBreaks(t *testing.T) {
	renders := gapWith("role/clips", "a", audit.Missing, policies.Renders, audit.NoGrant)
	r := reportOf([]string{"role/clips"}, renders)
	r.Problems = []audit.Problem{{Target: "role/clips", What: strings.Repeat("policy ", 20), Why: "w"}}
	s := newStory(t)
	s.run(reportOf([]string{"role/clips"}, renders))
	p := s.after(hour, r)
	checkMessage(t, p)
	if got := p.Message.Subject; !strings.HasPrefix(got, "[UNVERIFIED] Could not check: policy ") ||
		!strings.HasSuffix(got, "...; still open: renders will fail (123456789012)") {
		t.Errorf("subject %q", got)
	}
}

// TestSubjectsOfRandomDrift checks that each subject names the account, and that it says what the
// announced open gaps stop, and no more.
func TestSubjectsOfRandomDrift(t *testing.T) {
	d, s := newDrift(11), newStory(t)
	for range 80 {
		p := s.after(7*hour, d.Step())
		if p.Message.Zero() {
			continue
		}
		subject := p.Message.Subject
		if !strings.HasSuffix(subject, " (123456789012)") {
			t.Errorf("no account in %q", subject)
		}
		var sure bool
		for _, c := range append(append([]alert.GapTransition{}, p.Digest.Gaps...),
			p.Digest.OpenGaps...) {
			sure = sure || c.Gap.Closed.IsZero() && c.Finding.Status != audit.Conditional
		}
		if strings.Contains(subject, "will fail") && !sure {
			t.Errorf("%q says more than is proved", subject)
		}
	}
}
