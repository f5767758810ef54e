package iampolicy

import (
	"strings"
	"testing"
)

func mustParse(t testing.TB, text string) *Document {
	t.Helper()
	doc, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%s): %v", text, err)
	}
	return doc
}

func identity(t testing.TB, texts ...string) Grants {
	t.Helper()
	var g Grants
	for i, text := range texts {
		g.Identity = append(g.Identity, Policy{ID: string(rune('a' + i)), Document: mustParse(t, text)})
	}
	return g
}

func statement(body string) string {
	return `{"Version":"2012-10-17","Statement":[{` + body + `}]}`
}

func TestEvaluate(t *testing.T) {
	const object = "arn:aws:s3:::remotionlambda-useast1-abcdefghij/out.mp4"
	get := Request{Action: "s3:GetObject", Resource: object}
	allowAll := statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
	tests := []struct {
		name     string
		policies []string
		boundary string
		request  Request
		want     Decision
	}{
		{"no policy allows nothing", nil, "", get, ImplicitDeny},
		{"Action and Resource may be strings instead of lists",
			[]string{statement(`"Effect":"Allow","Action":"s3:GetObject",` +
				`"Resource":"arn:aws:s3:::remotionlambda-*"`)}, "", get, Allowed},
		{"Statement may be an object instead of a list",
			[]string{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:GetObject"],` +
				`"Resource":["*"]}}`}, "", get, Allowed},
		{"upper and lower case of an action do not matter",
			[]string{statement(`"Effect":"Allow","Action":"S3:getobject","Resource":"*"`)}, "", get,
			Allowed},
		{"a star in an action matches any text",
			[]string{statement(`"Effect":"Allow","Action":"s3:Get*","Resource":"*"`)},
			"", get, Allowed},
		{"a question mark in an action matches one character",
			[]string{statement(`"Effect":"Allow","Action":"s3:GetObjec?","Resource":"*"`)}, "", get,
			Allowed},
		{"an action with a space at its end does not match",
			[]string{statement(`"Effect":"Allow","Action":"s3:GetObject ","Resource":"*"`)}, "", get,
			ImplicitDeny},
		{"upper and lower case of a resource matter",
			[]string{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::RemotionLambda-*"`)},
			"", get, ImplicitDeny},
		{"a bucket pattern without a slash covers its objects",
			[]string{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::remotionlambda-*"`)},
			"", get, Allowed},
		{"a Deny overrides an Allow in any order",
			[]string{allowAll, statement(`"Effect":"Deny","Action":"s3:*","Resource":"*"`)}, "", get,
			ExplicitDeny},
		{"a Deny on another resource does not apply",
			[]string{allowAll,
				statement(`"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::secret*"`)}, "", get,
			Allowed},
		{"an Allow with NotAction allows every other action",
			[]string{statement(`"Effect":"Allow","NotAction":"iam:*","Resource":"*"`)}, "", get, Allowed},
		{"an Allow with NotAction does not allow the named actions",
			[]string{statement(`"Effect":"Allow","NotAction":["iam:*","S3:get*"],"Resource":"*"`)}, "", get,
			ImplicitDeny},
		{"a Deny with NotAction denies every other action",
			[]string{allowAll, statement(`"Effect":"Deny","NotAction":"iam:*","Resource":"*"`)}, "", get,
			ExplicitDeny},
		{"an Allow with NotResource allows every other resource",
			[]string{statement(`"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::secret*"`)}, "",
			get, Allowed},
		{"an Allow with NotResource does not allow the named resources",
			[]string{statement(`"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::remotion*"`)},
			"", get, ImplicitDeny},
		{"an Allow in the identity policy and in the boundary allows the request", []string{allowAll},
			statement(`"Effect":"Allow","Action":"s3:*","Resource":"*"`), get, Allowed},
		{"a boundary without a matching Allow denies implicitly", []string{allowAll},
			statement(`"Effect":"Allow","Action":"lambda:*","Resource":"*"`), get, ImplicitDeny},
		{"a Deny in the boundary denies explicitly", []string{allowAll},
			statement(`"Effect":"Deny","Action":"s3:*","Resource":"*"`), get, ExplicitDeny},
		{"an Allow in the boundary alone does not allow the request", nil, allowAll, get, ImplicitDeny},
		{"the pattern * matches the resource *", []string{allowAll}, "",
			Request{Action: "s3:ListAllMyBuckets", Resource: "*"}, Allowed},
		{"an ARN with a wildcard does not match the resource *",
			[]string{statement(`"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*"`)}, "",
			Request{Action: "s3:ListAllMyBuckets", Resource: "*"}, ImplicitDeny},
		{"brackets in a pattern are plain text",
			[]string{statement(`"Effect":"Allow","Action":"*",` +
				`"Resource":"arn:aws:s3:::remotionlambda-[a-z]*"`)}, "", get, ImplicitDeny},
		{"an Allow with a condition that is met applies",
			[]string{statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{` +
				`"aws:RequestedRegion":"us-east-1"}}`)}, "", Request{get.Action, get.Resource, Context{
				"AWS:requestedregion": {"us-east-1"}}}, Allowed},
		{"an Allow with a condition that is not met does not apply",
			[]string{statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{` +
				`"aws:RequestedRegion":"us-east-1"}}`)}, "", Request{get.Action, get.Resource, Context{
				"aws:RequestedRegion": {"eu-west-1"}}}, ImplicitDeny},
		{"a Deny with a negated condition applies if the key is absent",
			[]string{allowAll,
				statement(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{` +
					`"aws:RequestedRegion":"us-east-1"}}`)}, "", get, ExplicitDeny},
		{"a variable in a resource matches its value",
			[]string{statement(`"Effect":"Allow","Action":"*",` +
				`"Resource":"arn:aws:s3:::remotionlambda-${aws:username}/*"`)}, "", Request{"s3:GetObject",
				"arn:aws:s3:::remotionlambda-anna/x", Context{"aws:username": {"anna"}}}, Allowed},
		{"a star in the value of a variable is literal",
			[]string{statement(`"Effect":"Allow","Action":"*",` +
				`"Resource":"arn:aws:s3:::remotionlambda-${aws:username}/*"`)}, "", Request{"s3:GetObject",
				"arn:aws:s3:::remotionlambda-anna/x", Context{"aws:username": {"*"}}}, ImplicitDeny},
		{"a document without a version has no variables",
			[]string{`{"Statement":{"Effect":"Allow","Action":"*",` +
				`"Resource":"arn:aws:s3:::${aws:username}"}}`}, "", Request{"s3:GetObject",
				"arn:aws:s3:::${aws:username}", Context{"aws:username": {"anna"}}}, Allowed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := identity(t, test.policies...)
			if test.boundary != "" {
				g.Boundary = &Policy{ID: "boundary", Document: mustParse(t, test.boundary)}
			}
			if got := g.Evaluate(test.request).Decision; got != test.want {
				t.Errorf("%s on %s: %v, want %v", test.request.Action, test.request.Resource, got, test.want)
			}
		})
	}
}

func TestColons(t *testing.T) {
	tests := []struct {
		name, pattern, resource string
		want                    bool
	}{
		{"a star that fills its field matches any field", "arn:aws:lambda:*:*:function:f-*",
			"arn:aws:lambda:us-east-1:123456789012:function:f-1", true},
		{"a star at the end of a field matches past the colon", "arn:aws:dynamodb:*:table/prod-*",
			"arn:aws:dynamodb:us-east-1:123456789012:table/prod-x", true},
		{"a star with text behind it in its field stops at the colon", "arn:aws:lambda:us*1:x:y",
			"arn:aws:lambda:us:1:x:y", false},
		{"an earlier star matches the colon at which a later star stops", "arn:*:a*c:1:2:3",
			"arn:x:a:abc:1:2:3", true},
		{"a question mark stops at the colon", "arn:aws:s3?::b", "arn:aws:s3:::b", false},
		{"a question mark in the sixth field matches a colon", "arn:aws:logs:r:1:log-group?x",
			"arn:aws:logs:r:1:log-group:x",
			true},
		{"a star in the sixth field matches colons", "arn:aws:logs:r:1:log-group:a*z",
			"arn:aws:logs:r:1:log-group:a:b:z", true},
		{"a star matches the empty text", "arn:aws:s3:::b*", "arn:aws:s3:::b", true},
		{"a question mark does not match the empty text", "arn:aws:s3:::b?", "arn:aws:s3:::b", false},
		{"a question mark matches one character, not one byte",
			"arn:aws:s3:::b?d", "arn:aws:s3:::bäd", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := identity(t, statement(`"Effect":"Allow","Action":"*","Resource":"`+test.pattern+`"`))
			if got := g.Evaluate(Request{Action: "x:Y",
				Resource: test.resource}).Decision == Allowed; got != test.want {
				t.Errorf("%s matches %s: %v, want %v", test.pattern, test.resource, got, test.want)
			}
		})
	}
}

func TestConditional(t *testing.T) {
	allow := func(condition string) string {
		return statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}`)
	}
	deny := func(condition string) string {
		return statement(`"Effect":"Deny","Action":"*","Resource":"*","Condition":{` + condition + `}`)
	}
	plain := statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
	context := Context{"aws:RequestedRegion": {"us-east-1"}}
	tests := []struct {
		name        string
		policies    []string
		want        Decision
		conditional bool
	}{
		{"an unknown key leaves an Allow undecided",
			[]string{allow(`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`)}, ImplicitDeny, true},
		{"an unconditional Allow decides the request",
			[]string{allow(`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`),
				plain}, Allowed, false},
		{"a condition on a known key decides the request",
			[]string{allow(`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`)},
			Allowed, false},
		{"one condition that fails decides the statement",
			[]string{allow(`"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"Bool":{` +
				`"aws:MultiFactorAuthPresent":"true"}`)}, ImplicitDeny, false},
		{"an unknown key leaves a Deny undecided",
			[]string{plain, deny(`"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}`)}, ExplicitDeny,
			true},
		{"a Deny with a condition that is not met does not matter",
			[]string{plain, deny(`"StringNotEquals":{"aws:RequestedRegion":["us-east-1","eu-west-1"]}`)},
			Allowed, false},
		{"an unconditional Deny decides the request",
			[]string{allow(`"Bool":{"aws:MultiFactorAuthPresent":"true"}`),
				statement(`"Effect":"Deny","Action":"*","Resource":"*"`)}, ExplicitDeny, false},
		{"a variable without a value leaves the resource undecided",
			[]string{statement(`"Effect":"Allow","Action":"*",` +
				`"Resource":"arn:aws:s3:::b/${aws:PrincipalTag/team}/*"`)}, ImplicitDeny, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := identity(t, test.policies...).Evaluate(Request{"s3:GetObject", "arn:aws:s3:::b/x/y",
				context})
			if got.Decision != test.want || got.Conditional != test.conditional {
				t.Errorf("got %v, conditional %v; want %v, %v", got.Decision, got.Conditional, test.want,
					test.conditional)
			}
		})
	}
}

// TestOperators checks the result of each operator for a request with the key and for a request
// without the key.
func TestOperators(t *testing.T) {
	tests := []struct {
		condition       string
		have            []string
		present, absent bool
	}{
		{`"StringEquals":{"ex:k":["a","b"]}`, []string{"b"}, true, false},
		{`"StringEquals":{"ex:k":"A"}`, []string{"a"}, false, false},
		{`"StringEqualsIgnoreCase":{"ex:k":"A"}`, []string{"a"}, true, false},
		{`"StringNotEquals":{"ex:k":["a","b"]}`, []string{"b"}, false, true},
		{`"StringNotEqualsIgnoreCase":{"ex:k":"B"}`, []string{"b"}, false, true},
		{`"StringLike":{"ex:k":"a*d?"}`, []string{"abcde"}, true, false},
		{`"StringNotLike":{"ex:k":"a*"}`, []string{"b"}, true, true},
		{`"StringEqualsIfExists":{"ex:k":"a"}`, []string{"b"}, false, true},
		{`"ArnLike":{"ex:k":"arn:aws:iam::*:role/*"}`, []string{"arn:aws:iam::123456789012:role/x"}, true,
			false},
		{`"ArnLike":{"ex:k":"arn:aws:*:role/*"}`, []string{"arn:aws:iam::123456789012:role/x"}, false,
			false},
		{`"ArnNotEquals":{"ex:k":"arn:aws:iam::1:role/*"}`, []string{"no arn"}, false, true},
		{`"NumericEquals":{"ex:k":1}`, []string{"01.00"}, true, false},
		{`"NumericNotEquals":{"ex:k":"1"}`, []string{"2"}, true, true},
		{`"NumericLessThan":{"ex:k":"10"}`, []string{"9.5"}, true, false},
		{`"NumericLessThanEquals":{"ex:k":"10"}`, []string{"10"}, true, false},
		{`"NumericGreaterThan":{"ex:k":"10"}`, []string{"10"}, false, false},
		{`"NumericGreaterThanEquals":{"ex:k":"10"}`, []string{"10"}, true, false},
		{`"NumericLessThan":{"ex:k":"10"}`, []string{"1e999999999"}, false, false},
		{`"DateEquals":{"ex:k":"2026-01-01T00:00:00Z"}`, []string{"1767225600"}, true, false},
		{`"DateNotEquals":{"ex:k":"2026-01-01"}`, []string{"2026-01-01"}, false, true},
		{`"DateLessThan":{"ex:k":"2026-01-01"}`, []string{"2025-12-31T23:59:59Z"}, true, false},
		{`"DateLessThanEquals":{"ex:k":"2026-01-01"}`, []string{"2026-01-02"}, false, false},
		{`"DateGreaterThan":{"ex:k":"2026-01-01"}`, []string{"2026-01-02"}, true, false},
		{`"DateGreaterThanEquals":{"ex:k":"2026-01-01"}`, []string{"2026-01-01"}, true, false},
		{`"Bool":{"ex:k":true}`, []string{"TRUE"}, true, false},
		{`"Bool":{"ex:k":"false"}`, []string{"nonsense"}, true, false},
		{`"BoolIfExists":{"ex:k":"false"}`, []string{"true"}, false, true},
		{`"BinaryEquals":{"ex:k":"QQ=="}`, []string{"QQ=="}, true, false},
		{`"IpAddress":{"ex:k":"10.1.2.3/8"}`, []string{"10.9.9.9"}, true, false},
		{`"IpAddress":{"ex:k":"10.1.2.3"}`, []string{"10.1.2.3"}, true, false},
		{`"IpAddress":{"ex:k":"2001:db8::1/32"}`, []string{"2001:db8::1"}, false, false},
		{`"NotIpAddress":{"ex:k":"2001:db8::/32"}`, []string{"fe80::1%eth0"}, false, true},
		{`"NotIpAddress":{"ex:k":"10.0.0.0/8"}`, []string{"not an address"}, false, true},
		{`"Null":{"ex:k":"true"}`, []string{"a"}, false, true},
		{`"Null":{"ex:k":false}`, []string{"a"}, true, false},
		{`"ForAllValues:Null":{"ex:k":"true"}`, []string{"a", "b"}, false, true},
		{`"ForAnyValue:Null":{"ex:k":"false"}`, []string{"a", "b"}, true, false},
		{`"ForAllValues:StringEquals":{"ex:k":["a","b"]}`, []string{"a", "b", "a"}, true, true},
		{`"ForAllValues:StringEquals":{"ex:k":["a","b"]}`, []string{"a", "c"}, false, true},
		{`"ForAllValues:StringEquals":{"ex:k":"a"}`, []string{}, true, true},
		{`"ForAnyValue:StringLike":{"ex:k":["a*"]}`, []string{"c", "ab"}, true, false},
		{`"ForAnyValue:StringEquals":{"ex:k":["a"]}`, []string{}, false, false},
		{`"StringEquals":{"ex:k":["a","b"]}`, []string{"a", "b"}, false, false},
		{`"StringNotEquals":{"ex:k":"z"}`, []string{"a", "b"}, false, true},
	}
	for _, test := range tests {
		t.Run(test.condition+" "+strings.Join(test.have, ","), func(t *testing.T) {
			g := identity(t,
				statement(`"Effect":"Allow","Action":"*","Resource":"*","Condition":{`+test.condition+`}`))
			if got := g.Evaluate(Request{"x:Y", "*",
				Context{"EX:K": test.have}}).Decision == Allowed; got != test.present {
				t.Errorf("with the values %q: allowed %v, want %v", test.have, got, test.present)
			}
			if got := g.Evaluate(Request{"x:Y", "*", nil}).Decision == Allowed; got != test.absent {
				t.Errorf("without the key: allowed %v, want %v", got, test.absent)
			}
		})
	}
}

func TestMissingListsEveryKey(t *testing.T) {
	g := identity(t, `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:*:*:${aws:PrincipalTag/team}-*"},
		{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{
			"StringEquals":{"aws:SourceVpc":"vpc-1","aws:RequestedRegion":"us-east-1"},
			"StringLike":{"aws:userid":"${aws:username}*"}}}]}`)
	got := g.Evaluate(Request{"s3:GetObject", "arn:aws:s3:::b/k",
		Context{"aws:RequestedRegion": {"us-east-1"}}})
	want := "aws:PrincipalTag/team aws:SourceVpc aws:userid aws:username"
	if strings.Join(got.Missing, " ") != want {
		t.Errorf("missing %q, want %q", got.Missing, want)
	}
}

func TestResultListsEveryStatement(t *testing.T) {
	g := identity(t, `{"Version":"2012-10-17","Statement":[
  {"Sid":"One","Effect":"Allow","Action":"s3:*","Resource":"*"},
  {"Sid":"Two","Effect":"Deny","Action":"s3:Get*","Resource":"*"},
  {"Sid":"Three","Effect":"Deny","NotAction":"iam:*","Resource":"*"},
  {"Sid":"Four","Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::other/*"}]}`)
	got := g.Evaluate(Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/k"})
	var matched, near []string
	for _, m := range got.Matched {
		matched = append(matched, m.Sid)
	}
	for _, m := range got.Near {
		near = append(near, m.Sid)
	}
	if strings.Join(matched, " ") != "One Two Three" || strings.Join(near, " ") != "Four" {
		t.Errorf("matched %q, near %q; want One, Two and Three, near Four", matched, near)
	}
}
