package iam_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func byType(t types.PolicyIdentifierPolicyType) types.PolicyIdentifier {
	return &types.PolicyIdentifierMemberPolicyType{Value: t}
}

func byARN(arn string) types.PolicyIdentifier {
	return &types.PolicyIdentifierMemberPolicyArn{Value: arn}
}

func byName(k types.AttachmentType, holder, policy string) types.PolicyIdentifier {
	return &types.PolicyIdentifierMemberInlinePolicyIdentifier{Value: types.InlinePolicyIdentifierType{
		AttachmentType: k, AttachmentName: &holder, PolicyName: &policy,
	}}
}

func TestAnExcludedPolicyHasNoEffect(t *testing.T) {
	grant := func(action string) string {
		return emutest.DocumentOf(`{"Effect":"Allow","Action":"` + action + `","Resource":"*"}`)
	}
	account := &awsemu.Account{
		Simulator: awsemu.Simulator{PageSize: 100},
		ServiceControlPolicies: awsemu.Organization{{awsemu.FullAWSAccess,
			emutest.DocumentOf(`{"Effect":"Deny","Action":"x:Scp","Resource":"*"}`)}},
		Groups: map[string]awsemu.Group{"team": {Inline: map[string]string{"in": grant("x:Group")},
			Managed: []string{"own"}}},
		Users: map[string]awsemu.User{"ci": {Groups: []string{"team"},
			Inline: map[string]string{"in": grant("x:User"), "scp": grant("x:Scp"),
				"bound": grant("x:Bound")}, Managed: []string{"ReadOnly"}, Boundary: "limits"}},
		Policies: map[string]awsemu.ManagedPolicy{
			"own":      {Path: "/teams/", Document: grant("x:Own")},
			"ReadOnly": {ARN: "arn:aws:iam::aws:policy/job/ReadOnly", Document: grant("x:Aws")},
			"limits": {Document: emutest.DocumentOf(emutest.AllowAny,
				`{"Effect":"Deny","Action":"x:Bound","Resource":"*"}`)},
		},
	}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	const (
		scp      = types.PolicyIdentifierPolicyTypeScp
		boundary = types.PolicyIdentifierPolicyTypePermissionBoundary
	)
	actions := []string{"x:User", "x:Group", "x:Own", "x:Aws", "x:Bound", "x:Scp"}
	tests := []struct {
		name     string
		excluded []types.PolicyIdentifier
		allowed  []string
	}{
		{"nothing", nil, []string{"x:User", "x:Group", "x:Own", "x:Aws"}},
		{"inline policies, including those of groups", []types.PolicyIdentifier{byType("inline")},
			[]string{"x:Own", "x:Aws"}},
		{"AWS managed policies", []types.PolicyIdentifier{byType("aws-managed")},
			[]string{"x:User", "x:Group", "x:Own"}},
		{"customer managed policies, but not the boundary",
			[]types.PolicyIdentifier{byType("user-managed")},
			[]string{"x:User", "x:Group", "x:Aws"}},
		{"the boundary", []types.PolicyIdentifier{byType(boundary)},
			[]string{"x:User", "x:Group", "x:Own", "x:Aws", "x:Bound"}},
		{"service control policies", []types.PolicyIdentifier{byType(scp)},
			[]string{"x:User", "x:Group", "x:Own", "x:Aws", "x:Scp"}},
		{"resource control policies, which do not exist", []types.PolicyIdentifier{byType("rcp")},
			[]string{"x:User", "x:Group", "x:Own", "x:Aws"}},
		{"a managed policy by its ARN",
			[]types.PolicyIdentifier{byARN("arn:aws:iam::123456789012:policy/teams/own")},
			[]string{"x:User", "x:Group", "x:Aws"}},
		{"a managed policy by a pattern",
			[]types.PolicyIdentifier{byARN("arn:aws:iam::aws:policy/j?b/Read*")},
			[]string{"x:User", "x:Group", "x:Own"}},
		{"the ARN of the boundary excludes nothing",
			[]types.PolicyIdentifier{byARN("arn:aws:iam::123456789012:policy/limits")},
			[]string{"x:User", "x:Group", "x:Own", "x:Aws"}},
		{"a policy that is not attached", []types.PolicyIdentifier{byARN("arn:aws:iam::aws:policy/Other"),
			byName("user", "ci", "other"), byName("role", "ci", "in")},
			[]string{"x:User", "x:Group", "x:Own", "x:Aws"}},
		{"an inline policy of a group", []types.PolicyIdentifier{byName("group", "te?m", "in")},
			[]string{"x:User", "x:Own", "x:Aws"}},
		{"an inline policy by a pattern of users", []types.PolicyIdentifier{byName("user", "c*", "in")},
			[]string{"x:Group", "x:Own", "x:Aws"}},
		{"all kinds of identity-based policies at once",
			[]types.PolicyIdentifier{byType("inline"), byType("aws-managed"), byType("user-managed")}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := c.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: emutest.ARNOf("user/ci"), ActionNames: actions, PolicyExclusionList: tt.excluded,
			})
			if err != nil {
				t.Fatal(err)
			}
			var allowed []string
			for _, r := range out.EvaluationResults {
				if r.EvalDecision == types.PolicyEvaluationDecisionTypeAllowed {
					allowed = append(allowed, *r.EvalActionName)
				}
				if r.OrganizationsDecisionDetail == nil {
					t.Errorf("%s: the organization detail is missing", *r.EvalActionName)
				}
				bounded := r.PermissionsBoundaryDecisionDetail != nil
				if bounded == (tt.name == "the boundary") {
					t.Errorf("%s: boundary detail %v", *r.EvalActionName, bounded)
				}
			}
			if !slices.Equal(allowed, tt.allowed) {
				t.Errorf("allowed %q, want %q", allowed, tt.allowed)
			}
		})
	}
}

func TestInvalidExclusionsAreRefused(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: simulated()})
	tests := []struct {
		name, code string
		excluded   types.PolicyIdentifier
	}{
		{"an unknown policy type", "ValidationError", byType("session")},
		{"a text that is not an ARN", "InvalidInput", byARN("ReadOnlyAccess")},
		{"the ARN of a user", "InvalidInput", byARN("arn:aws:iam::123456789012:user/ci")},
		{"a wildcard outside the name", "InvalidInput", byARN("arn:aws:iam::*:policy/x")},
		{"two stars", "InvalidInput", byARN("arn:aws:iam::aws:policy/a*b*")},
		{"a wildcard in an inline policy's name", "InvalidInput", byName("user", "ci", "re*")},
		{"two stars in the holder's name", "InvalidInput", byName("user", "*c*", "render")},
		{"an unknown type of holder", "ValidationError", byName("account", "ci", "render")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.IAM.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: emutest.ARNOf("user/ci"), ActionNames: []string{"s3:GetObject"},
				PolicyExclusionList: []types.PolicyIdentifier{tt.excluded},
			})
			emutest.WantError(t, err, tt.code, "")
		})
	}
	// The SDK cannot send these entries, but other clients can.
	for name, more := range map[string]string{"PolicyArn": "arn:aws:iam::aws:policy/x",
		"Policy": "x"} {
		params := map[string]string{
			"Action": "SimulatePrincipalPolicy", "Version": "2010-05-08",
			"PolicySourceArn": *emutest.ARNOf("user/ci"), "ActionNames.member.1": "s3:GetObject",
			"PolicyExclusionList.member.1." + name: more,
		}
		if name == "PolicyArn" {
			params["PolicyExclusionList.member.1.PolicyType"] = "inline"
		}
		emutest.WantText(t, emutest.Post(t, c.URL, "iam", params), "<Code>InvalidInput</Code>",
			"Policy exclusion list item 1 must have exactly one of PolicyType, PolicyArn and "+
				"InlinePolicyIdentifier.")
	}
}
