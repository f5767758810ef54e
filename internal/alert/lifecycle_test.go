package alert

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const (
	hour = time.Hour
	day  = 24 * hour
)

// told writes what a plan announces: each event with what it is about.
func told(p Planned) string {
	if p.Message.Zero() {
		return ""
	}
	var list []string
	for _, a := range decoded(p.Message).Announcements {
		about := a.Action
		switch {
		case a.Mute != nil:
			_, about, _ = strings.Cut(a.Text, " ")
		case a.Action == "":
			about = a.Target
		}
		if about == "" {
			about = a.Text
		}
		if a.Ended {
			about += " over"
		}
		list = append(list, string(a.Event)+" "+about)
	}
	return strings.Join(list, ", ")
}

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
	fine, a, ab := made(u), made(u, gap("a")), made(u, gap("a"), gap("b"))
	grave := made(u, finding("user/u", "a", audit.Missing, critical))
	unsure := made(u, finding("user/u", "a", audit.Unverified, high))
	fewer := made(u)
	fewer.Findings = slices.DeleteFunc(fewer.Findings, func(f audit.Finding) bool {
		return f.Action == "a"
	})
	missing := made(u)
	missing.Status, missing.Summary = audit.StatusGaps,
		audit.Summary{Requirements: 2, Gaps: 1, GapsCritical: 1}
	missing.Findings = []audit.Finding{{Target: "user/u", Policy: policies.User,
		Resource: "arn:aws:iam::123456789012:user/u", Status: audit.Missing, Severity: critical,
		Cause: audit.TargetMissing, Why: "there is no such user"}}
	unknown := made(u)
	unknown.Status, unknown.Summary = audit.StatusUnverified,
		audit.Summary{Requirements: 2, Unverified: 2}
	unknown.Findings = []audit.Finding{finding("user/u", "s3:Fine", audit.Unverified, low),
		finding("user/u", "a", audit.Unverified, high)}
	unknown.Targets[0].Summary = unknown.Summary
	oneBlind, oneDark := made(both, finding("user/u", "a", audit.Unverified, high)),
		made(both, finding("user/u", "a", audit.Unverified, high),
			finding("user/u", "b", audit.Unverified, high), finding("user/u", "c", audit.Unverified, high))
	elsewhere := a
	elsewhere.Regions = []string{"eu-west-1"}
	nobodyFound := made([]string{"user/v"})
	nobodyFound.Problems = []audit.Problem{{Target: "account", What: "the functions", Why: "denied"}}

	type step struct {
		after  time.Duration
		report audit.Report
		told   string
	}
	tests := []struct {
		name  string
		set   func(*story)
		steps []step
	}{
		{"a first run without gaps says nothing", nil, []step{{0, fine, ""}, {hour, a, "opened a"}}},
		{"a first run is one baseline, and what comes after it is new", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, ab, ""},
				{hour, made(u, gap("a"), gap("b"), gap("c")), "opened c"}}},
		{"a gap is told once, and its end once", nil,
			[]step{{0, fine, ""}, {hour, a, "opened a"}, {hour, a, ""}, {hour, fine, "recovered a over"},
				{hour, fine, ""}}},
		{"what comes back is counted", nil, []step{{0, a, "baseline a"}, {hour, fine, "recovered a over"},
			{hour, a, "reopened a"}, {hour, fine, "recovered a over"}}},
		{"after a month nobody remembers", nil,
			[]step{{0, a, "baseline a"}, {hour, fine, "recovered a over"}, {31 * day, fine, ""},
				{hour, a, "opened a"}}},
		{"reminders come after one, three, seven and seven days", nil,
			[]step{{0, fine, ""}, {hour, a, "opened a"}, {23 * hour, a, ""}, {hour, a, "reminder a"},
				{day, a, ""}, {2*day - hour, a, ""}, {hour, a, "reminder a"},
				{7*day - hour, a, ""}, {hour, a, "reminder a"}, {7 * day, a, "reminder a"}}},
		{"a reminder a few minutes early is on time", nil,
			[]step{{0, a, "baseline a"}, {day - 10*time.Minute, a, "reminder a"}}},
		{"what is critical does not back off", nil,
			[]step{{0, grave, "baseline a"}, {day, grave, "reminder a"}, {day, grave, "reminder a"},
				{day, grave, "reminder a"}}},
		{"a reminder takes along what is soon due", nil,
			[]step{{0, a, "baseline a"}, {10 * hour, ab, "opened b"},
				{14 * hour, ab, "reminder a, reminder b"}, {hour, ab, ""}}},
		{"what is not soon due waits", nil, []step{{0, a, "baseline a"}, {20 * hour, ab, "opened b"},
			{4 * hour, ab, "reminder a"}, {20 * hour, ab, "reminder b"}}},
		{"without a wait every run reminds", func(s *story) { s.options.RepeatAfter = 0 },
			[]step{{0, a, "baseline a"}, {0, a, ""}, {time.Second, a, "reminder a"},
				{time.Second, a, "reminder a"}}},
		{"more severe is worse", nil, []step{{0, a, "baseline a"}, {hour, grave, "worse a"},
			{hour, grave, ""}, {hour, a, "partly_recovered a"}, {hour, grave, "worse a"}}},
		{"from partial to missing is worse, and back is partly recovered", nil,
			[]step{{0, made(u, finding("user/u", "a", audit.Partial, high)), "baseline a"},
				{hour, a, "worse a"}, {hour, made(u, finding("user/u", "a", audit.Conditional, high)),
					"partly_recovered a"}}},
		{"from missing to denied is the same", nil,
			[]step{{0, a, "baseline a"}, {hour, made(u, finding("user/u", "a", audit.Denied, high)), ""}}},
		{"another cause, example or text is the same gap", nil,
			[]step{{0, a, "baseline a"}, {hour, made(u, with(gap("a"), func(f *audit.Finding) {
				f.Cause, f.Why, f.ExampleARN, f.Region, f.Notes = audit.SCP, "other", "arn:aws:s3:::other",
					"eu-west-1", []string{"n"}
			})), ""}}},
		{"one of two of the same cause is a part", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, a, "partly_recovered b over"},
				{hour, fine, "recovered a over"}}},
		{"one of two of different causes is the whole of its own", nil,
			[]step{{0, made(u, gap("a"), with(gap("b"), func(f *audit.Finding) { f.Cause = audit.SCP })),
				"baseline a, baseline b"}, {hour, a, "recovered b over"}}},
		{"unverified neither recovers nor opens", nil,
			[]step{{0, a, "baseline a"}, {hour, unsure, "auditor_error user/u"},
				{hour, a, "auditor_error user/u over"}, {hour, fine, "recovered a over"},
				{hour, unsure, "auditor_error user/u"}}},
		{"unverified is not told again as a gap", nil,
			[]step{{0, a, "baseline a"}, {hour, unsure, "auditor_error user/u"}, {day - hour, unsure, ""},
				{hour, unsure, "reminder user/u"}, {hour, a, "reminder a, auditor_error user/u over"}}},
		{"one blind target of two is believed the second time", nil,
			[]step{{0, made(both), ""}, {hour, made(both, finding("user/u", "a", audit.Unverified, high)),
				""}, {hour, made(both, finding("user/u", "a", audit.Unverified, high)),
				"auditor_error user/u"}}},
		{"blind once, and nobody is told", nil,
			[]step{{0, made(both), ""}, {hour, made(both, finding("user/u", "a", audit.Unverified, high)),
				""}, {hour, made(both), ""}, {hour, made(both, finding("user/u", "a", audit.Unverified, high)),
				""}}},
		{"blind twice within the run is told at once", func(s *story) {
			first := made(both, finding("user/u", "a", audit.Unverified, high))
			s.options.First = &first
		}, []step{{0, made(both, finding("user/u", "a", audit.Unverified, high)),
			"auditor_error user/u"}}},
		{"blind first and seeing then is nothing", func(s *story) { s.options.First = &unsure },
			[]step{{0, fine, ""}}},
		{"a target that goes dark is told again", nil,
			[]step{{0, made(u, finding("user/u", "a", audit.Unverified, high)), "auditor_error user/u"},
				{hour, unknown, "auditor_error user/u"}, {hour, unknown, ""}, {hour, unsure, ""},
				{hour, unknown, ""}}},
		{"that a target goes dark has to be seen twice", nil,
			[]step{{0, made(both), ""}, {hour, oneBlind, ""}, {hour, oneBlind, "auditor_error user/u"},
				{hour, oneDark, ""}, {hour, oneDark, "auditor_error user/u"}, {hour, oneDark, ""}}},
		{"a target that is missing stands for its gaps", nil,
			[]step{{0, ab, "baseline a, baseline b"}, {hour, missing, "opened user/u"}, {hour, missing, ""},
				{hour, a, "partly_recovered b over, recovered user/u over"}}},
		{"a target that may be missing is held", nil,
			[]step{{0, missing, "baseline user/u"}, {hour, unknown, "auditor_error user/u"},
				{hour, fine, "recovered user/u over, auditor_error user/u over"}}},
		{"a target that is not audited any more is retired", nil,
			[]step{{0, made(both, gap("a")), "baseline a"}, {hour, made(both[1:]), "retired a over"},
				{hour, made(both[1:]), ""}}},
		{"a requirement that is not audited any more is retired", nil,
			[]step{{0, a, "baseline a"}, {hour, fewer, "retired a over"}}},
		{"a target that was not found is held", nil, []step{{0, made(both, gap("a")), "baseline a"},
			{hour, nobodyFound, ""}, {hour, nobodyFound, "auditor_error account"},
			{hour, made(both, gap("a")), "auditor_error account over"}}},
		{"a muted gap says nothing, whatever it does", func(s *story) {
			s.mutes = Mutes{{Target: "user/u", Owner: "kim", Reason: "r", Until: start.Add(300 * day)}}
		},
			[]step{{0, a, "notice of target user/u new: it hides 1 gap, the worst high"}, {2 * day, a, ""},
				{hour, fine, "notice of target user/u hides nothing: it can be removed"}, {hour, a, ""}}},
		{"what was muted is new when the mute ends", func(s *story) {
			s.mutes = Mutes{{Target: "user/u", Owner: "kim", Reason: "r", Until: start.Add(2 * hour)}}
		},
			[]step{{0, a, "notice of target user/u new: it hides 1 gap, the worst high"}, {hour, a, ""},
				{hour, a, "opened a"}}},
		{"what is wrong with the mutes is told at once, once", func(s *story) {
			s.options.MuteErrors = []MuteError{{Line: 3, Text: "a mute needs owner"}}
		},
			[]step{{0, fine,
				"auditor_error mutes.yaml, line 3: a mute needs owner: it mutes nothing until that is " +
					"corrected"}, {hour, fine, ""}}},
	}
	// Not every story ends well for every other part of it.
	s := newStory(t)
	s.options.MuteErrors = []MuteError{{Line: 3, Text: "a mute needs owner"}}
	s.run(a)
	if subject := s.after(hour, fine).Message.Subject; !strings.HasPrefix(subject,
		"[ERROR] Remotion IAM: recovered after 1h") {
		t.Errorf("recovered, and the mutes are broken: %q", subject)
	}
	s.options.MuteErrors = nil
	if subject := s.after(hour, fine).Message.Subject; subject != "" || len(s.state.Errors) > 0 {
		t.Errorf("the mutes are mended: %q, %+v", subject, s.state.Errors)
	}
	// A region that is left out takes its gaps along, and that is no recovery.
	elsewhereFine := made(u, finding("user/u", "a", audit.Satisfied, high))
	elsewhereFine.Regions = elsewhere.Regions
	tests = append(tests, struct {
		name  string
		set   func(*story)
		steps []step
	}{"a region that is not audited any more retires its gaps", nil,
		[]step{{0, a, "baseline a"}, {hour, elsewhereFine, "retired a over"}}})

	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := newStory(t)
			if test.set != nil {
				test.set(s)
			}
			for i, step := range test.steps {
				p := s.after(step.after, step.report)
				if got := told(p); got != step.told {
					t.Fatalf("run %d tells %q, want %q\n%s", i+1, got, step.told, p.Next.JSON())
				}
				if again := told(s.plan(replayed(step.report, s))); again != "" {
					t.Fatalf("run %d, replayed, tells %q", i+1, again)
				}
			}
		})
	}
}

// replayed is the report of the last run once more.
func replayed(r audit.Report, s *story) audit.Report {
	r.Run = s.last.Report.Run
	return r
}

func decoded(m Message) jsonBody {
	var d jsonBody
	if err := json.Unmarshal([]byte(m.Bodies["default"]), &d); err != nil {
		panic(err) // the default body is JSON, or nothing here makes sense
	}
	return d
}

// Releases number the statements of their documents anew: a gap does not end by that, and no other
// begins.
func TestAGapIsTheSameUnderAnotherSid(t *testing.T) {
	u := []string{"user/u"}
	before := finding("user/u", "a", audit.Missing, high)
	after := before
	before.Sid, after.Sid = "3", "4"
	s := newStory(t)
	if got := told(s.run(made(u, before))); got != "baseline a" {
		t.Errorf("before: %q", got)
	}
	since := s.state.Gaps[0].Since
	if got := told(s.after(hour, made(u, after))); got != "" || len(s.state.Gaps) != 1 ||
		s.state.Gaps[0].Sid != "4" || !s.state.Gaps[0].Since.Equal(since) {
		t.Errorf("after: %q, %+v", got, s.state.Gaps)
	}
	if got := told(s.after(hour, made(u, before))); got != "" {
		t.Errorf("back: %q", got)
	}
	before.Status, before.Cause = audit.Satisfied, ""
	if got := told(s.after(hour, made(u, before))); got != "recovered a over" {
		t.Errorf("mended: %q", got)
	}
}

// What is needed follows from what is deployed. Where that cannot be listed, nothing is retired.
func TestARequirementIsNotRetiredWhileFunctionsAreUnknown(t *testing.T) {
	u := []string{"user/u"}
	old, newest := made(u, finding("user/u", "old", audit.Missing, high)), made(u)
	s := newStory(t)
	s.run(old)
	blind := newest
	blind.Problems = []audit.Problem{{What: "the functions in us-east-1", Why: "access denied",
		Grant: "lambda:ListFunctions"}}
	s.after(hour, blind)
	if p := s.after(hour, blind); told(p) != "" && strings.Contains(told(p), "retired") ||
		!s.state.Gaps[0].Closed.IsZero() {
		t.Errorf("while nobody knows: %q, %+v", told(p), s.state.Gaps)
	}
	if got := told(s.after(hour, old)); strings.Contains(got, "opened") {
		t.Errorf("seen again: %q", got)
	}
	if got := told(s.after(hour, newest)); got != "retired old over" {
		t.Errorf("the function is gone: %q", got)
	}
}

// A problem that never ends, as a permission that nobody grants, must not keep a gap open for ever.
func TestALastingProblemHoldsNoGapThatItSaw(t *testing.T) {
	u := []string{"user/u"}
	listing := audit.Problem{Target: "the account", What: "the functions in us-east-1",
		Why: "access denied", Grant: "lambda:ListFunctions"}
	a, fine := made(u, finding("user/u", "a", audit.Missing, high)), made(u)
	blindA, blindFine := a, fine
	blindA.Problems, blindFine.Problems = []audit.Problem{listing}, []audit.Problem{listing}
	for _, test := range []struct {
		name    string
		reports []audit.Report
		closed  bool
	}{
		{"seen when all was known, fine when it was not", []audit.Report{a, blindFine}, false},
		{"and then again when it is", []audit.Report{a, blindFine, fine}, true},
		{"seen when it was not", []audit.Report{a, blindA, blindFine}, true},
		{"seen when it never was", []audit.Report{blindA, blindFine}, true},
	} {
		s := newStory(t)
		for _, r := range test.reports {
			s.after(hour, r)
		}
		if got := strings.Contains(told(s.last), "recovered a over"); got != test.closed ||
			s.state.Gaps[0].Closed.IsZero() == test.closed {
			t.Errorf("%s: told %q, %+v", test.name, told(s.last), s.state.Gaps)
		}
	}
}

// The regions in which something fails may be others in each run: it is one error all the same.
func TestAnErrorIsTheSameInOtherRegions(t *testing.T) {
	in := func(regions string) audit.Report {
		r := made([]string{"user/u"})
		r.Problems = []audit.Problem{{Target: "the account", What: "the functions in " + regions,
			Why: "timeout"}}
		return r
	}
	s := newStory(t)
	s.run(made([]string{"user/u"}))
	for i, want := range []string{"", "auditor_error the account", ""} {
		if got := told(s.after(hour,
			in([]string{"us-east-1", "eu-west-1, us-east-1", "us-west-2"}[i]))); got != want {
			t.Errorf("run %d: told %q, want %q", i, got, want)
		}
		if i == 1 &&
			!strings.Contains(s.last.Message.Bodies["email"],
				"blind       the functions in eu-west-1, us-east-1; since ") {
			t.Errorf("the mail does not say where\n%s", s.last.Message.Bodies["email"])
		}
	}
	if got := told(s.after(hour, made([]string{"user/u"}))); got != "auditor_error the account over" {
		t.Errorf("after it: %q", got)
	}
	// A look that was repeated within the run confirms it at once.
	s = newStory(t)
	s.run(made([]string{"user/u"}))
	first := in("us-east-1")
	s.options.First = &first
	if got := told(s.after(hour, in("eu-west-1"))); got != "auditor_error the account" {
		t.Errorf("met twice within a run: %q", got)
	}
}

// misconfigured is what a run reports whose configuration is wrong.
var misconfigured = audit.Evaluate(audit.Facts{Account: "123456789012", Partition: "aws",
	Problems: []audit.Problem{{What: audit.ProblemConfiguration, Why: "CALLERS: is not set",
		Remedy: "set it"}}})

// A run that looks at nobody, as with a wrong configuration, has no good news about anybody: not
// that a target can be looked at again, and not that a mute can be removed.
func TestARunThatLooksAtNobodySaysNothingOfThem(t *testing.T) {
	targets := []string{"user/u", "user/v"}
	blind := finding("user/u", "a", audit.Unverified, high)
	muted := finding("user/v", "b", audit.Missing, high)
	looked := made(targets, blind, muted)
	s := newStory(t)
	s.mutes = Mutes{{Target: "user/v", Reason: "known", Owner: "kim", Until: start.Add(90 * day)}}
	expect := func(what string, p Planned, want string) {
		t.Helper()
		if got := told(p); got != want {
			t.Errorf("%s: told %q, want %q", what, got, want)
		}
	}
	s.run(looked)
	expect("blind twice", s.after(hour, looked), "auditor_error user/u")
	s.options.First = &misconfigured
	p := s.after(hour, misconfigured)
	expect("misconfigured", p, "auditor_error the account")
	if mail := p.Message.Bodies["email"]; !strings.HasPrefix(mail,
		"nothing is audited\ncould not look: 1 problem while looking\n\nCOULD NOT LOOK\n") {
		t.Errorf("the mail begins otherwise\n%s", mail)
	}
	expect("misconfigured still", s.after(hour, misconfigured), "")
	s.options.First = nil
	p = s.after(hour, looked)
	expect("right again", p, "auditor_error the account over")
	if mail := p.Message.Bodies["email"]; !strings.Contains(mail,
		"over        the configuration is right again, after 2h\n") {
		t.Errorf("the mail does not say what is over\n%s", mail)
	}
	expect("and seen", s.after(hour, made(targets, muted)), "auditor_error user/u over")
}

// Who is not found while functions cannot be listed cannot be looked at again for that.
func TestATargetThatIsNotFoundStaysBlind(t *testing.T) {
	blind := made([]string{"user/u", "role/clips"}, finding("role/clips", "a", audit.Unverified, high))
	unlisted := made([]string{"user/u"})
	unlisted.Problems = []audit.Problem{{Target: audit.AccountTarget,
		What: "the functions in us-east-1", Why: "denied", Grant: "lambda:ListFunctions"}}
	s := newStory(t)
	for i, step := range []struct {
		report audit.Report
		want   string
	}{
		{blind, ""}, {blind, "auditor_error role/clips"}, {unlisted, ""},
		{unlisted, "auditor_error the account"}, {blind, "auditor_error the account over"},
		{made([]string{"user/u"}), "auditor_error role/clips over"},
	} {
		if got := told(s.after(hour, step.report)); got != step.want {
			t.Errorf("run %d: told %q, want %q", i+1, got, step.want)
		}
	}
}
