package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// An account has many changes in IAM that touch nobody audited, and a run that drops them does
// little: it asks what the names do not tell, once for a batch. Calls are those beside
// ListFunctions, which is asked once a page and region where a role or a policy is named; rounds
// are how many it waits for one after the other.
var dropped = []struct {
	name, event, parameters string
	listed                  bool
	calls, maxRounds        int
}{
	{name: "user", event: "PutUserPolicy", parameters: `{"userName":"somebody","policyName":"p"}`},
	// Whose group it is: one call for each audited user.
	{name: "group", event: "DetachGroupPolicy",
		parameters: `{"groupName":"others","policyArn":"arn:aws:iam::123456789012:policy/p"}`, calls: 1,
		maxRounds: 1},
	// Whether it is a function's.
	{name: "role", event: "PutRolePolicy", parameters: `{"roleName":"somebody","policyName":"p"}`,
		listed: true, maxRounds: 1},
	// To whom it is attached: the user, its group and the role, and their boundaries.
	{name: "policy", event: "SetDefaultPolicyVersion",
		parameters: `{"policyArn":"arn:aws:iam::123456789012:policy/unused","versionId":"v2"}`,
		listed:     true, calls: 6, maxRounds: 2},
}

// batchOf is a full batch of such changes, as Lambda takes them from the queue.
func batchOf(event, parameters string) json.RawMessage {
	var records []map[string]string
	for i := range 100 {
		records = append(records, map[string]string{"messageId": fmt.Sprint(i), "eventSource": "aws:sqs",
			"body": fmt.Sprintf(
				`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","account":"123456789012","detail":{"eventID":"%d","eventName":%q,"requestParameters":%s}}`, i, event, parameters)})
	}
	raw, _ := json.Marshal(map[string]any{"Records": records})
	return raw
}

func (s *stage) drop(tb testing.TB) run {
	tb.Helper()
	result, r := s.handle(tb)
	if result.Changes == nil || *result.Changes != (app.ChangeCounts{Dropped: 100}) ||
		result.Status != "" {
		tb.Fatalf("the run says %+v, want that all is dropped", result)
	}
	return r
}

func BenchmarkDroppedChanges(b *testing.B) {
	for _, test := range dropped {
		b.Run(test.name, func(b *testing.B) {
			stage := scenes[1].open(b, delay)
			stage.event = batchOf(test.event, test.parameters)
			stage.drop(b)
			var runs []run
			for b.Loop() {
				runs = append(runs, stage.drop(b))
			}
			report(b, runs)
		})
	}
}

func TestDroppedChangesCostLittle(t *testing.T) {
	for _, test := range dropped {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			stage := scenes[1].open(t, 250*time.Millisecond)
			stage.event = batchOf(test.event, test.parameters)
			calls := stage.drop(t).calls
			listings := map[string]int{}
			for _, c := range calls {
				if c.Operation == "ListFunctions" {
					listings[c.Region]++
				}
			}
			pages := 0
			for region, n := range listings {
				if pages += n; n > 1 {
					t.Errorf("%d pages of functions in %s, where there are none", n, region)
				}
			}
			if n := len(calls) - pages; n != test.calls || pages > 0 != test.listed {
				t.Errorf("%d calls, want %d; functions are listed %v, want %v\n%s", n, test.calls, pages > 0,
					test.listed, timeline(calls))
			}
			if rounds := awsemu.Rounds(calls); len(calls) > 0 && rounds > test.maxRounds {
				t.Errorf("waits for %d round trips, want at most %d\n%s", rounds, test.maxRounds,
					timeline(calls))
			}
		})
	}
}
