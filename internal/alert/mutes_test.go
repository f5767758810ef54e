package alert

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const goodMute = "mutes:\n  - target: user/ci\n    action: s3:PutBucketPolicy\n    reason: " +
	"OPS-17\n    owner: kim\n    until: 2026-12-01T09:00:00Z\n"

// muteFiles are files of mutes by what is in them.
var muteFiles = map[string]string{
	"nothing":       "",
	"a comment":     "# nobody is muted\n",
	"an empty list": "mutes: []\n",
	"no list yet":   "mutes:\n",
	"a mute":        goodMute,
	"a day": "mutes:\n- cause: scp\n  reason: r\n  owner: o\n  until: " +
		"2026-12-01\n",
	"a flow style mute": `mutes: [{sid: "1", reason: r, owner: o, until: "2026-12-01"}]`,
	"no owner": "mutes:\n  - target: user/ci\n    reason: r\n    until: " +
		"2026-12-01\n",
	"no reason": "mutes:\n  - target: user/ci\n    owner: o\n    until: " +
		"2026-12-01\n",
	"no end": "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n",
	"a bad date": "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n    " +
		"until: tomorrow\n",
	"a year mistyped": "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n    " +
		"until: 2062-12-01\n",
	"everything": "mutes:\n  - owner: o\n    reason: r\n    until: 2026-12-01\n",
	"an unknown field": "mutes:\n  - targte: user/ci\n    action: s3:*\n    owner: o\n   " +
		" reason: r\n    until: 2026-12-01\n",
	"an unknown cause": "mutes:\n  - cause: scps\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"an empty target": "mutes:\n  - target: \"\"\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a blank owner": "mutes:\n  - target: user/ci\n    owner: \" \"\n    reason: r\n  " +
		"  until: 2026-12-01\n",
	"a number for a text": "mutes:\n  - target: user/ci\n    owner: 7\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a list for a text": "mutes:\n  - target: [user/ci]\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a line break in a reason": "mutes:\n  - target: user/ci\n    owner: o\n    reason: " +
		"\"a\\nb\"\n    until: 2026-12-01\n",
	"a text for a mute":      "mutes:\n  - user/ci\n",
	"a text for the list":    "mutes: user/ci\n",
	"another key":            "mute:\n  - target: user/ci\n",
	"a list without its key": "- target: user/ci\n",
	"two documents":          goodMute + "---\n" + goodMute,
	"no YAML":                "mutes:\n  - target: [user/ci\n",
	"a field that is there twice": "mutes:\n  - target: user/ci\n    target: user/other\n    owner: " +
		"o\n    reason: r\n    until: 2026-12-01\n",
	"a good one and a bad one": goodMute + "  - target: user/other\n",
}

func TestParseMutes(t *testing.T) {
	tests := map[string]struct {
		mutes int
		wrong string
	}{
		"nothing": {}, "a comment": {}, "an empty list": {}, "no list yet": {},
		"a mute": {mutes: 1}, "a day": {mutes: 1}, "a flow style mute": {mutes: 1},
		"no owner":                    {0, "line 2: a mute needs owner"},
		"no reason":                   {0, "line 2: a mute needs reason"},
		"no end":                      {0, "line 2: a mute needs until"},
		"a bad date":                  {0, `line 5: until: "tomorrow" is neither a day`},
		"a year mistyped":             {0, "line 5: until: 2062-12-01 is more than a year off"},
		"everything":                  {0, "line 2: a mute names what it silences"},
		"an unknown field":            {0, `line 2: a mute has no field "targte"`},
		"an unknown cause":            {0, `line 2: there is no cause "scps"`},
		"an empty target":             {0, "line 2: target: is empty"},
		"a blank owner":               {0, "line 3: owner: is empty"},
		"a number for a text":         {0, "line 3: owner: is not a text"},
		"a list for a text":           {0, "line 2: target: is not a text"},
		"a line break in a reason":    {0, "line 4: reason: holds a line break"},
		"a text for a mute":           {0, "line 2: a mute is a list of fields"},
		"a text for the list":         {0, "line 1: mutes: is not a list"},
		"another key":                 {0, "line 1: write one list, under mutes:"},
		"a list without its key":      {0, "line 1: write one list, under mutes:"},
		"two documents":               {0, "line 8: a second document"},
		"no YAML":                     {0, "line 2: is not YAML"},
		"a field that is there twice": {0, "line 3: "},
		"a good one and a bad one":    {1, "line 7: a mute needs reason"},
	}
	for name, text := range muteFiles {
		t.Run(name, func(t *testing.T) {
			test, ok := tests[name]
			if !ok {
				t.Fatal("nothing is expected of it")
			}
			mutes, wrong := ParseMutes([]byte(text), start)
			if len(mutes) != test.mutes || (test.wrong == "") != (len(wrong) == 0) || test.wrong != "" &&
				!strings.HasPrefix(wrong[0].Error(), test.wrong) {
				t.Errorf("%d mutes, errors %q; want %d, %q", len(mutes), wrong, test.mutes, test.wrong)
			}
		})
	}
	mutes, _ := ParseMutes([]byte(goodMute), start)
	want := Mute{Target: "user/ci", Action: "s3:PutBucketPolicy", Reason: "OPS-17", Owner: "kim",
		Until: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	if !slices.EqualFunc(mutes, Mutes{want}, Mute.same) {
		t.Errorf("got %+v, want %+v", mutes, want)
	}
	if mutes, _ := ParseMutes([]byte(muteFiles["a day"]), start); !mutes[0].Until.Equal(time.Date(2026,
		12, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a day ends at %s, not with itself", mutes[0].Until)
	}
}

func TestMuteMatches(t *testing.T) {
	f := audit.Finding{Target: "user/render-ci", Action: "s3:PutBucketPolicy", Cause: audit.SCP,
		Sid: "Storage1"}
	tests := []struct {
		mute Mute
		want bool
	}{
		{Mute{Target: "user/render-ci"}, true}, {Mute{Target: "user/render"}, false},
		{Mute{Target: "user/*"}, true}, {Mute{Target: "role/*"}, false},
		{Mute{Target: "*ci"}, true}, {Mute{Target: "*-*"}, true}, {Mute{Target: "*render-ci*"}, true},
		{Mute{Target: "user/r*r-ci"}, true}, {Mute{Target: "user/*x*"}, false},
		{Mute{Target: "USER/render-ci"}, false},
		{Mute{Action: "S3:putbucketpolicy"}, true}, {Mute{Action: "s3:Put*"}, true},
		{Mute{Action: "s3:Get*"}, false}, {Mute{Action: "s3:PutBucketPolicyStatus"}, false},
		{Mute{Cause: audit.SCP}, true}, {Mute{Cause: audit.NoGrant}, false},
		{Mute{Sid: "Storage*"}, true}, {Mute{Sid: "storage1"}, false},
		{Mute{Target: "user/*", Action: "s3:*", Cause: audit.SCP, Sid: "*"}, true},
		{Mute{Target: "user/*", Action: "s3:*", Cause: audit.NoGrant}, false},
		{Mute{Target: "**"}, true}, {Mute{Target: "user/render-ci*user/render-ci"}, false},
	}
	for _, test := range tests {
		if got := test.mute.Matches(f); got != test.want {
			t.Errorf("%+v matches: %t", test.mute, got)
		}
	}
}

// Of two mutes the one that lasts is in the report, and counts as the one in force.
func TestLongestMuteCounts(t *testing.T) {
	long := Mute{Target: "user/u", Owner: "long", Until: start.Add(day)}
	short, other := Mute{Target: "user/u", Owner: "short", Until: start.Add(hour)},
		Mute{Action: "a", Owner: "other", Until: start.Add(2 * hour)}
	f := finding("user/u", "a", audit.Missing, policies.High)
	for _, mutes := range []Mutes{{long, short, other}, {other, short, long}} {
		if got := mutes.of(f); got.Owner != "long" {
			t.Errorf("muted by %s", got.Owner)
		}
		if in := mutes.inForce(start); len(in) != 2 || in[1].Owner != "long" {
			t.Errorf("in force are %+v", in)
		}
	}
}

func TestMuteNotices(t *testing.T) {
	u := []string{"user/u"}
	a := finding("user/u", "a", audit.Missing, policies.High)
	grave := finding("user/u", "b", audit.Missing, policies.Critical)
	s := newStory(t)
	s.run(made(u, a))
	m := Mute{Target: "user/u", Reason: "r", Owner: "kim", Until: start.Add(20 * day)}
	s.mutes = Mutes{m}
	check := func(after time.Duration, r audit.Report, want string) {
		t.Helper()
		if got := told(s.after(after, r)); got != want {
			t.Errorf("at %s: told %q, want %q", s.now.Sub(start), got, want)
		}
		if again := told(s.plan(replayed(r, s))); again != "" {
			t.Errorf("at %s: replayed, told %q", s.now.Sub(start), again)
		}
	}
	const of = "notice of target user/u "
	check(hour, made(u, a), of+"new: it hides 1 gap, the worst high")
	check(hour, made(u, a, grave),
		of+"hides more than when it was set: it hides 2 gaps, the worst critical")
	check(hour, made(u, a), "")
	check(hour, made(u, a, grave), "")
	check(hour, made(u, a, grave, finding("user/u", "c", audit.Missing, policies.Low)),
		of+"hides more than when it was set: it hides 3 gaps, the worst critical")
	check(hour, made(u), of+"hides nothing: it can be removed")
	check(hour, made(u, finding("user/u", "a", audit.Unverified, policies.High)),
		"auditor_error user/u")
	check(hour, made(u), "auditor_error user/u over")
	check(hour, made(u, a), "")
	check(13*day, made(u, a), of+"ends in 6d 15h: it hides 1 gap, the worst high")
	s.mutes[0].Owner, s.mutes[0].Until = "sam", s.now.Add(3*day)
	check(hour, made(u, a), of+"changed: it hides 1 gap, the worst high")
	s.mutes = append(s.mutes, Mute{Target: "user/u", Reason: "shorter", Owner: "alex",
		Until: s.now.Add(hour)})
	check(time.Minute, made(u, a), "")
	s.mutes = nil
	check(day, made(u, a), "reopened a") // it was away while it was muted
	s.mutes = Mutes{{Target: "user/u", Reason: "r", Owner: "kim", Until: s.now.Add(-hour)}}
	check(hour, made(u, a), "")
}

func TestAddMute(t *testing.T) {
	m := Mute{Target: "user/it's \"x\" #1: é", Cause: audit.SCP, Reason: "see #ops: it's \\ known",
		Owner: "kim <kim@example.com>", Until: start.Add(day)}
	for name, text := range muteFiles {
		before, wrongBefore := ParseMutes([]byte(text), start)
		out, err := AddMute([]byte(text), m, start)
		unread := slices.Contains([]string{"a text for the list", "another key", "a list without its key",
			"two documents", "no YAML", "a field that is there twice", "a flow style mute", "an empty list"},
			name)
		if unread {
			if err == nil {
				t.Errorf("%s: nothing could be added, and there is no error:\n%s", name, out)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after, wrong := ParseMutes(out, start)
		if !bytes.HasPrefix(out, []byte(text)) || !slices.Equal(wrong, wrongBefore) ||
			!slices.EqualFunc(after, append(before, m), Mute.same) {
			t.Errorf("%s: got %+v, errors %q in\n%s", name, after, wrong, out)
		}
	}
	for _, text := range []string{
		"# kept\nmutes:   # and this\n    - target: user/a # odd  spaces\n      owner: o\n      " +
			"reason: r\n      until: 2026-12-01",
		"mutes:\n- {target: user/a, owner: o, reason: r, until: 2026-12-01}\n\n\n# the end\n",
		"mutes: # none yet",
		"---\nmutes:\n  - target: user/a\n    owner: o\n    reason: r\n    until: 2026-12-01\n",
	} {
		out, err := AddMute([]byte(text), m, start)
		if err != nil || !bytes.HasPrefix(out, []byte(text)) {
			t.Errorf("%v: %q became\n%s", err, text, out)
		}
	}
	for name, bad := range map[string]Mute{
		"no owner":   {Target: "user/a", Reason: "r", Until: start.Add(day)},
		"no matcher": {Reason: "r", Owner: "o", Until: start.Add(day)},
		"a line break": {Target: "user/a", Reason: "r\n- target: \"*\"", Owner: "o",
			Until: start.Add(day)}, "too long": {Target: "user/a", Reason: "r", Owner: "o",
			Until: start.Add(400 * day)},
	} {
		if out, err := AddMute([]byte(goodMute), bad, start); err == nil ||
			!strings.Contains(err.Error(), "the mute is not valid: ") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestMuteCommand(t *testing.T) {
	got := MuteCommand("audit-evidence", Mute{Target: "role/it's $(id)", Action: "s3:PutBucketPolicy",
		Cause: audit.SCP})
	want := `remotion-audit mute --bucket audit-evidence --target 'role/it'\''s $(id)' --action s3:PutBucketPolicy --cause scp --for 24h --owner "$USER" --reason 'being looked into'`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// No text makes ParseMutes panic, whatever is wrong has a sentence on one line, and what AddMute
// returns holds what was there and one more.
func FuzzMutes(f *testing.F) {
	for _, name := range []string{"a mute", "a flow style mute", "no YAML", "two documents",
		"a field that is there twice", "a good one and a bad one"} {
		f.Add([]byte(muteFiles[name]), "user/ci", "r")
	}
	f.Add([]byte("mutes: &a\n  - *a\n"), "*", "'")
	f.Add([]byte("? {a: b}\n: !!binary x\n"), "a\x00", "é")
	f.Fuzz(func(t *testing.T, text []byte, target, reason string) {
		before, wrong := ParseMutes(text, start)
		for _, m := range before {
			if m.Owner == "" || m.Reason == "" || !m.Until.Before(start.Add(maxMute+1)) {
				t.Errorf("%+v", m)
			}
		}
		for _, e := range wrong {
			if e.Text == "" || e.Line < 0 {
				t.Errorf("%+v", e)
			}
		}
		m := Mute{Target: target, Reason: reason, Owner: "o", Until: start.Add(day)}
		out, err := AddMute(text, m, start)
		if err != nil {
			return
		}
		if after, _ := ParseMutes(out, start); !bytes.HasPrefix(out, text) ||
			fmt.Sprint(after) != fmt.Sprint(append(before, m)) {
			t.Errorf("%q became %q", text, out)
		}
	})
}

// Whoever can write the file must not be able to keep the auditor busy with it: then nobody would
// be alerted, nor told of the mutes.
func TestAFileOfMutesThatWouldTakeTooLongIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"line 1: is longer":          "mutes: " + strings.Repeat("[", maxMuteNesting+1),
		"line 52: is longer":         "mutes: \n" + strings.Repeat("{a:\n", 10_000),
		"line 2: is longer":          "mutes:\n  " + strings.Repeat("- ", maxMuteLine),
		"has more than 131072 bytes": "mutes:\n" + strings.Repeat("# a\n", maxMuteFile/4),
	} {
		list, wrong := ParseMutes([]byte(text), start)
		if list != nil || len(wrong) != 1 || !strings.HasPrefix(wrong[0].Error(), want) {
			t.Errorf("%.20q: %v, want %q", text, wrong, want)
		}
	}
	s := newStory(t)
	s.run(made([]string{"user/u"}))
	_, s.options.MuteErrors = ParseMutes([]byte("mutes:\n"+
		strings.Repeat("  - target: user/x\n", 2000)), start)
	p := s.after(hour, made([]string{"user/u"}))
	checkMessage(t, p, s.options)
	if n := len(s.state.Errors); n != maxMuteErrors+1 ||
		!strings.Contains(p.Message.Bodies["email"], "5900 more mutes or fields") {
		t.Errorf("%d errors are remembered\n%s", n, p.Message.Bodies["email"])
	}
}
