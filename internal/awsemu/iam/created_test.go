package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// TestAPolicyIsCreatedAttachedAndDeleted follows a fix that moves grants to a managed policy, and
// its undo.
func TestAPolicyIsCreatedAttachedAndDeleted(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {}}}}).IAM
	made, err := c.CreatePolicy(t.Context(), &iam.CreatePolicyInput{PolicyName: aws.String("remotion"),
		Path: aws.String("/teams/"), PolicyDocument: aws.String(emutest.AllowAll),
		Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("video")}}})
	if err != nil {
		t.Fatal(err)
	}
	arn, user := made.Policy.Arn, aws.String("ci")
	if *arn != "arn:aws:iam::123456789012:policy/teams/remotion" ||
		*made.Policy.DefaultVersionId != "v1" || *made.Policy.AttachmentCount != 0 {
		t.Errorf("created %s", emutest.AsJSON(made.Policy))
	}
	mustSucceed[*iam.AttachUserPolicyOutput](t)(c.AttachUserPolicy(t.Context(),
		&iam.AttachUserPolicyInput{UserName: user, PolicyArn: arn}))
	if got := simulateOne(t, c, &iam.SimulatePrincipalPolicyInput{
		PolicySourceArn: emutest.ARNOf("user/ci"), ActionNames: []string{"sns:Publish"},
	}); got != types.PolicyEvaluationDecisionTypeAllowed {
		t.Errorf("with the policy: %s", got)
	}
	remove := func() error {
		_, err := c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: arn})
		return err
	}
	emutest.WantError(t, remove(), "DeleteConflict", "Cannot delete a policy attached to entities.")
	mustSucceed[*iam.DetachUserPolicyOutput](t)(c.DetachUserPolicy(t.Context(),
		&iam.DetachUserPolicyInput{UserName: user, PolicyArn: arn}))
	mustSucceed[*iam.CreatePolicyVersionOutput](t)(c.CreatePolicyVersion(t.Context(),
		&iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(emutest.AllowAll)}))
	emutest.WantError(t, remove(), "DeleteConflict", "This policy has more than one version. Before "+
		"you delete a policy, you must delete the policy's versions. The default version is deleted "+
		"with the policy.")
	mustSucceed[*iam.DeletePolicyVersionOutput](t)(c.DeletePolicyVersion(t.Context(),
		&iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")}))
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	emutest.WantError(t, remove(), "NoSuchEntity", "")
}

func TestABoundaryIsSetAndRemoved(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: &awsemu.Account{
		Users:    map[string]awsemu.User{"ci": {Inline: map[string]string{"all": emutest.AllowAll}}},
		Roles:    map[string]awsemu.Role{"worker": {Inline: map[string]string{"all": emutest.AllowAll}}},
		Policies: map[string]awsemu.ManagedPolicy{"limits": {Document: emutest.DocumentOf(emutest.AllowRead)}},
	}}).IAM
	limits := emutest.ARNOf("policy/limits")
	publish := func(entity string) types.PolicyEvaluationDecisionType {
		return simulateOne(t, c, &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: emutest.ARNOf(entity), ActionNames: []string{"sns:Publish"}})
	}
	user, role := aws.String("ci"), aws.String("worker")
	mustSucceed[*iam.PutUserPermissionsBoundaryOutput](t)(c.PutUserPermissionsBoundary(t.Context(),
		&iam.PutUserPermissionsBoundaryInput{UserName: user, PermissionsBoundary: limits}))
	mustSucceed[*iam.PutRolePermissionsBoundaryOutput](t)(c.PutRolePermissionsBoundary(t.Context(),
		&iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: limits}))
	got, err := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: limits})
	if err != nil || *got.Policy.PermissionsBoundaryUsageCount != 2 {
		t.Errorf("the policy bounds %+v, %v", got, err)
	}
	for _, entity := range []string{"user/ci", "role/worker"} {
		if d := publish(entity); d != types.PolicyEvaluationDecisionTypeImplicitDeny {
			t.Errorf("%s with the boundary: %s", entity, d)
		}
	}
	_, err = c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{PolicyArn: limits})
	emutest.WantError(t, err, "DeleteConflict", "Cannot delete a policy attached to entities.")
	nothing := emutest.ARNOf("policy/nothing")
	_, err = c.PutRolePermissionsBoundary(t.Context(),
		&iam.PutRolePermissionsBoundaryInput{RoleName: role, PermissionsBoundary: nothing})
	emutest.WantError(t, err, "NoSuchEntity",
		"Scope ARN: "+*nothing+" does not exist or is not attachable.")
	mustSucceed[*iam.DeleteUserPermissionsBoundaryOutput](t)(c.DeleteUserPermissionsBoundary(
		t.Context(), &iam.DeleteUserPermissionsBoundaryInput{UserName: user}))
	mustSucceed[*iam.DeleteRolePermissionsBoundaryOutput](t)(c.DeleteRolePermissionsBoundary(
		t.Context(), &iam.DeleteRolePermissionsBoundaryInput{RoleName: role}))
	for _, entity := range []string{"user/ci", "role/worker"} {
		if d := publish(entity); d != types.PolicyEvaluationDecisionTypeAllowed {
			t.Errorf("%s without the boundary: %s", entity, d)
		}
	}
}

func TestARoleIsCreatedAndDeleted(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: &awsemu.Account{
		Policies: map[string]awsemu.ManagedPolicy{"limits": {Document: emutest.AllowAll}}}}).IAM
	role := aws.String("remotion-lambda-role")
	create := &iam.CreateRoleInput{RoleName: role, Path: aws.String("/render/"),
		AssumeRolePolicyDocument: aws.String(emutest.TrustLambda),
		PermissionsBoundary:      emutest.ARNOf("policy/limits"),
		Tags:                     []types.Tag{{Key: aws.String("team"), Value: aws.String("video")}}}
	if _, err := c.CreateRole(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	first, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: role})
	if err != nil || *first.Role.Arn != "arn:aws:iam::123456789012:role/render/remotion-lambda-role" ||
		tagsOf(first.Role.Tags) != "team=video " || first.Role.PermissionsBoundary == nil {
		t.Errorf("created %s, %v", emutest.AsJSON(first.Role), err)
	}
	again := *create
	again.RoleName = aws.String("Remotion-Lambda-Role")
	_, err = c.CreateRole(t.Context(), &again)
	emutest.WantError(t, err, "EntityAlreadyExists",
		"Role with name Remotion-Lambda-Role already exists.")
	mustSucceed[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: role, PolicyName: aws.String("p"), PolicyDocument: aws.String(emutest.AllowAll)}))
	remove := func() error {
		_, err := c.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: role})
		return err
	}
	emutest.WantError(t, remove(), "DeleteConflict",
		"Cannot delete entity, must delete policies first.")
	mustSucceed[*iam.DeleteRolePolicyOutput](t)(c.DeleteRolePolicy(t.Context(),
		&iam.DeleteRolePolicyInput{RoleName: role, PolicyName: aws.String("p")}))
	mustSucceed[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(t.Context(),
		&iam.AttachRolePolicyInput{RoleName: role, PolicyArn: emutest.ARNOf("policy/limits")}))
	emutest.WantError(t, remove(), "DeleteConflict",
		"Cannot delete entity, must detach all policies first.")
	mustSucceed[*iam.DetachRolePolicyOutput](t)(c.DetachRolePolicy(t.Context(),
		&iam.DetachRolePolicyInput{RoleName: role, PolicyArn: emutest.ARNOf("policy/limits")}))
	if err := remove(); err != nil {
		t.Fatal(err)
	}
	second, err := c.CreateRole(t.Context(), create)
	if err != nil || *second.Role.RoleId == *first.Role.RoleId {
		t.Errorf("created again with the same id: %+v, %v", second, err)
	}
}

func TestTagsAreChanged(t *testing.T) {
	account := &awsemu.Account{
		Users:    map[string]awsemu.User{"ci": {Tags: map[string]string{"Team": "video"}}},
		Roles:    map[string]awsemu.Role{"worker": {}},
		Policies: map[string]awsemu.ManagedPolicy{"limits": {Document: emutest.AllowAll}}}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	tags := func(pairs ...string) (list []types.Tag) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		return list
	}
	user, role, policy := aws.String("ci"), aws.String("worker"), emutest.ARNOf("policy/limits")
	want := func(when, want string) {
		t.Helper()
		u, err1 := c.GetUser(t.Context(), &iam.GetUserInput{UserName: user})
		r, err2 := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: role})
		p, err3 := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: policy})
		if err1 != nil || err2 != nil || err3 != nil {
			t.Fatal(err1, err2, err3)
		}
		if got := fmt.Sprint(tagsOf(u.User.Tags), "| ", tagsOf(r.Role.Tags), "| ",
			tagsOf(p.Policy.Tags)); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	mustSucceed[*iam.TagUserOutput](t)(c.TagUser(t.Context(),
		&iam.TagUserInput{UserName: user, Tags: tags("team", "audio")}))
	mustSucceed[*iam.TagRoleOutput](t)(c.TagRole(t.Context(),
		&iam.TagRoleInput{RoleName: role, Tags: tags("a", "1", "b", "2")}))
	mustSucceed[*iam.TagPolicyOutput](t)(c.TagPolicy(t.Context(),
		&iam.TagPolicyInput{PolicyArn: policy, Tags: tags("c", "3")}))
	want("with tags", "team=audio | a=1 b=2 | c=3 ")
	if account.Users["ci"].Tags["Team"] != "video" {
		t.Error("the server changed its account")
	}
	mustSucceed[*iam.UntagUserOutput](t)(c.UntagUser(t.Context(),
		&iam.UntagUserInput{UserName: user, TagKeys: []string{"TEAM"}}))
	mustSucceed[*iam.UntagRoleOutput](t)(c.UntagRole(t.Context(),
		&iam.UntagRoleInput{RoleName: role, TagKeys: []string{"a", "x"}}))
	mustSucceed[*iam.UntagPolicyOutput](t)(c.UntagPolicy(t.Context(),
		&iam.UntagPolicyInput{PolicyArn: policy, TagKeys: []string{"c"}}))
	want("without some", "| b=2 | ")

	var many []string
	for i := range 50 {
		many = append(many, fmt.Sprint("k", i), "")
	}
	for _, test := range []struct {
		name, code string
		tags       []types.Tag
	}{
		{"a reserved key", "InvalidInput", tags("AWS:x", "1")},
		{"two keys that differ in case", "InvalidInput", tags("x", "1", "X", "2")},
		{"a long key", "ValidationError", tags(strings.Repeat("k", 129), "")},
		{"a long value", "ValidationError", tags("k", strings.Repeat("v", 257))},
		{"51 tags", "LimitExceeded", tags(many...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := c.TagRole(t.Context(), &iam.TagRoleInput{RoleName: role, Tags: test.tags})
			emutest.WantError(t, err, test.code, "")
		})
	}
	want("after refused changes", "| b=2 | ")
}

func TestCreationsRefuseTheSameRequestsAsIAM(t *testing.T) {
	account := emutest.Video()
	account.Roles["AWSReservedSSO_Deploy_0123456789abcdef"] = awsemu.Role{
		Path: "/aws-reserved/sso.amazonaws.com/"}
	account.Roles["AWSServiceRoleForX"] = awsemu.Role{Path: "/aws-service-role/x.amazonaws.com/"}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	createPolicy := func(name, path string, text *string) func() error {
		return func() error {
			_, err := c.CreatePolicy(t.Context(),
				&iam.CreatePolicyInput{PolicyName: &name, Path: &path, PolicyDocument: text})
			return err
		}
	}
	putRole := func(role string) func() error {
		return func() error {
			_, err := c.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: &role,
				PolicyName: aws.String("x"), PolicyDocument: aws.String(emutest.AllowAll)})
			return err
		}
	}
	createRole := func(in *iam.CreateRoleInput) func() error {
		return func() error {
			_, err := c.CreateRole(t.Context(), in)
			return err
		}
	}
	name, trust := aws.String("new"), aws.String(emutest.TrustLambda)
	for _, test := range []struct {
		name, code, message string
		try                 func() error
	}{
		{"a policy whose name another policy has in another path and case", "EntityAlreadyExists",
			"A policy called P2 already exists. Duplicate names are not allowed.",
			createPolicy("P2", "/", aws.String(emutest.AllowAll))},
		{"a policy of 6145 characters", "LimitExceeded", "Cannot exceed quota for PolicySize: 6144",
			createPolicy("big", "/", emutest.Padded(6145))},
		{"a policy of 6144 characters", "", "", createPolicy("full", "/", emutest.Padded(6144))},
		{"a policy that is not JSON", "MalformedPolicyDocument", "",
			createPolicy("broken", "/", aws.String("{"))},
		{"a policy with a path without a slash", "ValidationError", "",
			createPolicy("x", "teams", aws.String(emutest.AllowAll))},
		{"a policy of AWS", "AccessDenied", "", func() error {
			_, err := c.DeletePolicy(t.Context(), &iam.DeletePolicyInput{
				PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/ReadOnly")})
			return err
		}},
		{"a role of IAM Identity Center", "UnmodifiableEntity",
			"Cannot perform the operation on the protected role " +
				"'AWSReservedSSO_Deploy_0123456789abcdef' - this role is only modifiable by AWS",
			putRole("AWSReservedSSO_Deploy_0123456789abcdef")},
		{"a service-linked role", "UnmodifiableEntity", "", putRole("AWSServiceRoleForX")},
		{"a role with an identity policy as its trust policy", "MalformedPolicyDocument", "",
			createRole(&iam.CreateRoleInput{RoleName: name,
				AssumeRolePolicyDocument: aws.String(emutest.AllowAll)})},
		{"a role with a boundary that does not exist", "NoSuchEntity", "",
			createRole(&iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust,
				PermissionsBoundary: emutest.ARNOf("policy/nothing")})},
		{"a role with longer sessions", "InvalidInput",
			"The embedded AWS offers only a MaxSessionDuration of 3600.",
			createRole(&iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: trust,
				MaxSessionDuration: aws.Int32(7200)})},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.try(); test.code == "" {
				if err != nil {
					t.Error(err)
				}
			} else {
				emutest.WantError(t, err, test.code, test.message)
			}
		})
	}
}
