package iam_test

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

// level returns an item of OrderedOrganizationPolicyInputList.
func level(documents ...string) types.OrderedOrganizationPolicyType {
	return types.OrderedOrganizationPolicyType{ServiceControlPolicyInputList: documents}
}

const (
	asWorker = `{"Effect":"Allow","Action":"sns:*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/worker"},"Null":{"aws:username":"true","aws:userid":"false"}}}`
	asOthers = `{"Effect":"Allow","Action":"sns:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalAccount":"999999999999"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:group/g"}}}`
)

func TestSimulateCustomPolicyEvaluatesTheGivenDocuments(t *testing.T) {
	// The account's organization must not affect the answers.
	account := simulated()
	account.ServiceControlPolicies = awsemu.Organization{{emutest.DenyOutside("*", "us-east-1")}}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM

	allow := "[PolicyInputList.1 IAM Policy " + statementPosition(nil, emutest.AllowRead) + "]"
	anyAction := " IAM Policy " + statementPosition(nil, emutest.AllowAny) + "]"
	tests := []struct {
		name string
		in   iam.SimulateCustomPolicyInput
		want []string
	}{
		{
			name: "the id of a document contains the document's position in the list",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject", "sns:Publish",
				"no:Such"},
				PolicyInputList: []string{emutest.DocumentOf(emutest.AllowRead), emutest.DocumentOf(emutest.AllowPublish)}},
			want: []string{"s3:GetObject *: implicitDeny",
				"sns:Publish *: allowed [PolicyInputList.2 IAM Policy " + statementPosition(nil, emutest.AllowPublish) +
					"]",
				"no:Such *: implicitDeny"},
		},
		{
			name: "an explicit deny of one resource is the decision of the action",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject"},
				ResourceArns:    []string{bucketA, bucketS},
				PolicyInputList: []string{emutest.DocumentOf(emutest.AllowRead, emutest.DenySecret)}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: explicitDeny " +
				"[PolicyInputList.1 IAM Policy " + statementPosition([]string{emutest.AllowRead}, emutest.DenySecret) + "]" +
				" | " + bucketA + " allowed 1 | " + bucketS + " explicitDeny 1"},
		},
		{
			name: "a boundary limits what the documents allow",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"sns:Publish", "s3:GetObject"},
				PolicyInputList:                    []string{emutest.AllowAll},
				PermissionsBoundaryPolicyInputList: []string{emutest.DocumentOf(emutest.AllowS3)}},
			want: []string{
				"sns:Publish *: implicitDeny boundary false",
				"s3:GetObject *: allowed [PolicyInputList.1" + anyAction +
					" [PermissionsBoundaryPolicyInputList.1 Permissions Boundary Policy " +
					statementPosition(nil, emutest.AllowS3) +
					"] boundary true",
			},
		},
		{
			name: "every level of an organization has to allow the action",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject", "sns:Publish"},
				PolicyInputList: []string{emutest.AllowAll},
				OrderedOrganizationPolicyInputList: []types.OrderedOrganizationPolicyType{level(awsemu.FullAWSAccess),
					level(emutest.DocumentOf(emutest.AllowS3), emutest.DocumentOf(emutest.AllowList)),
					level(awsemu.FullAWSAccess)}},
			want: []string{"s3:GetObject *: allowed [PolicyInputList.1" + anyAction + " organization true",
				"sns:Publish *: implicitDeny organization false"},
		},
		{
			name: "a deny at any level is explicit, and the result lists neither the statement nor the keys",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject", "iam:PassRole"},
				PolicyInputList: []string{emutest.AllowAll, emutest.DocumentOf(emutest.AllowPass)},
				OrderedOrganizationPolicyInputList: []types.OrderedOrganizationPolicyType{level(awsemu.FullAWSAccess),
					level(awsemu.FullAWSAccess, emutest.DocumentOf(emutest.DenyRead), emutest.DenyOutside("iam:*",
						"us-east-1"))}},
			want: []string{"s3:GetObject *: explicitDeny organization false",
				"iam:PassRole *: explicitDeny organization false"},
		},
		{
			name: "context entries affect an organization's conditions",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"iam:PassRole"},
				PolicyInputList: []string{emutest.AllowAll},
				OrderedOrganizationPolicyInputList: []types.OrderedOrganizationPolicyType{level(awsemu.FullAWSAccess,
					emutest.DenyOutside("iam:*", "us-east-1"))},
				ContextEntries: []types.ContextEntry{entryOf("aws:RequestedRegion",
					"string", "us-east-1")}},
			want: []string{"iam:PassRole *: allowed [PolicyInputList.1" + anyAction + " organization true"},
		},
		{
			name: "without a caller the keys of the caller are missing",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject"},
				ResourceArns: []string{"arn:aws:s3:::bob/x"}, PolicyInputList: []string{emutest.DocumentOf(emutest.AllowOwn)}},
			want: []string{"s3:GetObject arn:aws:s3:::bob/x: implicitDeny missing [aws:username] | " +
				"arn:aws:s3:::bob/x implicitDeny 0 missing [aws:username]"},
		},
		{
			name: "CallerArn sets the keys of the caller",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject"},
				ResourceArns: []string{"arn:aws:s3:::bob/x"}, PolicyInputList: []string{emutest.DocumentOf(emutest.AllowOwn)},
				CallerArn: emutest.ARNOf("user/bob")},
			want: []string{"s3:GetObject arn:aws:s3:::bob/x: allowed [PolicyInputList.1 IAM Policy " +
				statementPosition(nil, emutest.AllowOwn) + "] | arn:aws:s3:::bob/x allowed 1"},
		},
		{
			name: "a role as the caller has no user name",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"sns:Publish"},
				PolicyInputList: []string{emutest.DocumentOf(asWorker)}, CallerArn: emutest.ARNOf("role/worker")},
			want: []string{"sns:Publish *: allowed [PolicyInputList.1 IAM Policy " +
				statementPosition(nil, asWorker) +
				"]"},
		},
		{
			name: "a group of another account as the caller sets the caller's account and ARN",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"sns:Publish"},
				PolicyInputList: []string{emutest.DocumentOf(asOthers)},
				CallerArn:       aws.String("arn:aws:iam::999999999999:group/g")},
			want: []string{"sns:Publish *: allowed [PolicyInputList.1 IAM Policy " +
				statementPosition(nil, asOthers) +
				"]"},
		},
		{
			name: "a star inside a resource is not a wildcard",
			in: iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject"},
				ResourceArns:    []string{"arn:aws:s3:::remotionlambda-*"},
				PolicyInputList: []string{emutest.DocumentOf(emutest.AllowRead, emutest.DenySecret)}},
			want: []string{"s3:GetObject arn:aws:s3:::remotionlambda-*: allowed " + allow +
				" | arn:aws:s3:::remotionlambda-* allowed 1"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := c.SimulateCustomPolicy(t.Context(), &tt.in)
			if err != nil {
				t.Fatal(err)
			}
			wantResults(t, out.EvaluationResults, tt.want)
		})
	}
}

func TestSimulateCustomPolicyHasPagesInTheOldShape(t *testing.T) {
	account := simulated()
	account.Simulator = awsemu.Simulator{Shape: "old", PageSize: 2}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	in := &iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject", "s3:PutObject",
		"s3:DeleteObject"},
		ResourceArns: []string{bucketA, bucketX}, PolicyInputList: []string{emutest.DocumentOf(emutest.AllowS3)}}
	var got []string
	err := emutest.Pages(t, iam.NewSimulateCustomPolicyPaginator(c, in),
		func(o *iam.SimulateCustomPolicyOutput) {
			for _, r := range o.EvaluationResults {
				got = append(got, *r.EvalActionName+" "+*r.EvalResourceName)
			}
		})
	want := []string{
		"s3:GetObject " + bucketA, "s3:GetObject " + bucketX, "s3:PutObject " + bucketA,
		"s3:PutObject " + bucketX,
		"s3:DeleteObject " + bucketA, "s3:DeleteObject " + bucketX,
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
}

func TestSimulateCustomPolicyRefusesInvalidInput(t *testing.T) {
	account := simulated()
	account.Simulator.Ungrouped = []string{"lambda:InvokeAsync"}
	c := emutest.Connect(t, &awsemu.Server{Account: account}).IAM
	tests := []struct {
		name, code, message string
		set                 func(*iam.SimulateCustomPolicyInput)
	}{
		{"an invalid document", "InvalidInput", "Policy input list item 2 has invalid content",
			func(in *iam.SimulateCustomPolicyInput) {
				in.PolicyInputList = []string{emutest.AllowAll, "{}"}
			}},
		{"two boundaries", "InvalidInput",
			"The list of Permissions Boundary policies cannot exceed 1 items.",
			func(in *iam.SimulateCustomPolicyInput) {
				in.PermissionsBoundaryPolicyInputList = []string{emutest.AllowAll, emutest.AllowAll}
			}},
		{"an invalid service control policy", "InvalidInput",
			"Organization policy input list item 2.1 has invalid content",
			func(in *iam.SimulateCustomPolicyInput) {
				in.OrderedOrganizationPolicyInputList =
					[]types.OrderedOrganizationPolicyType{level(awsemu.FullAWSAccess), level("{}")}
			}},
		{"an action without a service", "InvalidInput", "The action is invalid since it is missing names",
			func(in *iam.SimulateCustomPolicyInput) { in.ActionNames = []string{"GetObject"} }},
		{"a resource that is not an ARN", "InvalidInput",
			"ResourceNames are not in a valid ARN format: bucket.", func(in *iam.SimulateCustomPolicyInput) {
				in.ResourceArns = []string{"bucket"}
			}},
		{"a session as the caller", "InvalidInput",
			"Invalid ARN provided in the request: arn:aws:sts::123456789012:assumed-role/worker/s",
			func(in *iam.SimulateCustomPolicyInput) {
				in.CallerArn = aws.String("arn:aws:sts::123456789012:assumed-role/worker/s")
			}},
		{"a duplicate context key", "InvalidInput", "Duplicate context key: aws:x-key.",
			func(in *iam.SimulateCustomPolicyInput) {
				in.ContextEntries = []types.ContextEntry{entryOf("aws:x-key", "string", "a"),
					entryOf("aws:x-key", "string", "b")}
			}},
		{"the marker of the other operation", "InvalidInput", "Invalid marker for pagination.",
			func(in *iam.SimulateCustomPolicyInput) {
				in.Marker = aws.String(wire.Marker("SimulatePrincipalPolicy", 1))
			}},
		{"a page size above the limit", "ValidationError",
			"1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must " +
				"have value less than or equal to 1000", func(in *iam.SimulateCustomPolicyInput) {
				in.MaxItems = aws.Int32(1001)
			}},
		{"actions with and without resource data", "InvalidInput",
			"Invalid Input Actions: [s3:GetObject] and [lambda:InvokeAsync] require different " +
				"authorization information.", func(in *iam.SimulateCustomPolicyInput) {
				in.ActionNames, in.ResourceArns = []string{"s3:GetObject", "lambda:InvokeAsync"},
					[]string{bucketA}
			}},
		{"a resource policy", "InvalidInput", "The embedded AWS does not offer ResourcePolicy.",
			func(in *iam.SimulateCustomPolicyInput) { in.ResourcePolicy = aws.String(emutest.AllowAll) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := &iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:GetObject"},
				PolicyInputList: []string{emutest.AllowAll}}
			tt.set(in)
			_, err := c.SimulateCustomPolicy(t.Context(), in)
			emutest.WantError(t, err, tt.code, tt.message)
		})
	}
}

// TestSimulateCustomPolicyRequiresDocuments checks that a request without documents is refused. The
// SDK does not send such a request, but other clients can.
func TestSimulateCustomPolicyRequiresDocuments(t *testing.T) {
	url := emutest.Listen(t, &awsemu.Server{})
	got := emutest.Post(t, url, "iam", map[string]string{"Action": "SimulateCustomPolicy",
		"Version": "2010-05-08", "ActionNames.member.1": "s3:GetObject"})
	emutest.WantText(t, got, "<Code>ValidationError</Code>",
		"Value null at &#39;policyInputList&#39; failed to satisfy constraint: Member must not be null")
}
