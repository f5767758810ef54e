package remedy

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// parsed returns a document of statements.
func parsed(t testing.TB, statements ...string) *iampolicy.Document {
	t.Helper()
	d, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[` +
		strings.Join(statements, ",") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func shown(lines []DiffLine) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.String() + "\n")
	}
	return b.String()
}

const (
	objects = `{"Sid":"Storage","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::remotionlamda-*"]}`
	list  = `{"Sid":"List","Effect":"Allow","Action":["s3:ListAllMyBuckets"],"Resource":["*"]}`
	other = `{"Sid":"Other","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],` +
		`"Resource":["arn:aws:s3:::other-*"]}`
)

func TestDiffForPeople(t *testing.T) {
	fixed := strings.Replace(objects, "lamda", "lambda", 1)
	correction := Change{Kind: CorrectResource, Statement: 1, Sid: "Storage",
		Old: []string{"arn:aws:s3:::remotionlamda-*"}, New: []string{"arn:aws:s3:::remotionlambda-*"}}
	for _, test := range []struct {
		name string
		edit Edit
		want string
	}{
		{"a typo has a caret", Edit{Before: parsed(t, objects, list), After: parsed(t, fixed, list),
			Changes: []Change{correction}}, `
       ],
       "Resource": [
-        "arn:aws:s3:::remotionlamda-*"
                                  ^
+        "arn:aws:s3:::remotionlambda-*"
       ]
     },
`},
		{"an action with a typo", Edit{
			Before: parsed(t, strings.Replace(objects, "PutObject", "PutObjcet", 1)),
			After:  parsed(t, objects),
			Changes: []Change{{Kind: CorrectAction, Statement: 1, Old: []string{"s3:PutObjcet"},
				New: []string{"s3:PutObject"}}}}, `
       "Action": [
         "s3:GetObject",
-        "s3:PutObjcet"
                   ^^
+        "s3:PutObject"
       ],
       "Resource": [
`},
		{"the same pattern in another statement has no caret", Edit{
			Before: parsed(t, list, objects), After: parsed(t, list, fixed),
			Changes: []Change{correction}}, `
       ],
       "Resource": [
-        "arn:aws:s3:::remotionlamda-*"
+        "arn:aws:s3:::remotionlambda-*"
       ]
     }
`},
		{"a pattern that stays beside the right one: the distance of the engine places the caret",
			Edit{Before: parsed(t, objects),
				After: parsed(t, strings.Replace(objects, `"arn:aws:s3:::remotionlamda-*"`,
					`"arn:aws:s3:::remotionlambda-*","arn:aws:s3:::remotionlambda-*/*"`, 1)),
				Changes: []Change{{Kind: CorrectResource, Statement: 1,
					Old:  correction.Old,
					New:  []string{"arn:aws:s3:::remotionlambda-*", "arn:aws:s3:::remotionlambda-*/*"},
					Miss: &iampolicy.NearMatch{Kind: iampolicy.Typo, Pattern: correction.Old[0], At: 25}}}}, `
       ],
       "Resource": [
-        "arn:aws:s3:::remotionlamda-*"
                                  ^
+        "arn:aws:s3:::remotionlambda-*",
+        "arn:aws:s3:::remotionlambda-*/*"
       ]
     }
`},
		{"an added element changes no comma", Edit{Before: parsed(t, objects),
			After: parsed(t, strings.Replace(objects, `"s3:PutObject"`,
				`"s3:PutObject","s3:DeleteObject"`, 1))}, `
         "s3:GetObject",
         "s3:PutObject",
+        "s3:DeleteObject"
       ],
       "Resource": [
`},
		{"a new statement is whole at the end", Edit{Before: parsed(t, objects),
			After: parsed(t, objects, list)}, `
       ]
     },
+    {
+      "Sid": "List",
+      "Effect": "Allow",
+      "Action": [
+        "s3:ListAllMyBuckets"
+      ],
+      "Resource": [
+        "*"
+      ]
+    }
   ]
 }
`},
		{"a removed statement is whole in the middle", Edit{
			Before: parsed(t, objects, list, other), After: parsed(t, objects, other)}, `
       ]
     },
-    {
-      "Sid": "List",
-      "Effect": "Allow",
-      "Action": [
-        "s3:ListAllMyBuckets"
-      ],
-      "Resource": [
-        "*"
-      ]
-    },
     {
       "Sid": "Other",
`},
		{"two parts", Edit{Before: parsed(t, objects, list),
			After: parsed(t, strings.Replace(objects, `"s3:GetObject",`, ``, 1),
				strings.Replace(list, `"*"`, `"arn:aws:s3:::*"`, 1))}, `
       "Effect": "Allow",
       "Action": [
-        "s3:GetObject",
         "s3:PutObject"
       ],
 ...
       ],
       "Resource": [
-        "*"
+        "arn:aws:s3:::*"
       ]
     }
`},
		{"a new policy", Edit{After: parsed(t, list)}, `
+{
+  "Version": "2012-10-17",
+  "Statement": [
+    {
+      "Sid": "List",
+      "Effect": "Allow",
+      "Action": [
+        "s3:ListAllMyBuckets"
+      ],
+      "Resource": [
+        "*"
+      ]
+    }
+  ]
+}
`},
		{"no change", Edit{Before: parsed(t, list), After: parsed(t, list)}, "\n"},
	} {
		if got := "\n" + shown(test.edit.Diff()); got != test.want {
			t.Errorf("%s: got%s\nwant%s", test.name, got, test.want)
		}
	}
}

func TestHunksNameTheirStatement(t *testing.T) {
	e := Edit{Before: parsed(t, objects, list),
		After: parsed(t, objects, strings.Replace(list, `"*"`, `"arn:aws:s3:::*"`, 1), other)}
	hunks := e.Hunks(0)
	if len(hunks) != 2 || hunks[0].Statement != 2 || hunks[0].Sid != "List" ||
		hunks[1].Statement != 3 || hunks[1].Sid != "Other" {
		t.Errorf("got %+v", hunks)
	}
	lines := strings.Split(e.Before.Text(), "\n")
	for _, h := range hunks {
		if want := lines[h.Old-1]; h.Lines[0].Op != '+' && !sameButComma(h.Lines[0].Text, want) {
			t.Errorf("line %d is %q, want %q", h.Old, h.Lines[0].Text, want)
		}
	}
}

// TestDiffIsSafeToPrint checks that a name with control characters reaches no terminal.
func TestDiffIsSafeToPrint(t *testing.T) {
	d := parsed(t, list)
	d.Statements[0].Resource = []string{"arn:aws:s3:::\u009b31m\u202e"}
	for _, l := range (Edit{Before: parsed(t, list), After: d}).Diff() {
		if strings.ContainsAny(l.Text, "\u009b\u202e") {
			t.Errorf("got %q", l.Text)
		}
	}
}

func TestDifferenceOfTwoPatterns(t *testing.T) {
	for _, test := range []struct {
		old, replacement string
		from, width      int
	}{
		{"lamda", "lambda", 3, 1},
		{"lambbda", "lambda", 4, 1},
		{"us-east-1", "us-west-1", 3, 2},
		{"bucket", "bucket/*", 6, 1},
		{"bücket-x", "bücket-y", 7, 1},
		{"", "x", 0, 1},
		{"same", "same", 0, 0},
	} {
		if from, width := difference(test.old, test.replacement); from != test.from ||
			width != test.width {
			t.Errorf("%q, %q: got %d and %d, want %d and %d", test.old, test.replacement, from, width,
				test.from, test.width)
		}
	}
}

func TestPlaceOfANearMatch(t *testing.T) {
	for _, test := range []struct {
		miss        iampolicy.NearMatch
		from, width int
	}{
		{iampolicy.NearMatch{Kind: iampolicy.WrongRegion, Pattern: "arn:aws:lambda:us-east-1:1:f"}, 15,
			9},
		{iampolicy.NearMatch{Kind: iampolicy.WrongAccount, Pattern: "arn:aws:lambda:us-east-1::f"}, 25,
			1},
		{iampolicy.NearMatch{Kind: iampolicy.NotObjects, Pattern: "arn:aws:s3:::b"}, 14, 1},
		{iampolicy.NearMatch{Kind: iampolicy.Narrower, Pattern: "arn:aws:s3:::b"}, 0, 0},
		{iampolicy.NearMatch{Kind: iampolicy.WrongAccount, Pattern: "arn:aws"}, 0, 0},
	} {
		if from, width := missed(&test.miss); from != test.from || width != test.width {
			t.Errorf("%s: got %d and %d, want %d and %d", test.miss.Kind, from, width, test.from,
				test.width)
		}
	}
}

// apply applies hunks to the lines of a text.
func apply(t *testing.T, lines []string, hunks []Hunk) []string {
	t.Helper()
	var out []string
	at, line := 0, 0
	for _, h := range hunks {
		for ; at < h.Old-1; at++ {
			out = append(out, lines[at])
		}
		if len(out) != h.New-1 {
			t.Fatalf("hunk %+v starts at new line %d", h, len(out)+1)
		}
		for _, l := range h.Lines {
			if l.Op != '+' {
				if lines[at] != l.Text {
					t.Fatalf("line %d is %q, the hunk has %q", line, lines[at], l.Text)
				}
				at++
			}
			if l.Op != '-' {
				out = append(out, l.Text)
			}
		}
	}
	return append(out, lines[at:]...)
}

// TestUnifiedOfRandomTexts applies the differences of random texts, and compares the number of
// changed lines with a second algorithm.
func TestUnifiedOfRandomTexts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func() []string {
		lines := make([]string, random.IntN(14))
		for i := range lines {
			lines[i] = []string{"{", "a", "b", "}"}[random.IntN(4)]
		}
		return lines
	}
	for range 20_000 {
		a, b := text(), text()
		context := random.IntN(4)
		hunks := Unified(joined(a), joined(b), context)
		if got := apply(t, a, hunks); !slices.Equal(got, b) {
			t.Fatalf("%q to %q: got %q by %+v", a, b, got, hunks)
		}
		changed := 0
		for _, h := range hunks {
			for _, l := range h.Lines {
				if l.Op != ' ' {
					changed++
				}
			}
		}
		if want := len(a) + len(b) - 2*longestCommon(a, b); changed != want {
			t.Fatalf("%q to %q: %d changed lines, want %d", a, b, changed, want)
		}
	}
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// longestCommon returns the length of a longest common subsequence.
func longestCommon(a, b []string) int {
	row := make([]int, len(b)+1)
	for i := range a {
		diagonal := 0
		for j := range b {
			above := row[j+1]
			if row[j+1] = max(above, row[j]); a[i] == b[j] {
				row[j+1] = diagonal + 1
			}
			diagonal = above
		}
	}
	return row[len(b)]
}

// TestDiffOfHugeTexts checks that texts with very many differences are replaced as a whole, so that
// the work is bounded.
func TestDiffOfHugeTexts(t *testing.T) {
	var a, b []string
	for i := range 100_000 {
		a, b = append(a, fmt.Sprint("a", i)), append(b, fmt.Sprint("b", i))
	}
	a[50_000], b[50_000] = "same", "same"
	hunks := Unified("first\n"+joined(a)+"last\n", "first\n"+joined(b)+"last\n", 1)
	if len(hunks) != 1 || len(hunks[0].Lines) != 2*len(a)+2 {
		t.Errorf("%d hunks", len(hunks))
	}
}
