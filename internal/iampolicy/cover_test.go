package iampolicy

import (
	"fmt"
	"strings"
	"testing"
)

func need(t testing.TB, action, resource string) Need {
	t.Helper()
	n, err := NewNeed(action, resource)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCover(t *testing.T) {
	const (
		all     = `{"Effect":"Allow","Action":"*","Resource":"*"}`
		bucket  = "arn:aws:s3:::remotionlambda-*"
		objects = "arn:aws:s3:::remotionlambda-*/*"
		fn      = "arn:aws:lambda:*:*:function:remotion-render-*"
	)
	allow := func(resource string) string {
		return `{"Effect":"Allow","Action":"*","Resource":` + resource + `}`
	}
	deny := func(resource string) string {
		return `{"Effect":"Deny","Action":"*","Resource":` + resource + `}`
	}
	// The actions overlap in too many ways for the budget.
	var many []string
	for i := range 60 {
		many = append(many, fmt.Sprintf(`{"Effect":"Allow","Action":"s3:*%c*%c*%c*","Resource":"*"}`,
			'a'+i%7, 'a'+i%11, 'a'+i%13))
	}
	tests := []struct {
		name             string
		policies         []string
		boundary         string
		scps             []string
		action, resource string
		context          Context
		status           Status
		cause            Cause
		example          string
		miss             string
	}{
		{name: "one pattern covers another", policies: []string{allow(`"arn:aws:s3:::remotion*"`)},
			action: "s3:GetObject", resource: objects, status: Satisfied},
		{name: "a bucket's pattern covers its objects", policies: []string{allow(`"` + bucket + `"`)},
			action: "s3:GetObject", resource: objects, status: Satisfied},
		{name: "nothing grants it",
			policies: []string{`{"Effect":"Allow","Action":"s3:Put*","Resource":"*"}`},
			action:   "s3:GetObject", resource: objects, status: Missing, cause: NoGrant,
			example: "arn:aws:s3:::remotionlambda-/"},
		{name: "a Deny on part of a pattern",
			policies: []string{all, deny(`"arn:aws:s3:::remotionlambda-secret*"`)}, action: "s3:GetObject",
			resource: bucket,
			status:   Partial, cause: IdentityDeny, example: "arn:aws:s3:::remotionlambda-secret"},
		{name: "a Deny of everything",
			policies: []string{all, `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`},
			action:   "s3:GetObject", resource: bucket, status: Denied, cause: IdentityDeny,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a Deny elsewhere", policies: []string{all, deny(`"arn:aws:s3:::secret*"`)},
			action: "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "only a union covers it",
			policies: []string{allow(`["arn:aws:s3:::b-","arn:aws:s3:::b-?*"]`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b-*", status: Satisfied},
		{name: "the union of two policies", policies: []string{allow(`"arn:aws:s3:::b"`),
			allow(`"arn:aws:s3:::b?*"`)}, action: "s3:GetObject", resource: "arn:aws:s3:::b*",
			status: Satisfied},
		{name: "a union with a hole",
			policies: []string{allow(`["arn:aws:s3:::b-","arn:aws:s3:::b-??*"]`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b-*", status: Partial, cause: NarrowerGrant,
			example: "arn:aws:s3:::b-x"},
		{name: "one literal character does not cover every character",
			policies: []string{allow(`"arn:aws:s3:::\ue002"`),
				allow(`"arn:aws:s3:::\ufffd"`)}, action: "s3:GetObject", resource: "arn:aws:s3:::*",
			status: Partial, cause: NarrowerGrant, example: "arn:aws:s3:::x"},
		{name: "a pattern that exceeds the budget covers itself",
			policies: []string{allow(`"arn:aws:s3:::` + strings.Repeat("?*a", 3000) + `"`)},
			action:   "s3:GetObject", resource: "arn:aws:s3:::" + strings.Repeat("?*a", 3000),
			status: Satisfied},
		{name: "a literal question mark of the policy does not cover a wildcard of the need",
			policies: []string{allow(`"arn:aws:s3:::a${?}"`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::a${?}", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::a${x}"},
		{name: "every action, where most of the statements are about one service", policies: many,
			action: "*", resource: "*", status: Partial, cause: NoGrant, example: "*"},
		{name: "a typo is reported with its position",
			policies: []string{allow(`"arn:aws:s3:::remotionlamda-*"`)}, action: "s3:GetObject",
			resource: bucket, status: Missing, cause: NarrowerGrant, example: "arn:aws:s3:::remotionlambda-",
			miss: "typo at character 25 (has remotionlamda-, needs remotionlambda-)"},
		{name: "a pattern lacks one colon", policies: []string{allow(`"arn:aws:s3::remotionlambda-*"`)},
			action: "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-", miss: "fewer fields than an ARN has"},
		{name: "a bucket's name alone", policies: []string{allow(`"remotionlambda-*"`)},
			action: "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-", miss: "fewer fields than an ARN has"},
		{name: "wrong case", policies: []string{allow(`"arn:aws:s3:::RemotionLambda-*"`)},
			action: "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-",
			miss: "wrong case at character 14 (has arn:aws:s3:::RemotionLambda-*, needs " +
				"arn:aws:s3:::remotionlambda-*)"},
		{name: "one region of all",
			policies: []string{allow(`"arn:aws:lambda:us-east-1:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-2:123456789012:function:remotion-render-",
			miss:    "wrong region (has us-east-1, needs us-east-2)"},
		{name: "the wrong region",
			policies: []string{allow(`"arn:aws:lambda:us-east-1:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction",
			resource: "arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-*", status: Missing,
			cause:   NarrowerGrant,
			example: "arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-",
			miss:    "wrong region (has us-east-1, needs eu-west-1)"},
		{name: "the wrong account",
			policies: []string{allow(`"arn:aws:lambda:*:210987654321:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-",
			miss:    "wrong account (has 210987654321, needs 123456789012)"},
		{name: "the wrong service", policies: []string{allow(`"arn:aws:sns:::remotionlambda-*"`)},
			action: "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-", miss: "wrong service (has sns, needs s3)"},
		{name: "a bucket without its objects", policies: []string{allow(`"arn:aws:s3:::b"`)},
			action: "s3:GetObject", resource: "arn:aws:s3:::b/*", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::b/", miss: "it matches the bucket, but not its objects"},
		{name: "objects without their bucket", policies: []string{allow(`"arn:aws:s3:::b/*"`)},
			action: "s3:ListBucket", resource: "arn:aws:s3:::b", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::b", miss: "it matches the objects, but not the bucket"},
		{name: "a star that matches past the account covers a function",
			policies: []string{allow(`"arn:aws:lambda:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Satisfied},
		{name: "a question mark for each digit of the account",
			policies: []string{allow(`"arn:aws:lambda:*:????????????:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction",
			resource: "arn:aws:lambda:us-east-1:1234567890??:function:remotion-render-*", status: Satisfied},
		{name: "a typo in a function's name grants nothing",
			policies: []string{allow(`"arn:aws:lambda:*:*:function:remotoin-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-",
			miss:    "typo at character 34 (has function:remotoin-render-, needs function:remotion-render-)"},
		{name: "a Deny whose star matches colons",
			policies: []string{all, deny(`"arn:aws:lambda:*:*:function:prod-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: IdentityDeny,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-:function:prod-"},
		{name: "the text * is granted by * alone", policies: []string{allow(`"arn:aws:s3:::*"`)},
			action: "s3:ListAllMyBuckets", resource: "*", status: Partial, cause: NarrowerGrant,
			example: "*", miss: `the action needs the resource "*"`},
		{name: "everything is granted by *", policies: []string{all}, action: "s3:ListAllMyBuckets",
			resource: "*", status: Satisfied},
		{name: "NotResource covers the rest",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret*"}`},
			action:   "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "NotResource leaves a hole",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*-private"}`},
			action:   "s3:GetObject", resource: bucket, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-private"},
		{name: "NotResource and what it leaves out are everything",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*-private"}`,
				allow(`"arn:aws:s3:::*private"`)}, action: "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "a Deny with NotResource",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::remotionlambda-useast1-*"}`},
			action: "s3:GetObject", resource: bucket, status: Partial, cause: IdentityDeny,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "NotAction covers the rest",
			policies: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`},
			action:   "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "a boundary is narrower", policies: []string{all},
			boundary: allow(`"arn:aws:s3:::remotionlambda-useast1-*"`), action: "s3:GetObject",
			resource: bucket, status: Partial, cause: PermissionsBoundary,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a level of the organization does not allow", policies: []string{all},
			scps:   []string{all, `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`},
			action: "s3:GetObject", resource: bucket, status: Denied, cause: SCP,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a level of the organization denies part", policies: []string{all},
			scps: []string{all, all + "," + deny(`"arn:aws:s3:::*/tmp/*"`)}, action: "s3:GetObject",
			resource: objects, status: Partial, cause: SCP, example: "arn:aws:s3:::remotionlambda-/tmp/"},
		{name: "a condition on an unknown key",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:MultiFactorAuthPresent":"true"}}}`}, action: "s3:GetObject", resource: bucket,
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-"},
		{name: "a condition that is met",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:SecureTransport":"true"}}}`}, action: "s3:GetObject", resource: bucket,
			context: Context{"aws:SecureTransport": {"true"}}, status: Satisfied},
		{name: "a condition that is not met",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:SecureTransport":"false"}}}`}, action: "s3:GetObject", resource: bucket,
			context: Context{"aws:SecureTransport": {"true"}}, status: Missing, cause: UnmetCondition,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a Deny that depends on a condition",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::*/secret","Condition":{"Bool":{` +
					`"aws:MultiFactorAuthPresent":"false"}}}`}, action: "s3:GetObject", resource: objects,
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-/secret"},
		{name: "a Deny whose condition is ruled out",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{` +
					`"aws:RequestedRegion":"us-east-1"}}}`}, action: "s3:GetObject", resource: objects,
			context: Context{"aws:RequestedRegion": {"us-east-1"}}, status: Satisfied},
		{name: "a variable without a value may match or not",
			policies: []string{allow(`"arn:aws:s3:::remotionlambda-${aws:username}*"`)},
			action:   "s3:GetObject", resource: bucket, status: Conditional, cause: UnmetCondition,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a default is one value of many",
			policies: []string{allow(`"arn:aws:s3:::${aws:username,'b'}"`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b", status: Conditional, cause: UnmetCondition,
			example: "arn:aws:s3:::b"},
		{name: "a default in a condition is one value of many",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` +
				`"StringEquals":{"aws:PrincipalTag/team":"${aws:username,'b'}"}}}`}, action: "s3:GetObject",
			resource: bucket, context: Context{"aws:PrincipalTag/team": {"b"}},
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-"},
		{name: "one action of several under a condition",
			policies: []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{` +
				`"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`}, action: "s3:Get*", resource: bucket,
			status: Partial, cause: NoGrant, example: "arn:aws:s3:::remotionlambda-"},
		{name: "the shortest example is that of the fewest characters",
			policies: []string{allow(`["arn:aws:s3:::?","arn:aws:s3:::"]`), deny(`"arn:aws:s3:::é"`)},
			action:   "s3:GetObject", resource: "arn:aws:s3:::*", status: Partial, cause: IdentityDeny,
			example: "arn:aws:s3:::é"},
		{name: "a variable with a value",
			policies: []string{allow(`"arn:aws:s3:::remotionlambda-${aws:username}*"`)},
			action:   "s3:GetObject", resource: bucket, context: Context{"aws:username": {"ci"}},
			status: Partial, cause: NarrowerGrant, example: "arn:aws:s3:::remotionlambda-"},
		{name: "every action of a service",
			policies: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, action: "s3:Get*",
			resource: bucket, status: Satisfied},
		{name: "an action pattern with a hole",
			policies: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
				`{"Effect":"Deny","Action":"s3:GetBucketPolicy","Resource":"*"}`}, action: "s3:Get*",
			resource: bucket, status: Partial, cause: IdentityDeny, example: "arn:aws:s3:::remotionlambda-"},
		{name: "actions that only a union covers",
			policies: []string{`{"Effect":"Allow","Action":["s3:Get","s3:Get?*"],"Resource":"*"}`},
			action:   "s3:Get*", resource: bucket, status: Satisfied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			document := func(statements string) *Document {
				return mustParse(t, `{"Version":"2012-10-17","Statement":[`+statements+`]}`)
			}
			var g Grants
			for _, p := range test.policies {
				g.Identity = append(g.Identity, Policy{ID: "p", Document: document(p)})
			}
			if test.boundary != "" {
				g.Boundary = &Policy{ID: "boundary", Document: document(test.boundary)}
			}
			for _, scp := range test.scps {
				g.Organization = append(g.Organization, []Policy{{ID: "scp", Document: document(scp)}})
			}
			got := g.Cover(need(t, test.action, test.resource), test.context)
			miss := ""
			if got.Miss != nil {
				miss = got.Miss.String()
			}
			if got.Status != test.status || got.Cause != test.cause || got.ExampleARN != test.example ||
				test.miss != "" && miss != test.miss {
				t.Errorf("%s, %s, %s, %q (%s)\nwant %s, %s, %s, %q", got.Status, got.Cause, got.ExampleARN,
					miss, got.Reason, test.status, test.cause, test.example, test.miss)
			}
		})
	}
}

// A name that cannot exist is not a hole.
func TestNamed(t *testing.T) {
	all := statement(`"Effect":"Allow","Action":"*","Resource":"*"`)
	deny := func(resource string) string {
		return statement(`"Effect":"Deny","Action":"*","Resource":"` + resource + `"`)
	}
	tests := []struct {
		action, resource, deny string
		want                   Status
	}{
		{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-*",
			"arn:aws:lambda:*:*:function:prod-*", Satisfied},
		{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-*",
			"arn:aws:lambda:*:*:function:*-prod", Partial},
		{"logs:PutLogEvents",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-*:log-stream:*",
			"arn:aws:logs:*:*:log-group:/aws/lambda/prod-*", Satisfied},
		// The Deny matches text within the object key.
		{"s3:GetObject", "arn:aws:s3:::remotionlambda-useast1-*/*", "arn:aws:s3:::*Secret*/x", Partial},
		{"s3:GetObject", "arn:aws:s3:::remotionlambda-useast1-*/*",
			"arn:aws:s3:::remotionlambda-useast1-?/x", Partial},
		{"s3:ListBucket", "arn:aws:s3:::remotionlambda-useast1-*", "arn:aws:s3:::*/*", Satisfied},
		{"s3:ListBucket", "arn:aws:s3:::remotionlambda-useast1-*", "arn:aws:s3:::*Secret*", Satisfied},
	}
	for _, test := range tests {
		g := identity(t, all, deny(test.deny))
		got := g.Cover(need(t, test.action, test.resource).Named(), nil)
		if got.Status != test.want {
			t.Errorf("%s on %s without %s: %s, example %s; want %s", test.action, test.resource, test.deny,
				got.Status, got.ExampleARN, test.want)
		}
	}
}
