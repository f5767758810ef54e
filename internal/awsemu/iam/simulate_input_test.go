package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestSimulatePrincipalPolicyRefusesInvalidInput(t *testing.T) {
	account := simulated()
	account.Simulator.Ungrouped = []string{"lambda:InvokeAsync"}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	validInput := func() *iam.SimulatePrincipalPolicyInput {
		return &iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
			ActionNames: []string{"s3:GetObject"}}
	}
	tests := []struct {
		name, code, message string
		set                 func(*iam.SimulatePrincipalPolicyInput)
	}{
		{"an unknown user", "NoSuchEntity", "Unable to retrieve specified IAM entity.",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.PolicySourceArn = emutest.ARNOf("user/unknown")
			}},
		{"a role with a user's name", "NoSuchEntity", "Unable to retrieve specified IAM entity.",
			func(in *iam.SimulatePrincipalPolicyInput) { in.PolicySourceArn = emutest.ARNOf("role/ci") }},
		{"the root user as the source", "InvalidInput",
			"Invalid ARN provided in the request: arn:aws:iam::123456789012:root",
			func(in *iam.SimulatePrincipalPolicyInput) { in.PolicySourceArn = emutest.ARNOf("root") }},
		{"a session as the source", "InvalidInput",
			"Invalid ARN provided in the request: arn:aws:sts::123456789012:assumed-role/worker/s",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.PolicySourceArn = aws.String("arn:aws:sts::123456789012:assumed-role/worker/s")
			}},
		{"a source of another account", "InvalidInput",
			"Invalid Policy Source Arn: caller's account 123456789012 does not have access to policies in " +
				"account 999999999999.", func(in *iam.SimulatePrincipalPolicyInput) {
				in.PolicySourceArn = aws.String("arn:aws:iam::999999999999:user/ci")
			}},
		{"a source that is too short", "ValidationError",
			"1 validation error detected: Value at 'policySourceArn' failed to satisfy constraint: Member " +
				"must have length greater than or equal to 20", func(in *iam.SimulatePrincipalPolicyInput) {
				in.PolicySourceArn = aws.String("ci")
			}},
		{"an action without a service", "InvalidInput", "The action is invalid since it is missing names",
			func(in *iam.SimulatePrincipalPolicyInput) { in.ActionNames = []string{"GetObject"} }},
		{"an action that is too long", "ValidationError", "", func(in *iam.SimulatePrincipalPolicyInput) {
			in.ActionNames = []string{"s3:" + strings.Repeat("x", 126)}
		}},
		{"a resource that is not an ARN", "InvalidInput",
			"ResourceNames are not in a valid ARN format: bucket.",
			func(in *iam.SimulatePrincipalPolicyInput) { in.ResourceArns = []string{"bucket"} }},
		{"a resource without a service", "InvalidInput",
			"ResourceNames are not in a valid ARN format: arn:aws::::x.",
			func(in *iam.SimulatePrincipalPolicyInput) { in.ResourceArns = []string{"arn:aws::::x"} }},
		{"the resource * together with another resource", "InvalidInput",
			"ResourceNames are not in a valid ARN format: *.", func(in *iam.SimulatePrincipalPolicyInput) {
				in.ResourceArns = []string{bucketA, "*"}
			}},
		{"a page size above the limit", "ValidationError",
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must " +
				"have value less than or equal to 1000", func(in *iam.SimulatePrincipalPolicyInput) {
				in.MaxItems = aws.Int32(1001)
			}},
		{"an invalid document", "InvalidInput", "Policy input list item 2 has invalid content",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.PolicyInputList = []string{emutest.AllowAll,
					"{}"}
			}},
		{"two boundaries", "InvalidInput",
			"The list of Permissions Boundary policies cannot exceed 1 items.",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.PermissionsBoundaryPolicyInputList = []string{emutest.AllowAll, emutest.AllowAll}
			}},
		{"a duplicate context key in another case", "InvalidInput",
			"Duplicate context key: AWS:SourceIP.",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.ContextEntries = []types.ContextEntry{entryOf("aws:SourceIp", "ip", "10.0.0.1"),
					entryOf("AWS:SourceIP", "ip", "10.0.0.1")}
			}},
		{"two values for a context key with one value", "InvalidInput",
			"Context key string expected a single value, but received 2.",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.ContextEntries = []types.ContextEntry{entryOf("aws:x-key", "string", "a", "b")}
			}},
		{"a context value of the wrong type", "InvalidInput",
			"Invalid context value for key aws:x-key: expected numeric format.",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.ContextEntries = []types.ContextEntry{entryOf("aws:x-key", "numeric", "many")}
			}},
		{"an unknown context key type", "ValidationError", "",
			func(in *iam.SimulatePrincipalPolicyInput) {
				in.ContextEntries = []types.ContextEntry{entryOf("aws:x-key", "colour", "red")}
			}},
		{"a marker that is too long", "ValidationError",
			"1 validation error detected: Value at 'marker' failed to satisfy constraint: Member must " +
				"have length less than or equal to 320", func(in *iam.SimulatePrincipalPolicyInput) {
				in.Marker = aws.String(strings.Repeat("x", 321))
			}},
		{"an invalid marker", "InvalidInput", "Invalid marker for pagination.",
			func(in *iam.SimulatePrincipalPolicyInput) { in.Marker = aws.String("x") }},
		{"actions with and without resource data", "InvalidInput",
			"Invalid Input Actions: [lambda:InvokeAsync] and [s3:GetObject,s3:PutObject] require " +
				"different authorization information.", func(in *iam.SimulatePrincipalPolicyInput) {
				in.ActionNames = []string{"lambda:InvokeAsync", "s3:GetObject", "s3:PutObject",
					"lambda:InvokeAsync"}
				in.ResourceArns = []string{bucketA}
			}},
		{"a parameter that is not offered", "InvalidInput",
			"The embedded AWS does not offer ResourcePolicy.",
			func(in *iam.SimulatePrincipalPolicyInput) { in.ResourcePolicy = aws.String(emutest.AllowAll) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := validInput()
			tt.set(in)
			_, err := c.SimulatePrincipalPolicy(t.Context(), in)
			emutest.WantError(t, err, tt.code, tt.message)
		})
	}
	in := validInput()
	in.ActionNames = []string{"lambda:InvokeAsync", "s3:GetObject"}
	if _, err := c.SimulatePrincipalPolicy(t.Context(), in); err != nil {
		t.Errorf("without resources, actions with and without resource data are refused: %v", err)
	}
}

func TestErrorsOfTheSimulatorBeforeJuly2026(t *testing.T) {
	c := emutest.Connect(
		t, &awsemu.Server{Account: &awsemu.Account{Simulator: awsemu.Simulator{Shape: "old"}}}).IAM
	for source, want := range map[string][2]string{
		"role/unknown": {"NoSuchEntity", "The role with name unknown cannot be found."},
		"root": {"InvalidInput",
			"Invalid Entity Arn: arn:aws:iam::123456789012:root does not clearly define entity type and " +
				"name."},
	} {
		_, err := c.SimulatePrincipalPolicy(t.Context(),
			&iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf(source),
				ActionNames: []string{"s3:GetObject"}})
		emutest.WantError(t, err, want[0], want[1])
	}
}
