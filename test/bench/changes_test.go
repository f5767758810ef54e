package bench_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// droppedChanges are IAM changes that affect no audited principal. An account has many such
// changes, so a run must drop them with few calls. The run reads only the data that it needs to
// find the affected principals, once per batch. listed is true if the run lists functions, because
// the event names a role or a policy. calls is the number of the other calls. rounds is the
// number of sequential round trips.
var droppedChanges = []struct {
	name, event, parameters string
	listed                  bool
	calls, rounds           int
}{
	{name: "user", event: "PutUserPolicy", parameters: `{"userName":"unrelated","policyName":"p"}`},
	// The run reads the groups of each audited user: one call.
	{name: "group", event: "DetachGroupPolicy",
		parameters: `{"groupName":"others","policyArn":"arn:aws:iam::123456789012:policy/p"}`, calls: 1,
		rounds: 1},
	// The run checks whether a function has the role.
	{name: "role", event: "PutRolePolicy", parameters: `{"roleName":"unrelated","policyName":"p"}`,
		listed: true, rounds: 1},
	// The run reads the attachments of the user, its group and the role, and their boundaries.
	{name: "policy", event: "SetDefaultPolicyVersion",
		parameters: `{"policyArn":"arn:aws:iam::123456789012:policy/unused","versionId":"v2"}`,
		listed:     true, calls: 6, rounds: 2},
}

// changeBatch returns the event that Lambda creates from a full batch of 100 changes in the queue.
func changeBatch(event, parameters string) json.RawMessage {
	var records []map[string]string
	for i := range 100 {
		records = append(records, map[string]string{"messageId": fmt.Sprint(i), "eventSource": "aws:sqs",
			"body": fmt.Sprintf(
				`{"source":"aws.iam","detail-type":"AWS API Call via CloudTrail","account":"123456789012",`+
					`"detail":{"eventID":"%d","eventName":%q,"requestParameters":%s}}`,
				i, event, parameters)})
	}
	raw, _ := json.Marshal(map[string]any{"Records": records})
	return raw
}

func (f *fixture) handleDroppedBatch(tb testing.TB) run {
	tb.Helper()
	result, r := f.handle(tb)
	if result.Changes == nil || *result.Changes != (app.ChangeCounts{Dropped: 100}) ||
		result.Status != "" {
		tb.Fatalf("result %+v, want all 100 changes dropped", result)
	}
	return r
}

func BenchmarkDroppedChanges(b *testing.B) {
	for _, test := range droppedChanges {
		b.Run(test.name, func(b *testing.B) {
			f := benchmarkCases[1].newFixture(b, delay)
			f.event = changeBatch(test.event, test.parameters)
			f.handleDroppedBatch(b)
			var runs []run
			for b.Loop() {
				runs = append(runs, f.handleDroppedBatch(b))
			}
			reportMetrics(b, runs)
		})
	}
}

func TestDroppedChangesNeedFewCalls(t *testing.T) {
	for _, test := range droppedChanges {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := benchmarkCases[1].newVirtualFixture(t)
				f.event = changeBatch(test.event, test.parameters)
				calls := f.handleDroppedBatch(t).calls
				listings := map[string]int{}
				for _, c := range calls {
					if c.Operation == "ListFunctions" {
						listings[c.Region]++
					}
				}
				pages := 0
				for region, n := range listings {
					if pages += n; n > 1 {
						t.Errorf("%d pages of functions in %s, want at most 1: the region has no functions", n,
							region)
					}
				}
				if n := len(calls) - pages; n != test.calls || pages > 0 != test.listed {
					t.Errorf("%d calls, want %d; functions listed: %v, want %v\n%s", n, test.calls, pages > 0,
						test.listed, timeline(calls))
				}
				if rounds := roundtrips.Count(calls); rounds != test.rounds {
					t.Errorf("%d sequential round trips, want %d\n%s", rounds, test.rounds, timeline(calls))
				}
			})
		})
	}
}
