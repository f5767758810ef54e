package app

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
)

// subjects returns the subjects of the messages after the first n.
func (a *auditedAccount) subjects(n int) (list []string) {
	for _, m := range a.server.Messages()[n:] {
		list = append(list, m.Subject)
	}
	return list
}

// TestARegionThatAnswersNothingOnce checks the messages of runs in which Lambda answers that a
// region has no functions, although the regions have functions with a role that has gaps.
func TestARegionThatAnswersNothingOnce(t *testing.T) {
	const both = "us-east-1 eu-west-1"
	for _, tt := range []struct {
		name, role string
		// runs are the silent regions of the runs after the first, and want the numbers of messages.
		runs []string
		want []int
	}{
		{"one region once", "clips-role", []string{"eu-west-1", "", "eu-west-1", ""},
			[]int{0, 0, 0, 0}},
		{"all regions once", "clips-role", []string{both, "", both, ""}, []int{0, 0, 0, 0}},
		{"all functions once, and they use the audited role", "remotion-lambda-role",
			[]string{both, "", both, ""}, []int{0, 0, 0, 0}},
		{"one region twice", "clips-role", []string{"eu-west-1", "eu-west-1", "eu-west-1"},
			[]int{0, 1, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuditedAccount(t, "drifted")
				a.server.Account.Function.Environment["REGIONS"] = "us-east-1,eu-west-1"
				a.server.Account.Roles["clips-role"] = awsemu.Role{}
				a.server.Account.Functions = []awsemu.LambdaFunction{
					{Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec", Region: "us-east-1",
						Role: "remotion-lambda-role"},
					{Name: "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec", Region: "eu-west-1",
						Role: tt.role}}
				if err := a.run("first", &process{dies: -1}); err != nil {
					t.Fatal(err)
				}
				sent := len(a.server.Messages())
				if sent != 1 {
					t.Fatalf("the first run sent %q", a.subjects(0))
				}
				for i, silent := range tt.runs {
					time.Sleep(time.Hour)
					if err := a.run(fmt.Sprint("run", i), &process{dies: -1,
						silent: strings.Fields(silent)}); err != nil {
						t.Fatal(err)
					}
					if got := a.subjects(sent); len(got) != tt.want[i] {
						t.Errorf("run %d, nothing in %q: sent %q, want %d messages", i+1, silent, got,
							tt.want[i])
					}
					sent = len(a.server.Messages())
				}
			})
		})
	}
}

// TestAHostileClaimBlocksNoAlert runs the function with a claim in the state that the topic
// refuses, whose lease ends in the year 9999, or that has no ID. The run sends its own alert before
// its deadline.
func TestAHostileClaimBlocksNoAlert(t *testing.T) {
	bodies := func(text string) map[string]string { return map[string]string{"default": text} }
	for name, tt := range map[string]struct {
		id      string
		message alert.Message
		until   func(now time.Time) time.Time
		want    int
	}{
		"too long": {"gone", alert.Message{Subject: "old", Bodies: bodies(strings.Repeat("x", 300<<10))},
			func(now time.Time) time.Time { return now.Add(-time.Hour) }, 1},
		"a bad subject": {"gone", alert.Message{Subject: "a\nb", Bodies: bodies("{}")},
			func(now time.Time) time.Time { return now.Add(-time.Hour) }, 1},
		"an invalid attribute": {"gone", alert.Message{Subject: "old", Bodies: bodies("{}"),
			Attributes: []alert.Attribute{{Name: "n", Type: "Number", Value: "x"}}},
			func(now time.Time) time.Time { return now.Add(-time.Hour) }, 1},
		"the year 9999": {"gone", alert.Message{Subject: "old", Bodies: bodies("{}")},
			func(time.Time) time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }, 2},
		"too long until the year 9999": {"gone", alert.Message{Subject: "old",
			Bodies: bodies(strings.Repeat("x", 300<<10))},
			func(time.Time) time.Time { return time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC) }, 1},
		"no ID": {"", alert.Message{Subject: "old", Bodies: bodies("{}")},
			func(now time.Time) time.Time { return now.Add(-time.Hour) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAuditedAccount(t, "drifted")
				state := alert.State{Baseline: time.Now().Add(-time.Hour), Pending: &alert.Pending{ID: tt.id,
					DedupKey: "k", Message: tt.message, Owner: "gone", Until: tt.until(time.Now())}}
				a.server.Account.Buckets["remotion-audit-evidence"] = awsemu.Bucket{
					Objects: map[string]string{evidence.StateKey("123456789012",
						"remotion-audit"): string(state.JSON())}}
				started := time.Now()
				if err := a.run("r", &process{dies: -1}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(started); took > evidence.Lease+10*time.Second {
					t.Errorf("the run took %s", took)
				}
				messages := a.server.Messages()
				if len(messages) != tt.want {
					t.Fatalf("sent %q", a.subjects(0))
				}
				mail := messages[len(messages)-1].Body("email")
				if refused := tt.want == 1; strings.Contains(mail, "an alert was given up") != refused ||
					!strings.Contains(mail, "\nCause: ") {
					t.Errorf("the mail\n%s", mail)
				}
				a.settled()
			})
		})
	}
}

// TestSeenRegions checks that a run knows the regions in which earlier runs found functions, until
// two runs found none there, and that it knows none if the state cannot be read.
func TestSeenRegions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAuditedAccount(t, "compliant")
		a.server.Account.Function.Environment["REGIONS"] = "us-east-1,eu-west-1"
		a.server.Account.Functions = []awsemu.LambdaFunction{{Region: "eu-west-1",
			Name: "remotion-render-4-0-527-mem2048mb-disk2048mb-120sec", Role: "remotion-lambda-role"}}
		place := Location{Account: "123456789012", Partition: "aws", Region: "us-east-1"}
		for i, step := range []struct {
			silent []string
			want   string
		}{{nil, "eu-west-1"}, {[]string{"eu-west-1"}, "eu-west-1"}, {[]string{"eu-west-1"}, ""},
			{nil, "eu-west-1"}} {
			if err := a.run(fmt.Sprint(i), &process{dies: -1, silent: step.silent}); err != nil {
				t.Fatal(err)
			}
			f := a.function(&process{dies: -1})
			if got := strings.Join(f.seenRegions(t.Context(), place), ","); got != step.want {
				t.Errorf("after run %d: %q, want %q", i+1, got, step.want)
			}
			time.Sleep(time.Hour)
		}
		a.server.SetFaults(awsemu.Fault{Operation: "s3:GetObject", Deny: true})
		f := a.function(&process{dies: -1})
		if got := f.seenRegions(t.Context(), place); got != nil {
			t.Errorf("without access to the state: %q", got)
		}
		f.Config.EvidenceBucket = ""
		if got := f.seenRegions(t.Context(), place); got != nil {
			t.Errorf("without a bucket: %q", got)
		}
	})
}
