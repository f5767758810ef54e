package alert

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// schema compiles a schema in docs/. The schemas refer to each other.
func schema(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.schema.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("schemas %q, %v", files, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource("https://github.com/remotion-audit/remotion-audit/docs/"+
			filepath.Base(file), doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile("https://github.com/remotion-audit/remotion-audit/docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return s.Validate(v)
}

// TestMessagesAndStatesFollowTheirSchemas checks that the messages and states of random drift and
// of the fixtures follow their schemas.
func TestMessagesAndStatesFollowTheirSchemas(t *testing.T) {
	message, state := schema(t, "message.schema.json"), schema(t, "state.schema.json")
	check := func(p Planned) {
		t.Helper()
		if !p.Message.Zero() {
			if err := validate(t, message, []byte(p.Message.Bodies["default"])); err != nil {
				t.Fatalf("%v\n%s", err, p.Message.Bodies["default"])
			}
			claimed := p.NextUndelivered
			claimed.Pending = &Pending{ID: "p", DedupKey: p.DedupKey, Message: p.Message, Next: p.Next,
				Owner: "r", Until: start}
			claimed.Pending.Next.SchemaVersion = StateVersion
			if err := validate(t, state, claimed.JSON()); err != nil {
				t.Fatalf("%v\n%s", err, claimed.JSON())
			}
		}
		if err := validate(t, state, p.Next.JSON()); err != nil {
			t.Fatalf("%v\n%s", err, p.Next.JSON())
		}
	}
	d, s := newDrift(9), newStory(t)
	s.mutes = Mutes{{Target: "user/w", Action: "a", Owner: "kim", Reason: "r",
		Until: start.Add(200 * day)}}
	for i := range 100 {
		r := d.step()
		if i%3 == 0 { // every third report has notices and a problem
			r.Notices = []audit.Notice{upgradeNotice,
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
		if err := validate(t, schema(t, "report.schema.json"), raw); err != nil {
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
	s.options.First = &misconfigured
	check(s.run(misconfigured))
	checkReport("an invalid configuration", misconfigured)
	for _, subscriptions := range [][]Subscription{nil, {{"email", "a@example.com", true}}} {
		if err := validate(t, message,
			[]byte(TestMessage("123456789012", nil, subscriptions,
				Sender{}).Bodies["default"])); err != nil {
			t.Error(err)
		}
	}
}

// TestMutesFollowTheirSchema checks that the schema of the mutes file accepts the files that
// ParseMutes accepts, and no others, apart from rules that a schema cannot express.
func TestMutesFollowTheirSchema(t *testing.T) {
	s := schema(t, "mutes.schema.json")
	for name, text := range muteFiles {
		_, errs := ParseMutes([]byte(text), start)
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			continue // the schema applies to valid YAML only
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		invalid := validate(t, s, asJSON)
		if notInSchema := map[string]bool{"a mistyped year": true, "a line break in a reason": true,
			"a blank owner": true, "two documents": true}[name]; (invalid != nil) != (errs != nil) &&
			!notInSchema {
			t.Errorf("%s: the schema returned %v, the parser %v", name, invalid, errs)
		}
	}
}
