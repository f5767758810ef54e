package mute

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

var start = time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * hour
)

const goodMute = "mutes:\n  - target: user/ci\n    action: s3:PutBucketPolicy\n    reason: " +
	"OPS-17\n    owner: kim\n    until: 2026-12-01T09:00:00Z\n"

// muteFiles are mutes files by a description of their content.
var muteFiles = map[string]string{
	"nothing":           "",
	"a comment":         "# no mutes\n",
	"an empty list":     "mutes: []\n",
	"no list":           "mutes:\n",
	"a mute":            goodMute,
	"a day":             "mutes:\n- cause: scp\n  reason: r\n  owner: o\n  until: 2026-12-01\n",
	"a flow style mute": `mutes: [{sid: "1", reason: r, owner: o, until: "2026-12-01"}]`,
	"no owner":          "mutes:\n  - target: user/ci\n    reason: r\n    until: 2026-12-01\n",
	"no reason":         "mutes:\n  - target: user/ci\n    owner: o\n    until: 2026-12-01\n",
	"no end":            "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n",
	"a bad date":        "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n    until: tomorrow\n",
	"a mistyped year": "mutes:\n  - target: user/ci\n    owner: o\n    reason: r\n    " +
		"until: 2062-12-01\n",
	"no matcher": "mutes:\n  - owner: o\n    reason: r\n    until: 2026-12-01\n",
	"an unknown field": "mutes:\n  - targte: user/ci\n    action: s3:*\n    owner: o\n   " +
		" reason: r\n    until: 2026-12-01\n",
	"an unknown cause": "mutes:\n  - cause: scps\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"an empty target": "mutes:\n  - target: \"\"\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a blank owner": "mutes:\n  - target: user/ci\n    owner: \" \"\n    reason: r\n  " +
		"  until: 2026-12-01\n",
	"a number as owner": "mutes:\n  - target: user/ci\n    owner: 7\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a list as target": "mutes:\n  - target: [user/ci]\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a line break in a reason": "mutes:\n  - target: user/ci\n    owner: o\n    reason: " +
		"\"a\\nb\"\n    until: 2026-12-01\n",
	"a string as mute":       "mutes:\n  - user/ci\n",
	"a string as list":       "mutes: user/ci\n",
	"another key":            "mute:\n  - target: user/ci\n",
	"a list without its key": "- target: user/ci\n",
	"two documents":          goodMute + "---\n" + goodMute,
	"invalid YAML":           "mutes:\n  - target: [user/ci\n",
	"a duplicate field": "mutes:\n  - target: user/ci\n    target: user/other\n    owner: " +
		"o\n    reason: r\n    until: 2026-12-01\n",
	"a valid and an invalid mute": goodMute + "  - target: user/other\n",
	"a target that cannot exist": "mutes:\n  - target: group/ops\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"an action without a service": "mutes:\n  - action: PutObject\n    owner: o\n    reason: r\n    " +
		"until: 2026-12-01\n",
	"a long pattern": "mutes:\n  - sid: " + strings.Repeat("a", 257) + "\n    owner: o\n    reason: " +
		"r\n    until: 2026-12-01\n",
	"an alias as mute": strings.Replace(goodMute, "- target", "- &a\n    target", 1) + "  - *a\n",
	"a tag":            "mutes:\n  - sid: !!str 7\n    owner: o\n    reason: r\n    until: 2026-12-01\n",
}

func TestParse(t *testing.T) {
	tests := map[string]struct {
		mutes int
		err   string // the start of the first error
	}{
		"nothing": {}, "a comment": {}, "an empty list": {}, "no list": {},
		"a mute": {mutes: 1}, "a day": {mutes: 1}, "a flow style mute": {mutes: 1},
		"no owner":  {0, "line 2: a mute needs owner"},
		"no reason": {0, "line 2: a mute needs reason"},
		"no end":    {0, "line 2: a mute needs until"},
		"a bad date": {0, `line 5: until: must be a day (2026-12-01) or a time ` +
			`(2026-12-01T09:00:00Z), got "tomorrow"`},
		"a mistyped year": {0, "line 5: until: must be at most one year ahead, got 2062-12-01"},
		"no matcher":      {0, "line 2: a mute needs at least one of target, action, cause, sid"},
		"an unknown field": {0, `line 2: unknown field "targte": ` +
			`use target, action, cause, sid, reason, owner, until`},
		"an unknown cause":  {0, `line 2: unknown cause "scps": use a cause of docs/reading-reports.md`},
		"an empty target":   {0, "line 2: target: must not be empty: set it or remove the line"},
		"a blank owner":     {0, "line 3: owner: must not be empty: set it or remove the line"},
		"a number as owner": {0, "line 3: owner: must be a string"},
		"a list as target":  {0, "line 2: target: must be a string"},
		"a line break in a reason": {0,
			"line 4: reason: must contain only printable characters and no line break"},
		"a string as mute": {0,
			"line 2: a mute must be a list of fields, such as target: user/NAME"},
		"a string as list":            {0, "line 1: mutes: must be a list"},
		"another key":                 {0, "line 1: write one list under mutes:"},
		"a list without its key":      {0, "line 1: write one list under mutes:"},
		"two documents":               {0, "line 8: second YAML document: write one list under mutes:"},
		"invalid YAML":                {0, "line 2: invalid YAML: "},
		"a duplicate field":           {0, "line 3: target: must be set only once"},
		"a target that cannot exist":  {0, `line 2: target: "group/ops" matches no audited principal: `},
		"an action without a service": {mutes: 1},
		"a long pattern":              {0, "line 2: sid: must have at most 256 characters, got 257"},
		"an alias as mute":            {1, "line 8: a mute must be a list of fields"},
		"a tag":                       {mutes: 1},
		"a valid and an invalid mute": {1, "line 7: a mute needs reason"},
	}
	for name, text := range muteFiles {
		t.Run(name, func(t *testing.T) {
			test, ok := tests[name]
			if !ok {
				t.Fatal("the file has no expected result")
			}
			mutes, errs := Parse([]byte(text), start)
			if len(mutes) != test.mutes || (test.err == "") != (len(errs) == 0) || test.err != "" &&
				!strings.HasPrefix(errs[0].Error(), test.err) {
				t.Errorf("got %d mutes and errors %q, want %d and %q", len(mutes), errs, test.mutes, test.err)
			}
		})
	}
	mutes, _ := Parse([]byte(goodMute), start)
	want := Mute{Target: "user/ci", Action: "s3:PutBucketPolicy", Reason: "OPS-17", Owner: "kim",
		Until: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)}
	if !slices.EqualFunc(mutes, List{want}, Mute.Equal) {
		t.Errorf("got %+v, want %+v", mutes, want)
	}
	if mutes, _ := Parse([]byte(muteFiles["a day"]), start); !mutes[0].Until.Equal(time.Date(2026,
		12, 2, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("a mute until a day ends at %s, not at the end of the day", mutes[0].Until)
	}
}

func TestMatches(t *testing.T) {
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
			t.Errorf("%+v matches: %t, want %t", test.mute, got, test.want)
		}
	}
}

// TestLongestMuteCounts checks that the mute that ends last counts if several mutes match a gap.
func TestLongestMuteCounts(t *testing.T) {
	long := Mute{Target: "user/u", Owner: "long", Until: start.Add(day)}
	short, other := Mute{Target: "user/u", Owner: "short", Until: start.Add(hour)},
		Mute{Action: "a", Owner: "other", Until: start.Add(2 * hour)}
	f := audit.Finding{Target: "user/u", Action: "a", Status: audit.Missing}
	for _, mutes := range []List{{long, short, other}, {other, short, long}} {
		if got := mutes.LongestFor(f); got.Owner != "long" {
			t.Errorf("the gap is muted by %s, want long", got.Owner)
		}
		if list := mutes.InForce(start); len(list) != 2 || list[1].Owner != "long" {
			t.Errorf("the mutes in force are %+v, want other and long", list)
		}
	}
}

func TestAdd(t *testing.T) {
	m := Mute{Target: "user/a+=,.@_-*", Cause: audit.SCP, Reason: "see #ops: it's \\ \"é\" - known",
		Owner: "kim <kim@example.com>", Until: start.Add(day)}
	for name, text := range muteFiles {
		before, errsBefore := Parse([]byte(text), start)
		out, err := Add([]byte(text), m, start)
		refused := slices.Contains([]string{"a string as list", "another key", "a list without its key",
			"two documents", "invalid YAML", "a flow style mute"}, name)
		if refused {
			if err == nil {
				t.Errorf("%s: no error:\n%s", name, out)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after, errs := Parse(out, start)
		if !keeps(out, []byte(text)) || !slices.Equal(errs, errsBefore) ||
			!slices.EqualFunc(after, append(before, m), Mute.Equal) {
			t.Errorf("%s: got %+v, errors %q in\n%s", name, after, errs, out)
		}
	}
	for _, text := range []string{
		"# kept\nmutes:   # and this\n    - target: user/a # odd  spaces\n      owner: o\n      " +
			"reason: r\n      until: 2026-12-01",
		"mutes:\n- {target: user/a, owner: o, reason: r, until: 2026-12-01}\n\n\n# the end\n",
		"mutes: # none yet",
		"mutes: [] # none yet\r\n",
		"---\nmutes:\n  - target: user/a\n    owner: o\n    reason: r\n    until: 2026-12-01\n",
	} {
		out, err := Add([]byte(text), m, start)
		if err != nil || !keeps(out, []byte(text)) {
			t.Errorf("error %v: %q became\n%s", err, text, out)
		}
	}
	for name, bad := range map[string]Mute{
		"no owner":   {Target: "user/a", Reason: "r", Until: start.Add(day)},
		"no matcher": {Reason: "r", Owner: "o", Until: start.Add(day)},
		"a line break": {Target: "user/a", Reason: "r\n- target: \"*\"", Owner: "o",
			Until: start.Add(day)},
		"an end after the limit": {Target: "user/a", Reason: "r", Owner: "o",
			Until: start.Add(400 * day)},
	} {
		if out, err := Add([]byte(goodMute), bad, start); err == nil ||
			!strings.Contains(err.Error(), "invalid mute: ") {
			t.Errorf("%s: error %v, want invalid mute, in\n%s", name, err, out)
		}
	}
}

// keeps reports whether out begins with text, or with text without the brackets of an empty list.
func keeps(out, text []byte) bool {
	return bytes.HasPrefix(out, text) ||
		bytes.HasPrefix(out, emptyList.ReplaceAll(text, []byte("mutes:")))
}

// FuzzMutes checks that Parse does not panic, that it returns only complete mutes and errors
// with a text, and that the text that Add returns contains the earlier mutes and the added
// mute.
func FuzzMutes(f *testing.F) {
	for _, name := range []string{"a mute", "a flow style mute", "invalid YAML", "two documents",
		"a duplicate field", "a valid and an invalid mute", "an empty list"} {
		f.Add([]byte(muteFiles[name]), "user/ci", "r")
	}
	f.Add([]byte("mutes: &a\n  - *a\n"), "*", "'")
	f.Add([]byte("? {a: b}\n: !!binary x\n"), "a\x00", "é")
	f.Add([]byte("mutes:\n"+strings.Repeat("- !\n", 50)), "role/*", "r: [")
	f.Add([]byte("mutes: # none\n\n"), "user/a", "- !\n&a *a")
	f.Add([]byte("%YAML 1.1\n---\nmutes: []\n...\n"), "user/a", "'\"")
	f.Fuzz(func(t *testing.T, text []byte, target, reason string) {
		memory.AtMost(t, 1<<20+2_000*uint64(len(text)+len(target)+len(reason)), func() {
			fuzzMutes(t, text, target, reason)
		})
	})
}

func fuzzMutes(t *testing.T, text []byte, target, reason string) {
	before, errs := Parse(text, start)
	for _, m := range before {
		if m.Owner == "" || m.Reason == "" || !m.Until.Before(start.Add(MaxDuration+1)) {
			t.Errorf("invalid mute %+v", m)
		}
	}
	for _, e := range errs {
		if e.Text == "" || e.Line < 0 {
			t.Errorf("invalid error %+v", e)
		}
	}
	m := Mute{Target: target, Reason: reason, Owner: "o", Until: start.Add(day)}
	out, err := Add(text, m, start)
	if err != nil {
		return
	}
	if after, _ := Parse(out, start); !keeps(out, text) ||
		fmt.Sprint(after) != fmt.Sprint(append(before, m)) {
		t.Errorf("%q became %q", text, out)
	}
}

// TestAnOversizedFileIsRefused checks that Parse refuses a mutes file that takes much memory or
// time to parse or to apply. Otherwise a mutes file could prevent alerts.
func TestAnOversizedFileIsRefused(t *testing.T) {
	for want, text := range map[string]string{
		"line 1: at most 10 lists and mappings may be nested": "mutes: " + strings.Repeat("[", 20) +
			strings.Repeat("]", 20),
		"invalid YAML: exceeded max depth of 10000": strings.Repeat("[", limits.Bytes),
		"line 3: at most 10 lists and mappings may be nested": "mutes:\n  - sid: a\n    reason: " +
			strings.Repeat("[", 9) + strings.Repeat("]", 9) + "\n",
		"line 101: the file must have at most 100 tags, such as !!str": strings.Repeat("- !\n",
			limits.Bytes/4),
		"the file must have at most 131072 bytes: remove expired mutes": "mutes:\n" +
			strings.Repeat("# a\n", limits.Bytes/4),
	} {
		memory.AtMost(t, 40<<20, func() {
			list, errs := Parse([]byte(text), start)
			if list != nil || len(errs) != 1 || errs[0].Error() != want {
				t.Errorf("%.20q: %v, want %q", text, errs, want)
			}
		})
	}
}

// TestMatchingAllocatesNothing checks that a file of long patterns takes no memory for each gap.
func TestMatchingAllocatesNothing(t *testing.T) {
	f := audit.Finding{Target: "user/aaaaaaaaaaaaaaaaaaaaab", Action: "s3:PutObject",
		Sid: strings.Repeat("a", 64), Status: audit.Missing}
	mutes := slices.Repeat(List{{Target: strings.Repeat("*a", 120),
		Sid: strings.Repeat("a*", 120) + "b", Until: start.Add(day)}}, 500)
	if n := testing.AllocsPerRun(10, func() { mutes.LongestFor(f) }); n > 500 {
		t.Errorf("%.0f allocations for 500 mutes", n)
	}
}

func TestPatternsThatMatchNothingAreRefused(t *testing.T) {
	for _, test := range []struct {
		check    func(string) error
		patterns []string
		valid    bool
	}{
		{CheckTarget, []string{"user/ci", "role/a@b.c", "sso/Deploy", "*", "*ci", "user/*", "u*i",
			"*/ci", "us**r/ci", "*r/*x*", strings.Repeat("*a", 120), "role/AWSReservedSSO_A_*", "r*"}, true},
		{CheckTarget, []string{"", "user/", "user", "ci", "group/x", "User/ci", "user/a/b", "user/a b",
			"user/a;user/b", "arn:aws:iam::123456789012:user/ci", "group/*", "*s/x", "*/", "x*"}, false},
		{CheckAction, []string{"s3:PutObject", "S3:put*", "*", "*:Get*", "s3*", "s3:*", "*Acl"}, true},
		{CheckAction, []string{"", "s3", "PutObject", "s3:Put Object", ":Get", "s3:", "s3:a:b", "s3:Pu?t"},
			false},
	} {
		for _, pattern := range test.patterns {
			if err := test.check(pattern); (err == nil) != test.valid {
				t.Errorf("%q: error %v, want valid: %t", pattern, err, test.valid)
			}
		}
	}
}

// TestTheOrderOfTheFileDoesNotMatter checks that of several mutes that match one gap, the same mute
// counts in every run, and wherever the file names it.
func TestTheOrderOfTheFileDoesNotMatter(t *testing.T) {
	end := start.Add(10 * day)
	mutes := List{
		{Target: "user/ci", Cause: audit.SCP, Reason: "first", Owner: "kim", Until: end.Add(-day)},
		{Target: "user/ci", Cause: audit.SCP, Reason: "second", Owner: "lee", Until: end},
		{Target: "user/ci", Cause: audit.SCP, Reason: "third", Owner: "ada", Until: end},
		{Target: "user/*", Reason: "fourth", Owner: "zoe", Until: end},
		{Target: "user/ci", Cause: audit.SCP, Reason: "fifth", Owner: "ada", Until: end},
	}
	f := audit.Finding{Target: "user/ci", Cause: audit.SCP, Status: audit.Denied}
	want := [...]string{"fourth", "fifth"} // the mute of the gap, and of the mutes with one condition
	for i := range mutes {
		for j := range mutes {
			turned := slices.Concat(mutes[i:], mutes[:i])
			turned[0], turned[j] = turned[j], turned[0]
			inForce := turned.InForce(start)
			if len(inForce) != 2 || inForce[1].Reason != want[1] {
				t.Errorf("in force: %+v, want the fourth and the fifth", inForce)
			}
			for _, list := range []List{turned, inForce} {
				if got := list.LongestFor(f); got.Reason != want[0] {
					t.Errorf("the gap is muted by the %s mute, want the %s", got.Reason, want[0])
				}
			}
		}
	}
}
