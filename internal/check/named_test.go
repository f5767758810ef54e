package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// target returns a target with named buckets and functions.
func target(t *testing.T, kind policies.PolicyKind, buckets, functions string) Target {
	t.Helper()
	result := Target{Kind: kind}
	for _, text := range strings.Fields(buckets) {
		b, err := ParseBucket(text)
		if err != nil {
			t.Fatal(err)
		}
		result.Buckets = append(result.Buckets, b)
	}
	for _, text := range strings.Fields(functions) {
		f, err := ParseFunction(text)
		if err != nil {
			t.Fatal(err)
		}
		result.Functions = append(result.Functions, f)
	}
	return result
}

// TestNamedResources checks which buckets and functions a target with names needs.
func TestNamedResources(t *testing.T) {
	t.Parallel()
	const own, remotion = "arn:aws:s3:::acme", "arn:aws:s3:::remotionlambda-"
	tests := []struct {
		name, buckets, functions string
		kind                     policies.PolicyKind
		needed, unneeded         []string // action and beginning of the resource
	}{
		{"no names", "", "", policies.Role,
			[]string{"s3:GetObject " + remotion, "s3:CreateBucket " + remotion, "s3:ListAllMyBuckets *",
				"lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-"}, nil},
		{"a bucket of the deployment", "acme", "", policies.Role,
			[]string{"s3:GetObject " + own + "/*", "s3:DeleteObject " + own + "/*", "s3:ListBucket " + own,
				"lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-"},
			[]string{"s3:CreateBucket ", "s3:ListAllMyBuckets ", "s3:GetBucketLocation ",
				"s3:GetObject " + remotion}},
		{"a bucket of the deployment, for a user", "acme", "", policies.User,
			[]string{"s3:GetObject " + own + "/*", "s3:ListAllMyBuckets *"},
			[]string{"s3:CreateBucket ", "s3:GetBucketLocation ", "s3:GetObject " + remotion}},
		{"a bucket that only receives outputs", "acme=output", "", policies.Role,
			[]string{"s3:PutObject " + own + "/*", "s3:PutObjectAcl " + own + "/*",
				"s3:PutObject " + remotion, "s3:CreateBucket " + remotion, "s3:ListAllMyBuckets *"},
			[]string{"s3:DeleteObject " + own}},
		{"a bucket without ACLs", "acme=output+no-acl", "", policies.Role,
			[]string{"s3:PutObject " + own + "/*"}, []string{"s3:PutObjectAcl " + own}},
		{"a bucket of the deployment and one for outputs", "acme out=output", "", policies.Role,
			[]string{"s3:GetObject " + own + "/*", "s3:PutObject arn:aws:s3:::out/*"},
			[]string{"s3:GetObject " + remotion, "s3:DeleteObject arn:aws:s3:::out"}},
		{"a bucket with a name from Remotion", "remotionlambda-useast1-abc", "", policies.Role,
			[]string{"s3:GetObject arn:aws:s3:::remotionlambda-useast1-abc/*", "s3:ListAllMyBuckets *"},
			[]string{"s3:GetObject arn:aws:s3:::remotionlambda-*"}},
		{"a function in a region", "", "acme@eu-west-1", policies.Role,
			[]string{"lambda:InvokeFunction arn:aws:lambda:eu-west-1:*:function:acme",
				"logs:PutLogEvents arn:aws:logs:eu-west-1:*:log-group:/aws/lambda/acme:"},
			[]string{"lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-"}},
		{"functions in several regions", "", "acme@eu-west-1 acme@us-east-1 more", policies.Role,
			[]string{"lambda:InvokeFunction arn:aws:lambda:eu-west-1:*:function:acme",
				"lambda:InvokeFunction arn:aws:lambda:us-east-1:*:function:acme",
				"lambda:InvokeFunction arn:aws:lambda:us-east-1:*:function:more"}, nil},
		{"a function in any region", "", "acme", policies.User,
			[]string{"lambda:InvokeFunction arn:aws:lambda:*:*:function:acme"},
			[]string{"lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-"}},
	}
	for _, test := range tests {
		required, err := ReleaseRequirements(target(t, test.kind, test.buckets, test.functions),
			policies.Latest())
		if err != nil {
			t.Fatal(err)
		}
		has := func(start string) bool {
			return slices.ContainsFunc(required.Requirements, func(r Requirement) bool {
				return strings.HasPrefix(r.Action+" "+r.Resource, start)
			})
		}
		for _, start := range test.needed {
			if !has(start) {
				t.Errorf("%s: %s is not needed", test.name, start)
			}
		}
		for _, start := range test.unneeded {
			if has(start) {
				t.Errorf("%s: %s is needed", test.name, start)
			}
		}
		for _, r := range required.Requirements {
			if len(r.demands) == 0 {
				t.Errorf("%s: %s on %s has no demand", test.name, r.Action, r.Resource)
			}
		}
	}
}

// TestInferAccount checks that the account of a named function comes only from Allow statements
// that agree.
func TestInferAccount(t *testing.T) {
	t.Parallel()
	statement := func(effect, resource string) string {
		return fmt.Sprintf(`{"Effect":%q,"Action":"lambda:*","Resource":%q}`, effect, resource)
	}
	const one = "arn:aws:lambda:eu-west-1:123456789012:function:acme"
	named := target(t, policies.Role, "", "acme@eu-west-1")
	for _, test := range []struct {
		name   string
		target Target
		policy string
		want   string
	}{
		{"the ARN of the function", named, statement("Allow", one), "123456789012"},
		{"the ARN of a version", named, statement("Allow", one+":*"), "123456789012"},
		{"two statements that agree", named, statement("Allow", one) + "," +
			statement("Allow", strings.Replace(one, "eu-west-1", "*", 1)), "123456789012"},
		{"two accounts", named, statement("Allow", one) + "," +
			statement("Allow", strings.Replace(one, "1234", "9876", 1)), ""},
		{"another function", named, statement("Allow", one+"-dev"), ""},
		{"any account", named, statement("Allow", "arn:aws:lambda:*:*:function:acme"), ""},
		{"a Deny", named, statement("Deny", one), ""},
		{"no named function", target(t, policies.Role, "acme", ""), statement("Allow", one), ""},
		{"an account of the target", Target{Account: "210987654321", Functions: named.Functions},
			statement("Allow", one), "210987654321"},
	} {
		g := grants(t, `{"Version":"2012-10-17","Statement":[`+test.policy+`]}`)
		got := test.target.InferAccount(g)
		if got.Account != test.want || got.inferred != (test.want != test.target.Account) {
			t.Errorf("%s: account %q, inferred %v; want %q", test.name, got.Account, got.inferred, test.want)
		}
	}
}
