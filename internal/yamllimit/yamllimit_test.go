package yamllimit_test

import (
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

var limits = yamllimit.Limits{Bytes: 128 << 10, Nodes: 1000, Depth: 20, Tags: 5, Keys: 3}

// perByte is the largest number of bytes that Parse allocates for a byte of the text, and fixed
// what it allocates for any text.
const perByte, fixed = 300, 200_000

func TestParse(t *testing.T) {
	const nested = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for _, test := range []struct {
		name, text string
		docs       int
		err        string
	}{
		{"an empty text has no document", "", 0, ""},
		{"a comment is no document", "# a\n", 0, ""},
		{"each document counts", "a: b\n---\nc\n", 2, ""},
		{"an alias in its own value is refused", "x: 1\na: &a [*a]\n", 0,
			"line 2: the anchor &a contains itself: write the value out"},
		{"an alias in its own value beside another one is refused",
			"a: &a [*a]\nroles: {r: {trust: &t {Version: 2012-10-17, ent: *t}}}\n", 0,
			"line 1: the anchor &a contains itself: write the value out"},
		{"an alias counts as its value",
			nested + "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n", 0,
			"line 3: the file must have at most 1000 keys and values"},
		{"a few aliases are allowed", nested + "b: &b [*a,*a]\nc: *b\n", 1, ""},
		{"values in several documents count together", strings.Repeat("- [a,b,c,d]\n---\n", 200), 0,
			"the file must have at most 1000 keys and values"},
		{"lists may be nested", strings.Repeat("[", 20) + strings.Repeat("]", 20), 1, ""},
		{"deep nesting is refused", strings.Repeat("- ", 22) + "a", 0,
			"line 1: at most 20 lists and mappings may be nested"},
		{"deep nesting through aliases is refused", "a: &a " + strings.Repeat("[", 12) +
			strings.Repeat("]", 12) + "\nb: " + strings.Repeat("[", 12) + "*a" + strings.Repeat("]", 12), 0,
			"line 2: at most 20 lists and mappings may be nested"},
		{"a tag is allowed", "a: !!str 7\n", 1, ""},
		{"many tags are refused", strings.Repeat("- !x a\n", 6), 0,
			"line 6: the file must have at most 5 tags, such as !!str"},
		{"tags without a name are refused", "a: b\n" + strings.Repeat("- !\n", 6), 0,
			"line 7: the file must have at most 5 tags, such as !!str"},
		{"a mapping may have some keys", "a: b\na: b\nc: {a: b, a: b}\n", 1, ""},
		{"a mapping with many keys is refused", strings.Repeat("a: b\n", 6), 0,
			"line 4: a mapping must have at most 3 keys"},
		{"an exclamation mark in a word is no tag", "a: " + strings.Repeat("b!", 10), 1, ""},
		{"a long text is refused", strings.Repeat("#", 128<<10+1), 0,
			"the file must have at most 131072 bytes"},
		{"invalid YAML is refused with its line", "a:\n  - [b\n", 0, "line 2: invalid YAML: "},
		{"a scanner's error has its line", "a: b\nc: 'd\n", 0, "line 2: invalid YAML: "},
		{"a mapping in a value has its line", "a: b\nc: d: e\n", 0, "line 2: invalid YAML: "},
		{"a byte-order mark is allowed", "\ufeffa: b\n", 1, ""},
		{"UTF-16 is refused", "\xff\xfea\x00:\x00 \x00b\x00", 0,
			"line 1: the file is not UTF-8: save it as UTF-8"},
		{"a text that is a comment only in UTF-16 is refused", "\xff\xfe#\x00: x\nb: [[[[\n", 0,
			"line 1: the file is not UTF-8: save it as UTF-8"},
		{"another encoding is refused with its line", "a: b\nc: \xe4\n", 0,
			"line 2: the file is not UTF-8: save it as UTF-8"},
		{"an alias without an anchor is refused", "a: *b\n", 0, "invalid YAML: unknown anchor 'b'"},
	} {
		docs, err := yamllimit.Parse([]byte(test.text), limits)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if len(docs) != test.docs || (test.err == "") != (err == nil) ||
			!strings.Contains(text, test.err) {
			t.Errorf("%s: got %d documents and %q, want %d and %q", test.name, len(docs), text,
				test.docs, test.err)
		}
	}
}

// hostileUnits are texts whose repetition is costly for parsers of YAML.
var hostileUnits = []string{"- !\n", "- ! ", "! ", "- !a ", "- - ", "-\n", "a: ", "a:\n", "- &a\n",
	"&a ", "[", "{a: ", "? ", "- ? ", "? - ", ": ", "|\n", "- |\n", "*a ", "- *a\n", "# a\n", "\"\n",
	"'\n", "a\n", "- a\n", "a: b\n", "--- \n", "---\n!\n", "%a\n", "- >\n a\n", "- [!]\n", "[!,\n",
	"- a # b\n", "a: # b\n", "@", "`", "\\", "é", "\r", "\n", "\t", "\x00", "\xff", "- {}\n", "[],",
	"a: &a\n", "<<: *a\n", "- \"\\u0041\"\n", "? a\n: b\n", "- # a\n"}

// TestMemoryGrowsWithTheText checks that no text of the largest size takes more memory than the
// limits say.
func TestMemoryGrowsWithTheText(t *testing.T) {
	wide := limits
	wide.Nodes, wide.Depth, wide.Tags, wide.Keys = 1<<30, 1<<30, 1<<30, 1<<30
	for _, unit := range hostileUnits {
		text := []byte(strings.Repeat(unit, limits.Bytes/len(unit)))
		memory.AtMost(t, perByte*uint64(len(text))+fixed, func() {
			_, _ = yamllimit.Parse(text, wide)
		})
		if t.Failed() {
			t.Fatalf("for %q", unit)
		}
	}
	var indented strings.Builder
	for depth := 0; indented.Len() < limits.Bytes-1000; depth++ {
		fmt.Fprintf(&indented, "%sa:\n", strings.Repeat(" ", depth))
	}
	memory.AtMost(t, perByte*uint64(indented.Len())+fixed, func() {
		_, _ = yamllimit.Parse([]byte(indented.String()), wide)
	})
}

// FuzzParse checks that Parse does not panic, that its memory is bounded by the length of the text,
// and that a walk over the documents it returns ends.
func FuzzParse(f *testing.F) {
	for _, unit := range hostileUnits {
		f.Add([]byte(strings.Repeat(unit, 50)))
	}
	f.Add([]byte("a: &a [*a]\nroles: {r: {trust: &t {Version: 2012-10-17, ent: *t}}}\n"))
	f.Add([]byte("a: &a [x]\nb: &b [*a, *a]\nc: {d: *b, <<: *b}\n---\n? a\n: - b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		memory.AtMost(t, 2*perByte*uint64(len(text))+2*fixed, func() {
			docs, err := yamllimit.Parse(text, limits)
			if err != nil && (err.Text == "" || err.Line < 0) {
				t.Errorf("invalid error %+v", err)
			}
			steps := 0
			for _, doc := range docs {
				walk(doc, &steps)
			}
			if steps > limits.Nodes {
				t.Errorf("%d nodes, at most %d allowed", steps, limits.Nodes)
			}
		})
	})
}

func walk(n *yaml.Node, steps *int) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	*steps++
	for _, child := range n.Content {
		walk(child, steps)
	}
}
