package alert

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// Every state that a release ever wrote is read for ever, and its first run under this one says nothing.
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
		if state.Pending == nil || len(state.Gaps) == 0 || len(state.Errors) == 0 || len(state.Mutes) == 0 {
			t.Errorf("%s does not hold all that a state can hold", file)
		}
		s, r := richStory(t)
		s.state = state.Pending.Next
		if got := told(s.after(hour, r)); got != "" {
			t.Errorf("%s: the first run after an upgrade tells %q", file, got)
		}
	}
}

// richStory comes to a state that holds all there is, and to the report that led there.
func richStory(t *testing.T) (*story, audit.Report) {
	s := newStory(t)
	s.run(fixture(t, "compliant"))
	s.after(hour, fixture(t, "drifted"))
	s.mutes = Mutes{{Target: "user/nobody", Reason: "being moved, OPS-17", Owner: "kim", Until: start.Add(3 * day)}}
	s.after(hour, fixture(t, "mixed"))
	return s, fixture(t, "mixed")
}

// TestStateOfThisRelease compares the committed state of the current schema with what is written now.
// When it fails because a field was added, that is to be: rewrite the file with -update only until the
// schema is released, and add a file for the new one from then on.
func TestStateOfThisRelease(t *testing.T) {
	s, r := richStory(t)
	r.Problems[0].What = "the inline policy ci of user/remotion-user"
	s.now = s.now.Add(hour)
	before := s.state
	p := s.run(r)
	before.Pending = &Pending{ID: "6f1c3a52", DedupKey: p.DedupKey, Message: p.Message, Next: p.Next, Owner: "run-4", Until: s.now.Add(hour / 60)}
	file := filepath.Join("testdata", "state", "v"+StateVersion+".json")
	if *update {
		if err := os.WriteFile(file, before.JSON(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(raw) != string(before.JSON()) {
		t.Errorf("%s differs from what is written now:\n%s", file, before.JSON())
	}
	again, err := ParseState(raw)
	if err != nil {
		t.Fatal(err)
	}
	before.SchemaVersion = StateVersion
	if !reflect.DeepEqual(again, before) {
		t.Errorf("what was written is read as\n%+v\nnot\n%+v", again, before)
	}
}

func TestParseState(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "{", "a list": "[]", "null": "null", "a version in words": `{"schemaVersion":"one"}`, "no version": "{}", "version zero": `{"schemaVersion":"0"}`,
		"a number for a version": `{"schemaVersion":1}`, "two values": `{"schemaVersion":"1"} {}`, "text for gaps": `{"schemaVersion":"1","gaps":"x"}`,
		"a gap about nobody":        `{"schemaVersion":"1","gaps":[{"policy":"user","status":"missing","cause":"scp","severity":"high","since":"2026-11-16T09:00:00Z","opened":1}]}`,
		"a gap that is none":        `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"satisfied","cause":"scp","severity":"high","since":"2026-11-16T09:00:00Z","opened":1}]}`,
		"a severity that is none":   `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","status":"missing","cause":"scp","severity":"dire","since":"2026-11-16T09:00:00Z","opened":1}]}`,
		"an error about nothing":    `{"schemaVersion":"1","errors":[{"since":"2026-11-16T09:00:00Z","runs":1}]}`,
		"a claim without a message": `{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","next":{"schemaVersion":"1"},"owner":"o","until":"2026-11-16T09:00:00Z"}}`,
		"a claim within a claim": `{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","message":{"subject":"s"},"owner":"o","until":"2026-11-16T09:00:00Z",
			"next":{"schemaVersion":"1","pending":{"id":"p","message":{"subject":"s"}}}}}`,
	} {
		if s, err := ParseState([]byte(text)); err == nil || errors.Is(err, ErrNewerState) {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	for _, text := range []string{`{"schemaVersion":"2"}`, `{"schemaVersion":"10","gaps":"another form"}`} {
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
