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
		o := muteOptions{Mute: test.mute, bucket: "evidence", duration: time.Hour}
		o.Reason, o.Owner = "r", "o"
		_, err := o.mute(time.Now())
		if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}
