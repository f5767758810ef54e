package organizations_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	sdk "github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func dial(url, key string) *sdk.Client {
	return sdk.New(sdk.Options{Region: "us-east-1", BaseEndpoint: &url,
		Credentials: credentials.NewStaticCredentialsProvider(key, "secret", ""),
		Retryer:     aws.NopRetryer{}})
}

// member returns an account whose user ci has all permissions that the organization leaves: its
// root denies SNS.
func member() *awsemu.Account {
	return &awsemu.Account{
		Users: map[string]awsemu.User{"ci": {AccessKeys: []string{emutest.UserKey},
			Inline: map[string]string{"all": emutest.AllowAll}}},
		ServiceControlPolicies: awsemu.Organization{{awsemu.FullAWSAccess,
			emutest.DocumentOf(`{"Effect":"Deny","Action":"sns:*","Resource":"*"}`)}},
	}
}

func TestChangesOfPoliciesChangeWhatTheOrganizationAllows(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{Account: member()})
	c, client := dial(url, emutest.AnyKey), emutest.Dial(t, url, emutest.AnyKey).IAM
	wantPublish := func(when string, want iamtypes.PolicyEvaluationDecisionType) {
		t.Helper()
		out, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: emutest.ARNOf("user/ci"), ActionNames: []string{"sns:Publish"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := out.EvaluationResults[0].EvalDecision; got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	allowed, denied := iamtypes.PolicyEvaluationDecisionTypeAllowed,
		iamtypes.PolicyEvaluationDecisionTypeExplicitDeny
	wantPublish("at the start", denied)

	attached, err := c.ListPoliciesForTarget(t.Context(), &sdk.ListPoliciesForTargetInput{
		TargetId: aws.String(organizations.Root), Filter: types.PolicyTypeServiceControlPolicy})
	if err != nil || len(attached.Policies) != 2 || !attached.Policies[0].AwsManaged {
		t.Fatalf("policies of the root: %s, %v", emutest.AsJSON(attached), err)
	}
	deny := attached.Policies[1].Id
	got, err := c.DescribePolicy(t.Context(), &sdk.DescribePolicyInput{PolicyId: deny})
	if err != nil || !strings.Contains(*got.Policy.Content, "sns:*") ||
		*got.Policy.PolicySummary.Arn != "arn:aws:organizations::"+organizations.Management+
			":policy/"+organizations.ID+"/service_control_policy/"+*deny {
		t.Errorf("got %s, %v", emutest.AsJSON(got.Policy), err)
	}
	if _, err := c.UpdatePolicy(t.Context(), &sdk.UpdatePolicyInput{PolicyId: deny,
		Content: aws.String(emutest.DocumentOf(
			`{"Effect":"Deny","NotAction":"sns:Publish","Resource":"*"}`))}); err != nil {
		t.Fatal(err)
	}
	wantPublish("after the update", allowed)

	made, err := c.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{Name: aws.String("guard"),
		Description: aws.String("d"), Type: types.PolicyTypeServiceControlPolicy,
		Content: aws.String(emutest.DocumentOf(`{"Effect":"Deny","Action":"sns:Publish","Resource":"*"}`))})
	if err != nil {
		t.Fatal(err)
	}
	guard, account := made.Policy.PolicySummary.Id, aws.String("123456789012")
	wantPublish("with a policy without a target", allowed)
	attach := &sdk.AttachPolicyInput{PolicyId: guard, TargetId: account}
	if _, err := c.AttachPolicy(t.Context(), attach); err != nil {
		t.Fatal(err)
	}
	wantPublish("with a policy of the account", denied)
	_, err = c.AttachPolicy(t.Context(), attach)
	emutest.WantError(t, err, "DuplicatePolicyAttachmentException", "")
	_, err = c.DeletePolicy(t.Context(), &sdk.DeletePolicyInput{PolicyId: guard})
	emutest.WantError(t, err, "PolicyInUseException", "")
	if _, err := c.DetachPolicy(t.Context(),
		&sdk.DetachPolicyInput{PolicyId: guard, TargetId: account}); err != nil {
		t.Fatal(err)
	}
	wantPublish("without the policy of the account", allowed)
	_, err = c.DetachPolicy(t.Context(),
		&sdk.DetachPolicyInput{PolicyId: aws.String("p-FullAWSAccess"), TargetId: account})
	emutest.WantError(t, err, "ConstraintViolationException", "")
	if _, err := c.DeletePolicy(t.Context(),
		&sdk.DeletePolicyInput{PolicyId: guard}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribePolicy(t.Context(), &sdk.DescribePolicyInput{PolicyId: guard})
	emutest.WantError(t, err, "PolicyNotFoundException", "")
}

// document returns a document of size characters.
func document(size int) string {
	const text = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"a:b","Resource":"*"}]`
	return text + strings.Repeat(" ", size-len(text)-1) + "}"
}

func TestPoliciesAreRefused(t *testing.T) {
	account := member()
	account.Users["ci"].Inline["all"] = emutest.DocumentOf(emutest.AllowRead)
	url := emutest.Listen(t, &awsemu.Server{Account: account, EnforceIAM: true})
	c := dial(url, emutest.AnyKey)
	create := func(c *sdk.Client, name, content string) error {
		_, err := c.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{Name: &name, Content: &content,
			Description: aws.String(""), Type: types.PolicyTypeServiceControlPolicy})
		return err
	}
	if err := create(c, "full", document(10240)); err != nil {
		t.Errorf("10240 characters are refused: %v", err)
	}
	for _, test := range []struct{ name, code, policy, content string }{
		{"10241 characters", "ConstraintViolationException", "big", document(10241)},
		{"a text that is not JSON", "MalformedPolicyDocumentException", "broken", "{"},
		{"a name that another policy has", "DuplicatePolicyException", "full", emutest.AllowAll},
	} {
		t.Run(test.name, func(t *testing.T) {
			emutest.WantError(t, create(c, test.policy, test.content), test.code, "")
		})
	}
	_, err := c.UpdatePolicy(t.Context(), &sdk.UpdatePolicyInput{
		PolicyId: aws.String("p-FullAWSAccess"), Content: aws.String(emutest.AllowAll)})
	emutest.WantError(t, err, "InvalidInputException",
		"You specified a policy that is managed by AWS and can't be modified.")
	_, err = c.ListPoliciesForTarget(t.Context(), &sdk.ListPoliciesForTargetInput{
		TargetId: aws.String("ou-r3m0-99999999"), Filter: types.PolicyTypeServiceControlPolicy})
	emutest.WantError(t, err, "TargetNotFoundException", "")
	_, err = dial(url, emutest.UserKey).UpdatePolicy(t.Context(), &sdk.UpdatePolicyInput{
		PolicyId: aws.String("p-12345678"), Content: aws.String(emutest.AllowAll)})
	emutest.WantError(t, err, "AccessDeniedException", "")
	outside := dial(emutest.Listen(t, &awsemu.Server{}), emutest.AnyKey)
	emutest.WantError(t, create(outside, "mine", emutest.AllowAll),
		"AWSOrganizationsNotInUseException", "")
}
