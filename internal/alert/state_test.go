package alert_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/alerttest"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// TestReleasedStates checks that the state of each earlier release can be read, that writing the
// state again loses nothing, and that the first run after the upgrade announces nothing. The
// release of each schema wrote the file, which is never rewritten. upgraded returns the report of
// the first run after testdata/state/v1.json.
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
		state, err := alert.ParseState(raw)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := schematest.Validate(t, schematest.Compile(t, "state.schema.json"), raw); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if state.Pending == nil || len(state.Gaps) == 0 || len(state.Pending.Next.Errors) == 0 ||
			len(state.Pending.Next.Mutes) == 0 {
			t.Errorf("%s does not contain all parts of a state", file)
		}
		if again := state.JSON(); strings.HasSuffix(file, "v"+alert.StateVersion+".json") &&
			string(again) != string(raw) {
			t.Errorf("%s is rewritten as\n%s", file, again)
		}
		s := newStory(t)
		s.State, s.Now, s.Mutes = state.Pending.Next, start.Add(3*hour), storyMutes
		if got := announcements(s.After(hour, upgraded())); got != "" {
			t.Errorf("%s: the first run after an upgrade announces %q", file, got)
		}
	}
}

var storyMutes = mute.List{{Target: "user/v", Action: "a", Reason: "being moved, OPS-17",
	Owner: "kim", Until: start.Add(3 * day)}}

// upgraded returns the report of the runs before and after the upgrade. The report contains an
// announced gap, a muted gap, and a target that is not fully verified.
func upgraded() audit.Report {
	return reportOf([]string{"user/u", "user/v"},
		finding("user/u", "a", audit.Partial, policies.Critical),
		finding("user/v", "a", audit.Missing, policies.Low),
		finding("user/v", "b", audit.Unverified, policies.High))
}

func TestParseState(t *testing.T) {
	gap := func(fields string) string {
		return `{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user","cause":"scp",` +
			fields + `}]}`
	}
	claim := func(fields string) string {
		return `{"schemaVersion":"1","pending":{"id":"p","dedupKey":"k","owner":"o",` +
			`"until":"2026-11-16T09:00:00Z",` + fields + `}}`
	}
	for name, text := range map[string]string{
		"empty": "", "invalid JSON": "{", "a list": "[]", "null": "null",
		"a version in words": `{"schemaVersion":"one"}`, "no version": "{}",
		"version zero":        `{"schemaVersion":"0"}`,
		"a number as version": `{"schemaVersion":1}`, "two values": `{"schemaVersion":"1"} {}`,
		"a string as gaps":    `{"schemaVersion":"1","gaps":"x"}`,
		"a gap without since": gap(`"status":"missing","severity":"high","opened":1`),
		"a satisfied gap": gap(`"status":"satisfied","severity":"high",` +
			`"since":"2026-11-16T09:00:00Z","opened":1`),
		"an unknown severity": gap(`"status":"missing","severity":"dire",` +
			`"since":"2026-11-16T09:00:00Z","opened":1`),
		"an error without since":    `{"schemaVersion":"1","errors":[{"target":"user/u","runs":1}]}`,
		"a claim without a message": claim(`"next":{"schemaVersion":"1"}`),
		"a claim within a claim": claim(`"message":{"subject":"s"},"next":{"schemaVersion":"1",` +
			`"pending":{"id":"p","message":{"subject":"s"}}}`),
	} {
		if s, err := alert.ParseState([]byte(text)); err == nil || errors.Is(err, alert.ErrNewerState) {
			t.Errorf("%s: got state %+v, error %v", name, s, err)
		}
	}
	for _, text := range []string{`{"schemaVersion":"2"}`,
		`{"schemaVersion":"10","gaps":"another form"}`} {
		if _, err := alert.ParseState([]byte(text)); !errors.Is(err, alert.ErrNewerState) {
			t.Errorf("%s: error %v, want ErrNewerState", text, err)
		}
	}
	if _, err := alert.ParseState([]byte(
		`{"schemaVersion":"1","aFieldOfALaterPatch":[1]}`)); err != nil {
		t.Errorf("a state with a field that a later patch added: %v", err)
	}
	if s, err := alert.ParseState(alert.State{}.JSON()); err != nil || !s.Baseline.IsZero() {
		t.Errorf("the zero state: %+v, %v", s, err)
	}
}

// TestAStateAboveTheLimitsIsDamaged checks that ParseState refuses a state before it takes much
// memory, for each kind of element.
func TestAStateAboveTheLimitsIsDamaged(t *testing.T) {
	const head = `{"schemaVersion":"1",`
	many := func(n int, element string) string {
		return strings.TrimSuffix(strings.Repeat(element+",", n), ",")
	}
	for name, test := range map[string]struct{ text, want string }{
		"empty gaps": {head + `"gaps":[` + many(4<<20, "{}") + `]}`,
			"the state is too large: the lists of the text must have at most 50000 elements"},
		"numbers instead of gaps": {head + `"gaps":[` + many(4<<20, "1") + `]}`, "at most 50000 elements"},
		"bodies of a claim": {head + `"pending":{"message":{"bodies":{` + many(1<<20, `"a":""`) + `}}}}`,
			"the text must have at most 800000 values"},
		"claims in claims": {head + strings.Repeat(`"pending":{"next":{`, 100) + strings.Repeat("}", 201),
			"at most 12 objects and lists may be nested"},
		"a long text": {head + `"run":"` + strings.Repeat("a", 16<<20) + `"}`,
			"the state must have at most 16777216 bytes"},
		"a long version": {`{"schemaVersion":"` + strings.Repeat("a", 1<<20) + `"}`,
			`got "` + strings.Repeat("a", 200) + `"…`},
	} {
		text, err := []byte(test.text), error(nil)
		memory.AtMost(t, 8<<20, func() { _, err = alert.ParseState(text) })
		if err == nil || errors.Is(err, alert.ErrNewerState) ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", name, err, test.want)
		}
	}
	if _, err := alert.ParseState([]byte(`{"schemaVersion":"2","x":[` + many(1<<20, "{}") +
		`]}`)); !errors.Is(err, alert.ErrNewerState) {
		t.Errorf("a large state of a newer release: %v", err)
	}
	largest := []byte(head + `"gaps":[` + many(49_000, "{}") + `]}`)
	memory.AtMost(t, 150<<20, func() { _, _ = alert.ParseState(largest) })
}

// FuzzState checks that Plan accepts every state that ParseState accepts, and returns a state that
// ParseState accepts.
func FuzzState(f *testing.F) {
	f.Add([]byte(
		`{"schemaVersion":"1","gaps":[{"target":"user/u","policy":"user",` +
			`"status":"missing","cause":"","severity":"low","since":"0001-01-02T00:00:00Z","opened":9,` +
			`"told":"9999-01-01T00:00:00Z","reminders":300}]}`))
	r := fixture(f, "drifted")
	alerttest.FuzzStates(f, func(t *testing.T, state alert.State) {
		s := newStory(t)
		s.State = state
		s.Run(r)
		s.After(day, r)
	})
}
