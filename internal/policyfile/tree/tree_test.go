package tree

import (
	"fmt"
	"strings"
	"testing"
)

var testLimits = Limits{Bytes: 1 << 20, Values: 100_000, Depth: 50}

func TestPlacesCountCharactersOfEachLine(t *testing.T) {
	v, err := ParseJSON("{\"ä\": [1,\n  \"🎬\", true], \"b\":\r\n null}", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	items := v.Get("ä").Items
	for _, tt := range []struct {
		name string
		got  Place
		want Place
	}{
		{"the mapping", v.Place, Place{1, 1}}, {"a key", v.Members[0].Place, Place{1, 2}},
		{"a list", v.Get("ä").Place, Place{1, 7}}, {"a number", items[0].Place, Place{1, 8}},
		{"a string", items[1].Place, Place{2, 3}}, {"a literal", items[2].Place, Place{2, 8}},
		{"a key after them", v.Members[1].Place, Place{2, 15}},
		{"a value in the next line", v.Get("b").Place, Place{3, 2}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestMoveToReachesKeysAndItems(t *testing.T) {
	v, err := ParseJSON("{\"a\":\n[{\"b\":\n1}]}", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	at := Place{7, 3}
	v.MoveTo(at)
	inner := v.Get("a").Items[0]
	for _, got := range []Place{v.Place, v.Members[0].Place, inner.Place, inner.Members[0].Place,
		inner.Get("b").Place} {
		if got != at {
			t.Errorf("got %v, want %v", got, at)
		}
	}
}

// BenchmarkOneLine parses a text without line breaks of n values. The time per value does not grow
// with n.
func BenchmarkOneLine(b *testing.B) {
	for _, n := range []int{1_000, 50_000} {
		b.Run(fmt.Sprint("values=", n), func(b *testing.B) {
			text := "[" + strings.Repeat(`"x",`, n-1) + `"x"]`
			for b.Loop() {
				if _, err := ParseJSON(text, testLimits); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/value")
		})
	}
}

func TestMergeKeysOfYAML(t *testing.T) {
	t.Parallel()
	const text = `a: &a {x: 1, y: 2}
b: &b {y: 3, z: 4}
one: {<<: *a, y: 5}
list:
  <<: [*a, *b]
quoted: {"<<": text}
`
	v, err := ParseYAML(text, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path []string
		want string
	}{
		{[]string{"one", "x"}, "1"}, {[]string{"one", "y"}, "5"},
		{[]string{"list", "y"}, "2"}, {[]string{"list", "z"}, "4"},
		{[]string{"quoted", "<<"}, "text"},
	} {
		if got := v.At(tt.path...); got == nil || got.Text != tt.want {
			t.Errorf("%v: got %v, want %s", tt.path, got, tt.want)
		}
	}
	if at := v.At("one", "x").Place; at != (Place{1, 11}) {
		t.Errorf("the place of a merged value is %v, want that of the mapping with the anchor", at)
	}
	for _, text := range []string{"a: {<<: text}", "a: {<<: !Transform {x: 1}}",
		"a: {<<: [!Transform {x: 1}]}", "a: {<<: !If [{x: 1}]}"} {
		if _, err := ParseYAML(text, testLimits); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}
