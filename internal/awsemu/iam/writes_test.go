package iam_test

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// mustSucceed returns a function that ignores the output of a call and fails the test on an error.
func mustSucceed[O any](t *testing.T) func(O, error) {
	return func(_ O, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestPoliciesCanBeChangedAndChangedBack applies the kinds of changes that a fix consists of, and
// undoes them.
func TestPoliciesCanBeChangedAndChangedBack(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: &awsemu.Account{
		Users:    map[string]awsemu.User{"ci": {Path: "/bots/"}},
		Groups:   map[string]awsemu.Group{"renderers": {}},
		Roles:    map[string]awsemu.Role{"worker": {}},
		Policies: map[string]awsemu.ManagedPolicy{"limits": {Document: emutest.DocumentOf(emutest.AllowRead)}},
	}}).IAM
	user, group, role, name := aws.String("ci"), aws.String("renderers"), aws.String("worker"),
		aws.String("render")
	arn, put := emutest.ARNOf("policy/limits"), aws.String(emutest.DocumentOf(emutest.AllowRead))
	wantPolicies := func(when, want string) {
		t.Helper()
		var got []string
		for _, list := range []func() ([]string, error){
			func() ([]string, error) {
				out, err := c.ListUserPolicies(t.Context(), &iam.ListUserPoliciesInput{UserName: user})
				return out.PolicyNames, err
			},
			func() ([]string, error) {
				out, err := c.ListGroupPolicies(t.Context(), &iam.ListGroupPoliciesInput{GroupName: group})
				return out.PolicyNames, err
			},
			func() ([]string, error) {
				out, err := c.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: role})
				return out.PolicyNames, err
			},
			func() ([]string, error) {
				out, err := c.ListGroupsForUser(t.Context(), &iam.ListGroupsForUserInput{UserName: user})
				var names []string
				for _, g := range out.Groups {
					names = append(names, *g.GroupName)
				}
				return names, err
			},
			func() ([]string, error) {
				out, err := c.GetPolicy(t.Context(), &iam.GetPolicyInput{PolicyArn: arn})
				return []string{fmt.Sprint(*out.Policy.AttachmentCount)}, err
			},
		} {
			names, err := list()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, names...)
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%s: %q, want %q", when, text, want)
		}
	}

	mustSucceed[*iam.AddUserToGroupOutput](t)(c.AddUserToGroup(t.Context(),
		&iam.AddUserToGroupInput{UserName: user, GroupName: group}))
	mustSucceed[*iam.PutUserPolicyOutput](t)(c.PutUserPolicy(t.Context(),
		&iam.PutUserPolicyInput{UserName: user, PolicyName: name, PolicyDocument: put}))
	mustSucceed[*iam.PutGroupPolicyOutput](t)(c.PutGroupPolicy(t.Context(),
		&iam.PutGroupPolicyInput{GroupName: group, PolicyName: name, PolicyDocument: put}))
	mustSucceed[*iam.PutRolePolicyOutput](t)(c.PutRolePolicy(t.Context(),
		&iam.PutRolePolicyInput{RoleName: role, PolicyName: name, PolicyDocument: put}))
	for range 2 { // attaching a policy again succeeds
		mustSucceed[*iam.AttachUserPolicyOutput](t)(c.AttachUserPolicy(t.Context(),
			&iam.AttachUserPolicyInput{UserName: user, PolicyArn: arn}))
	}
	mustSucceed[*iam.AttachGroupPolicyOutput](t)(c.AttachGroupPolicy(t.Context(),
		&iam.AttachGroupPolicyInput{GroupName: group, PolicyArn: arn}))
	mustSucceed[*iam.AttachRolePolicyOutput](t)(c.AttachRolePolicy(t.Context(),
		&iam.AttachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	wantPolicies("after the changes", "render render render renderers 3")

	second, err := c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: arn,
		PolicyDocument: aws.String(emutest.AllowAll), SetAsDefault: true})
	if err != nil || *second.PolicyVersion.VersionId != "v2" ||
		!second.PolicyVersion.IsDefaultVersion {
		t.Fatalf("second version: %+v, %v", second, err)
	}
	sim := &iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
		ActionNames: []string{"sns:Publish"}}
	if got := simulateOne(t, c, sim); got != types.PolicyEvaluationDecisionTypeAllowed {
		t.Errorf("with the new default version: %s", got)
	}
	mustSucceed[*iam.SetDefaultPolicyVersionOutput](t)(c.SetDefaultPolicyVersion(t.Context(),
		&iam.SetDefaultPolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v1")}))
	if got := simulateOne(t, c, sim); got != types.PolicyEvaluationDecisionTypeImplicitDeny {
		t.Errorf("with the first version again: %s", got)
	}
	_, err = c.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{PolicyArn: arn,
		VersionId: aws.String("v1")})
	emutest.WantError(t, err, "DeleteConflict", "Cannot delete the default version of a policy.")
	mustSucceed[*iam.DeletePolicyVersionOutput](t)(c.DeletePolicyVersion(t.Context(),
		&iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v2")}))
	mustSucceed[*iam.UpdateAssumeRolePolicyOutput](t)(c.UpdateAssumeRolePolicy(t.Context(),
		&iam.UpdateAssumeRolePolicyInput{RoleName: role,
			PolicyDocument: aws.String(strings.Replace(emutest.TrustLambda, "lambda", "ec2", 1))}))
	got, err := c.GetRole(t.Context(), &iam.GetRoleInput{RoleName: role})
	if err != nil || !strings.Contains(*got.Role.AssumeRolePolicyDocument, "ec2.amazonaws.com") {
		t.Errorf("role: %+v, %v", got, err)
	}

	mustSucceed[*iam.DetachUserPolicyOutput](t)(c.DetachUserPolicy(t.Context(),
		&iam.DetachUserPolicyInput{UserName: user, PolicyArn: arn}))
	mustSucceed[*iam.DetachGroupPolicyOutput](t)(c.DetachGroupPolicy(t.Context(),
		&iam.DetachGroupPolicyInput{GroupName: group, PolicyArn: arn}))
	mustSucceed[*iam.DetachRolePolicyOutput](t)(c.DetachRolePolicy(t.Context(),
		&iam.DetachRolePolicyInput{RoleName: role, PolicyArn: arn}))
	mustSucceed[*iam.DeleteUserPolicyOutput](t)(c.DeleteUserPolicy(t.Context(),
		&iam.DeleteUserPolicyInput{UserName: user, PolicyName: name}))
	mustSucceed[*iam.DeleteGroupPolicyOutput](t)(c.DeleteGroupPolicy(t.Context(),
		&iam.DeleteGroupPolicyInput{GroupName: group, PolicyName: name}))
	mustSucceed[*iam.DeleteRolePolicyOutput](t)(c.DeleteRolePolicy(t.Context(),
		&iam.DeleteRolePolicyInput{RoleName: role, PolicyName: name}))
	mustSucceed[*iam.RemoveUserFromGroupOutput](t)(c.RemoveUserFromGroup(t.Context(),
		&iam.RemoveUserFromGroupInput{UserName: user, GroupName: group}))
	wantPolicies("after the changes are undone", "0")
}

func simulateOne(t *testing.T, c *iam.Client,
	in *iam.SimulatePrincipalPolicyInput) types.PolicyEvaluationDecisionType {
	t.Helper()
	out, err := c.SimulatePrincipalPolicy(t.Context(), in)
	if err != nil || len(out.EvaluationResults) != 1 {
		t.Fatalf("simulation: %+v, %v", out, err)
	}
	return out.EvaluationResults[0].EvalDecision
}

func TestWritesRefuseTheSameRequestsAsIAM(t *testing.T) {
	account := emutest.Video()
	for i := range 11 {
		account.Policies[fmt.Sprintf("n%d", i)] = awsemu.ManagedPolicy{Document: emutest.AllowAll}
	}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	doc, user, role := aws.String(emutest.AllowAll), aws.String("ann"), aws.String("r2")
	p1 := emutest.ARNOf("policy/p1")
	putUser := func(name string, text *string) error {
		_, err := c.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: user, PolicyName: &name,
			PolicyDocument: text})
		return err
	}
	tests := []struct {
		name, code, message string
		try                 func() error
	}{
		{"a document that is not JSON", "MalformedPolicyDocument", "", func() error {
			return putUser("x", aws.String("{"))
		}},
		{"a document with a principal", "MalformedPolicyDocument", "", func() error {
			return putUser("x", aws.String(emutest.TrustLambda))
		}},
		{"a document with invalid characters", "ValidationError",
			"The specified value for policyDocument is invalid. It must contain only printable ASCII " +
				"characters.", func() error {
				return putUser("x", aws.String("{\"Sid\":\"→\"}"))
			}},
		{"a trust policy that is an identity policy", "MalformedPolicyDocument", "", func() error {
			_, err := c.UpdateAssumeRolePolicy(t.Context(), &iam.UpdateAssumeRolePolicyInput{RoleName: role,
				PolicyDocument: doc})
			return err
		}},
		{"a user's inline policies of 2149 characters", "LimitExceeded",
			"Maximum policy size of 2048 bytes exceeded for user ann", func() error {
				if err := putUser("x", emutest.Padded(2048)); err != nil {
					t.Errorf("2048 characters are refused: %v", err)
				}
				if err := putUser("x", emutest.Padded(2000)); err != nil {
					t.Errorf("a document that replaces another is refused: %v", err)
				}
				return putUser("y", emutest.Padded(149))
			}},
		{"a role's inline policies of 10241 characters", "LimitExceeded",
			"Maximum policy size of 10240 bytes exceeded for role r2", func() error {
				_, err := c.PutRolePolicy(t.Context(),
					&iam.PutRolePolicyInput{RoleName: role, PolicyName: aws.String("x"),
						PolicyDocument: emutest.Padded(10241)})
				return err
			}},
		{"a group's inline policies of 5121 characters", "LimitExceeded",
			"Maximum policy size of 5120 bytes exceeded for group g2", func() error {
				_, err := c.PutGroupPolicy(t.Context(), &iam.PutGroupPolicyInput{GroupName: aws.String("g2"),
					PolicyName: aws.String("x"), PolicyDocument: emutest.Padded(5121)})
				return err
			}},
		{"a managed policy of 6145 characters", "LimitExceeded",
			"Cannot exceed quota for PolicySize: 6144", func() error {
				_, err := c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{PolicyArn: p1,
					PolicyDocument: emutest.Padded(6145)})
				return err
			}},
		{"a sixth version", "LimitExceeded",
			"A managed policy can have up to 5 versions. Before you create a new version, you must delete " +
				"an existing version.", func() error {
				var err error
				for range 3 {
					_, err = c.CreatePolicyVersion(t.Context(),
						&iam.CreatePolicyVersionInput{PolicyArn: p1, PolicyDocument: doc})
				}
				return err
			}},
		{"an eleventh attached policy", "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10",
			func() error {
				var err error
				for i := range 11 {
					_, err = c.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{UserName: user,
						PolicyArn: emutest.ARNOf(fmt.Sprintf("policy/n%d", i))})
				}
				return err
			}},
		{"a new version of an AWS managed policy", "AccessDenied", "", func() error {
			_, err := c.CreatePolicyVersion(t.Context(),
				&iam.CreatePolicyVersionInput{
					PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/ReadOnly"), PolicyDocument: doc})
			return err
		}},
		{"attaching a policy that does not exist", "NoSuchEntity",
			"Policy arn:aws:iam::aws:policy/Nothing does not exist or is not attachable.", func() error {
				_, err := c.AttachRolePolicy(t.Context(),
					&iam.AttachRolePolicyInput{RoleName: role,
						PolicyArn: aws.String("arn:aws:iam::aws:policy/Nothing")})
				return err
			}},
		{"detaching a policy that is not attached", "NoSuchEntity",
			"Policy arn:aws:iam::123456789012:policy/p1 was not found.", func() error {
				_, err := c.DetachRolePolicy(t.Context(),
					&iam.DetachRolePolicyInput{RoleName: role, PolicyArn: p1})
				return err
			}},
		{"removing a user from a group that does not contain the user", "NoSuchEntity",
			"User ann is not in group g2", func() error {
				_, err := c.RemoveUserFromGroup(t.Context(), &iam.RemoveUserFromGroupInput{UserName: user,
					GroupName: aws.String("g2")})
				return err
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			emutest.WantError(t, tt.try(), tt.code, tt.message)
		})
	}
}

func TestErrorsDecodeToTheSDKsTypes(t *testing.T) {
	srv := &awsemu.Server{Account: emutest.Video()}
	c := emutest.Connect(t, srv).IAM
	for code, as := range map[string]func(error) bool{
		"NoSuchEntity":            isType[*types.NoSuchEntityException],
		"LimitExceeded":           isType[*types.LimitExceededException],
		"DeleteConflict":          isType[*types.DeleteConflictException],
		"MalformedPolicyDocument": isType[*types.MalformedPolicyDocumentException],
		"InvalidInput":            isType[*types.InvalidInputException],
		"ServiceFailure":          isType[*types.ServiceFailureException],
	} {
		srv.SetFaults(awsemu.Fault{Error: &awsemu.FaultError{Code: code, Message: "m"}})
		var err error
		if code == "InvalidInput" || code == "MalformedPolicyDocument" || code == "LimitExceeded" {
			_, err = c.CreatePolicyVersion(t.Context(), &iam.CreatePolicyVersionInput{
				PolicyArn: emutest.ARNOf("policy/p1"), PolicyDocument: aws.String("{}")})
		} else {
			_, err = c.DeletePolicyVersion(t.Context(), &iam.DeletePolicyVersionInput{
				PolicyArn: emutest.ARNOf("policy/p1"), VersionId: aws.String("v1")})
		}
		if !as(err) {
			t.Errorf("%s is decoded as %v", code, err)
		}
	}
}

func isType[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestADocumentIsStoredUnchanged(t *testing.T) {
	c := emutest.Connect(t, &awsemu.Server{Account: emutest.Video()}).IAM
	text := "{\r\n\t\"Version\" : \"2012-10-17\",\n " +
		"\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"a:+b\",\"Resource\":\"*\",\"Sid\":\"\"}}\n "
	mustSucceed[*iam.PutUserPolicyOutput](t)(c.PutUserPolicy(t.Context(),
		&iam.PutUserPolicyInput{UserName: aws.String("ann"), PolicyName: aws.String("x"),
			PolicyDocument: &text}))
	out, err := c.GetUserPolicy(t.Context(), &iam.GetUserPolicyInput{UserName: aws.String("ann"),
		PolicyName: aws.String("x")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := url.PathUnescape(*out.PolicyDocument); err != nil || !reflect.DeepEqual(got, text) {
		t.Errorf("got %q, %v\nwant %q", got, err, text)
	}
}
