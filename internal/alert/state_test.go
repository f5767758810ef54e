package alert

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Every state that a release ever wrote is read for ever, loses nothing by being written again, and
// the first run after the upgrade says nothing. The files were written by the release of their
// schema and are never rewritten; testdata/state/v1.json is after the story that upgraded tells on.
func TestReleasedStates(t *testing.T) {
	files, err := filepath.Glob("testdata/state/*.json")
	if err != nil || len(files) < 1 {
		t.Fatalf("states %q, %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		state, err := ParseState(raw)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := validate(t, schema(t, "state.schema.json"), raw); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if state.Pending == nil || len(state.Gaps) == 0 || len(state.Pending.Next.Errors) == 0 ||
			len(state.Pending.Next.Mutes) == 0 {
			t.Errorf("%s does not hold all that a state can hold", file)
		}
		if again := state.JSON(); strings.HasSuffix(file, "v"+StateVersion+".json") &&
			string(again) != string(raw) {
			t.Errorf("%s becomes\n%s", file, again)
		}
		s := newStory(t)
		s.state, s.now, s.mutes = state.Pending.Next, start.Add(3*hour), storyMutes
		if got := told(s.after(hour, upgraded())); got != "" {
			t.Errorf("%s: the first run after an upgrade tells %q", file, got)
		}
	}
}

var storyMutes = Mutes{{Target: "user/v", Action: "a", Reason: "being moved, OPS-17", Owner: "kim",
	Until: start.Add(3 * day)}}

// upgraded is what is found before and after the upgrade: a gap that was told, one that is muted,
// and a target that is blind.
func upgraded() audit.Report {
	return made([]string{"user/u", "user/v"}, finding("user/u", "a", audit.Partial, policies.Critical),
		finding("user/v", "a", audit.Missing, policies.Low),
		finding("user/v", "b", audit.Unverified, policies.High))
}

func TestParseState(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "a list": "[]", "null": "null",
		"a version in words": `{"schemaVersion":"one"}`, "no version": "{}",
		"version zero":           `{"schemaVersion":"0"}`,
		"a number for a version": `{"schemaVersion":1}`, "two values": `{"schemaVersion":"1"} {}`,
		"text for gaps": `{"schemaVersion":"1","gaps":"x"}`,
		"a gap since " +
			"never": `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"missing","cause":"scp","severity":"high","opened":1}]}`,
		"a gap that is " +
			"none": `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"satisfied","cause":"scp","severity":"high","since":"2026-11-16T09:00:00Z","opened":1}]}`,
		"a severity that is " +
			"none": `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"missing","cause":"scp","severity":"dire","since":"2026-11-16T09:00:00Z","opened":1}]}`,
		"an error since never": `{"schemaVersion":"1","errors":[{"target":"user/u","runs":1}]}`,
		"a claim without a " +
			"message": `{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","next":{"schemaVersion":"1"},"owner":"o","until":"2026-11-16T09:00:00Z"}}`,
		"a claim within a " +
			"claim": `{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","message":{"subject":"s"},"owner":"o","until":"2026-11-16T09:00:00Z",
			"next":{"schemaVersion":"1","pending":{"id":"p","message":{"subject":"s"}}}}}`,
	} {
		if s, err := ParseState([]byte(text)); err == nil || errors.Is(err, ErrNewerState) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, text := range []string{`{"schemaVersion":"2"}`,
		`{"schemaVersion":"10","gaps":"another form"}`} {
		if _, err := ParseState([]byte(text)); !errors.Is(err, ErrNewerState) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParseState([]byte(`{"schemaVersion":"1","aFieldOfALaterPatch":[1]}`)); err != nil {
		t.Errorf("a field that was added within the schema: %v", err)
	}
	if s, err := ParseState(State{}.JSON()); err != nil || !s.Baseline.IsZero() {
		t.Errorf("the zero state: %+v, %v", s, err)
	}
}

// Any state that can be read can be planned with, and what follows can be read again.
func FuzzState(f *testing.F) {
	raw, err := os.ReadFile("testdata/state/v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"missing","cause":"","severity":"low","since":"0001-01-02T00:00:00Z","opened":9,"told":"9999-01-01T00:00:00Z","reminders":300}]}`))
	r := fixture(f, "drifted")
	f.Fuzz(func(t *testing.T, text []byte) {
		state, err := ParseState(text)
		if err != nil {
			return
		}
		s := newStory(t)
		s.state = state
		checkMessage(t, s.run(r), s.options)
		checkMessage(t, s.after(day, r), s.options)
		if strings.Contains(s.last.Message.Subject, "\n") {
			t.Errorf("%q", s.last.Message.Subject)
		}
	})
}
