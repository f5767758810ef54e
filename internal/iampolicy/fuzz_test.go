package iampolicy

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../policies/data/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), "s3:GetObject", "arn:aws:s3:::remotionlambda-x/y")
	}
	f.Add(`{"Statement":{"Effect":"Allow","NotAction":"a:*","NotResource":["arn:${x}","arn:${y,'z'}"],`+
		`"Condition":{"ForAnyValue:NumericEqualsIfExists":{"ex:k":[1,true,"x"]}}}}`, "b:c", "*")
	f.Add("{\"Statement\":[{\"Sid\":\"\\u00e9\xff\"", "", "")
	f.Fuzz(func(t *testing.T, text, action, resource string) {
		doc, err := Parse(text)
		if err != nil {
			if syntax := (*SyntaxError)(nil); !errors.As(err, &syntax) {
				t.Fatalf("Parse returns a %T, want a *SyntaxError: %v", err, err)
			}
			return
		}
		for _, s := range doc.Statements {
			if s.Start.Line < 1 || s.End.Line < s.Start.Line || s.End.Line == s.Start.Line &&
				s.End.Column <= s.Start.Column {
				t.Errorf("a statement starts at %v and ends at %v", s.Start, s.End)
			}
		}
		result := Grants{Identity: []Policy{{Document: doc}}}.Evaluate(Request{Action: action,
			Resource: resource, Context: Context{"ex:k": {"1"}}})
		if result.Decision == Allowed && !result.IdentityAllows {
			t.Errorf("allowed without an identity Allow: %+v", result)
		}
		_ = doc.Trusts("lambda.amazonaws.com")
	})
}

// FuzzMatch checks that match agrees with a regular expression that states which characters each
// wildcard matches.
func FuzzMatch(f *testing.F) {
	for _, s := range [][2]string{
		{"arn:aws:s3:::remotionlambda-*", "arn:aws:s3:::remotionlambda-x/y:z"},
		{"arn:aws:dynamodb:*:table/prod-*", "arn:aws:dynamodb:us-east-1:1234:table/prod-x"},
		{"arn:*:a*c:1:2:3", "arn:x:a:abc:1:2:3"},
		{"a*a*a*a*a*a*b", strings.Repeat("a", 60)},
		{"??:?*:*?", "ab:cd:ef"},
		{"*", ""},
		{"", ""},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, text, s string) {
		if strings.ContainsRune(text, '\uFFFD') || strings.ContainsRune(s, '\uFFFD') || len(text) > 200 ||
			len(s) > 200 {
			return // match reads invalid UTF-8 as a character, and package regexp does not
		}
		p := compileResource(text, false)
		var expression strings.Builder
		for _, a := range p.allAtoms() {
			anyChar := map[bool]string{true: `.`, false: `[^:]`}[a.crosses]
			switch a.kind {
			case literal:
				expression.WriteString(regexp.QuoteMeta(string(a.char)))
			case anyOne:
				expression.WriteString(anyChar)
			case anyRun:
				expression.WriteString(anyChar + `*`)
			}
		}
		re, err := regexp.Compile(`(?s)^(?:` + expression.String() + `)$`)
		if err != nil {
			return
		}
		if got, want := p.match(s), re.MatchString(s); got != want {
			t.Errorf("%q matches %q: %v, want %v", text, s, got, want)
		}
	})
}
