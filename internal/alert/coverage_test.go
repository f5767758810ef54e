package alert_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// withFunctions returns the report of a run that found functions in regions.
func withFunctions(r audit.Report, functions map[string]int) audit.Report {
	r.FunctionsByRegion, r.Regions = functions, nil
	for region := range functions {
		r.Regions = append(r.Regions, region)
	}
	slices.Sort(r.Regions)
	return r
}

// ofRole returns a finding about the render role.
func ofRole(f audit.Finding) audit.Finding {
	f.Target, f.Policy = "role/r", "role"
	return f
}

// without returns the report without the findings about an action.
func without(r audit.Report, action string) audit.Report {
	r.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f audit.Finding) bool {
		return f.Action == action
	})
	return r
}

// TestOneRunThatFindsLessClosesNothing checks that an answer of AWS that lacks something once has
// no effect on what was announced, and that two such runs, or a change of the configuration, have.
func TestOneRunThatFindsLessClosesNothing(t *testing.T) {
	both := []string{"user/u", "role/r"}
	two := map[string]int{"us-east-1": 1, "eu-west-1": 2}
	one, fewer, none := map[string]int{"eu-west-1": 2}, map[string]int{"us-east-1": 1, "eu-west-1": 1},
		map[string]int{"us-east-1": 0, "eu-west-1": 0}
	u, role := finding("user/u", "a", audit.Missing, high),
		ofRole(finding("role/r", "a", audit.Missing, high))
	noRegion := u
	noRegion.Region = ""
	unverifiedRole := ofRole(finding("role/r", "a", audit.Unverified, high))
	problem := func(r audit.Report) audit.Report {
		r.Problems = []audit.Problem{{Target: audit.AccountTarget, What: "the functions in us-east-1",
			Why: "timeout"}}
		return r
	}
	partial := u
	partial.Status = audit.Partial
	missingRole := ofRole(audit.Finding{Target: "role/r", Status: audit.Missing,
		Severity: critical, Cause: audit.TargetMissing, Why: "there is no such role"})
	absent := reportOf([]string{"user/u"})
	absent.Findings = append(absent.Findings, missingRole)
	absent.Targets = append(absent.Targets, audit.TargetReport{Name: "role/r", Kind: audit.RenderRole})

	type step struct {
		report audit.Report
		want   string
	}
	tests := []struct {
		name  string
		steps []step
	}{
		{"a render role without its function is kept, and retired by the second run", []step{
			{withFunctions(reportOf(both, role), two), "baseline a"},
			{withFunctions(reportOf(both[:1]), one), ""},
			{withFunctions(reportOf(both[:1]), one), "retired a ended"}}},
		{"a render role that is found again is not announced again", []step{
			{withFunctions(reportOf(both, role), two), "baseline a"},
			{withFunctions(reportOf(both[:1]), one), ""},
			{withFunctions(reportOf(both, role), two), ""},
			{withFunctions(reportOf(both[:1]), one), ""}}},
		{"an incomplete run neither confirms nor clears what a run did not find", []step{
			{withFunctions(reportOf(both, role), two), "baseline a"},
			{withFunctions(reportOf(both[:1]), one), ""},
			{problem(withFunctions(reportOf(both[:1]), one)), ""},
			{withFunctions(reportOf(both[:1]), one), "retired a ended"}}},
		{"a gap in a region that answers nothing once does not recover", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(reportOf(both), one), ""},
			{withFunctions(reportOf(both, u), two), ""}}},
		{"a gap does not recover while fewer functions of its region are found once", []step{
			{withFunctions(reportOf(both, u), map[string]int{"us-east-1": 2, "eu-west-1": 2}), "baseline a"},
			{withFunctions(reportOf(both), fewer), ""},
			{withFunctions(reportOf(both), fewer), "recovered a ended"}}},
		{"a gap does not recover while another region has fewer functions once", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(reportOf(both), fewer), ""},
			{withFunctions(reportOf(both), two), "recovered a ended"}}},
		{"a gap recovers at once while all functions are found", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(reportOf(both), map[string]int{"us-east-1": 2, "eu-west-1": 3}),
				"recovered a ended"}}},
		{"a gap of no region does not recover while fewer functions are found once", []step{
			{withFunctions(reportOf(both, noRegion), two), "baseline a"},
			{withFunctions(reportOf(both), fewer), ""},
			{withFunctions(reportOf(both), two), "recovered a ended"}}},
		{"a gap is not better while its region is not found once", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(reportOf(both, partial), one), ""},
			{withFunctions(reportOf(both, u), two), ""}}},
		{"a gap is not worse because its region is not found once", []step{
			{withFunctions(reportOf(both, partial), two), "baseline a"},
			{withFunctions(reportOf(both, u), one), ""},
			{withFunctions(reportOf(both, partial), two), ""}}},
		{"a gap with a higher severity is worse at once", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(reportOf(both, finding("user/u", "a", audit.Missing, critical)), one),
				"worse a"}}},
		{"a requirement of a release that is not found once is kept", []step{
			{withFunctions(reportOf(both, u), two), "baseline a"},
			{withFunctions(without(reportOf(both), "a"), fewer), ""},
			{withFunctions(reportOf(both, u), two), ""}}},
		{"a role is not missing because no function is found once", []step{
			{withFunctions(reportOf(both[:1]), two), ""},
			{withFunctions(absent, none), ""},
			{withFunctions(reportOf(both[:1]), two), ""}}},
		{"a role that is missing without functions in two runs is announced", []step{
			{withFunctions(reportOf(both[:1]), two), ""},
			{withFunctions(absent, none), ""},
			{withFunctions(absent, none), "opened role/r"}}},
		{"the blind spot of a target that is not found once does not end", []step{
			{withFunctions(reportOf(both, unverifiedRole), two), ""},
			{withFunctions(reportOf(both, unverifiedRole), two), "auditor_error role/r"},
			{withFunctions(reportOf(both[:1]), one), ""},
			{withFunctions(reportOf(both, unverifiedRole), two), ""},
			{withFunctions(reportOf(both[:1]), one), ""},
			{withFunctions(reportOf(both[:1]), one), "auditor_error role/r ended"}}},
		{"the problem of a region does not end because the region is not found once", []step{
			{withFunctions(reportOf(both), two), ""},
			{problem(withFunctions(reportOf(both), two)), ""},
			{problem(withFunctions(reportOf(both), two)), "auditor_error the account"},
			{withFunctions(reportOf(both), one), ""},
			{withFunctions(reportOf(both), one), "auditor_error the account ended"}}},
		{"a notice that appears because functions are not found once is not announced", []step{
			{withFunctions(reportOf(both), two), ""},
			{withFunctions(withNotices(reportOf(both), audit.Notice{Kind: audit.NoticeUpgrade, Text: "n"}),
				one), ""},
			{withFunctions(reportOf(both), two), ""},
			{withFunctions(withNotices(reportOf(both), audit.Notice{Kind: audit.NoticeUpgrade, Text: "n"}),
				two), "notice n"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t)
			for i, step := range tt.steps {
				p := s.After(hour, step.report)
				if got := announcements(p); got != step.want {
					t.Fatalf("run %d announces %q, want %q\n%s", i+1, got, step.want, s.State.JSON())
				}
				if again := announcements(s.Replay(step.report)); again != "" {
					t.Fatalf("a replay of run %d announces %q", i+1, again)
				}
			}
		})
	}
}

// TestAChangedConfigurationRetiresAtOnce checks that what the configuration no longer names is
// retired by the first run, but not by a run whose message reaches no subscriber.
func TestAChangedConfigurationRetiresAtOnce(t *testing.T) {
	both := []string{"user/u", "user/v"}
	regions := []string{"us-east-1", "eu-west-1"}
	gap := finding("user/u", "a", audit.Missing, high)
	eu := reportOf(both)
	eu.Regions = regions[1:]
	before := alert.Configuration{Targets: both, Regions: regions, Settings: "s"}
	for _, tt := range []struct {
		name   string
		now    alert.Configuration
		report audit.Report
		want   string
	}{
		{"a caller is removed", alert.Configuration{Targets: both[1:], Regions: regions, Settings: "s"},
			reportOf(both[1:]), "retired a ended"},
		{"a region is removed", alert.Configuration{Targets: both, Regions: regions[1:], Settings: "s"},
			eu, "retired a ended"},
		{"another setting changes", alert.Configuration{Targets: both, Regions: regions, Settings: "t"},
			without(reportOf(both), "a"), "retired a ended"},
		{"another caller is removed", alert.Configuration{Targets: both[:1], Regions: regions,
			Settings: "s"}, reportOf(both[1:]), ""},
		{"nothing changes", before, reportOf(both[1:]), ""},
		{"the configuration is unknown", alert.Configuration{}, reportOf(both[1:]), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t)
			s.Options.Configured = before
			s.Run(reportOf(both, gap))
			s.Options.Configured, s.NoSubscribers = tt.now, true
			s.After(hour, tt.report)
			s.NoSubscribers = false
			if tt.want == "" {
				return
			}
			if got := announcements(s.After(hour, tt.report)); got != tt.want {
				t.Errorf("announced %q, want %q\n%s", got, tt.want, s.State.JSON())
			}
		})
		t.Run(tt.name+", delivered", func(t *testing.T) {
			s := newStory(t)
			s.Options.Configured = before
			s.Run(reportOf(both, gap))
			s.Options.Configured = tt.now
			if got := announcements(s.After(hour, tt.report)); got != tt.want {
				t.Errorf("announced %q, want %q\n%s", got, tt.want, s.State.JSON())
			}
		})
	}
}

// TestAMuteIsUsedWhileItsGapsAreNotSeen checks that no message says that a mute can be removed
// because one run did not find its target.
func TestAMuteIsUsedWhileItsGapsAreNotSeen(t *testing.T) {
	both := []string{"user/u", "role/r"}
	role := ofRole(finding("role/r", "a", audit.Missing, high))
	s := newStory(t)
	s.Mutes = mute.List{{Target: "role/r", Owner: "kim", Reason: "r", Until: start.Add(90 * day)}}
	s.Run(reportOf(both, role))
	if got := announcements(s.After(hour, reportOf(both[:1]))); got != "" {
		t.Errorf("a run without the target announced %q", got)
	}
	if got := announcements(s.After(hour, reportOf(both[:1]))); !strings.Contains(got, "unused") {
		t.Errorf("a second run without the target announced %q", got)
	}
}

// TestNotSeenGapsCountAsNotRechecked checks that a message about something else counts the gaps
// that its run did not see, and that a recovery beside them is partial.
func TestNotSeenGapsCountAsNotRechecked(t *testing.T) {
	u := []string{"user/u"}
	a, b := finding("user/u", "a", audit.Missing, high), finding("user/u", "b", audit.Missing, high)
	s := newStory(t)
	s.Run(reportOf(u, a, b))
	p := s.After(hour, without(reportOf(u), "a"))
	if got := announcements(p); got != "partly_recovered b ended" ||
		p.Digest.Counts.Indeterminate != 1 {
		t.Errorf("announced %q, %+v", got, p.Digest)
	}
	if mail := message(p).Bodies["email"]; !strings.Contains(mail,
		"1 gap not rechecked, possibly still open") {
		t.Errorf("the mail does not mention the gap\n%s", mail)
	}
}

func TestRegionsWithFunctions(t *testing.T) {
	s := newStory(t)
	targets := []string{"user/u"}
	for i, step := range []struct {
		functions map[string]int
		want      []string
	}{
		{map[string]int{"us-east-1": 2, "eu-west-1": 0}, []string{"us-east-1"}},
		{map[string]int{"us-east-1": 2, "eu-west-1": 1}, []string{"eu-west-1", "us-east-1"}},
		{nil, []string{"eu-west-1", "us-east-1"}}, // the functions were not listed
		{map[string]int{"eu-west-1": 1}, []string{"eu-west-1", "us-east-1"}},
		{map[string]int{"eu-west-1": 1}, []string{"eu-west-1"}},
	} {
		s.After(hour, withFunctions(reportOf(targets), step.functions))
		if got := s.State.RegionsWithFunctions(); !slices.Equal(got, step.want) {
			t.Errorf("after run %d: %q, want %q", i+1, got, step.want)
		}
	}
}

// TestTheStateMatchesItsSchema checks a state with every field that concerns what a run did not
// see, and with a refused alert and a claim.
func TestTheStateMatchesItsSchema(t *testing.T) {
	both := []string{"user/u", "role/r"}
	role := ofRole(finding("role/r", "a", audit.Missing, high))
	unverified := ofRole(finding("role/r", "b", audit.Unverified, high))
	s := newStory(t)
	s.Options.Configured = alert.Configuration{Targets: both[:1], Regions: []string{"us-east-1"},
		Settings: "s"}
	two := map[string]int{"us-east-1": 1, "eu-west-1": 2}
	s.Run(withFunctions(reportOf(both, role, unverified), two))
	s.After(hour, withFunctions(reportOf(both, role, unverified), two))
	s.After(hour, withFunctions(reportOf(both[:1]), map[string]int{"us-east-1": 1}))
	state := s.State.GiveUp(alert.Message{Subject: "s"}, errors.New("refused"), s.Now)
	next := state
	state.Pending = &alert.Pending{ID: "i", DedupKey: "k", Owner: "o", Until: s.Now, Next: next,
		Takeovers: 1, Message: alert.Message{Subject: "s", Attributes: []alert.Attribute{},
			Bodies: map[string]string{"default": "{}"}}}
	state.Pending.Next.SchemaVersion = alert.StateVersion
	text := string(state.JSON())
	for _, field := range []string{"configured", "regions", "functions", "missed", "refused", "times",
		"takeovers"} {
		if !strings.Contains(text, `"`+field+`"`) {
			t.Errorf("the state has no %s\n%s", field, text)
		}
	}
	if strings.Count(text, `"missed": 1`) != 6 { // a region, a gap and an error; in both states
		t.Errorf("the state counts other misses\n%s", text)
	}
	if err := schematest.Validate(t, schematest.Compile(t, "state.schema.json"),
		[]byte(text)); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
