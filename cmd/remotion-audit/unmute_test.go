package main

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

var muteTime = time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)

const twoMutes = "mutes:\n  - target: user/a\n    reason: r\n    owner: o\n    until: 2026-12-01\n" +
	"  - target: user/b\n    reason: r\n    owner: o\n    until: 2026-12-01\n"

// TestUnmuteWithAnotherWriter checks what unmute removes if another writer changes the file between
// its read and its write, after which it reads the file again.
func TestUnmuteWithAnotherWriter(t *testing.T) {
	t.Parallel()
	const added = "  - target: user/c\n    reason: r\n    owner: o\n    until: 2026-12-01\n"
	withoutFirst := "mutes:\n" + twoMutes[strings.Index(twoMutes, "  - target: user/b"):]
	withoutSecond := twoMutes[:strings.Index(twoMutes, "  - target: user/b")]
	for _, test := range []struct {
		name        string
		o           evidenceFlags
		args        []string
		then        string // the file of the second read
		want, error string
	}{
		{"a number, and a mute was added", evidenceFlags{}, []string{"2"}, twoMutes + added,
			withoutSecond + added, ""},
		{"a number that is another mute's now", evidenceFlags{}, []string{"1"}, withoutFirst, "",
			"another writer changed the mutes in the meantime"},
		{"a number that no mute has now", evidenceFlags{}, []string{"2"}, withoutFirst, "",
			"there is no mute 2"},
		{"the fields of a mute that has another number now",
			evidenceFlags{selected: mute.Mute{Target: "user/b"}}, nil, withoutFirst, "mutes:\n", ""},
		{"the fields of a mute that the other writer removed",
			evidenceFlags{selected: mute.Mute{Target: "user/a"}}, nil, withoutFirst, "",
			"there is no mute with target user/a"},
		{"no mutes any more", evidenceFlags{}, []string{"1"}, "", "", "there are no mutes"},
	} {
		test.o.bucket = "evidence"
		u, err := test.o.unmuting(test.args, muteTime)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.remove([]byte(twoMutes)); err != nil {
			t.Fatal(err)
		}
		got, err := u.remove([]byte(test.then))
		if string(got) != test.want || (err == nil) != (test.error == "") ||
			err != nil && !strings.Contains(err.Error(), test.error) {
			t.Errorf("%s: error %v, want %q; got\n%s\nwant\n%s", test.name, err, test.error, got, test.want)
		}
	}
}

func TestMuteList(t *testing.T) {
	t.Parallel()
	text := twoMutes + "  - cause: scp\n    reason: \"a\\x1bb\"\n    owner: o\n    until: 2026-12-01\n"
	entries, fileErr := mute.Entries([]byte(text), muteTime)
	if fileErr != nil {
		t.Fatal(fileErr)
	}
	states := []alert.State{{Gaps: []alert.Gap{
		{Identity: alert.Identity{Target: "user/a", Action: "s3:PutObject"}, Cause: audit.Cause("scp")},
		{Identity: alert.Identity{Target: "user/a", Action: "s3:GetObject"}},
		{Identity: alert.Identity{Target: "user/a", Action: "s3:ListBucket"}, Closed: muteTime},
	}}}
	const want = `1  target user/a
   Until   Wed 2 Dec 2026 00:00 UTC, in 1d 15h
   Owner   o
   Reason  r
   Hides   user/a s3:PutObject and user/a s3:GetObject

2  target user/b
   Until   Wed 2 Dec 2026 00:00 UTC, in 1d 15h
   Owner   o
   Reason  r
   Hides   no open gap

3  invalid, mutes nothing
   Error   line 11: reason: must contain only printable characters and no line break
`
	if got := muteList(entries, states, true, muteTime); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := muteList(entries, nil, false, muteTime); strings.Contains(got, "Hides") {
		t.Errorf("the states are not known, but got\n%s", got)
	}
}
