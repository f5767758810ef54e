package alert_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// released is the directory of a state, a mutes file and a report that the release of November 2026
// wrote. The state contains open, reopened, closed, muted and missing-target gaps, errors of
// targets that are not verified at all or only partly, errors of the account and of the mutes file,
// mutes that were announced, notices that were announced, and a claim. The files are never
// rewritten.
const released = "testdata/state/2026-11/"

// renamedTexts are the errors of the mutes file in the state of released, with the texts of this
// release.
var renamedTexts = []string{
	"line 13: a mute must be a list of fields, such as target: user/NAME",
	`line 14: unknown field "targte": use target, action, cause, sid, reason, owner, until`,
	"line 15: owner: must be a string",
	"line 16: reason: must not be empty: set it or remove the line",
	"line 19: owner: must contain only printable characters and no line break",
	"line 22: a mute needs at least one of target, action, cause, sid",
	`line 26: unknown cause "scps": use a cause of docs/reading-reports.md`,
	`line 29: until: must be a day (2026-12-01) or a time (2026-12-01T09:00:00Z), got "tomorrow"`,
	"line 33: until: must be at most one year ahead, got 2062-12-01",
	"line 34: a mute needs owner",
	"line 34: a mute needs reason",
	"line 34: a mute needs until",
}

// oldUpgradeText is the text of the upgrade notice in the files of released. upgradeText is the
// text of the same notice in this release.
const (
	oldUpgradeText = "what Remotion 4.0.418 and later needs is not granted: s3:PutBucketPolicy for user/u"
	upgradeText    = "Remotion 4.0.418 and later needs permissions that are not granted: " +
		"s3:PutBucketPolicy for user/u"
)

// upgradeStory returns a story that continues from the files in released. It also returns the state
// and the report in these files; the upgrade notice in the report has the text of this release.
func upgradeStory(t *testing.T) (*story, alert.State, audit.Report) {
	t.Helper()
	read := func(name string) []byte {
		raw, err := os.ReadFile(released + name)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	state, err := alert.ParseState(read("state.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(read("report.json"), &r); err != nil {
		t.Fatal(err)
	}
	for i, n := range r.Notices {
		if n.Text == oldUpgradeText {
			r.Notices[i].Text = upgradeText
		}
	}
	s := newStory(t)
	s.Now, s.State, s.Runs = r.Run.At, state, 20
	s.Mutes, s.Options.MuteErrors = mute.Parse(read("mutes.yaml"), s.Now)
	return s, state, r
}

func TestAnUpgradeKeepsTheState(t *testing.T) {
	raw, err := os.ReadFile(released + "state.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schematest.Validate(t, schematest.Compile(t, "state.schema.json"), raw); err != nil {
		t.Error(err)
	}
	// ParseState changes only the texts of errors of the mutes file, and the text of the upgrade
	// notice.
	var old alert.State
	if err := json.Unmarshal(raw, &old); err != nil {
		t.Fatal(err)
	}
	state, err := alert.ParseState(raw)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, errs := range [][2][]alert.Error{{old.Errors, state.Errors},
		{old.Pending.Next.Errors, state.Pending.Next.Errors}} {
		texts = nil
		for i, e := range errs[1] {
			if e.Target == "" {
				texts = append(texts, strings.TrimPrefix(e.What, alert.MutesFile))
				errs[0][i].What = e.What
			}
		}
		if !slices.Equal(texts, renamedTexts) {
			t.Errorf("renamed errors\n%q, want\n%q", texts, renamedTexts)
		}
	}
	for _, notices := range [][]alert.SeenNotice{old.Notices, old.Pending.Next.Notices} {
		for i, n := range notices {
			if n.Text == oldUpgradeText {
				notices[i].Text = upgradeText
			}
		}
	}
	if got, want := string(state.JSON()), string(old.JSON()); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestAnUpgradeKeepsTheMutes(t *testing.T) {
	s, state, _ := upgradeStory(t)
	if len(s.Mutes) != 2 || len(s.Mutes) != len(state.Mutes) {
		t.Fatalf("mutes %+v", s.Mutes)
	}
	for _, m := range s.Mutes {
		if !slices.ContainsFunc(state.Mutes, func(s alert.SeenMute) bool { return s.Equal(m) }) {
			t.Errorf("the state does not contain the mute %+v", m)
		}
	}
	var texts []string
	for _, e := range s.Options.MuteErrors {
		texts = append(texts, e.Error())
	}
	slices.Sort(texts)
	if !slices.Equal(texts, renamedTexts) {
		t.Errorf("got\n%q, want\n%q", texts, renamedTexts)
	}
}

func TestAnUpgradeAnnouncesNothing(t *testing.T) {
	t.Run("the findings of the confirmed state are not announced again", func(t *testing.T) {
		s, state, r := upgradeStory(t)
		s.State.Pending = nil
		r.Findings = slices.Clone(r.Findings)
		r.Findings = slices.DeleteFunc(r.Findings, func(f audit.Finding) bool {
			return f.Action == "d" // the gap that the claim announces
		})
		r.Summary.Gaps--
		p := s.Run(r)
		if got := announcements(p); got != "" {
			t.Errorf("announced %q", got)
		}
		compareStates(t, state, p.Next)
	})
	t.Run("the findings of the claimed state are not announced again", func(t *testing.T) {
		s, state, r := upgradeStory(t)
		s.State = state.Pending.Next
		p := s.After(hour, r)
		if got := announcements(p); got != "" {
			t.Errorf("announced %q", got)
		}
		compareStates(t, state.Pending.Next, p.Next)
	})
	// A run of this release that overlaps a run of the old release announces the gap with the same
	// key.
	t.Run("the claim has the key that this release derives", func(t *testing.T) {
		s, state, r := upgradeStory(t)
		s.State.Pending = nil
		if p := s.Plan(r); announcements(p) != "opened d" || key(p) != state.Pending.DedupKey {
			t.Errorf("announced %q with key %s, want %s", announcements(p), key(p),
				state.Pending.DedupKey)
		}
	})
}

// compareStates checks that two states are equal, apart from the run, the claim, the number of runs
// of an error and the time of a notice.
func compareStates(t *testing.T, before, after alert.State) {
	t.Helper()
	for i := range after.Errors {
		after.Errors[i].Runs = before.Errors[i].Runs
	}
	for i := range after.Notices {
		after.Notices[i].Seen = before.Notices[i].Seen
	}
	before.Run, before.Pending = after.Run, nil
	if got, want := string(after.JSON()), string(before.JSON()); got != want {
		t.Errorf("the state became %s\nwant %s", got, want)
	}
}

// TestRenamedErrors checks that renamedError maps each error text of the old release to the text
// that this release has for the same mutes file.
func TestRenamedErrors(t *testing.T) {
	raw, err := os.ReadFile(released + "mute-errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var files []struct {
		File   string   `json:"file"`
		Errors []string `json:"errors"`
	}
	if err := json.Unmarshal(raw, &files); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_, errs := mute.Parse([]byte(f.File), start)
		var got, want []string
		for _, old := range f.Errors {
			got = append(got, alert.RenamedError(old))
		}
		for _, e := range errs {
			want = append(want, alert.MutesFile+e.Error())
		}
		// This release has another parser and other limits, so these errors are announced once more.
		otherParser := strings.HasPrefix(f.Errors[0], "mutes.yaml, line ") &&
			(strings.Contains(f.Errors[0], "is not YAML: ") ||
				strings.Contains(f.Errors[0], "is longer than 4096 bytes"))
		if !slices.Equal(got, want) && !otherParser {
			t.Errorf("%q: renamed to %q, want %q", f.File, got, want)
		}
		for _, text := range want {
			if again := alert.RenamedError(text); again != text {
				t.Errorf("the text of this release %q is renamed to %q", text, again)
			}
		}
	}
	for old, want := range map[string]string{
		// The fixture has no files with these errors.
		"mutes.yaml, has more than 131072 bytes: leave out what is over": "mutes.yaml, the file must " +
			"have at most 131072 bytes: remove expired mutes",
		"mutes.yaml, 5900 more mutes or fields":     "mutes.yaml, 5900 more errors",
		"mutes.yaml, is not YAML":                   "mutes.yaml, invalid YAML",
		"mutes.yaml, line 2: owner: is there twice": "mutes.yaml, line 2: owner: must be set only once",
		// Other errors keep their text.
		"the functions":                     "the functions",
		"mutes.yaml in the evidence bucket": "mutes.yaml in the evidence bucket",
		"":                                  "",
	} {
		if got := alert.RenamedError(old); got != want {
			t.Errorf("%q is renamed to %q, want %q", old, got, want)
		}
	}
}

// TestAnUpgradeDoesNotAnnounceTheReadScopeAgain checks that a notice with a new text is not
// announced again. The auditor's release of November 2026 wrote the state in a real audit. That
// audit had READ_SCOPE=named, no render role, and a Remotion release newer than the catalogue. This
// release derives two of the notices with other texts. Of the third it has only the new text: a
// release of an unknown major version is a problem now. The claim contains a gap and the same
// notices.
func TestAnUpgradeDoesNotAnnounceTheReadScopeAgain(t *testing.T) {
	raw, err := os.ReadFile("testdata/state/2026-11-read-scope/state.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := schematest.Validate(t, schematest.Compile(t, "state.schema.json"), raw); err != nil {
		t.Error(err)
	}
	if strings.Contains(string(raw), audit.ReadScopeText) {
		t.Fatal("the state has the text of this release already")
	}
	state, err := alert.ParseState(raw)
	if err != nil {
		t.Fatal(err)
	}
	release := policytest.Release(t, "17.0.0")
	notices := audit.Evaluate(audit.Facts{Account: "123456789012", Partition: "aws",
		Requested: "17.0.0", Release: release, Undiscovered: true, NoDefaultRole: true}).Notices
	if len(notices) != 2 || len(state.Notices) != 3 || state.Notices[0].Text != release.Notice() {
		t.Fatalf("notices %+v, stored %+v", notices, state.Notices)
	}
	confirmed := state
	confirmed.Pending = nil
	gap := finding("user/u", "a", audit.Missing, high)
	for _, tt := range []struct {
		name   string
		state  alert.State
		report audit.Report
	}{
		{"the confirmed state", confirmed, reportOf([]string{"user/u"})},
		{"the claimed state", state.Pending.Next, reportOf([]string{"user/u"}, gap)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory(t)
			s.Now, s.State, s.Runs = tt.state.Run.At, tt.state, 20
			if got := announcements(s.After(hour, withNotices(tt.report, notices...))); got != "" {
				t.Errorf("announced %q", got)
			}
		})
	}
}
