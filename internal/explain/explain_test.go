package explain

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func TestQuestions(t *testing.T) {
	for _, test := range []struct {
		name   string
		q      Question
		errors string // a part of the error; empty for none
	}{
		{"an action", Question{"s3:GetObject", ""}, ""},
		{"an action in lower case", Question{"s3:getobject", ""}, ""},
		{"an action of a service without a list", Question{"dynamodb:GetItem", "*"}, ""},
		{"a pattern of resources", Question{"s3:GetObject", "arn:aws:s3:::b/*"}, ""},
		{"a misspelt action", Question{"s3:GetObjcet", ""}, "s3:GetObjcet is no action: s3:GetObject?"},
		{"an operation of the API", Question{"s3:ListObjectsV2", ""}, "s3:ListBucket?"},
		{"a pattern of actions", Question{"s3:Get*", ""}, "must be one action"},
		{"no service", Question{"GetObject", ""}, "is not an action"},
		{"a path", Question{"s3:GetObject", "b/key"}, "is not a resource"},
		{"a long resource", Question{"s3:GetObject", strings.Repeat("x", 3000)}, "at most 2048"},
		{"control characters", Question{"s3:\x1b[31mGet", ""}, "is not an action"},
	} {
		err := test.q.Check()
		if (err == nil) != (test.errors == "") ||
			err != nil && !strings.Contains(err.Error(), test.errors) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.errors)
		}
		if err != nil && strings.ContainsRune(err.Error(), '\x1b') {
			t.Errorf("%s: the error has a control character", test.name)
		}
	}
}

// TestKinds checks which principals a question is about by default.
func TestKinds(t *testing.T) {
	for action, want := range map[string][]policies.PolicyKind{
		"iam:PassRole":      {policies.User},
		"logs:PutLogEvents": {policies.Role},
		"S3:getobject":      {policies.User, policies.Role},
		"sts:AssumeRole":    {policies.Role},
		"sqs:SendMessage":   nil,
	} {
		if got := Kinds(action, policies.AWS); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", action, got, want)
		}
	}
}

// TestCaret checks what the carets mark in the pattern.
func TestCaret(t *testing.T) {
	for _, test := range []struct {
		kind          iampolicy.NearMatchKind
		pattern, want string
		at            int
	}{
		{iampolicy.Typo, "arn:aws:s3:::remotionlamda-*", "d", 25},
		{iampolicy.WrongRegion, "arn:aws:lambda:us-east-1:*:function:x", "us-east-1", 0},
		{iampolicy.WrongAccount, "arn:aws:lambda:*:111122223333:function:x", "111122223333", 0},
		{iampolicy.NotBucket, "arn:aws:s3:::b/*", "/*", 0},
	} {
		s := Step{Miss: &iampolicy.NearMatch{Kind: test.kind, Pattern: test.pattern, At: test.at}}
		mark, ok := s.Caret()
		if got := marked(test.pattern, mark); !ok || got != test.want {
			t.Errorf("%s: marks %q, want %q", test.kind, got, test.want)
		}
	}
	for _, m := range []*iampolicy.NearMatch{nil, {Kind: iampolicy.Narrower, Pattern: "x"},
		{Kind: iampolicy.Typo, At: 1, Pattern: "ü"}} {
		if mark, ok := (Step{Miss: m}).Caret(); ok {
			t.Errorf("%+v: marks %q, want nothing", m, mark)
		}
	}
}

// marked returns the part of a pattern above the carets.
func marked(pattern, mark string) string {
	from := strings.IndexByte(mark, '^')
	if from < 0 || len(mark) > len(pattern) {
		return ""
	}
	return pattern[from:len(mark)]
}

// TestAStatementThatDecidesIsShown checks that a layer with more statements than it shows contains
// the one that decides, and counts the others.
func TestAStatementThatDecidesIsShown(t *testing.T) {
	var statements []string
	for range 20 {
		statements = append(statements,
			`{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}`)
	}
	statements = append(statements,
		`{"Sid":"No","Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}`,
		`{"Sid":"Yes","Effect":"Allow","Action":"s3:*","Resource":"*"}`)
	doc, err := iampolicy.Parse(`{"Version":"2012-10-17","Statement":[` +
		strings.Join(statements, ",") + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: doc}}}
	for resource, want := range map[string]string{"arn:aws:s3:::b/key": "No",
		"arn:aws:s3:::c/key": "Yes"} {
		e := Derive(OfFiles("p", check.Target{Kind: policies.Role}, grants, policies.Latest(), nil),
			Question{"s3:GetObject", resource})
		var deciding []string
		for _, s := range e.Layers[0].Documents[0].Steps {
			if s.Decides {
				deciding = append(deciding, s.Statement.Sid)
			}
		}
		if !slices.Equal(deciding, []string{want}) {
			t.Errorf("%s: %q decides, want %s", resource, deciding, want)
		}
	}
	e := Derive(OfFiles("p", check.Target{Kind: policies.Role}, iampolicy.Grants{
		Identity: []iampolicy.Policy{{ID: "p", Document: &iampolicy.Document{Version: doc.Version,
			Statements: doc.Statements[:20]}}}}, policies.Latest(), nil),
		Question{"s3:GetObject", "arn:aws:s3:::b/key"})
	if d := e.Layers[0].Documents[0]; len(d.Steps) != maxSteps || d.More != 20-maxSteps {
		t.Errorf("%d statements and %d more, want %d and %d", len(d.Steps), d.More, maxSteps,
			20-maxSteps)
	}
}

// FuzzDerive checks that no document and no question makes Derive panic, and that a verdict agrees
// with Evaluate: a request without conditions that is allowed has layers that allow it.
func FuzzDerive(f *testing.F) {
	f.Add(`{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}`, "s3:GetObject",
		"arn:aws:s3:::b/k")
	f.Add(`{"Statement":{"Effect":"Deny","NotAction":"s3:*","NotResource":"*"}}`, "sts:AssumeRole", "*")
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",`+
		`"Resource":"arn:aws:s3:::${aws:username}/*"}}`, "s3:GetObject", "arn:aws:s3:::*/*")
	f.Fuzz(func(t *testing.T, text, action, resource string) {
		q := Question{action, resource}
		doc, err := iampolicy.Parse(text)
		if err != nil || q.Check() != nil || len(text) > 4096 || len(resource) > 256 {
			return
		}
		grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "p", Document: doc}}}
		s := OfFiles("p", check.Target{Kind: policies.User}, grants, policies.Latest(), nil)
		e := Derive(s, q)
		if e.Verdict.Status == "" || len(e.Layers) != 3 {
			t.Fatalf("no verdict, or %d layers", len(e.Layers))
		}
		if l := e.Layers[0]; !q.isPattern() && q.Resource != "" &&
			e.Verdict.Status == iampolicy.Satisfied && l.Effect != Allows {
			t.Errorf("satisfied, but the identity layer %s", l.Effect)
		}
	})
}
