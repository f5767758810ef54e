package checks

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// functionFacts returns the facts about an account with functions of 4.0.527.
func functionFacts(t *testing.T, functions ...Function) *Facts {
	t.Helper()
	facts := &Facts{Account: "123456789012", Partition: policies.AWS, Regions: []Region{{
		Name: "us-east-1", Limits: &Limits{Total: 1000, Unreserved: 1000}}}}
	for i, fn := range functions {
		fn.Name = fmt.Sprintf("remotion-render-4-0-527-mem2048mb-disk2048mb-%dsec", 120+i)
		fn.Region, fn.Release = "us-east-1", policytest.Release(t, "4.0.527")
		facts.Functions = append(facts.Functions, fn)
	}
	return facts
}

func findingOf(t *testing.T, r audit.CheckResult, id ID) audit.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f audit.Finding) bool { return f.Sid == string(id) })
	if i < 0 {
		t.Fatalf("no finding of %s in %+v", id, r.Findings)
	}
	return r.Findings[i]
}

func TestFunctionState(t *testing.T) {
	for _, test := range []struct {
		settings  Settings
		want, why string
		notice    string
	}{
		{Settings{State: "Active"}, "satisfied critical renders", "", ""},
		{Settings{State: "Failed", StateReasonCode: "SubnetOutOfIPAddresses", StateReason: "no room"},
			"denied critical renders",
			"the state of the function is Failed (SubnetOutOfIPAddresses): no room", ""},
		{Settings{State: "Inactive"}, "conditional medium some-renders", "is Inactive", ""},
		{Settings{State: "Pending", StateReason: "The function is being created."},
			"unverified critical renders", "still creates or restores", ""},
		{Settings{State: "Deactivating\n"}, "unverified critical renders",
			`the state "Deactivating\n" of the function is unknown`, ""},
		{Settings{State: "Failed", StateReason: strings.Repeat("x\n", 1<<20)}, "denied critical renders",
			"the state of the function is Failed: x", ""},
		{Settings{}, "unverified critical renders", `the state "" of the function is unknown`, ""},
		{Settings{State: "Active", LastUpdate: "Failed", LastUpdateReasonCode: "InternalError"},
			"satisfied critical renders", "", "the last update of function " +
				"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec (us-east-1) failed, so that it runs " +
				"with its settings before the update (InternalError)"},
	} {
		r := Judge(functionFacts(t, Function{Settings: &test.settings, ReservedRead: true}), Set{})
		f := findingOf(t, r, FunctionState)
		if got := fmt.Sprint(f.Status, " ", f.Severity, " ", f.Stops); got != test.want ||
			!strings.Contains(f.Why, test.why) || len(f.Why) > 1000 || strings.Contains(f.Why, "\n") {
			t.Errorf("%+v: %s, %q, want %s", test.settings, got, f.Why, test.want)
		}
		var notices []string
		for _, n := range r.Notices {
			notices = append(notices, n.Text)
		}
		if got := strings.Join(notices, "\n"); got != test.notice {
			t.Errorf("%+v: notices %q", test.settings, got)
		}
	}
}

func TestReservedConcurrency(t *testing.T) {
	for reserved, want := range map[int]string{0: "denied critical some-renders",
		1: "conditional medium some-renders", 10: "conditional medium some-renders",
		152: "satisfied critical some-renders", -1: "satisfied critical some-renders"} {
		fn := Function{Settings: &Settings{State: "Active"}, ReservedRead: true, Reserved: &reserved}
		if reserved < 0 { // none
			fn.Reserved = nil
		}
		other := Function{Settings: &Settings{State: "Active"}, ReservedRead: true}
		f := findingOf(t, Judge(functionFacts(t, fn, other), Set{}), ReservedConcurrency)
		if got := fmt.Sprint(f.Status, " ", f.Severity, " ", f.Stops); got != want {
			t.Errorf("%d: %s, want %s: %s", reserved, got, want, f.Why)
		}
		command := "aws lambda delete-function-concurrency --region us-east-1 --function-name " +
			"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"
		if f.Status.Gap() != (f.Command == command) || f.Status.Gap() != (f.Cause == audit.Quota) {
			t.Errorf("%d: %+v", reserved, f)
		}
	}
}

// TestReservedFunctionsDoNotNeedTheQuota checks that functions with reserved concurrency do not
// count for the quota of their region.
func TestReservedFunctionsDoNotNeedTheQuota(t *testing.T) {
	n := 500
	facts := functionFacts(t, Function{Settings: &Settings{State: "Active"}, ReservedRead: true,
		Reserved: &n})
	facts.Regions[0].Limits = &Limits{Total: 500}
	if f := findingOf(t, Judge(facts, Set{}), ConcurrencyQuota); f.Status != audit.Satisfied {
		t.Errorf("%+v", f)
	}
}

func TestUnreadFunctionsAreUnverified(t *testing.T) {
	unread := func(what, grant string) audit.Problem {
		return audit.Problem{What: what + " in us-east-1", Why: "access denied: f", Grant: grant}
	}
	fn := Function{SettingsUnread: unread("the settings of functions", "lambda:A"),
		ReservedUnread: unread("the reserved concurrency of functions", "lambda:B")}
	r := Judge(functionFacts(t, fn, fn), Set{})
	for _, f := range r.Findings {
		if f.Sid != string(ConcurrencyQuota) && f.Status != audit.Unverified {
			t.Errorf("%+v", f)
		}
	}
	if len(r.Findings) != 5 || len(r.Problems) != 2 {
		t.Errorf("%d findings, problems %+v", len(r.Findings), r.Problems)
	}
}

func TestFunctionNotices(t *testing.T) {
	r := Judge(functionFacts(t, Function{ReservedRead: true, Settings: &Settings{State: "Active",
		Runtime: "nodejs18.x", Disk: 512, Timeout: 60}}), Set{})
	var got []audit.NoticeKind
	for _, n := range r.Notices {
		got = append(got, n.Kind)
	}
	if want := []audit.NoticeKind{audit.NoticeFunctionSize, audit.NoticeFunctionSize,
		audit.NoticeFunctionRuntime}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v: %+v", got, want, r.Notices)
	}
}

// TestSkippedFunctionsAreNotChecked checks that functions beyond the limit of a region are named as
// not checked, and have no finding.
func TestSkippedFunctionsAreNotChecked(t *testing.T) {
	r := Judge(functionFacts(t, Function{Skipped: true}, Function{Skipped: true}), Set{})
	if want := []string{"2 further functions of us-east-1"}; !slices.Equal(r.NotChecked, want) ||
		len(r.Findings) != 1 {
		t.Errorf("%q, %+v", r.NotChecked, r.Findings)
	}
}

// TestNotChecked checks what a report lists as not checked without functions and without a list of
// them.
func TestNotChecked(t *testing.T) {
	off, err := ParseSet("-FunctionState")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		facts *Facts
		set   Set
		want  []string
	}{
		"not listed":   {nil, Set{}, []string{"quotas", "functions"}},
		"no functions": {&Facts{}, Set{}, []string{"quotas"}},
		"one is off":   {functionFacts(t), off, []string{"functions (FunctionState is off)"}},
	} {
		if got := Judge(test.facts, test.set).NotChecked; !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestWhatChecksStop checks that all renders stop only if the gaps leave no function.
func TestWhatChecksStop(t *testing.T) {
	none, one, failed := 0, 1, Settings{State: "Failed"}
	good := Function{Settings: &Settings{State: "Active"}, ReservedRead: true}
	stopped := Function{Settings: &Settings{State: "Active"}, ReservedRead: true, Reserved: &none}
	limited := Function{Settings: &Settings{State: "Active"}, ReservedRead: true, Reserved: &one}
	broken := Function{Settings: &failed, ReservedRead: true}
	for _, test := range []struct {
		name       string
		functions  []Function
		unreserved int
		want       string
	}{
		{"one of two functions", []Function{stopped, good}, 1000, "some-renders"},
		{"one of two functions failed", []Function{good, broken}, 1000, "some-renders"},
		{"both for the same reason", []Function{stopped, stopped}, 1000, "renders renders"},
		{"both for different reasons", []Function{stopped, broken}, 1000, "renders renders"},
		{"one by the quota", []Function{stopped, good}, 0, "renders renders"},
		{"no quota, but reserved executions", []Function{good, limited}, 0, "some-renders renders"},
		{"another one not read", []Function{broken, {Skipped: true}}, 1000, "some-renders"},
		{"both only with a setting", []Function{limited, limited}, 1000, "renders renders"},
		{"one only with a setting", []Function{limited, good}, 1000, "some-renders"},
	} {
		facts := functionFacts(t, test.functions...)
		facts.Regions[0].Limits.Unreserved = test.unreserved
		var got []string
		for _, f := range Judge(facts, Set{}).Findings {
			if f.Status.Gap() {
				got = append(got, f.Stops.String())
			}
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("%s: %s, want %s", test.name, s, test.want)
		}
	}
	facts := functionFacts(t, good, good)
	facts.Functions[1].Region = "eu-west-1"
	facts.Regions = []Region{{Name: "us-east-1", Limits: &Limits{Total: 1000}},
		{Name: "eu-west-1", Limits: &Limits{Total: 1000, Unreserved: 1000}}}
	f := findingOf(t, Judge(facts, Set{}), ConcurrencyQuota)
	if f.Status != audit.Denied || f.Stops != policies.SomeRenders {
		t.Errorf("no execution in one of two regions: %s, stops %s", f.Status, f.Stops)
	}
}
