package policyfile

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

var testLimits = tree.Limits{Bytes: 1 << 20, Values: 10_000, Depth: 50}

// unknown replaces each string "?name" and each "{?name}" in a string by an unknown part.
func unknown(v tree.Value) tree.Value {
	if name, ok := strings.CutPrefix(v.Text, "?"); ok && v.Kind == tree.String {
		return tree.NewUnknown(v.Place, name)
	}
	if v.Kind == tree.String && strings.Contains(v.Text, "{?") {
		before, rest, _ := strings.Cut(v.Text, "{?")
		name, after, _ := strings.Cut(rest, "}")
		return tree.NewString(v.Place, tree.Part{Text: before}, tree.Part{Unknown: name},
			tree.Part{Text: after})
	}
	for i := range v.Items {
		v.Items[i] = unknown(v.Items[i])
	}
	for i := range v.Members {
		v.Members[i].Value = unknown(v.Members[i].Value)
	}
	return v
}

// matchesNone is the statement in place of one that may match nothing.
const matchesNone = `{"Effect":"Deny","Action":"remotion-audit:Nothing",` +
	`"Resource":"arn:aws:remotion-audit:::nothing"}`

func TestUnknownPartsWidenOneDocumentAndNarrowTheOther(t *testing.T) {
	for _, tt := range []struct{ name, statement, least, most string }{
		{"a resource of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::{?Bucket}/*"}`,
			matchesNone,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/*"}`},
		{"one of two resources",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","?Bucket"]}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":["arn:aws:s3:::a/*","*"]}`},
		{"a resource of a Deny",
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::{?Bucket}/*"}`,
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::*/*"}`,
			matchesNone},
		{"an action", `{"Effect":"Allow","Action":["s3:{?Verb}Object"],"Resource":"*"}`,
			matchesNone, `{"Effect":"Allow","Action":"s3:*Object","Resource":"*"}`},
		{"a NotResource of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::{?Bucket}/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:s3:::*/*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","NotResource":"arn:aws:remotion-audit:::nothing"}`},
		{"a condition of an Allow",
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{` +
				`"StringEquals":{"aws:SourceVpc":"?Vpc","aws:RequestedRegion":"us-east-1"}}}`,
			matchesNone,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",` +
				`"Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}}`},
		{"an effect", `{"Effect":"?Effect","Action":"s3:GetObject","Resource":"*"}`,
			`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`},
		{"a statement", `"?Statement"`, `{"Effect":"Deny","Action":"*","Resource":"*"}`,
			`{"Effect":"Allow","Action":"*","Resource":"*"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := tree.ParseJSON(`{"Version":"2012-10-17","Statement":[`+tt.statement+`]}`,
				testLimits)
			if err != nil {
				t.Fatal(err)
			}
			b, err := BoundsOf(unknown(v))
			if err != nil {
				t.Fatal(err)
			}
			if len(b.Open) != 1 {
				t.Errorf("open %v, want one", b.Open)
			}
			if parts := b.Parts[b.AtMost.Statements[0].Brace]; !slices.Equal(parts, b.Open) {
				t.Errorf("parts %v of the statement, want %v", parts, b.Open)
			}
			for _, d := range []struct {
				name, want string
				got        any
			}{{"at least", tt.least, b.AtLeast}, {"at most", tt.most, b.AtMost}} {
				got, err := json.Marshal(d.got)
				if err != nil {
					t.Fatal(err)
				}
				want := `{"Version":"2012-10-17","Statement":[` + d.want + `]}`
				if string(got) != want {
					t.Errorf("%s\n got %s\nwant %s", d.name, got, want)
				}
			}
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
