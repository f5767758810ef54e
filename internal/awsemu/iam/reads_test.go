package iam_test

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestListsHaveTwoItemsPerPage(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Video()}
	c := emutest.Connect(t, srv).IAM
	user, group, role := aws.String("ci"), aws.String("g1"), aws.String("remotion-lambda-role")
	arns := func(ps []types.AttachedPolicy) (names []string) {
		for _, p := range ps {
			names = append(names, *p.PolicyArn)
		}
		return names
	}
	groups := func(gs []types.Group) (names []string) {
		for _, g := range gs {
			names = append(names, *g.Arn)
		}
		return names
	}
	own := "arn:aws:iam::123456789012:"

	tests := []struct {
		name  string
		want  []string
		pages func(next func([]string)) error
	}{
		{"inline policies of a user", []string{"a", "b", "c"}, func(next func([]string)) error {
			return emutest.Pages(t, iam.NewListUserPoliciesPaginator(c,
				&iam.ListUserPoliciesInput{UserName: user}),
				func(o *iam.ListUserPoliciesOutput) { next(o.PolicyNames) })
		}},
		{"inline policies of a group", []string{"a", "b", "c"}, func(next func([]string)) error {
			return emutest.Pages(t,
				iam.NewListGroupPoliciesPaginator(c, &iam.ListGroupPoliciesInput{GroupName: group}),
				func(o *iam.ListGroupPoliciesOutput) { next(o.PolicyNames) })
		}},
		{"inline policies of a role", []string{"a", "b", "c"}, func(next func([]string)) error {
			return emutest.Pages(t, iam.NewListRolePoliciesPaginator(c,
				&iam.ListRolePoliciesInput{RoleName: role}),
				func(o *iam.ListRolePoliciesOutput) { next(o.PolicyNames) })
		}},
		{"managed policies of a user, in the order they were attached",
			[]string{own + "policy/p1", own + "policy/teams/p2",
				"arn:aws:iam::aws:policy/service-role/ReadOnly"}, func(next func([]string)) error {
				return emutest.Pages(t,
					iam.NewListAttachedUserPoliciesPaginator(c,
						&iam.ListAttachedUserPoliciesInput{UserName: user}),
					func(o *iam.ListAttachedUserPoliciesOutput) { next(arns(o.AttachedPolicies)) })
			}},
		{"managed policies of a group", []string{own + "policy/p1", own + "policy/teams/p2",
			own + "policy/p3"}, func(next func([]string)) error {
			return emutest.Pages(t,
				iam.NewListAttachedGroupPoliciesPaginator(c,
					&iam.ListAttachedGroupPoliciesInput{GroupName: group}),
				func(o *iam.ListAttachedGroupPoliciesOutput) { next(arns(o.AttachedPolicies)) })
		}},
		{"managed policies of a role", []string{own + "policy/p1", own + "policy/teams/p2",
			own + "policy/p3"}, func(next func([]string)) error {
			return emutest.Pages(t,
				iam.NewListAttachedRolePoliciesPaginator(c, &iam.ListAttachedRolePoliciesInput{RoleName: role}),
				func(o *iam.ListAttachedRolePoliciesOutput) { next(arns(o.AttachedPolicies)) })
		}},
		{"groups of a user", []string{own + "group/g1", own + "group/teams/g2", own + "group/g3"},
			func(next func([]string)) error {
				return emutest.Pages(t,
					iam.NewListGroupsForUserPaginator(c, &iam.ListGroupsForUserInput{UserName: user}),
					func(o *iam.ListGroupsForUserOutput) { next(groups(o.Groups)) })
			}},
		{"roles under a path",
			[]string{own + "role/service-role/x/r3", own + "role/service-role/remotion-lambda-role"},
			func(next func([]string)) error {
				return emutest.Pages(t,
					iam.NewListRolesPaginator(c, &iam.ListRolesInput{PathPrefix: aws.String("/service-role/"),
						MaxItems: aws.Int32(1)}), func(o *iam.ListRolesOutput) {
						for _, r := range o.Roles {
							next([]string{*r.Arn})
							if r.PermissionsBoundary != nil {
								t.Errorf("ListRoles returns the boundary of %s, want it from GetRole only", *r.Arn)
							}
						}
					})
			}},
		{"versions of a policy, newest first", []string{"v3", "v2", "v1"},
			func(next func([]string)) error {
				return emutest.Pages(t,
					iam.NewListPolicyVersionsPaginator(c,
						&iam.ListPolicyVersionsInput{PolicyArn: aws.String(own + "policy/p1")}),
					func(o *iam.ListPolicyVersionsOutput) {
						for _, v := range o.Versions {
							next([]string{*v.VersionId})
						}
					})
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv.Reset()
			var got []string
			if err := tt.pages(func(items []string) { got = append(got, items...) }); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if calls := len(srv.Calls()); calls < 2 {
				t.Errorf("%d items in %d call, want two items per page", len(tt.want), calls)
			}
		})
	}
}

func TestDocumentsArePercentEncodedAndUnchanged(t *testing.T) {
	account := emutest.Video()
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	user := account.Users["ci"]

	inline, err := c.GetUserPolicy(t.Context(), &iam.GetUserPolicyInput{UserName: aws.String("ci"),
		PolicyName: aws.String("c")})
	if err != nil {
		t.Fatal(err)
	}
	const encoded = "%7B%0A%20%20%22Sid%22%3A%20%22%2B%20%2A~-._%2F%C3%A9%26%3C%22%0A%7D"
	if *inline.PolicyDocument != encoded {
		t.Errorf("document %q\nis sent as %s\nwant       %s", user.Inline["c"], *inline.PolicyDocument,
			encoded)
	}
	version, err := c.GetPolicyVersion(t.Context(),
		&iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/p1"),
			VersionId: aws.String("v3")})
	if err != nil {
		t.Fatal(err)
	}
	if !version.PolicyVersion.IsDefaultVersion {
		t.Error("v3 of p1 is not the default version")
	}
	got, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("remotion-lambda-role")})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"inline":  {*inline.PolicyDocument, user.Inline["c"]},
		"managed": {*version.PolicyVersion.Document, account.Policies["p1"].Document},
		"trust":   {*got.Role.AssumeRolePolicyDocument, emutest.TrustLambda},
	} {
		if text, err := url.PathUnescape(pair[0]); err != nil || text != pair[1] {
			t.Errorf("%s: got %q, %v\nwant %q", name, text, err, pair[1])
		}
	}
	if !strings.Contains(emutest.TrustLambda, `"Service":"lambda.amazonaws.com"`) {
		t.Errorf("the default trust policy is %s", emutest.TrustLambda)
	}
}

func TestEntitiesHaveTheFieldsOfIAM(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).IAM
	u, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("ci")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *u.User.Arn, "arn:aws:iam::123456789012:user/bots/ci"; got != want {
		t.Errorf("ARN %s, want %s", got, want)
	}
	if id := *u.User.UserId; !strings.HasPrefix(id, "AIDA") || len(id) != 20 {
		t.Errorf("user id %q, want 20 characters that begin with AIDA", id)
	}
	if b := u.User.PermissionsBoundary; b == nil ||
		*b.PermissionsBoundaryArn != "arn:aws:iam::123456789012:policy/p3" ||
		b.PermissionsBoundaryType != "Policy" {
		t.Errorf("boundary %+v, want p3", b)
	}
	if u.User.CreateDate.Year() != 2024 {
		t.Errorf("created %s, want a fixed date in 2024", u.User.CreateDate)
	}
	again, err := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).IAM.GetUser(t.Context(),
		&iam.GetUserInput{UserName: aws.String("ci")})
	if err != nil || !reflect.DeepEqual(u.User, again.User) {
		t.Errorf("another server describes the same user as\n%+v, %v\nnot\n%+v", again.User, err, u.User)
	}
	p, err := c.GetPolicy(t.Context(),
		&iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/ReadOnly")})
	if err != nil {
		t.Fatal(err)
	}
	if *p.Policy.Path != "/service-role/" || *p.Policy.DefaultVersionId != "v1" ||
		*p.Policy.AttachmentCount != 1 {
		t.Errorf("AWS managed policy: %+v", p.Policy)
	}
	bounds, err := c.GetPolicy(t.Context(),
		&iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/p3")})
	if err != nil || *bounds.Policy.PermissionsBoundaryUsageCount != 1 ||
		*bounds.Policy.AttachmentCount != 2 {
		t.Errorf("policy p3: %+v, %v; want 2 attachments and 1 use as a boundary", bounds.Policy, err)
	}
	aliases, err := c.ListAccountAliases(t.Context(), &iam.ListAccountAliasesInput{})
	if err != nil || !reflect.DeepEqual(aliases.AccountAliases, []string{"video"}) {
		t.Errorf("aliases %v, %v", aliases.AccountAliases, err)
	}
}

func TestAnEmptyListIsNotNil(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).IAM
	out, err := c.ListUserPolicies(t.Context(),
		&iam.ListUserPoliciesInput{UserName: aws.String("ann")})
	if err != nil || out.PolicyNames == nil || len(out.PolicyNames) != 0 || out.IsTruncated {
		t.Errorf("inline policies of ann: %#v, truncated %v, %v", out.PolicyNames, out.IsTruncated, err)
	}
}

func TestReadsRefuseTheSameRequestsAsIAM(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).IAM
	unknown := aws.String("unknown")
	tests := []struct {
		name    string
		call    func() error
		code    string
		message string
	}{
		{"an unknown user", func() error {
			_, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: unknown})
			return err
		},
			"NoSuchEntity", "The user with name unknown cannot be found."},
		{"an unknown role", func() error {
			_, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: unknown})
			return err
		},
			"NoSuchEntity", "The role with name unknown cannot be found."},
		{"an unknown group", func() error {
			_, err := c.ListGroupPolicies(t.Context(), &iam.ListGroupPoliciesInput{GroupName: unknown})
			return err
		},
			"NoSuchEntity", "The group with name unknown cannot be found."},
		{"an unknown inline policy", func() error {
			_, err := c.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: aws.String("r2"),
				PolicyName: unknown})
			return err
		}, "NoSuchEntity", "The role policy with name unknown cannot be found."},
		{"an unknown managed policy", func() error {
			_, err := c.GetPolicy(t.Context(),
				&iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/Nothing")})
			return err
		}, "NoSuchEntity", "Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable."},
		{"an unknown version", func() error {
			_, err := c.GetPolicyVersion(t.Context(),
				&iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/p1"),
					VersionId: aws.String("v9")})
			return err
		}, "NoSuchEntity",
			"Policy arn:aws:iam::123456789012:policy/p1 version v9 does not exist or is not attachable."},
		{"a name with invalid characters", func() error {
			_, err := c.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("a/b")})
			return err
		}, "ValidationError",
			"The specified value for userName is invalid. It must contain only alphanumeric characters " +
				"and/or the following: +=,.@_-"},
		{"a page size above the limit", func() error {
			_, err := c.ListRoles(t.Context(), &iam.ListRolesInput{MaxItems: aws.Int32(1001)})
			return err
		}, "ValidationError",
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must " +
				"have value less than or equal to 1000"},
		{"a marker of another list", func() error {
			_, err := c.ListRoles(t.Context(),
				&iam.ListRolesInput{Marker: aws.String(wire.Marker("ListUsers", 2))})
			return err
		}, "ValidationError", "Invalid Marker."},
		{"an operation that is not offered", func() error {
			_, err := c.GetAccountSummary(t.Context(), &iam.GetAccountSummaryInput{})
			return err
		}, "InvalidAction", "Could not find operation GetAccountSummary for version 2010-05-08"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			emutest.WantError(t, tt.call(), tt.code, tt.message)
		})
	}
	var missing *types.NoSuchEntityException
	if _, err := c.GetRole(t.Context(),
		&iam.GetRoleInput{RoleName: unknown}); !errors.As(err, &missing) {
		t.Errorf("GetRole of an unknown role: %v is not a NoSuchEntityException", err)
	}
}
