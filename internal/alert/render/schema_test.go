package render

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestMessagesAndStatesFollowTheirSchemas checks that the messages and states of random drift and
// of the fixtures follow their schemas.
func TestMessagesAndStatesFollowTheirSchemas(t *testing.T) {
	message := schematest.Compile(t, "message.schema.json")
	state := schematest.Compile(t, "state.schema.json")
	check := func(p rendered) {
		t.Helper()
		if !p.Message.Zero() {
			if err := schematest.Validate(t, message, []byte(p.Message.Bodies["default"])); err != nil {
				t.Fatalf("%v\n%s", err, p.Message.Bodies["default"])
			}
			claimed := p.NextUndelivered
			claimed.Pending = &alert.Pending{ID: "p", DedupKey: p.Digest.DedupKey, Message: p.Message,
				Next: p.Next, Owner: "r", Until: start}
			claimed.Pending.Next.SchemaVersion = alert.StateVersion
			if err := schematest.Validate(t, state, claimed.JSON()); err != nil {
				t.Fatalf("%v\n%s", err, claimed.JSON())
			}
		}
		if err := schematest.Validate(t, state, p.Next.JSON()); err != nil {
			t.Fatalf("%v\n%s", err, p.Next.JSON())
		}
	}
	d, s := newDrift(9), newStory(t)
	s.Mutes = d.Mutes()
	for i := range 100 {
		r := d.Step()
		if i%3 == 0 { // every third report has notices and a problem
			r.Notices = []audit.Notice{
				{Kind: audit.NoticeUpgrade, Text: "a permission is not granted",
					Command: "remotion-audit audit --upgrade-to 4.0.527"},
				{Kind: audit.NoticeRenderRole, Text: "there is no role"},
				{Kind: audit.NoticeNewerRelease, Target: "user/u", Text: fmt.Sprint("Remotion 4.1.", i)}}
			r.Problems = append(r.Problems,
				audit.Problem{Target: "the account", What: "the functions in us-east-1", Why: "denied",
					Grant: "lambda:ListFunctions"})
		}
		if i%2 == 0 {
			r = triggered(r, someChanges...)
			r.Run.Trigger.Changes = append(r.Run.Trigger.Changes,
				audit.IAMChange{Event: "PutUserPolicy", Actor: "user/a",
					Targets: []string{"user/u", "user/v", "user/w"}})
			r.Run.Trigger.More, r.Run.Trigger.Unreadable = 3, 1
		}
		check(s.after(7*hour, r))
	}
	for _, name := range []string{"drifted", "simulation-denied", "reads-denied", "mixed", "hostile",
		"compliant"} {
		check(newStory(t).run(fixture(t, name)))
	}
	checkReport := func(name string, r audit.Report) {
		raw, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := schematest.Validate(t, schematest.Compile(t, "report.schema.json"), raw); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, trigger := range []*audit.Trigger{{By: audit.TriggeredBySchedule},
		{By: audit.TriggeredByChanges,
			Changes: append(someChanges, audit.IAMChange{Event: "CreateUser", Actor: "a", NewUserName: "n",
				NewGroupName: "g", Boundary: "b"}), More: 1, Unreadable: 2}} {
		r := fixture(t, "drifted")
		r.Run = audit.Run{ID: "r", At: start, Trigger: trigger}
		checkReport(string(trigger.By), r)
	}
	s = newStory(t)
	s.Options.First = &misconfigured
	check(s.run(misconfigured))
	checkReport("an invalid configuration", misconfigured)
	for _, subscriptions := range [][]alert.Subscription{nil,
		{{Protocol: "email", Endpoint: "a@example.com", Confirmed: true}}} {
		if err := schematest.Validate(t, message,
			[]byte(TestMessage("123456789012", nil, subscriptions,
				Sender{}).Bodies["default"])); err != nil {
			t.Error(err)
		}
	}
}
