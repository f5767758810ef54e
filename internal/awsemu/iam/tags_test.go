package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestOnlyTheReadOfOneUserOrRoleReturnsItsTags(t *testing.T) {
	account := &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {Tags: map[string]string{"team": "video", "env": ""}}},
		Roles: map[string]awsemu.Role{"render": {Tags: map[string]string{"team": "video"}}, "other": {}},
	}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	user, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("ci")})
	if err != nil {
		t.Fatal(err)
	}
	if got := tagsOf(user.User.Tags); got != "env= team=video " {
		t.Errorf("the user has the tags %s", got)
	}
	role, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("render")})
	if err != nil {
		t.Fatal(err)
	}
	if got := tagsOf(role.Role.Tags); got != "team=video " {
		t.Errorf("the role has the tags %s", got)
	}
	other, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("other")})
	if err != nil || other.Role.Tags != nil {
		t.Errorf("a role without tags has %v, %v", other.Role.Tags, err)
	}
	list, err := c.ListRoles(t.Context(), &iam.ListRolesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list.Roles {
		if r.Tags != nil {
			t.Errorf("ListRoles returns the tags of %s", *r.RoleName)
		}
	}
}

func tagsOf(tags []types.Tag) (text string) {
	for _, tag := range tags {
		text += *tag.Key + "=" + *tag.Value + " "
	}
	return text
}
