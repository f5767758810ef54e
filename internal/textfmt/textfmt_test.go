package textfmt

import (
	"bytes"
	"math"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestCounts(t *testing.T) {
	t.Parallel()
	abc := []string{"a", "b", "c"}
	for _, test := range []struct{ name, got, want string }{
		{"zero takes the plural", Plural(0, "gap"), "0 gaps"},
		{"one takes the singular", Plural(1, "gap"), "1 gap"},
		{"two take the plural", Plural(2, "gap"), "2 gaps"},
		{"all of one", All(1, "gap"), "the only gap"},
		{"all of several", All(2, "gap"), "all 2 gaps"},
		{"more without a noun", More(1, ""), "and 1 more"},
		{"one more of a noun", More(1, "release"), "and 1 more release"},
		{"several more of a noun", More(3, "release"), "and 3 more releases"},
		{"some of nothing is empty", Some(nil, 3), ""},
		{"some shows a short list with commas", Some(abc, 3), "a, b, c"},
		{"some counts the others", Some(abc, 2), "a, b and 1 more"},
		{"some can show one element", Some(abc, 1), "a and 2 more"},
		{"an enumeration of nothing is empty", Enumerate(nil, 3), ""},
		{"an enumeration of one", Enumerate(abc[:1], 3), "a"},
		{"an enumeration of two", Enumerate(abc[:2], 3), "a and b"},
		{"an enumeration that fits", Enumerate(abc, 3), "a, b and c"},
		{"in a cut enumeration, the count replaces one element", Enumerate(abc, 2), "a and 2 more"},
		{"no alternative", Or(nil), ""},
		{"one alternative", Or(abc[:1]), "a"},
		{"alternatives", Or(abc), "a, b or c"},
		{"a short list is not shortened", strings.Join(Shorten(abc, 3, ""), "; "), "a; b; c"},
		{"a shortened list", strings.Join(Shorten(abc, 1, ""), "; "), "a; and 2 more"},
		{"a shortened list with a noun", strings.Join(Shorten(abc, 2, "gap"), "; "),
			"a; b; and 1 more gap"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
	if !slices.Equal(abc, []string{"a", "b", "c"}) {
		t.Errorf("the functions changed their argument: %q", abc)
	}
}

func TestUntrustedText(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, got, want string }{
		{"a line break is replaced", OneLine("a\nb"), "a\uFFFDb"},
		{"an escape sequence is replaced", OneLine("\x1b[31m"), "\uFFFD[31m"},
		{"a right-to-left override is replaced", OneLine("a\u202eb"), "a\uFFFDb"},
		{"lines keep line breaks", Lines("a\nb\r\tc"), "a\nb\uFFFD\uFFFDc"},
		{"lines have no control characters", Lines("\x00\x1b\x7f\u0080\u009b\u0085"),
			strings.Repeat("\uFFFD", 6)},
		{"lines have no marks of direction",
			Lines("\u202a\u202e\u2066\u2069\u200e\u200f\u061c"), strings.Repeat("\uFFFD", 7)},
		{"lines have no characters without width", Lines("a\u200b\u200c\u200d\u2060\ufeff\u00ad"),
			"a" + strings.Repeat("\uFFFD", 6)},
		{"lines have no other line breaks", Lines("\u2028\u2029"), "\uFFFD\uFFFD"},
		{"lines have no bytes that are not UTF-8", Lines("a\xffä"), "a\uFFFDä"},
		{"spaces and letters stay", OneLine("a ä 日"), "a ä 日"},
		{"a text at the limit stays", Truncate("äöü", 3), "äöü"},
		{"the mark counts", Truncate("äöüß", 3), "äö…"},
		{"a head at the limit stays", Head("äöü", 3), "äöü"},
		{"the mark does not count in a head", Head("äöüß", 3), "äöü…"},
		{"a quoted text at the limit", Quote("a\nb", 3), `"a\nb"`},
		{"the mark follows the quotes", Quote("abcd", 3), `"abc"…`},
		{"a cut character is escaped", Quote("ää", 3), `"ä\xc3"…`},
		{"other characters become question marks", ASCII("aä\n日", 9), "a???"},
		{"a text at the limit of bytes", ASCII("abcd", 4), "abcd"},
		{"a cut text ends in dots", ASCII("abcde", 4), "a..."},
		{"without space for dots", ASCII("abcde", 3), "abc"},
		{"without any space", ASCII("abcde", -1), ""},
		{"a capital letter", Capitalize("missing"), "Missing"},
		{"a capital of nothing", Capitalize(""), ""},
		{"wrapped at blanks", strings.Join(Wrap("ä b  cc ddddd e", 4), "|"), "ä b|cc|ddddd|e"},
		{"nothing is one empty line", strings.Join(Wrap("", 4), "|"), ""},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
	if got := OneLines([]string{"a\n", "b"}); !slices.Equal(got, []string{"a\uFFFD", "b"}) {
		t.Errorf("OneLines: %q", got)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 16, 13, 0, 0, 0, time.FixedZone("CET", 3600))
	for _, test := range []struct{ name, got, want string }{
		{"a time is in UTC", Time(at), "Mon 16 Nov 2026 12:00 UTC"},
		{"days and hours", Duration(51*time.Hour + 59*time.Minute), "2d 3h"},
		{"days without hours", Duration(48*time.Hour + time.Minute), "2d"},
		{"hours and minutes", Duration(61 * time.Minute), "1h 1m"},
		{"hours without minutes", Duration(time.Hour), "1h"},
		{"minutes", Duration(45*time.Minute + 59*time.Second), "45m"},
		{"seconds", Duration(59 * time.Second), "less than a minute"},
		{"a negative duration", Duration(-time.Hour), "less than a minute"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	v := map[string]string{"a": "<&>"}
	var b bytes.Buffer
	if err := WriteJSON(&b, v); err != nil || b.String() != "{\n  \"a\": \"<&>\"\n}\n" {
		t.Errorf("WriteJSON: %q, %v", b.String(), err)
	}
	b.Reset()
	b.WriteString("x")
	if err := AppendJSON(&b, v); err != nil || b.String() != `x{"a":"<&>"}` {
		t.Errorf("AppendJSON: %q, %v", b.String(), err)
	}
	if err := AppendJSON(&b, math.NaN()); err == nil || b.String() != `x{"a":"<&>"}` {
		t.Errorf("after a value without a JSON form: %q, %v", b.String(), err)
	}
	if got := JSON(v); got != `{"a":"<&>"}` {
		t.Errorf("JSON: %q", got)
	}
}

// FuzzTruncate checks the bounds of the shortened texts.
func FuzzTruncate(f *testing.F) {
	f.Add("äöü", 2)
	f.Add("\xff\xfe", 1)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 1 || limit > 1000 {
			return
		}
		if got := Truncate(s, limit); utf8.RuneCountInString(got) > limit {
			t.Errorf("Truncate(%q, %d) has %d characters", s, limit, utf8.RuneCountInString(got))
		}
		if got := strings.TrimSuffix(Head(s, limit), "…"); utf8.RuneCountInString(got) > limit {
			t.Errorf("Head(%q, %d) has %d characters", s, limit, utf8.RuneCountInString(got))
		}
		if got := ASCII(s, limit); len(got) > limit || strings.ContainsFunc(got, func(r rune) bool {
			return r < ' ' || r > '~'
		}) {
			t.Errorf("ASCII(%q, %d) is %q", s, limit, got)
		}
	})
}

// FuzzShellWords checks that a shell reads quoted words as the original words on one line.
func FuzzShellWords(f *testing.F) {
	for _, s := range []string{"", "user/ci", "it's", `a"b`, "$(id)", "a b;c", "*", "~", "-n"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("no sh on this machine")
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := exec.Command(sh, "-c", "printf '%s|' "+ShellWords("a+b", s)).Output()
		if want := "a+b|" + OneLine(s) + "|"; err != nil || string(out) != want {
			t.Errorf("the shell reads %q as %q, %v", want, out, err)
		}
	})
}
