package publish

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// lines returns the metrics, each as NAME=VALUE UNIT TARGET.
func lines(r audit.Report, d Delivery) (list []string) {
	for _, datum := range Datums(r, d, time.Unix(0, 0)) {
		line := fmt.Sprintf("%s=%g %s", *datum.MetricName, *datum.Value, datum.Unit)
		for _, dimension := range datum.Dimensions {
			line += " " + *dimension.Value
		}
		list = append(list, line)
	}
	return list
}

func TestDatums(t *testing.T) {
	gaps := audit.Summary{Requirements: 4, Satisfied: 3, Gaps: 1, GapsCritical: 1}
	fine := audit.Summary{Requirements: 4, Satisfied: 4}
	unverified := audit.Summary{Requirements: 4, Unverified: 4}
	tests := []struct {
		name   string
		report audit.Report
		want   []string
	}{
		{"a complete audit without gaps publishes zeros",
			audit.Report{Status: audit.StatusCompliant, Summary: fine,
				Targets: []audit.TargetReport{{Name: "user/a", Summary: fine}}},
			[]string{"Gaps=0 Count", "GapsCritical=0 Count", "GapsMuted=0 Count",
				"RequirementsTotal=4 Count", "RequirementsUnverified=0 Count", "CompliancePercent=100 Percent",
				"AuditCompleted=1 Count", "AlertFailures=0 Count", "StateErrors=0 Count",
				"ThrottledCalls=0 Count", "Gaps=0 Count user/a", "GapsCritical=0 Count user/a",
				"RequirementsUnverified=0 Count user/a"}},
		{"an unverified audit publishes no gap counts",
			audit.Report{Status: audit.StatusUnverified, Summary: unverified,
				Targets: []audit.TargetReport{{Name: "user/a", Summary: unverified, CutOff: true}}},
			[]string{"GapsMuted=0 Count", "RequirementsTotal=4 Count", "RequirementsUnverified=4 Count",
				"AuditCompleted=0 Count", "AlertFailures=0 Count", "StateErrors=0 Count",
				"ThrottledCalls=0 Count",
				"RequirementsUnverified=4 Count user/a"}},
		{"a gap is published while another target is unverified",
			audit.Report{Status: audit.StatusGaps, Summary: audit.Summary{Requirements: 8, Satisfied: 3,
				Gaps: 1, GapsCritical: 1, Unverified: 4},
				Targets: []audit.TargetReport{{Name: "user/a", Summary: gaps},
					{Name: "user/b", Summary: unverified}}},
			[]string{"Gaps=1 Count", "GapsCritical=1 Count", "GapsMuted=0 Count",
				"RequirementsTotal=8 Count", "RequirementsUnverified=4 Count", "CompliancePercent=37.5 Percent",
				"AuditCompleted=1 Count", "AlertFailures=0 Count", "StateErrors=0 Count",
				"ThrottledCalls=0 Count", "Gaps=1 Count user/a", "GapsCritical=1 Count user/a",
				"RequirementsUnverified=0 Count user/a",
				"RequirementsUnverified=4 Count user/b"}},
		{"an incomplete audit without critical gaps publishes no count of critical gaps",
			audit.Report{Status: audit.StatusGaps, Summary: audit.Summary{Requirements: 8, Satisfied: 3,
				Gaps: 1, Unverified: 4},
				Targets: []audit.TargetReport{{Name: "user/a",
					Summary: audit.Summary{Requirements: 4, Satisfied: 3, Gaps: 1}},
					{Name: "user/b", Summary: unverified}}},
			[]string{"Gaps=1 Count", "GapsMuted=0 Count", "RequirementsTotal=8 Count",
				"RequirementsUnverified=4 Count", "CompliancePercent=37.5 Percent",
				"AuditCompleted=1 Count", "AlertFailures=0 Count", "StateErrors=0 Count",
				"ThrottledCalls=0 Count", "Gaps=1 Count user/a", "GapsCritical=0 Count user/a",
				"RequirementsUnverified=0 Count user/a",
				"RequirementsUnverified=4 Count user/b"}},
		{"an audit with only a problem is incomplete and publishes no gap counts",
			audit.Report{Status: audit.StatusUnverified, Summary: fine,
				Targets:  []audit.TargetReport{{Name: "user/a", Summary: fine}},
				Problems: []audit.Problem{{Target: "user/a"}}},
			[]string{"GapsMuted=0 Count", "RequirementsTotal=4 Count", "RequirementsUnverified=0 Count",
				"AuditCompleted=1 Count", "AlertFailures=0 Count", "StateErrors=0 Count",
				"ThrottledCalls=0 Count",
				"RequirementsUnverified=0 Count user/a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := lines(test.report, Delivery{}); !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestDatumsContainTheDelivery(t *testing.T) {
	age, noSubscribers := 90*time.Second, true
	got := lines(audit.Report{}, Delivery{AlertFailures: 1, ThrottledCalls: 7, StateErrors: 2,
		OldestGapAge: &age, NoSubscribers: &noSubscribers})
	for _, want := range []string{"AlertFailures=1 Count", "ThrottledCalls=7 Count",
		"StateErrors=2 Count", "OldestGapAge=90 Seconds", "NoSubscribers=1 Count"} {
		if !slices.Contains(got, want) {
			t.Errorf("the metrics %q do not contain %q", got, want)
		}
	}
}

// TestAnIncompleteAuditPublishesNoAgeOfZero checks that an incomplete audit publishes the age of
// the oldest gap only if a gap is open.
func TestAnIncompleteAuditPublishesNoAgeOfZero(t *testing.T) {
	incomplete := audit.Report{Problems: []audit.Problem{{What: "a policy"}}}
	for age, want := range map[time.Duration]bool{0: false, time.Hour: true} {
		if got := slices.Contains(lines(incomplete, Delivery{OldestGapAge: &age}),
			fmt.Sprintf("OldestGapAge=%g Seconds", age.Seconds())); got != want {
			t.Errorf("an age of %s is published: %v, want %v", age, got, want)
		}
	}
}

// TestTargetsWithTheSameNameAreAddedUp checks that a role that is both a caller and a render role
// has one time series.
func TestTargetsWithTheSameNameAreAddedUp(t *testing.T) {
	role := audit.TargetReport{Name: "role/a", Summary: audit.Summary{Requirements: 2, Satisfied: 1,
		Gaps: 1}}
	got := lines(audit.Report{Status: audit.StatusGaps, Targets: []audit.TargetReport{role, role}},
		Delivery{})
	if n := len(got); got[n-3] != "Gaps=2 Count role/a" ||
		slices.Contains(got[:n-3], "Gaps=1 Count role/a") {
		t.Errorf("metrics %q, want one count of 2 gaps for role/a", got)
	}
}

// TestEveryMetricOfTheContractIsPublished compares the published metrics with the constants of
// package contract.
func TestEveryMetricOfTheContractIsPublished(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../contract/contract.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	ast.Inspect(file, func(n ast.Node) bool {
		if c, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(c.Names[0].Name, "Metric") {
			name, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, name)
		}
		return true
	})
	var got []string
	for _, datum := range Datums(audit.Report{Status: audit.StatusCompliant},
		Delivery{OldestGapAge: new(time.Duration), NoSubscribers: new(bool)}, time.Unix(0, 0)) {
		got = append(got, *datum.MetricName)
	}
	if !slices.Equal(got, want) {
		t.Errorf("published %q, the contract contains %q", got, want)
	}
}
