package iampolicy

import (
	"strings"
	"testing"
)

func TestParseRejects(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"an empty text", ``,
			`line 1, column 1: policy document: expected "{", got the end of the text`},
		{"a truncated text", "{\n \"Statement\": [\n  {\"Effect\"",
			`line 3, column 12: statement: expected ":", got the end of the text`},
		{"a duplicate key", `{"Statement":[],"Statement":[]}`,
			`column 17: policy document: duplicate key "Statement"`},
		{"a key in the wrong case", `{"statement":[]}`,
			`column 2: policy document: unknown key "statement", expected Version, Id or Statement`},
		{"an Effect in the wrong case", statement(`"Effect":"allow","Action":"*","Resource":"*"`),
			`Effect must be "Allow" or "Deny", got "allow"`},
		{"a statement with Action and NotAction",
			statement(`"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"`),
			`both Action and NotAction`},
		{"a statement without Resource and NotResource", statement(`"Effect":"Allow","Action":"*"`),
			`neither Resource nor NotResource`},
		{"a Principal in an identity policy",
			statement(`"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"`),
			`an identity policy must not have Principal`},
		{"a statement without Effect", statement(`"Action":"*","Resource":"*"`), `has no Effect`},
		{"a document without Statement", `{"Version":"2012-10-17"}`, `has no Statement`},
		{"an unknown version", `{"Version":"2012-10-18","Statement":[]}`,
			`Version must be "2012-10-17" or "2008-10-17", got "2012-10-18"`},
		{"an unknown operator",
			statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringsEqual":{"k":"v"}}`),
			`unknown operator "StringsEqual"`},
		{"a duplicate operator",
			statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"ex:k":"v"},"Bool":{` +
				`"ex:k":"v"}}`), `duplicate key "Bool"`},
		{"a number for an action", statement(`"Effect":"Allow","Action":1,"Resource":"*"`),
			`Action: expected a string, got 1`},
		{"text after the document", `{"Statement":[]} x`, `column 18: "x" is not a JSON value`},
		{"a second document", `{"Statement":[]}{}`, `text after the end`},
		{"a raw line break in a string", "{\"Id\":\"a\nb\",\"Statement\":[]}", `control character`},
		{"bytes that are not UTF-8", "{\"Statement\":\n[{\"Sid\":\"\xfe\"",
			`line 2, column 10: the text is not valid UTF-8`},
		{"a string without a closing quote", `{"Id":"a`, `the string has no closing quote`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := Parse(test.text)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Parse(%s) = %v, %v; want an error with %q", test.text, doc, err, test.want)
			}
		})
	}
}

func TestPositions(t *testing.T) {
	tests := []struct {
		name, text string
		want       [][4]int
	}{
		{"two statements on one line",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{` +
				`"Effect":"Deny","Action":"*","Resource":"*"}]}`,
			[][4]int{{1, 38, 1, 84}, {1, 84, 1, 130}}},
		{"a statement without a list", `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
			[][4]int{{1, 15, 1, 60}}},
		{"a statement on several lines, with columns counted in characters",
			"{\"Id\":\"é\",\"Statement\":[\n {\"Sid\":\"U\",\"Effect\":\"Allow\",\n  " +
				"\"Action\":\"*\",\"Resource\":\"arn:ü\"}\n]}", [][4]int{{1, 24, 3, 35}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for i, s := range mustParse(t, test.text).Statements {
				if got := [4]int{s.Start.Line, s.Start.Column, s.End.Line, s.End.Column}; got != test.want[i] {
					t.Errorf("statement %d is at %v, want %v", i+1, got, test.want[i])
				}
			}
		})
	}
}

func TestTrusts(t *testing.T) {
	const lambda = `"Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"`
	tests := []struct {
		name, text  string
		want        Decision
		conditional bool
	}{
		{"an Allow for the service allows the service",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + lambda +
				`}]}`, Allowed, false},
		{"an Allow for a list of services allows each service",
			`{"Statement":{"Effect":"Allow","Principal":{"Service":["ec2.amazonaws.com",` +
				`"lambda.amazonaws.com"]},"Action":"sts:*"}}`, Allowed, false},
		{"an Allow for another service does not allow the service",
			`{"Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},` +
				`"Action":"sts:AssumeRole"}}`, ImplicitDeny, false},
		{"an Allow for another action does not allow the service",
			`{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},` +
				`"Action":"sts:TagSession"}}`, ImplicitDeny, false},
		{"a Deny overrides an Allow",
			`{"Statement":[{"Effect":"Allow",` + lambda + `},{"Effect":"Deny",` + lambda + `}]}`,
			ExplicitDeny, false},
		{"an Allow with a condition on an unknown key is conditional",
			`{"Statement":{"Effect":"Allow",` + lambda +
				`,"Condition":{"StringEquals":{"aws:SourceAccount":"123456789012"}}}}`, ImplicitDeny, true},
		{"an Allow for every principal allows the service",
			`{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`,
			Allowed, false},
		{"a Deny for every principal denies the service", `{"Statement":[{"Effect":"Allow",` + lambda +
			`},{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`, ExplicitDeny, false},
		{"an Allow for every AWS principal is conditional, because they may be services",
			`{"Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}`,
			ImplicitDeny, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			doc, err := ParseTrust(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if got := doc.Trusts("lambda.amazonaws.com"); got.Decision != test.want ||
				got.Conditional != test.conditional {
				t.Errorf("got %v, conditional %v; want %v, %v", got.Decision, got.Conditional, test.want,
					test.conditional)
			}
		})
	}
	if _, err := ParseTrust(statement(`"Effect":"Allow","Action":"*","Resource":"*"`)); err == nil {
		t.Error("ParseTrust accepts a statement without a Principal")
	}
}

// TestActionWithSeparator checks that an action may contain the separator that compile puts between
// the actions.
func TestActionWithSeparator(t *testing.T) {
	g := identity(t,
		statement(`"Effect":"Allow","Action":["a:B\u0000s3","c:D"],"Resource":"*"`))
	for action, want := range map[string]Decision{"s3": ImplicitDeny, "c:D": Allowed,
		"a:B\x00s3": Allowed} {
		if got := g.Evaluate(Request{Action: action, Resource: "*"}).Decision; got != want {
			t.Errorf("%q: %v, want %v", action, got, want)
		}
	}
}
