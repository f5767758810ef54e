package main

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
)

// TestMuteFlags checks that the command refuses a mute that cannot match a finding, before it calls
// AWS.
func TestMuteFlags(t *testing.T) {
	for _, test := range []struct {
		name string
		mute mute.Mute
		want string // a part of the error; empty for none
	}{
		{"a user", mute.Mute{Target: "user/ci"}, ""},
		{"all roles and an action", mute.Mute{Target: "role/*", Action: "s3:*Acl"}, ""},
		{"a user without a name", mute.Mute{Target: "user/"},
			`--target: "user/" matches no audited principal: use user/NAME or role/NAME`},
		{"a group", mute.Mute{Target: "group/x"}, `--target: "group/x" matches no audited principal`},
		{"two users", mute.Mute{Target: "user/a user/b"}, `--target: "user/a user/b" matches no`},
		{"a line break in a name", mute.Mute{Target: "user/a\nrole/b"}, `--target: "user/a\nrole/b"`},
		{"an action without a service", mute.Mute{Action: "PutObject"},
			`--action: "PutObject" matches no action: use SERVICE:ACTION`},
		{"two errors", mute.Mute{Target: "ci", Action: "s3"}, "--action: "},
	} {
		o := muteOptions{evidenceFlags: evidenceFlags{bucket: "evidence", selected: test.mute},
			duration: "1h", reason: "r", owner: "o"}
		_, err := o.mute(time.Now())
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestMuteDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, test := range []struct {
		text string
		want time.Duration
		err  string // a part of the error
	}{
		{"24h", day, ""}, {"90m", 90 * time.Minute, ""}, {"2d", 2 * day, ""}, {"1w", 7 * day, ""},
		{"1w2d3h", 9*day + 3*time.Hour, ""}, {"366d", 366 * day, ""}, {"0.5h", 30 * time.Minute, ""},
		{"367d", 0, "must be at most one year, got \"367d\""},
		{"65535w", 0, "must be at most one year"},
		{"99999999999d", 0, "must be a duration"},
		{"2562047h", 0, "must be at most one year"},
		{"0d", 0, "must be greater than 0, got \"0d\""},
		{"0", 0, "must be greater than 0"},
		{"-2d", 0, "must be a duration such as 90m, 24h, 2d or 1w, got \"-2d\""},
		{"-1h", 0, "must be greater than 0"},
		{"2 days", 0, "must be a duration"}, {"2", 0, "must be a duration"}, {"d", 0, "must be a duration"},
		{"1d1w", 0, "must be a duration"}, {"1.5d", 0, "must be a duration"}, {"", 0, "must be a duration"},
	} {
		got, err := parseMuteDuration(test.text)
		if got != test.want || (err == nil) != (test.err == "") ||
			err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: %v, %v; want %v, %q", test.text, got, err, test.want, test.err)
		}
	}
}
