package policyfile

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/testing/treetest"
)

var testLimits = tree.Limits{Bytes: 1 << 20, Values: 10_000, Depth: 50}

func TestUnknownPartsWidenOneDocumentAndNarrowTheOther(t *testing.T) {
	for _, tt := range []struct{ name, statement, least, most string }{
		{"a resource of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{?Bucket}/*"}`,
			"",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/*"}`},
		{"one of two resources",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","?Bucket"]}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","*"]}`},
		{"a resource of a Deny",
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::{?Bucket}/*"}`,
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/*"}`,
			""},
		{"an action", `{"Effect":"Allow","Action":["s3:{?Verb}Object"],"Resource":"*"}`,
			"", `{"Effect":"Allow","Action":"s3:*Object","Resource":"*"}`},
		{"a NotResource of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::{?Bucket}/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::*/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:remotion-audit:::nothing"}`},
		{"a condition of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{` +
				`"StringEquals":{"aws:SourceVpc":"?Vpc","aws:RequestedRegion":"us-east-1"}}}`,
			"",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}`},
		{"an effect", `{"Effect":"?Effect","Action":"s3:GetObject","Resource":"*"}`,
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`},
		{"a statement", `"?Statement"`, `{"Effect":"Deny","Action":"*","Resource":"*"}`,
			`{"Effect":"Allow","Action":"*","Resource":"*"}`},
		{"a choice of resources", `{"Effect":"Allow","Action":"s3:GetObject","Resource":` +
			`{"?condition C":["arn:aws:s3:::a/*",["arn:aws:s3:::b/*"],null]}}`,
			"",
			`{"Effect":"Allow","Action":"s3:GetObject",` +
				`"Resource":["arn:aws:s3:::a/*","arn:aws:s3:::b/*"]}`},
		{"a choice of statements", `{"?condition C":[` +
			`{"Sid":"One","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},` +
			`[{"Sid":"One","Effect":"Deny","Action":"s3:PutObject","Resource":"*"}]]}`,
			`{"Sid":"One","Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`,
			`{"Sid":"One","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`},
		{"a statement that may not exist, with the Sid of another",
			`{"?condition C":[{"Sid":"One","Effect":"Allow","Action":"s3:GetObject","Resource":"*"},null]},` +
				`{"Sid":"One","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`,
			`{"Sid":"One","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"},` +
				`{"Sid":"One","Effect":"Allow","Action":"s3:PutObject","Resource":"*"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := tree.ParseJSON(`{"Version":"2012-10-17","Statement":[`+tt.statement+`]}`,
				testLimits)
			if err != nil {
				t.Fatal(err)
			}
			b, err := BoundsOf(treetest.Opened(v))
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Open) != 1 {
				t.Errorf("open %v, want one", b.Open)
			}
			if len(b.AtLeast.Statements) != len(b.AtMost.Statements) {
				t.Errorf("%d and %d statements, want the same numbers of statements",
					len(b.AtLeast.Statements), len(b.AtMost.Statements))
			}
			if parts := b.Parts[b.AtMost.Statements[0].Brace]; !slices.Equal(parts, b.Open) {
				t.Errorf("parts %v of the statement, want %v", parts, b.Open)
			}
			checkDocument(t, "at least", b.AtLeast, tt.least)
			checkDocument(t, "at most", b.AtMost, tt.most)
		})
	}
}

func TestKnownPolicyHasOneDocumentWithPositions(t *testing.T) {
	v, err := tree.ParseYAML("Statement:\n  - Effect: Allow\n    Action: s3:GetObject\n"+
		"    Resource: '*'\n  - {Effect: Deny, Action: '*', Resource: '*'}\n", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	b, err := BoundsOf(v)
	if err != nil {
		t.Fatal(err)
	}
	if b.AtLeast != b.AtMost || b.Open != nil {
		t.Errorf("got %+v, want one document", b)
	}
	first, second := b.AtMost.Statements[0].Brace, b.AtMost.Statements[1].Brace
	if first.Line != 2 || first.Column != 5 || second.Line != 5 || second.Column != 5 {
		t.Errorf("got %v and %v, want line 2 and line 5", first, second)
	}
}

func TestInvalidPolicyNamesThePlaceInTheFile(t *testing.T) {
	v, err := tree.ParseYAML("Statement:\n  - Effect: Allow\n    Action: s3:GetObject\n"+
		"    Resorce: '*'\n", testLimits)
	if err != nil {
		t.Fatal(err)
	}
	_, err = BoundsOf(v)
	var at *tree.Error
	if !errors.As(err, &at) || at.Line != 4 {
		t.Errorf("got %v, want an error in line 4", err)
	}
}

func TestDocumentThatIsOneOfSeveral(t *testing.T) {
	const allow = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	const denied = `{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`
	for _, tt := range []struct{ name, document, least, most string }{
		{"or none", `{"?C":[{"Version":"2012-10-17","Statement":` + allow + `},null]}`, "", allow},
		{"of the older version, in which patterns differ", `{"?C":[{"Statement":` + allow + `},null]}`,
			`{"Effect":"Deny","Action":"*","Resource":"*"}`,
			`{"Effect":"Allow","Action":"*","Resource":"*"}`},
		{"one allows and one denies", `{"?C":[{"Version":"2012-10-17","Statement":` + allow +
			`},{"Version":"2012-10-17","Statement":[` + denied + `]}]}`, denied, allow},
	} {
		v, err := tree.ParseJSON(tt.document, testLimits)
		if err != nil {
			t.Fatal(err)
		}
		b, err := BoundsOf(treetest.Opened(v))
		if err != nil {
			t.Fatal(err)
		}
		checkDocument(t, tt.name+": at least", b.AtLeast, tt.least)
		checkDocument(t, tt.name+": at most", b.AtMost, tt.most)
	}
}

func TestOptionalPolicy(t *testing.T) {
	const allow = `{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`
	const denied = `{"Effect":"Deny","Action":"s3:PutObject","Resource":"*"}`
	v, err := tree.ParseJSON(`{"Version":"2012-10-17","Statement":[`+allow+`,`+denied+`]}`, testLimits)
	if err != nil {
		t.Fatal(err)
	}
	known, err := BoundsOf(v)
	if err != nil {
		t.Fatal(err)
	}
	b := known.Optional("condition C", tree.Place{Line: 3, Column: 1})
	checkDocument(t, "at least", b.AtLeast, denied)
	checkDocument(t, "at most", b.AtMost, allow)
	if len(b.Open) != 1 || b.Open[0].Name != "condition C" || len(known.Open) > 0 {
		t.Errorf("got open %v, and %v in the policy itself", b.Open, known.Open)
	}
}

// checkDocument compares the statements of a document, except those that match nothing.
func checkDocument(t *testing.T, name string, doc *iampolicy.Document, statements string) {
	t.Helper()
	left := *doc
	left.Statements = slices.DeleteFunc(slices.Clone(doc.Statements),
		func(s iampolicy.Statement) bool {
			return MatchesNothing(&s)
		})
	got, err := json.Marshal(&left)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"Version":"2012-10-17","Statement":[` + statements + `]}`; string(got) != want {
		t.Errorf("%s\n got %s\nwant %s", name, got, want)
	}
}

func TestMovedDocumentHasOnePlaceAndIsACopy(t *testing.T) {
	at := Place{File: "stack.ts", Place: tree.Place{Line: 12, Column: 5}}
	for _, text := range []string{
		`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`,
		`{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"?Bucket"}]}`,
	} {
		v, err := tree.ParseJSON(text, testLimits)
		if err != nil {
			t.Fatal(err)
		}
		b, err := BoundsOf(treetest.Opened(v))
		if err != nil {
			t.Fatal(err)
		}
		original := Document{Name: "p", Bounds: b}
		moved := original.MovedTo(at)
		if moved.At != at || moved.AtMost.Statements[0].Brace.Line != 12 {
			t.Errorf("%s: moved to %v, statement at %v", text, moved.At,
				moved.AtMost.Statements[0].Brace)
		}
		if original.AtMost.Statements[0].Brace.Line != 1 {
			t.Errorf("%s: the original moved, too", text)
		}
		if (moved.AtLeast == moved.AtMost) != (len(moved.Open) == 0) {
			t.Errorf("%s: two documents and open parts %v", text, moved.Open)
		}
		for _, o := range moved.Open {
			if o.At != at.Place {
				t.Errorf("%s: the unknown part is at %v", text, o.At)
			}
		}
	}
}
