package checks

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// quotaFinding judges a region with functions of some releases; an empty release is unknown.
func quotaFinding(t *testing.T, l *Limits, releases ...string) (audit.Finding, audit.CheckResult) {
	t.Helper()
	facts := Facts{Account: "123456789012", Partition: policies.AWS,
		Regions: []Region{{Name: "us-east-1", Limits: l, Unread: audit.Problem{
			What: "the limits of Lambda in us-east-1", Why: "access denied: text",
			Grant: "lambda:GetAccountSettings"}}}}
	for i, r := range releases {
		f := audit.Function{Name: fmt.Sprint("f", i), Region: "us-east-1"}
		if r != "" {
			f.Release = policytest.Release(t, r)
		}
		facts.Functions = append(facts.Functions, Function{Function: f})
	}
	set, err := ParseSet(string(ConcurrencyQuota))
	if err != nil {
		t.Fatal(err)
	}
	result := Judge(&facts, set)
	if len(result.Findings) != 1 {
		t.Fatalf("%+v", result)
	}
	return result.Findings[0], result
}

func TestConcurrencyQuota(t *testing.T) {
	for _, test := range []struct {
		name       string
		unreserved int
		releases   []string
		// want is status, severity and what stops.
		want string
		// why and remedy are parts of the texts.
		why, remedy string
	}{
		{"AWS's default is enough", 1000, []string{"4.0.527"}, "satisfied critical renders", "", ""},
		{"the longest default render fits", 152, []string{"4.0.527"}, "satisfied critical renders", "",
			""},
		{"one less is not enough for it", 150, []string{"4.0.527"}, "conditional medium some-renders",
			"by default a render of more than 17760 frames can take more (at most 152)",
			"set concurrency to at most 149"},
		{"a new account", 10, []string{"4.0.527"}, "conditional medium some-renders",
			"a render of more than 180 frames can take more", "set concurrency to at most 9"},
		{"a release without the option concurrency", 10, []string{"4.0.240", "4.0.527"},
			"conditional medium some-renders", "more than 180 frames",
			"set framesPerLambda to at least the frames of the video divided by 9"},
		{"two executions", 2, []string{"4.0.418"}, "conditional medium some-renders",
			"more than 20 frames", "at most 1 "},
		{"one execution, and the launch can render", 1, []string{"4.0.527"},
			"conditional medium renders", "only a render with concurrency 1", "set concurrency to 1"},
		{"one execution, and the release is unknown", 1, []string{""}, "conditional medium renders",
			"only a render with concurrency 1", "set concurrency to 1"},
		{"one execution, and the launch cannot render", 1, []string{"4.0.418"},
			"denied critical renders", "a render takes at least 2", "raise the quota"},
		{"one execution, and one release can", 1, []string{"4.0.418", "4.0.527"},
			"denied critical some-renders", "with a release before 4.0.517", "raise the quota"},
		{"nothing is left", 0, []string{"4.0.527"}, "denied critical renders",
			"a render takes at least 1", "or release reserved concurrency of other functions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, _ := quotaFinding(t, &Limits{Total: 1000, Unreserved: test.unreserved}, test.releases...)
			if got := fmt.Sprint(f.Status, " ", f.Severity, " ", f.Stops); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
			if !strings.Contains(f.Why, test.why) || !strings.Contains(f.Remedy, test.remedy) {
				t.Errorf("why %q, remedy %q", f.Why, f.Remedy)
			}
			if gap := f.Status.Gap(); gap != (f.Cause == audit.Quota) || gap != (f.Command != "") ||
				gap != (f.Covered == 0) {
				t.Errorf("%+v", f)
			}
		})
	}
}

// TestAsynchronousRendersAreDelayed checks the impact on releases that invoke asynchronously.
func TestAsynchronousRendersAreDelayed(t *testing.T) {
	f, _ := quotaFinding(t, &Limits{Total: 10, Unreserved: 10}, "4.0.153")
	if want := "renders of more than 180 frames are throttled, so that they take longer or fail, " +
		"unless they set framesPerLambda"; f.Impact != want {
		t.Errorf("%q, want %q", f.Impact, want)
	}
	if want := "aws service-quotas request-service-quota-increase --region us-east-1 " +
		"--service-code lambda --quota-code L-B99A9384 --desired-value 1000"; f.Command != want {
		t.Errorf("%q, want %q", f.Command, want)
	}
}

// TestAnUnreadQuotaIsUnverified checks that a failed read is neither satisfied nor a gap.
func TestAnUnreadQuotaIsUnverified(t *testing.T) {
	f, result := quotaFinding(t, nil, "4.0.527")
	if f.Status != audit.Unverified || f.Why != "AWS denies the read to the auditor" ||
		len(result.Problems) != 1 || result.Problems[0].Grant != "lambda:GetAccountSettings" {
		t.Errorf("%+v, %+v", f, result.Problems)
	}
}

// TestFramesWithin checks that no render of at most the returned frames takes more executions, and
// that the next one does.
func TestFramesWithin(t *testing.T) {
	for available := 2; available < mostExecutions; available++ {
		within := framesWithin(available)
		for frames := 1; frames <= within; frames++ {
			if executions(frames) > available {
				t.Fatalf("%d frames take %d executions, more than %d", frames, executions(frames),
					available)
			}
		}
		if executions(within+1) <= available {
			t.Errorf("%d executions: %d frames fit, too", available, within+1)
		}
	}
	most := 0
	for frames := 1; frames <= 3*longRender; frames++ {
		most = max(most, executions(frames))
	}
	if most != mostExecutions {
		t.Errorf("a default render takes at most %d executions, want %d", most, mostExecutions)
	}
}
