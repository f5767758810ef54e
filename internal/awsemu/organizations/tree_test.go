package organizations_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

const account = "123456789012"

var denyOutside = emutest.DocumentOf(`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}`)

// threeLevels returns an account below a unit, with both types of policies.
func threeLevels() *awsemu.Account {
	full := []string{awsemu.FullAWSAccess}
	return &awsemu.Account{ServiceControlPolicies: awsemu.Organization{full, full, full},
		ResourceControlPolicies: awsemu.Organization{{denyOutside}}}
}

// attached returns the names of the policies of a type on a target, of all pages.
func attached(t *testing.T, c *sdk.Client, target string, kind types.PolicyType) []string {
	t.Helper()
	names := []string{}
	if err := emutest.Pages(t, sdk.NewListPoliciesForTargetPaginator(c,
		&sdk.ListPoliciesForTargetInput{TargetId: &target, Filter: kind}),
		func(out *sdk.ListPoliciesForTargetOutput) {
			for _, p := range out.Policies {
				names = append(names, *p.Name)
			}
		}); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestTheTreeIsReadFromTheAccountToTheRoot(t *testing.T) {
	c := dial(emutest.Listen(t, &awsemu.Server{Account: threeLevels(), PageSize: 1}), emutest.AnyKey)
	var path []string
	for at := account; ; {
		path = append(path, at)
		parents, err := c.ListParents(t.Context(), &sdk.ListParentsInput{ChildId: &at})
		if err != nil || len(parents.Parents) != 1 {
			t.Fatalf("parents of %s: %s, %v", at, emutest.AsJSON(parents), err)
		}
		at = *parents.Parents[0].Id
		if parents.Parents[0].Type == types.ParentTypeRoot {
			path = append(path, at)
			break
		}
	}
	if want := []string{account, "ou-r3m0-00000001", organizations.Root}; !slices.Equal(path, want) {
		t.Errorf("path %q, want %q", path, want)
	}
	rcp := types.PolicyTypeResourceControlPolicy
	for target, want := range map[string][]string{
		organizations.Root: {"RCPFullAWSAccess", "rcp_1_1"}, path[1]: {"RCPFullAWSAccess"},
		account: {"RCPFullAWSAccess"},
	} {
		if got := attached(t, c, target, rcp); !slices.Equal(got, want) {
			t.Errorf("resource control policies of %s: %q, want %q", target, got, want)
		}
		if got := attached(t, c, target, types.PolicyTypeServiceControlPolicy); !slices.Equal(got,
			[]string{"FullAWSAccess"}) {
			t.Errorf("service control policies of %s: %q", target, got)
		}
	}
	roots, err := c.ListRoots(t.Context(), &sdk.ListRootsInput{})
	if err != nil || *roots.Roots[0].Id != organizations.Root || len(roots.Roots[0].PolicyTypes) != 2 {
		t.Errorf("roots %s, %v", emutest.AsJSON(roots), err)
	}
	full, err := c.DescribePolicy(t.Context(), &sdk.DescribePolicyInput{
		PolicyId: aws.String("p-RCPFullAWSAccess")})
	if err != nil || *full.Policy.Content != organizations.RCPFullAWSAccess ||
		*full.Policy.PolicySummary.Arn !=
			"arn:aws:organizations::aws:policy/resource_control_policy/p-RCPFullAWSAccess" {
		t.Errorf("%s, %v", emutest.AsJSON(full), err)
	}
}

func TestMembersReadOnlyTheirOrganization(t *testing.T) {
	described := threeLevels()
	described.OrganizationAccess = organizations.AccessMember
	c := dial(emutest.Listen(t, &awsemu.Server{Account: described}), emutest.AnyKey)
	for name, call := range map[string]func() error{
		"ListRoots": func() error {
			_, err := c.ListRoots(t.Context(), &sdk.ListRootsInput{})
			return err
		},
		"ListParents": func() error {
			_, err := c.ListParents(t.Context(), &sdk.ListParentsInput{ChildId: aws.String(account)})
			return err
		},
		"ListPoliciesForTarget": func() error {
			_, err := c.ListPoliciesForTarget(t.Context(), &sdk.ListPoliciesForTargetInput{
				TargetId: aws.String(account), Filter: types.PolicyTypeServiceControlPolicy})
			return err
		},
		"DescribePolicy": func() error {
			_, err := c.DescribePolicy(t.Context(), &sdk.DescribePolicyInput{
				PolicyId: aws.String("p-FullAWSAccess")})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			emutest.WantError(t, call(), "AccessDeniedException",
				"You don't have permissions to access this resource.")
		})
	}
	out, err := c.DescribeOrganization(t.Context(), &sdk.DescribeOrganizationInput{})
	if err != nil || *out.Organization.MasterAccountId != organizations.Management {
		t.Errorf("%s, %v", emutest.AsJSON(out), err)
	}
}

// TestPoliciesDoNotAffectTheManagementAccount attaches a policy that denies everything.
func TestPoliciesDoNotAffectTheManagementAccount(t *testing.T) {
	described := member()
	described.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
		emutest.DocumentOf(`{"Effect":"Deny","Action":"*","Resource":"*"}`)}}
	described.OrganizationAccess = organizations.AccessManagement
	c := dial(emutest.Listen(t, &awsemu.Server{Account: described, EnforceIAM: true}),
		emutest.UserKey)
	for range 2 { // before and after a change
		out, err := c.DescribeOrganization(t.Context(), &sdk.DescribeOrganizationInput{})
		if err != nil || *out.Organization.MasterAccountId != account {
			t.Fatalf("%s, %v", emutest.AsJSON(out), err)
		}
		made, err := c.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{Name: aws.String("p" +
			emutest.AsJSON(len(attached(t, c, organizations.Root,
				types.PolicyTypeServiceControlPolicy)))), Description: aws.String(""),
			Type: types.PolicyTypeServiceControlPolicy, Content: aws.String(emutest.AllowAll)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.AttachPolicy(t.Context(), &sdk.AttachPolicyInput{
			PolicyId: made.Policy.PolicySummary.Id,
			TargetId: aws.String(organizations.Root)}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestResourceControlPoliciesAreRefused(t *testing.T) {
	c := dial(emutest.Listen(t, &awsemu.Server{Account: threeLevels()}), emutest.AnyKey)
	create := func(c *sdk.Client, name, content string) (*string, error) {
		out, err := c.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{Name: &name,
			Description: aws.String(""), Type: types.PolicyTypeResourceControlPolicy, Content: &content})
		if err != nil {
			return nil, err
		}
		return out.Policy.PolicySummary.Id, nil
	}
	for _, test := range []struct{ name, code, content string }{
		{"an Allow", "MalformedPolicyDocumentException", organizations.RCPFullAWSAccess},
		{"one principal", "MalformedPolicyDocumentException", emutest.DocumentOf(
			`{"Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*"}`)},
		{"all actions", "MalformedPolicyDocumentException", emutest.DocumentOf(
			`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`)},
		{"more than 5120 characters", "ConstraintViolationException", document(5121)},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := create(c, "mine", test.content)
			emutest.WantError(t, err, test.code, "")
		})
	}
	_, err := c.DetachPolicy(t.Context(), &sdk.DetachPolicyInput{TargetId: aws.String(account),
		PolicyId: aws.String("p-RCPFullAWSAccess")})
	emutest.WantError(t, err, "InvalidInputException", "")
	_, err = c.ListParents(t.Context(), &sdk.ListParentsInput{ChildId: aws.String("111111111111")})
	emutest.WantError(t, err, "ChildNotFoundException", "You specified a child that doesn't exist.")
	_, err = c.ListParents(t.Context(),
		&sdk.ListParentsInput{ChildId: aws.String(organizations.Root)})
	emutest.WantError(t, err, "InvalidInputException", "")

	described := threeLevels()
	described.ResourceControlPolicies = nil
	c = dial(emutest.Listen(t, &awsemu.Server{Account: described}), emutest.AnyKey)
	if got := attached(t, c, organizations.Root, types.PolicyTypeResourceControlPolicy); len(got) > 0 {
		t.Errorf("an organization without resource control policies has %q", got)
	}
	id, err := create(c, "mine", denyOutside)
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.AttachPolicy(t.Context(), &sdk.AttachPolicyInput{PolicyId: id,
		TargetId: aws.String(account)})
	emutest.WantError(t, err, "PolicyTypeNotEnabledException",
		"This operation can be performed only for enabled policy types.")
}
