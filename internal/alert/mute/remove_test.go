package mute

import (
	"slices"
	"strings"
	"testing"
)

// threeMutes is a file with comments at each place where a person writes them.
const threeMutes = `# Mutes of the video team.
mutes:
  # The bucket policy is in review.
  - target: user/ci # the runner
    action: s3:PutBucketPolicy
    reason: OPS-17
    owner: kim
    until: 2026-12-01
    # within the first mute

  # Ask security before you change this one.
  - cause: scp
    reason: "OPS-18: # is no comment here"
    owner: lee
    until: 2026-12-01
  - sid: "1"
    reason: OPS-19
    owner: kim
    until: 2026-12-01
# The end.
`

func TestRemove(t *testing.T) {
	lines := strings.SplitAfter(threeMutes, "\n")
	without := func(from, to int) string { // lines count from 1
		return strings.Join(slices.Concat(lines[:from-1], lines[to:]), "")
	}
	for _, test := range []struct {
		name, text string
		numbers    []int
		want       string
	}{
		{"the first", threeMutes, []int{1}, without(4, 9)},
		{"the second", threeMutes, []int{2}, without(12, 15)},
		{"the last keeps the comment below it", threeMutes, []int{3}, without(16, 19)},
		{"all leave a list without elements", threeMutes, []int{1, 2, 3}, "# Mutes of the video team.\n" +
			"mutes:\n  # The bucket policy is in review.\n\n" +
			"  # Ask security before you change this one.\n# The end.\n"},
		{"a number twice", threeMutes, []int{3, 3}, without(16, 19)},
		{"Windows line ends", strings.ReplaceAll(threeMutes, "\n", "\r\n"), []int{2},
			strings.ReplaceAll(without(12, 15), "\n", "\r\n")},
		{"no line break at the end", goodMute[:len(goodMute)-1], []int{1}, "mutes:\n"},
		{"a dash on its own line", "mutes:\n-\n  # why\n  cause: scp\n  reason: r\n  owner: o\n  " +
			"until: 2026-12-01\n- cause: condition\n  reason: r\n  owner: o\n  until: 2026-12-01\n", []int{1},
			"mutes:\n- cause: condition\n  reason: r\n  owner: o\n  until: 2026-12-01\n"},
		{"a mute with an error", goodMute + "  - target: user/x\n", []int{2}, goodMute},
		{"the mute before one with an error", goodMute + "  - target: user/x\n", []int{1},
			"mutes:\n  - target: user/x\n"},
		{"a document start and end", "---\n" + goodMute + "...\n", []int{1}, "---\nmutes:\n...\n"},
	} {
		got, err := Remove([]byte(test.text), test.numbers, start)
		if err != nil || string(got) != test.want {
			t.Errorf("%s: error %v, got\n%s\nwant\n%s", test.name, err, got, test.want)
		}
	}
}

func TestRemoveRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"an empty file", "", "the mutes file has no mute 1"},
		{"an empty list", "mutes: []\n", "the mutes file has no mute 1"},
		{"invalid YAML", "mutes: [", "the mutes file has an error, correct it first: line 2: "},
		{"a list in flow style", muteFiles["a flow style mute"], "remove the mute by hand"},
		{"a mute that another one refers to", "mutes:\n  - &a\n    target: user/a\n    reason: r\n    " +
			"owner: o\n    until: 2026-12-01\n  - *a\n", "the mutes file"},
	} {
		got, err := Remove([]byte(test.text), []int{1}, start)
		if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
			t.Errorf("%s: error %v, want %q; got\n%s", test.name, err, test.want, got)
		}
	}
}

// FuzzRemove checks that a removal loses no other mute, and that adding and removing a mute leaves
// the mutes of the file.
func FuzzRemove(f *testing.F) {
	for _, text := range muteFiles {
		f.Add([]byte(text), 1)
	}
	f.Add([]byte(threeMutes), 2)
	f.Fuzz(func(t *testing.T, text []byte, number int) {
		before, _ := Entries(text, start)
		out, err := Remove(text, []int{number}, start)
		if err != nil {
			return
		}
		after, fileErr := Entries(out, start)
		if fileErr != nil || !slices.EqualFunc(after, slices.Delete(slices.Clone(before), number-1,
			number), sameEntry) {
			t.Errorf("removed %d from\n%s\ngot\n%s", number, text, out)
		}
		for line := range strings.Lines(string(out)) {
			if !strings.Contains(string(text), strings.TrimSuffix(line, "\n")) {
				t.Errorf("the line %q is new", line)
			}
		}
	})
}
