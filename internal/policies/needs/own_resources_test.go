package needs

import (
	"fmt"
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestOwnResources checks what the buckets, layers and networks of an account add to the
// requirements of release 4.0.527.
func TestOwnResources(t *testing.T) {
	const (
		layer   = "arn:aws:lambda:us-east-1:123456789012:layer:chromium:7"
		newer   = "arn:aws:lambda:us-east-1:123456789012:layer:chromium:*"
		ec2     = "arn:aws:ec2:us-east-1:123456789012:"
		objects = "arn:aws:s3:::acme/*"
	)
	buckets := func(text string) func(*Scope) {
		return func(p *Scope) { p.Buckets = policytest.Buckets(t, text) }
	}
	for _, test := range []struct {
		name    string
		kind    policies.PolicyKind
		purpose policies.Purpose
		change  func(*Scope)
		// want has the action and the pattern of each further need.
		want []string
	}{
		{"a role writes to an output bucket and looks for outputs", policies.Role, "render",
			buckets("acme=output"), []string{"s3:ListBucket arn:aws:s3:::acme", "s3:GetObject " + objects,
				"s3:PutObjectAcl " + objects, "s3:PutObject " + objects}},
		{"without ACLs, a role does not set them", policies.Role, "render",
			buckets("acme=output+no-acl"), []string{"s3:ListBucket arn:aws:s3:::acme",
				"s3:GetObject " + objects, "s3:PutObject " + objects}},
		{"a role does not use a site bucket, whose sites are public", policies.Role, "render",
			buckets("acme=site"), nil},
		{"a caller downloads outputs", policies.User, "render", buckets("acme=output"),
			[]string{"s3:GetObject " + objects}},
		{"a caller that only invokes does not use an output bucket", policies.User, "invoke",
			buckets("acme=output"), nil},
		{"a caller deletes outputs with their renders", policies.User, "delete-render",
			buckets("acme=output"), []string{"s3:DeleteObject " + objects}},
		{"a caller uploads sites", policies.User, "sites", buckets("acme=site"),
			[]string{"s3:GetObject " + objects, "s3:DeleteObject " + objects,
				"s3:PutObjectAcl " + objects, "s3:PutObject " + objects, "s3:ListBucket arn:aws:s3:::acme",
				"s3:GetBucketLocation arn:aws:s3:::acme"}},
		{"a bucket with an old name needs its location", policies.Role, "render",
			buckets("remotionlambda-abcdef"), []string{
				"s3:ListBucket arn:aws:s3:::remotionlambda-abcdef",
				"s3:GetObject arn:aws:s3:::remotionlambda-abcdef/*",
				"s3:DeleteObject arn:aws:s3:::remotionlambda-abcdef/*",
				"s3:PutObjectAcl arn:aws:s3:::remotionlambda-abcdef/*",
				"s3:PutObject arn:aws:s3:::remotionlambda-abcdef/*",
				"s3:GetBucketLocation arn:aws:s3:::remotionlambda-abcdef"}},
		{"a caller that deploys own layers reads and replaces them", policies.User, "deploy",
			func(p *Scope) { p.OwnLayers = map[string][]string{"us-east-1": {layer}} }, []string{
				"lambda:GetLayerVersion " + newer,
				"lambda:GetFunctionConfiguration arn:aws:lambda:us-east-1:123456789012:function:" +
					"remotion-render-*",
				"lambda:UpdateFunctionConfiguration arn:aws:lambda:us-east-1:123456789012:function:" +
					"remotion-render-*"}},
		{"a caller that renders does not read layers", policies.User, "render",
			func(p *Scope) { p.OwnLayers = map[string][]string{"us-east-1": {layer}} }, nil},
		{"a role of functions in a VPC has network interfaces", policies.Role, "render",
			func(p *Scope) {
				p.VPC = map[string]VPC{"us-east-1": {[]string{"subnet-1"}, []string{"sg-1"}}}
			}, []string{"ec2:CreateNetworkInterface " + ec2 + "network-interface/*",
				"ec2:CreateNetworkInterface " + ec2 + "subnet/subnet-1",
				"ec2:CreateNetworkInterface " + ec2 + "security-group/sg-1",
				"ec2:DescribeNetworkInterfaces *",
				"ec2:DeleteNetworkInterface " + ec2 + "network-interface/*"}},
		{"a caller that deploys into a VPC describes it", policies.User, "deploy",
			func(p *Scope) {
				p.VPC = map[string]VPC{"us-east-1": {[]string{"subnet-1"}, []string{"sg-1"}}}
			}, []string{"ec2:DescribeSecurityGroups *", "ec2:DescribeSubnets *",
				"ec2:DescribeVpcs *"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			needs := func(p Scope) (list []string) {
				releases := []policies.Release{policytest.Release(t, "4.0.527")}
				for _, r := range p.Requirements(releases, test.kind, test.purpose) {
					for _, n := range p.Needed(r) {
						list = append(list, fmt.Sprint(n.Action, " ", n.Pattern))
					}
				}
				return list
			}
			before, changed := testScope, testScope
			test.change(&changed)
			known := needs(before)
			got := slices.DeleteFunc(needs(changed), func(s string) bool {
				return slices.Contains(known, s)
			})
			if !slices.Equal(got, test.want) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestFunctionsWithoutRemotionsLayers checks that Remotion's layers are not needed in a region
// whose functions all have other layers.
func TestFunctionsWithoutRemotionsLayers(t *testing.T) {
	p := testScope
	p.WithoutRemotionLayers = []string{"us-east-1"}
	releases := []policies.Release{policytest.Release(t, "4.0.527")}
	for _, r := range p.Requirements(releases, policies.User, policies.All) {
		if r.Action == "lambda:GetLayerVersion" && !r.IsInsights() {
			for _, n := range p.Needed(r) {
				if n.Region == "us-east-1" {
					t.Errorf("%s is needed", n.Pattern)
				}
			}
		}
	}
}
