package needs

import (
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

var testScope = Scope{
	Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"},
	Caller:     "arn:aws:iam::123456789012:user/ci/render",
	RenderRole: "arn:aws:iam::123456789012:role/service-role/remotion-lambda-role",
}

// TestDocumentGrantsTheNeeds checks that a documented policy grants all its needs, so that the
// audit never requires more than Remotion documents.
func TestDocumentGrantsTheNeeds(t *testing.T) {
	for _, release := range slices.Concat(policies.Releases(policies.AWS),
		policies.Releases(policies.China)) {
		arn := "arn:" + release.Partition + ":iam::123456789012:"
		scope := Scope{Partition: release.Partition, Account: testScope.Account,
			Regions: policies.Regions(release.Partition)[:2],
			Caller:  arn + "user/render", RenderRole: arn + "role/remotion-lambda-role"}
		context := iampolicy.Context{"aws:username": {"render"}}
		for _, kind := range policies.Kinds {
			doc := policytest.Parse(t, release.Document(kind))
			g := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
			for _, req := range release.Requirements(kind) {
				if req.ForOldNames() {
					continue // the scope has no bucket with an old name
				}
				needed := scope.Needed(req)
				if len(needed) == 0 {
					t.Errorf("%s %s %s has no needs", release, req.Sid, req.Action)
				}
				for _, q := range needed {
					if got := g.Evaluate(iampolicy.Request{Action: q.Action, Resource: q.Resource,
						Context: context}).Decision; got != iampolicy.Allowed {
						t.Errorf("%s: %s %s on %s: %v", release, req.Sid, q.Action, q.Resource, got)
					}
					if strings.Contains(q.Resource, "*") && q.Resource != "*" {
						t.Errorf("%s is a pattern", q.Resource)
					}
				}
			}
		}
	}
}

func TestNeeded(t *testing.T) {
	named := testScope
	named.Buckets = policytest.Buckets(t, "remotionlambda-useast1-abcdefghij", "videos.example")
	tests := []struct {
		name   string
		scope  Scope
		kind   policies.PolicyKind
		action string
		sid    string
		want   []string
	}{
		{"an object action needs an object in a bucket of each region", testScope, policies.User, "s3:GetObject",
			"Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u/renders/r3m0t10n4u/out.mp4"}},
		{"a bucket action needs a bucket of each region",
			testScope, policies.User, "s3:PutBucketPolicy", "Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-r3m0t10n4u",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"a real bucket replaces the synthetic one", named, policies.User, "s3:ListBucket", "Storage",
			[]string{"arn:aws:s3:::remotionlambda-useast1-abcdefghij",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"CreateBucket does not need a custom bucket",
			named, policies.User, "s3:CreateBucket", "Storage", []string{
				"arn:aws:s3:::remotionlambda-useast1-abcdefghij",
				"arn:aws:s3:::remotionlambda-euwest1-r3m0t10n4u"}},
		{"PassRole needs the real role", testScope, policies.User, "iam:PassRole", "LambdaInvokation",
			[]string{testScope.RenderRole}},
		{"SimulatePrincipalPolicy needs the caller", testScope, policies.User, "iam:SimulatePrincipalPolicy",
			"PermissionValidation", []string{testScope.Caller}},
		{"GetFunction needs Remotion's functions", testScope, policies.User, "lambda:GetFunction",
			"FunctionListing", []string{
				"arn:aws:lambda:us-east-1:123456789012:function:" +
					"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
				"arn:aws:lambda:eu-west-1:123456789012:function:" +
					"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec"}},
		{"an action without a resource type needs *", testScope, policies.User, "s3:ListAllMyBuckets",
			"BucketListing", []string{"*", "*"}},
		{"RequestServiceQuotaIncrease needs the quota of each region", testScope, policies.User,
			"servicequotas:RequestServiceQuotaIncrease", "HandleQuotas", []string{
				"arn:aws:servicequotas:us-east-1:123456789012:lambda/L-B99A9384",
				"arn:aws:servicequotas:eu-west-1:123456789012:lambda/L-B99A9384"}},
		{"GetAWSDefaultServiceQuota names no quota", testScope, policies.User,
			"servicequotas:GetAWSDefaultServiceQuota", "HandleQuotas", []string{"*", "*"}},
		{"PutLogEvents needs a log stream", testScope, policies.Role, "logs:PutLogEvents", "4", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/" +
				"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:" +
				"2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/" +
				"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec:log-stream:" +
				"2026/01/01/[$LATEST]0123456789abcdef0123456789abcdef"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			reqs := policies.Latest().Requirements(test.kind)
			i := slices.IndexFunc(reqs, func(r policies.Requirement) bool {
				return r.Action == test.action && r.Sid == test.sid
			})
			if i < 0 {
				t.Fatalf("no requirement %s %s", test.sid, test.action)
			}
			var got []string
			for _, q := range test.scope.Needed(reqs[i]) {
				got = append(got, q.Resource)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestCustomNamesAddNeeds checks that the role of a function, a function with a custom name and a
// custom bucket each add needs that the documented policy does not grant.
func TestCustomNamesAddNeeds(t *testing.T) {
	const standard = "remotion-render-4-0-240-mem2048mb-disk2048mb-120sec"
	custom := testScope
	custom.RenderRole = "arn:aws:iam::123456789012:role/remotion-lambda-role"
	custom.FunctionRoles = []string{custom.RenderRole,
		"arn:aws:iam::123456789012:role/service-role/clips"}
	custom.Functions = map[string][]string{"us-east-1": {standard,
		"remotion-render-4-0-418-mem2048mb-disk2048mb-120sec", "clips"}, "eu-west-1": {"clips"}}
	custom.Regions = []string{"us-east-1", "eu-west-1", "eu-west-2"}
	custom.Buckets = policytest.Buckets(t, "videos.example")
	tests := []struct {
		kind     policies.PolicyKind
		action   string
		patterns []string
		missing  []string
	}{
		{policies.User, "lambda:InvokeFunction", []string{
			"arn:aws:lambda:us-east-1:123456789012:function:remotion-render-*",
			"arn:aws:lambda:us-east-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-2:123456789012:function:remotion-render-*",
		}, []string{"arn:aws:lambda:us-east-1:123456789012:function:clips",
			"arn:aws:lambda:eu-west-1:123456789012:function:clips"}},
		{policies.User, "logs:PutRetentionPolicy", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-*",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-2:123456789012:log-group:/aws/lambda/remotion-render-*",
		}, []string{"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips"}},
		{policies.Role, "logs:PutLogEvents", []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/remotion-render-*:log-stream:*",
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips:log-stream:*",
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips:log-stream:*",
			"arn:aws:logs:eu-west-2:123456789012:log-group:/aws/lambda/remotion-render-*:log-stream:*",
		}, []string{
			"arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/clips:log-stream:" + syntheticStream,
			"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/clips:log-stream:" + syntheticStream,
		}},
		{policies.User, "iam:PassRole", custom.FunctionRoles, custom.FunctionRoles[1:]},
		{policies.Role, "s3:PutObject", []string{
			"arn:aws:s3:::remotionlambda-useast1-*/*", "arn:aws:s3:::remotionlambda-euwest1-*/*",
			"arn:aws:s3:::remotionlambda-euwest2-*/*"}, nil},
	}
	for _, test := range tests {
		t.Run(test.action, func(t *testing.T) {
			doc := policytest.Parse(t, policies.Latest().Document(test.kind))
			documented := iampolicy.Grants{Identity: []iampolicy.Policy{{Document: doc}}}
			reqs := custom.Requirements([]policies.Release{policies.Latest()}, test.kind, policies.All)
			i := slices.IndexFunc(reqs, func(r policies.Requirement) bool {
				return r.Action == test.action &&
					!r.IsInsights()
			})
			var patterns, missing []string
			for _, n := range custom.Needed(reqs[i]) {
				patterns = append(patterns, n.Pattern)
				if documented.Evaluate(iampolicy.Request{Action: n.Action,
					Resource: n.Resource}).Decision != iampolicy.Allowed {
					missing = append(missing, n.Resource)
				}
			}
			if !slices.Equal(patterns, test.patterns) {
				t.Errorf("needs %q\nwant  %q", patterns, test.patterns)
			}
			if !slices.Equal(missing, test.missing) {
				t.Errorf("the document does not grant %q\nwant %q", missing, test.missing)
			}
		})
	}
}

func TestRequirementsLeavesOutRequirementsWithoutNeeds(t *testing.T) {
	has := func(p Scope, action string, version string, resource string) bool {
		r := policytest.Release(t, version)
		required := p.Requirements([]policies.Release{r}, policies.User, policies.All)
		return slices.ContainsFunc(required, func(r policies.Requirement) bool {
			return r.Action == action && strings.Contains(r.Resource, resource)
		})
	}
	africa, role := testScope, testScope
	africa.Regions = []string{"af-south-1"}
	enabled := africa
	enabled.InsightsRegions = africa.Regions
	role.Caller = "arn:aws:iam::123456789012:role/ci"
	for _, test := range []struct {
		name string
		got  bool
		want bool
	}{
		{"a user needs iam:GetUser", has(testScope, "iam:GetUser", "3.0.0", ""), true},
		{"a role does not need iam:GetUser", has(role, "iam:GetUser", "3.0.0", ""), false},
		{"us-east-1 needs Insights from the documented account",
			has(testScope, "lambda:GetLayerVersion", "4.0.240", "580247275435"), true},
		{"af-south-1 does not need Insights from the documented account",
			has(africa, "lambda:GetLayerVersion", "4.0.240", "580247275435"), false},
		{"af-south-1 needs Insights from another account if a function has it",
			has(enabled, "lambda:GetLayerVersion", "4.0.240", "012438385374"), true},
		{"af-south-1 does not need Insights that no function has",
			has(africa, "lambda:GetLayerVersion", "4.0.240", "012438385374"), false},
	} {
		if test.got != test.want {
			t.Errorf("%s: %v, want %v", test.name, test.got, test.want)
		}
	}
}

// TestOldBucketNames checks for which buckets of Remotion the region has to be read from S3,
// because Remotion cannot read it from the name.
func TestOldBucketNames(t *testing.T) {
	release := policies.Latest()
	for bucket, want := range map[string]bool{
		"remotionlambda-abc123=output":   true,
		"acme-output":                    false,
		"remotionlambda-useast1-abc123":  false,
		"remotionlambda-abc123":          true,
		"remotionlambda-useast1-my-name": true,
		"remotionlambda-useast1-my.name": true,
		"remotionlambda-useast9-abc123":  true,
	} {
		b, err := policies.ParseBucket(bucket)
		if err != nil {
			t.Fatal(err)
		}
		scope := Scope{Partition: policies.AWS, Account: "123456789012",
			Regions: []string{"us-east-1"}, Buckets: []policies.Bucket{b}}
		got := slices.ContainsFunc(scope.Requirements([]policies.Release{release}, policies.Role,
			policies.All), func(r policies.Requirement) bool { return r.Action == "s3:GetBucketLocation" })
		if got != want {
			t.Errorf("%s: the role needs s3:GetBucketLocation: %v, want %v", bucket, got, want)
		}
	}
}
