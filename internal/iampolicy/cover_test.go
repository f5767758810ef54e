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
	// These action patterns overlap in too many ways for the budget.
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
		{name: "a pattern with a shorter prefix covers the need",
			policies: []string{allow(`"arn:aws:s3:::remotion*"`)},
			action:   "s3:GetObject", resource: objects, status: Satisfied},
		{name: "a bucket pattern covers the objects of the bucket",
			policies: []string{allow(`"` + bucket + `"`)},
			action:   "s3:GetObject", resource: objects, status: Satisfied},
		{name: "a need without an Allow for its action is missing",
			policies: []string{`{"Effect":"Allow","Action":"s3:Put*","Resource":"*"}`},
			action:   "s3:GetObject", resource: objects, status: Missing, cause: NoGrant,
			example: "arn:aws:s3:::remotionlambda-/"},
		{name: "a Deny on some resources makes the need partial",
			policies: []string{all, deny(`"arn:aws:s3:::remotionlambda-secret*"`)}, action: "s3:GetObject",
			resource: bucket,
			status:   Partial, cause: IdentityDeny, example: "arn:aws:s3:::remotionlambda-secret"},
		{name: "a Deny on every resource makes the need denied",
			policies: []string{all, `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`},
			action:   "s3:GetObject", resource: bucket, status: Denied, cause: IdentityDeny,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a Deny on other resources does not matter",
			policies: []string{all, deny(`"arn:aws:s3:::secret*"`)},
			action:   "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "a union of two patterns covers the need",
			policies: []string{allow(`["arn:aws:s3:::b-","arn:aws:s3:::b-?*"]`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b-*", status: Satisfied},
		{name: "a union of two policies covers the need", policies: []string{allow(`"arn:aws:s3:::b"`),
			allow(`"arn:aws:s3:::b?*"`)}, action: "s3:GetObject", resource: "arn:aws:s3:::b*",
			status: Satisfied},
		{name: "a union of two patterns with a hole makes the need partial",
			policies: []string{allow(`["arn:aws:s3:::b-","arn:aws:s3:::b-??*"]`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b-*", status: Partial, cause: NarrowerGrant,
			example: "arn:aws:s3:::b-x"},
		{name: "one literal character does not cover every character",
			policies: []string{allow(`"arn:aws:s3:::\ue002"`),
				allow(`"arn:aws:s3:::\ufffd"`)}, action: "s3:GetObject", resource: "arn:aws:s3:::*",
			status: Partial, cause: NarrowerGrant, example: "arn:aws:s3:::x"},
		{name: "a pattern that exceeds the budget covers a need with the same pattern",
			policies: []string{allow(`"arn:aws:s3:::` + strings.Repeat("?*a", 3000) + `"`)},
			action:   "s3:GetObject", resource: "arn:aws:s3:::" + strings.Repeat("?*a", 3000),
			status: Satisfied},
		{name: "a literal question mark of the policy does not cover a wildcard of the need",
			policies: []string{allow(`"arn:aws:s3:::a${?}"`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::a${?}", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::a${x}"},
		{name: "a need for every action is partial if the search spends its budget", policies: many,
			action: "*", resource: "*", status: Partial, cause: NoGrant, example: "*"},
		{name: "a typo is reported with its position",
			policies: []string{allow(`"arn:aws:s3:::remotionlamda-*"`)}, action: "s3:GetObject",
			resource: bucket, status: Missing, cause: NarrowerGrant, example: "arn:aws:s3:::remotionlambda-",
			miss: "typo at character 25 (has remotionlamda-, needs remotionlambda-)"},
		{name: "a pattern with one colon too few has fewer fields than an ARN",
			policies: []string{allow(`"arn:aws:s3::remotionlambda-*"`)},
			action:   "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-", miss: "fewer fields than an ARN has"},
		{name: "a pattern that differs only in case is reported as wrong case",
			policies: []string{allow(`"arn:aws:s3:::RemotionLambda-*"`)},
			action:   "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-",
			miss: "wrong case at character 14 (has arn:aws:s3:::RemotionLambda-*, needs " +
				"arn:aws:s3:::remotionlambda-*)"},
		{name: "a grant in one region makes a need for all regions partial",
			policies: []string{allow(`"arn:aws:lambda:us-east-1:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-2:123456789012:function:remotion-render-",
			miss:    "wrong region (has us-east-1, needs us-east-2)"},
		{name: "a star for region and account, and a Deny in one account: other accounts are granted",
			policies: []string{allow(`"arn:aws:lambda:*:function:remotion-render-*"`),
				deny(`"arn:aws:lambda:*:123456789012:*"`)},
			action: "lambda:InvokeFunction", resource: fn, status: Partial, cause: IdentityDeny,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-"},
		{name: "a star for region and account, and a Deny in every account: denied",
			policies: []string{allow(`"arn:aws:lambda:*:function:remotion-render-*"`),
				deny(`"arn:aws:lambda:*:*:function:*"`)},
			action: "lambda:InvokeFunction", resource: fn, status: Denied, cause: IdentityDeny,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-"},
		{name: "a star for region and account of another resource grants nothing",
			policies: []string{allow(`"arn:aws:lambda:*:layer:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-",
			miss:    "wrong account (has layer, needs 123456789012)"},
		{name: "a grant in another region is reported as wrong region",
			policies: []string{allow(`"arn:aws:lambda:us-east-1:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction",
			resource: "arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-*", status: Missing,
			cause:   NarrowerGrant,
			example: "arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-",
			miss:    "wrong region (has us-east-1, needs eu-west-1)"},
		{name: "a grant in another account is reported as wrong account",
			policies: []string{allow(`"arn:aws:lambda:*:210987654321:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-",
			miss:    "wrong account (has 210987654321, needs 123456789012)"},
		{name: "a grant on another resource of another account is no near match",
			policies: []string{allow(`"arn:aws:lambda:*:210987654321:layer:shared-*"`)},
			action:   "lambda:GetLayerVersion", resource: "arn:aws:lambda:*:*:layer:own:*",
			status: Missing, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:layer:own:", miss: "narrower"},
		{name: "a grant for another service is reported as wrong service",
			policies: []string{allow(`"arn:aws:sns:::remotionlambda-*"`)},
			action:   "s3:GetObject", resource: bucket, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-", miss: "wrong service (has sns, needs s3)"},
		{name: "a grant on a bucket does not cover its objects",
			policies: []string{allow(`"arn:aws:s3:::b"`)},
			action:   "s3:GetObject", resource: "arn:aws:s3:::b/*", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::b/", miss: "it matches the bucket, but not its objects: add /* (arn:aws:s3:::b/*)"},
		{name: "a grant on objects does not cover their bucket",
			policies: []string{allow(`"arn:aws:s3:::b/*"`)},
			action:   "s3:ListBucket", resource: "arn:aws:s3:::b", status: Missing, cause: NarrowerGrant,
			example: "arn:aws:s3:::b",
			miss:    "it matches the objects, but not the bucket: add the bucket's own ARN, arn:aws:s3:::b"},
		{name: "a grant on a log group does not cover its streams",
			policies: []string{allow(`"arn:aws:logs:*:*:log-group:/aws/lambda/f"`)},
			action:   "logs:PutLogEvents", cause: NarrowerGrant, status: Missing,
			resource: "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:log-stream:*",
			example:  "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:log-stream:",
			miss: "it matches the log group, but not its streams: add :* " +
				"(arn:aws:logs:*:*:log-group:/aws/lambda/f:*)"},
		{name: "a star that spans region and account covers a function",
			policies: []string{allow(`"arn:aws:lambda:*:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Satisfied},
		{name: "twelve question marks cover an account number",
			policies: []string{allow(`"arn:aws:lambda:*:????????????:function:remotion-render-*"`)},
			action:   "lambda:InvokeFunction",
			resource: "arn:aws:lambda:us-east-1:1234567890??:function:remotion-render-*", status: Satisfied},
		{name: "a typo in a function's name grants nothing",
			policies: []string{allow(`"arn:aws:lambda:*:*:function:remotoin-render-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Missing, cause: NarrowerGrant,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-",
			miss:    "typo at character 34 (has function:remotoin-render-, needs function:remotion-render-)"},
		{name: "a Deny with a star that matches colons makes the need partial",
			policies: []string{all, deny(`"arn:aws:lambda:*:*:function:prod-*"`)},
			action:   "lambda:InvokeFunction", resource: fn, status: Partial, cause: IdentityDeny,
			example: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-:function:prod-"},
		{name: "only the pattern * grants a request without a resource",
			policies: []string{allow(`"arn:aws:s3:::*"`)},
			action:   "s3:ListAllMyBuckets", resource: "*", status: Partial, cause: NarrowerGrant,
			example: "*", miss: "the action takes no resource: use *"},
		{name: "the pattern of functions does not grant their list",
			policies: []string{allow(`"arn:aws:lambda:*:*:function:*"`)},
			action:   "lambda:ListFunctions", resource: "*", status: Partial, cause: NarrowerGrant,
			example: "*", miss: "the action takes no resource: use *"},
		{name: "a request without a resource is not the only one for an action with resources",
			policies: []string{allow(`"arn:aws:s3:::*"`)},
			action:   "s3:GetObject", resource: "*", status: Partial, cause: NarrowerGrant,
			example: "*", miss: `the action needs the resource "*"`},
		{name: "the pattern * grants every request",
			policies: []string{all}, action: "s3:ListAllMyBuckets",
			resource: "*", status: Satisfied},
		{name: "an Allow with NotResource covers every other resource",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::secret*"}`},
			action:   "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "an Allow with NotResource makes the need partial if it excludes a needed resource",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*-private"}`},
			action:   "s3:GetObject", resource: bucket, status: Partial, cause: NarrowerGrant,
			example: "arn:aws:s3:::remotionlambda-private"},
		{name: "an Allow with NotResource and an Allow for the excluded resources cover the need",
			policies: []string{`{"Effect":"Allow","Action":"*","NotResource":"arn:aws:s3:::*-private"}`,
				allow(`"arn:aws:s3:::*private"`)}, action: "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "a Deny with NotResource makes the need partial",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","NotResource":"arn:aws:s3:::remotionlambda-useast1-*"}`},
			action: "s3:GetObject", resource: bucket, status: Partial, cause: IdentityDeny,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "an Allow with NotAction covers every other action",
			policies: []string{`{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}`},
			action:   "s3:GetObject", resource: bucket, status: Satisfied},
		{name: "a boundary that allows some resources makes the need partial", policies: []string{all},
			boundary: allow(`"arn:aws:s3:::remotionlambda-useast1-*"`), action: "s3:GetObject",
			resource: bucket, status: Partial, cause: PermissionsBoundary,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a level of the organization that allows other actions makes the need denied",
			policies: []string{all},
			scps:     []string{all, `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`},
			action:   "s3:GetObject", resource: bucket, status: Denied, cause: SCP,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a Deny in a level of the organization makes the need partial", policies: []string{all},
			scps: []string{all, all + "," + deny(`"arn:aws:s3:::*/tmp/*"`)}, action: "s3:GetObject",
			resource: objects, status: Partial, cause: SCP, example: "arn:aws:s3:::remotionlambda-/tmp/"},
		{name: "an Allow with a condition on an unknown key is conditional",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:MultiFactorAuthPresent":"true"}}}`}, action: "s3:GetObject", resource: bucket,
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-"},
		{name: "an Allow with a condition that is met covers the need",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:SecureTransport":"true"}}}`}, action: "s3:GetObject", resource: bucket,
			context: Context{"aws:SecureTransport": {"true"}}, status: Satisfied},
		{name: "an Allow with a condition that is not met grants nothing",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{` +
				`"aws:SecureTransport":"false"}}}`}, action: "s3:GetObject", resource: bucket,
			context: Context{"aws:SecureTransport": {"true"}}, status: Missing, cause: UnmetCondition,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "a Deny with a condition on an unknown key makes the need conditional",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","Resource":"arn:aws:s3:::*/secret","Condition":{"Bool":{` +
					`"aws:MultiFactorAuthPresent":"false"}}}`}, action: "s3:GetObject", resource: objects,
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-/secret"},
		{name: "a Deny with a condition that is not met does not matter",
			policies: []string{all,
				`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{` +
					`"aws:RequestedRegion":"us-east-1"}}}`}, action: "s3:GetObject", resource: objects,
			context: Context{"aws:RequestedRegion": {"us-east-1"}}, status: Satisfied},
		{name: "an Allow with a variable without a value is conditional",
			policies: []string{allow(`"arn:aws:s3:::remotionlambda-${aws:username}*"`)},
			action:   "s3:GetObject", resource: bucket, status: Conditional, cause: UnmetCondition,
			example: "arn:aws:s3:::remotionlambda-"},
		{name: "an Allow with the default of a variable is conditional",
			policies: []string{allow(`"arn:aws:s3:::${aws:username,'b'}"`)}, action: "s3:GetObject",
			resource: "arn:aws:s3:::b", status: Conditional, cause: UnmetCondition,
			example: "arn:aws:s3:::b"},
		{name: "an Allow with the default of a variable in its condition is conditional",
			policies: []string{`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` +
				`"StringEquals":{"aws:PrincipalTag/team":"${aws:username,'b'}"}}}`}, action: "s3:GetObject",
			resource: bucket, context: Context{"aws:PrincipalTag/team": {"b"}},
			status: Conditional, cause: UnmetCondition, example: "arn:aws:s3:::remotionlambda-"},
		{name: "a condition on one of several actions makes the need partial",
			policies: []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*","Condition":{` +
				`"Bool":{"aws:MultiFactorAuthPresent":"true"}}}`}, action: "s3:Get*", resource: bucket,
			status: Partial, cause: NoGrant, example: "arn:aws:s3:::remotionlambda-"},
		{name: "the shortest example has the fewest characters, not the fewest bytes",
			policies: []string{allow(`["arn:aws:s3:::?","arn:aws:s3:::"]`), deny(`"arn:aws:s3:::é"`)},
			action:   "s3:GetObject", resource: "arn:aws:s3:::*", status: Partial, cause: IdentityDeny,
			example: "arn:aws:s3:::é"},
		{name: "an Allow for one value of a variable makes the need partial",
			policies: []string{allow(`"arn:aws:s3:::remotionlambda-${aws:username}*"`)},
			action:   "s3:GetObject", resource: bucket, context: Context{"aws:username": {"ci"}},
			status: Partial, cause: NarrowerGrant, example: "arn:aws:s3:::remotionlambda-"},
		{name: "an Allow for every action of a service covers an action pattern",
			policies: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`}, action: "s3:Get*",
			resource: bucket, status: Satisfied},
		{name: "a Deny on one action makes a need for an action pattern partial",
			policies: []string{`{"Effect":"Allow","Action":"s3:*","Resource":"*"}`,
				`{"Effect":"Deny","Action":"s3:GetBucketPolicy","Resource":"*"}`}, action: "s3:Get*",
			resource: bucket, status: Partial, cause: IdentityDeny, example: "arn:aws:s3:::remotionlambda-"},
		{name: "a denied action decides over a missing one",
			policies: []string{`{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}`,
				`{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}`}, action: "s3:Get*",
			resource: bucket, status: Denied, cause: IdentityDeny, example: "arn:aws:s3:::remotionlambda-"},
		{name: "a union of two action patterns covers the need",
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
				t.Errorf("got status %s, cause %s, example %s, miss %q, reason %q\n"+
					"want status %s, cause %s, example %s, miss %q", got.Status, got.Cause, got.ExampleARN,
					miss, got.Reason, test.status, test.cause, test.example, test.miss)
			}
		})
	}
}

// TestRank checks the order of the statuses, and that every status has a place in the order.
func TestRank(t *testing.T) {
	order := []Status{Satisfied, Unverified, Conditional, Partial, Missing, Denied}
	for i, s := range order {
		if s.Rank() != i {
			t.Errorf("%s has rank %d, want %d", s, s.Rank(), i)
		}
	}
	if got := Status("").Rank(); got != 0 {
		t.Errorf("no status has rank %d, want 0", got)
	}
}

// TestNamed checks that a name that cannot exist is not a hole.
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
		{"lambda:GetLayerVersion", "arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-*:*",
			"arn:aws:lambda:*:*:function:prod-*", Satisfied},
		{"lambda:GetLayerVersion", "arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-*:*",
			"arn:aws:lambda:*:*:layer:remotion-binaries-*:3", Partial},
		{"lambda:GetLayerVersion", "arn:aws:lambda:us-east-1:678892195805:layer:remotion-binaries-*",
			"arn:aws:lambda:*:*:layer:remotion-binaries-*:3", Partial},
		// The Deny matches some objects, because Secret may be part of an object key.
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
			t.Errorf("%s on %s with a Deny on %s is %s, example %s; want %s", test.action, test.resource,
				test.deny, got.Status, got.ExampleARN, test.want)
		}
	}
}
