package textfmt

import (
	"slices"
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	commands := []string{"audit", "check", "completion", "explain", "fix", "mute", "unmute", "version"}
	flags := []string{"evidence-bucket", "fail-on", "format", "region", "regions", "topic-arn"}
	for _, test := range []struct {
		name, word string
		list, want []string
	}{
		{"a letter is missing", "adit", commands, []string{"audit"}},
		{"two letters are swapped", "regoin", flags, []string{"region"}},
		{"two letters of a short word are swapped", "hihg", []string{"high", "low"}, []string{"high"}},
		{"two texts are equally near", "regionz", flags, []string{"region", "regions"}},
		{"the case differs", "AUDIT", commands, []string{"audit"}},
		{"an underscore", "evidence_bucket", flags, []string{"evidence-bucket"}},
		{"the start of a text", "evidence", flags, []string{"evidence-bucket"}},
		{"the end of a text", "bucket", flags, []string{"evidence-bucket"}},
		{"nothing is near", "deploy", commands, nil},
		{"a short word is not near everything", "x", []string{"a", "b"}, nil},
		{"an empty word", "", commands, nil},
		{"a very long word", strings.Repeat("audit", 1000), commands, nil},
		{"the order of the list does not matter", "ab", []string{"ac", "aa", "ad", "ae"},
			[]string{"aa", "ac", "ad"}},
		{"a text twice", "adit", []string{"audit", "audit"}, []string{"audit"}},
	} {
		if got := Nearest(test.word, test.list); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	for word, want := range map[string]string{"regoin": ": did you mean --region?", "x": "",
		"regionz": ": did you mean --region or --regions?"} {
		if got := DidYouMean(word, "--", flags); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}
