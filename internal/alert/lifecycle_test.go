package alert_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const (
	critical = policies.Critical
	high     = policies.High
	medium   = policies.Medium
	low      = policies.Low
)

func TestLifecycle(t *testing.T) {
	u := []string{"user/u"}
	both := []string{"user/u", "user/v"}
	gap := func(action string) audit.Finding { return finding("user/u", action, audit.Missing, high) }
	with := func(f audit.Finding, change func(*audit.Finding)) audit.Finding {
		change(&f)
		return f
	}
	fine, a, ab := reportOf(u), reportOf(u, gap("a")), reportOf(u, gap("a"), gap("b"))
	aCritical := reportOf(u, finding("user/u", "a", audit.Missing, critical))
	aUnverified := reportOf(u, finding("user/u", "a", audit.Unverified, high))
	withoutA := reportOf(u)
	withoutA.Findings = slices.DeleteFunc(withoutA.Findings, func(f audit.Finding) bool {
		return f.Action == "a"
	})
	missingTarget := reportOf(u)
	missingTarget.Status, missingTarget.Summary = audit.StatusGaps,
		audit.Summary{Requirements: 2, Gaps: 1, GapsCritical: 1}
	missingTarget.Findings = []audit.Finding{{Target: "user/u", Policy: policies.User,
		Resource: "arn:aws:iam::123456789012:user/u", Status: audit.Missing, Severity: critical,
		Cause: audit.TargetMissing, Why: "there is no such user"}}
	noneVerified := reportOf(u)
	noneVerified.Status, noneVerified.Summary = audit.StatusUnverified,
		audit.Summary{Requirements: 2, Unverified: 2}
	noneVerified.Findings = []audit.Finding{finding("user/u", "s3:Fine", audit.Unverified, low),
		finding("user/u", "a", audit.Unverified, high)}
	noneVerified.Targets[0].Summary = noneVerified.Summary
	partlyVerified, notVerified := reportOf(both, finding("user/u", "a", audit.Unverified, high)),
		reportOf(both, finding("user/u", "a", audit.Unverified, high),
			finding("user/u", "b", audit.Unverified, high), finding("user/u", "c", audit.Unverified, high))
	targetNotFound := reportOf([]string{"user/v"})
	targetNotFound.Problems = []audit.Problem{{Target: "account", What: "the functions",
		Why: "denied"}}

	type step struct {
		after  time.Duration
		report audit.Report
		want   string
	}
	tests := []struct {
		name  string
		set   func(*story)
		steps []step
	}{
		{"a first run without gaps announces nothing", nil, []step{{0, fine, ""}, {hour, a, "opened a"}}},
		{"the gaps of the first run are the baseline, and later ones are new", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, ab, ""},
				{hour, reportOf(u, gap("a"), gap("b"), gap("c")), "opened c"}}},
		{"a gap and its recovery are announced once", nil,
			[]step{{0, fine, ""}, {hour, a, "opened a"}, {hour, a, ""}, {hour, fine, "recovered a ended"},
				{hour, fine, ""}}},
		{"a gap that returns is reopened", nil,
			[]step{{0, a, "baseline a"}, {hour, fine, "recovered a ended"},
				{hour, a, "reopened a"}, {hour, fine, "recovered a ended"}}},
		{"a gap that returns after a month is new", nil,
			[]step{{0, a, "baseline a"}, {hour, fine, "recovered a ended"}, {31 * day, fine, ""},
				{hour, a, "opened a"}}},
		{"reminders come after one, three, seven and seven days", nil,
			[]step{{0, fine, ""}, {hour, a, "opened a"}, {23 * hour, a, ""}, {hour, a, "reminder a"},
				{day, a, ""}, {2*day - hour, a, ""}, {hour, a, "reminder a"},
				{7*day - hour, a, ""}, {hour, a, "reminder a"}, {7 * day, a, "reminder a"}}},
		{"a run a few minutes before a reminder is due sends the reminder", nil,
			[]step{{0, a, "baseline a"}, {day - 10*time.Minute, a, "reminder a"}}},
		{"reminders of a critical gap come at a constant interval", nil,
			[]step{{0, aCritical, "baseline a"}, {day, aCritical, "reminder a"},
				{day, aCritical, "reminder a"},
				{day, aCritical, "reminder a"}}},
		{"a reminder includes gaps that are due soon", nil,
			[]step{{0, a, "baseline a"}, {10 * hour, ab, "opened b"},
				{14 * hour, ab, "reminder a, reminder b"}, {hour, ab, ""}}},
		{"a reminder excludes gaps that are due later", nil,
			[]step{{0, a, "baseline a"}, {20 * hour, ab, "opened b"},
				{4 * hour, ab, "reminder a"}, {20 * hour, ab, "reminder b"}}},
		{"without RepeatAfter every run sends a reminder", func(s *story) { s.Options.RepeatAfter = 0 },
			[]step{{0, a, "baseline a"}, {0, a, ""}, {time.Second, a, "reminder a"},
				{time.Second, a, "reminder a"}}},
		{"a gap with a higher severity is worse, and with a lower severity partly recovered", nil,
			[]step{{0, a, "baseline a"}, {hour, aCritical, "worse a"},
				{hour, aCritical, ""}, {hour, a, "partly_recovered a"}, {hour, aCritical, "worse a"}}},
		{"a gap that becomes missing is worse, and one that becomes conditional partly recovered", nil,
			[]step{{0, reportOf(u, finding("user/u", "a", audit.Partial, high)), "baseline a"},
				{hour, a, "worse a"}, {hour, reportOf(u, finding("user/u", "a", audit.Conditional, high)),
					"partly_recovered a"}}},
		{"a missing gap that becomes denied is not announced", nil,
			[]step{{0, a, "baseline a"}, {hour, reportOf(u, finding("user/u", "a", audit.Denied, high)),
				""}}},
		{"a gap with another cause, example or text is the same gap", nil,
			[]step{{0, a, "baseline a"}, {hour, reportOf(u, with(gap("a"), func(f *audit.Finding) {
				f.Cause, f.Why, f.ExampleARN, f.Region, f.Notes = audit.SCP, "other", "arn:aws:s3:::other",
					"eu-west-1", []string{"n"}
			})), ""}}},
		{"a cause is partly recovered when one of its two gaps ends", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, a, "partly_recovered b ended"},
				{hour, fine, "recovered a ended"}}},
		{"a cause is recovered when its only gap ends", nil,
			[]step{{0, reportOf(u, gap("a"), with(gap("b"), func(f *audit.Finding) { f.Cause = audit.SCP })),
				"baseline a, baseline b"}, {hour, a, "recovered b ended"}}},
		{"a requirement that becomes unverified neither closes nor opens a gap", nil,
			[]step{{0, a, "baseline a"}, {hour, aUnverified, "auditor_error user/u"},
				{hour, a, "auditor_error user/u ended"}, {hour, fine, "recovered a ended"},
				{hour, aUnverified, "auditor_error user/u"}}},
		{"an unverified gap gets no reminder", nil,
			[]step{{0, a, "baseline a"}, {hour, aUnverified, "auditor_error user/u"},
				{day - hour, aUnverified, ""},
				{hour, aUnverified, "reminder user/u"}, {hour, a, "reminder a, auditor_error user/u ended"}}},
		{"one unverified target of two is announced by the second run", nil,
			[]step{{0, reportOf(both), ""},
				{hour, reportOf(both, finding("user/u", "a", audit.Unverified, high)),
					""}, {hour, reportOf(both, finding("user/u", "a", audit.Unverified, high)),
					"auditor_error user/u"}}},
		{"a target that is unverified in one run is not announced", nil,
			[]step{{0, reportOf(both), ""},
				{hour, reportOf(both, finding("user/u", "a", audit.Unverified, high)),
					""}, {hour, reportOf(both), ""},
				{hour, reportOf(both, finding("user/u", "a", audit.Unverified, high)),
					""}}},
		{"a target that is unverified in both attempts of a run is announced", func(s *story) {
			first := reportOf(both, finding("user/u", "a", audit.Unverified, high))
			s.Options.First = &first
		}, []step{{0, reportOf(both, finding("user/u", "a", audit.Unverified, high)),
			"auditor_error user/u"}}},
		{"a target that is unverified in the first attempt only is not announced", func(s *story) {
			s.Options.First = &aUnverified
		},
			[]step{{0, fine, ""}}},
		{"a target that is no longer verified at all is announced again", nil,
			[]step{{0, reportOf(u, finding("user/u", "a", audit.Unverified, high)), "auditor_error user/u"},
				{hour, noneVerified, "auditor_error user/u"}, {hour, noneVerified, ""}, {hour, aUnverified, ""},
				{hour, noneVerified, ""}}},
		{"one target of two that is no longer verified at all is announced by the second run", nil,
			[]step{{0, reportOf(both), ""}, {hour, partlyVerified, ""},
				{hour, partlyVerified, "auditor_error user/u"},
				{hour, notVerified, ""}, {hour, notVerified, "auditor_error user/u"}, {hour, notVerified, ""}}},
		{"the gap of a missing target replaces the other gaps of the target", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, missingTarget, "opened user/u"},
				{hour, missingTarget, ""},
				{hour, a, "partly_recovered b ended, recovered user/u ended"}}},
		{"the gap of a missing target stays open while the target is unverified", nil,
			[]step{{0, missingTarget, "baseline user/u"}, {hour, noneVerified, "auditor_error user/u"},
				{hour, fine, "recovered user/u ended, auditor_error user/u ended"}}},
		{"a target that two runs did not find is retired", nil,
			[]step{{0, reportOf(both, gap("a")), "baseline a"}, {hour, reportOf(both[1:]), ""},
				{hour, reportOf(both[1:]), "retired a ended"},
				{hour, reportOf(both[1:]), ""}}},
		{"a requirement that two runs did not find is retired", nil,
			[]step{{0, a, "baseline a"}, {hour, withoutA, ""}, {hour, withoutA, "retired a ended"}}},
		{"the gaps of a target that was not found stay open", nil,
			[]step{{0, reportOf(both, gap("a")), "baseline a"},
				{hour, targetNotFound, ""}, {hour, targetNotFound, "auditor_error account"},
				{hour, reportOf(both, gap("a")), "auditor_error account ended"}}},
		{"a muted gap is never announced", func(s *story) {
			s.Mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: start.Add(300 * day)}}
		},
			[]step{{0, a, "notice of target user/u: new, hides 1 gap (highest severity: high)"},
				{2 * day, a, ""},
				{hour, fine, "notice of target user/u: unused, hides nothing"}, {hour, a, ""}}},
		{"a gap is announced as new when its mute ends", func(s *story) {
			s.Mutes = mute.List{{Target: "user/u", Owner: "kim", Reason: "r", Until: start.Add(2 * hour)}}
		},
			[]step{{0, a, "notice of target user/u: new, hides 1 gap (highest severity: high)"},
				{hour, a, ""},
				{hour, a, "opened a"}}},
		{"an error of the mutes file is announced once, by the first run", func(s *story) {
			s.Options.MuteErrors = []mute.Error{{Line: 3, Text: "a mute needs owner"}}
		},
			[]step{{0, fine,
				"auditor_error mutes.yaml, line 3: a mute needs owner"}, {hour, fine, ""}}},
	}
	// A recovery while the mutes file has an error is labeled ERROR, not OK.
	s := newStory(t)
	s.Options.MuteErrors = []mute.Error{{Line: 3, Text: "a mute needs owner"}}
	s.Run(a)
	if subject := message(s.After(hour, fine)).Subject; !strings.HasPrefix(subject,
		"[ERROR] Recovered after 1h: u") {
		t.Errorf("the subject of a recovery during an error of the mutes file is %q", subject)
	}
	s.Options.MuteErrors = nil
	if subject := message(s.After(hour, fine)).Subject; subject != "" || len(s.State.Errors) > 0 {
		t.Errorf("after the mutes file is corrected: subject %q, errors %+v", subject, s.State.Errors)
	}
	otherRegion := reportOf(u, finding("user/u", "a", audit.Satisfied, high))
	otherRegion.Regions = []string{"eu-west-1"}
	tests = append(tests, struct {
		name  string
		set   func(*story)
		steps []step
	}{"the gaps of a region that two runs did not audit are retired", nil,
		[]step{{0, a, "baseline a"}, {hour, otherRegion, ""}, {hour, otherRegion, "retired a ended"}}})

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			if test.set != nil {
				test.set(s)
			}
			for i, step := range test.steps {
				p := s.After(step.after, step.report)
				if got := announcements(p); got != step.want {
					t.Fatalf("run %d announces %q, want %q\n%s", i+1, got, step.want, p.Next.JSON())
				}
				if again := announcements(s.Replay(step.report)); again != "" {
					t.Fatalf("a replay of run %d announces %q", i+1, again)
				}
			}
		})
	}
}

// TestAGapIsTheSameUnderAnotherSid checks that a gap with another Sid is the same gap, because
// Remotion releases number their statements differently.
func TestAGapIsTheSameUnderAnotherSid(t *testing.T) {
	u := []string{"user/u"}
	before := finding("user/u", "a", audit.Missing, high)
	after := before
	before.Sid, after.Sid = "3", "4"
	s := newStory(t)
	if got := announcements(s.Run(reportOf(u, before))); got != "baseline a" {
		t.Errorf("the first run announced %q", got)
	}
	since := s.State.Gaps[0].Since
	if got := announcements(s.After(hour, reportOf(u, after))); got != "" || len(s.State.Gaps) != 1 ||
		s.State.Gaps[0].Sid != "4" || !s.State.Gaps[0].Since.Equal(since) {
		t.Errorf("with another Sid: announced %q, gaps %+v", got, s.State.Gaps)
	}
	if got := announcements(s.After(hour, reportOf(u, before))); got != "" {
		t.Errorf("with the first Sid again: announced %q", got)
	}
	before.Status, before.Cause = audit.Satisfied, ""
	if got := announcements(s.After(hour, reportOf(u, before))); got != "recovered a ended" {
		t.Errorf("after the permission is granted: announced %q", got)
	}
}

// TestARequirementIsNotRetiredWhileFunctionsAreUnknown checks that no requirement is retired while
// the deployed functions cannot be listed. These functions determine which requirements apply.
func TestARequirementIsNotRetiredWhileFunctionsAreUnknown(t *testing.T) {
	u := []string{"user/u"}
	old, newest := reportOf(u, finding("user/u", "old", audit.Missing, high)), reportOf(u)
	s := newStory(t)
	s.Run(old)
	unlisted := newest
	unlisted.Problems = []audit.Problem{{What: "the functions in us-east-1", Why: "access denied",
		Grant: "lambda:ListFunctions"}}
	s.After(hour, unlisted)
	if p := s.After(hour, unlisted); announcements(p) != "" &&
		strings.Contains(announcements(p), "retired") ||
		!s.State.Gaps[0].Closed.IsZero() {
		t.Errorf("while functions are not listed: announced %q, gaps %+v", announcements(p), s.State.Gaps)
	}
	if got := announcements(s.After(hour, old)); strings.Contains(got, "opened") {
		t.Errorf("after the functions are listed again: announced %q", got)
	}
	for i, want := range []string{"", "retired old ended"} {
		if got := announcements(s.After(hour, newest)); got != want {
			t.Errorf("run %d after the function is deleted: announced %q, want %q", i+1, got, want)
		}
	}
}

// TestALastingProblemDoesNotKeepItsGapsOpen checks that a gap that was found while functions could
// not be listed can close while they still cannot be listed. Otherwise, without that permission of
// the auditor, the gap would never close.
func TestALastingProblemDoesNotKeepItsGapsOpen(t *testing.T) {
	u := []string{"user/u"}
	listing := audit.Problem{Target: "the account", What: "the functions in us-east-1",
		Why: "access denied", Grant: "lambda:ListFunctions"}
	a, fine := reportOf(u, finding("user/u", "a", audit.Missing, high)), reportOf(u)
	unlistedA, unlistedFine := a, fine
	unlistedA.Problems, unlistedFine.Problems = []audit.Problem{listing}, []audit.Problem{listing}
	for _, test := range []struct {
		name    string
		reports []audit.Report
		closed  bool
	}{
		{"a gap found with the list of functions stays open if it is satisfied without the list",
			[]audit.Report{a, unlistedFine}, false},
		{"a gap found with the list closes if it is satisfied with the list",
			[]audit.Report{a, unlistedFine, fine}, true},
		{"a gap found also without the list closes if it is satisfied without the list",
			[]audit.Report{a, unlistedA, unlistedFine}, true},
		{"a gap found without the list closes if it is satisfied without the list",
			[]audit.Report{unlistedA, unlistedFine}, true},
	} {
		s := newStory(t)
		for _, r := range test.reports {
			s.After(hour, r)
		}
		if got := strings.Contains(announcements(s.Last), "recovered a ended"); got != test.closed ||
			s.State.Gaps[0].Closed.IsZero() == test.closed {
			t.Errorf("%s: announced %q, gaps %+v", test.name, announcements(s.Last), s.State.Gaps)
		}
	}
}

// TestAnErrorIsTheSameInOtherRegions checks that a problem that occurs in other regions in the next
// run is the same error.
func TestAnErrorIsTheSameInOtherRegions(t *testing.T) {
	in := func(regions string) audit.Report {
		r := reportOf([]string{"user/u"})
		r.Problems = []audit.Problem{{Target: "the account", What: "the functions in " + regions,
			Why: "timeout"}}
		return r
	}
	s := newStory(t)
	s.Run(reportOf([]string{"user/u"}))
	for i, want := range []string{"", "auditor_error the account", ""} {
		if got := announcements(s.After(hour,
			in([]string{"us-east-1", "eu-west-1, us-east-1", "us-west-2"}[i]))); got != want {
			t.Errorf("run %d: announced %q, want %q", i+1, got, want)
		}
		if mail := message(s.Last).Bodies["email"]; i == 1 &&
			!strings.Contains(mail, "\nCause: the functions in eu-west-1, us-east-1: timeout\n") {
			t.Errorf("the mail does not name the regions\n%s", mail)
		}
	}
	if got := announcements(s.After(hour,
		reportOf([]string{"user/u"}))); got != "auditor_error the account ended" {
		t.Errorf("after the functions are listed again: announced %q", got)
	}
	// A second attempt within the run confirms the error.
	s = newStory(t)
	s.Run(reportOf([]string{"user/u"}))
	first := in("us-east-1")
	s.Options.First = &first
	if got := announcements(s.After(hour, in("eu-west-1"))); got != "auditor_error the account" {
		t.Errorf("after the error in both attempts of a run: announced %q", got)
	}
}

// TestARunWithoutTargetsEndsNothing checks that a run that audits no target, because its
// configuration is invalid, neither ends the error of a target nor announces that a mute can be
// removed.
func TestARunWithoutTargetsEndsNothing(t *testing.T) {
	targets := []string{"user/u", "user/v"}
	unverified := finding("user/u", "a", audit.Unverified, high)
	muted := finding("user/v", "b", audit.Missing, high)
	audited := reportOf(targets, unverified, muted)
	s := newStory(t)
	s.Mutes = mute.List{{Target: "user/v", Reason: "known", Owner: "kim", Until: start.Add(90 * day)}}
	expect := func(step string, p alert.Planned, want string) {
		t.Helper()
		if got := announcements(p); got != want {
			t.Errorf("%s: announced %q, want %q", step, got, want)
		}
	}
	s.Run(audited)
	expect("unverified in two runs", s.After(hour, audited), "auditor_error user/u")
	s.Options.First = &misconfigured
	p := s.After(hour, misconfigured)
	expect("the configuration is invalid", p, "auditor_error the account")
	const opening = "[UNVERIFIED] Could not check: the account\nCause: " + audit.ProblemConfiguration
	if mail := message(p).Bodies["email"]; !strings.HasPrefix(mail, opening+": CALLERS: is not set\n") {
		t.Errorf("the mail does not begin with the error\n%s", mail)
	}
	expect("the configuration is still invalid", s.After(hour, misconfigured), "")
	s.Options.First = nil
	p = s.After(hour, audited)
	expect("the configuration is valid again", p, "auditor_error the account ended")
	if mail := message(p).Bodies["email"]; !strings.HasPrefix(mail,
		"The configuration is valid again after 2h\n") {
		t.Errorf("the mail does not say that the error is resolved\n%s", mail)
	}
	expect("the target is verified again", s.After(hour, reportOf(targets, muted)),
		"auditor_error user/u ended")
}

// TestATargetThatIsNotFoundStaysUnverified checks that the error of a target does not end if the
// target is not found because functions cannot be listed.
func TestATargetThatIsNotFoundStaysUnverified(t *testing.T) {
	unverified := reportOf([]string{"user/u", "role/clips"},
		finding("role/clips", "a", audit.Unverified, high))
	unlisted := reportOf([]string{"user/u"})
	unlisted.Problems = []audit.Problem{{Target: audit.AccountTarget,
		What: "the functions in us-east-1", Why: "denied", Grant: "lambda:ListFunctions"}}
	s := newStory(t)
	for i, step := range []struct {
		report audit.Report
		want   string
	}{
		{unverified, ""}, {unverified, "auditor_error role/clips"}, {unlisted, ""},
		{unlisted, "auditor_error the account"}, {unverified, "auditor_error the account ended"},
		{reportOf([]string{"user/u"}), ""},
		{reportOf([]string{"user/u"}), "auditor_error role/clips ended"},
	} {
		if got := announcements(s.After(hour, step.report)); got != step.want {
			t.Errorf("run %d: announced %q, want %q", i+1, got, step.want)
		}
	}
}
