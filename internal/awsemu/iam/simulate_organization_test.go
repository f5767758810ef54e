package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

func TestSimulationsApplyTheOrganization(t *testing.T) {
	const iamPolicy = " IAM Policy "
	publish := "[group_g_more" + iamPolicy + statementPosition(nil, emutest.AllowPublish) + "]"
	simulateAll(t, []simulationTest{
		{
			name: "a denial by the organization has no matched statements",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DocumentOf(emutest.DenyRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"s3:GetObject", "sns:Publish"}, ResourceArns: []string{bucketA}},
			want: []string{
				"s3:GetObject " + bucketA + ": explicitDeny organization false | " + bucketA +
					" explicitDeny 0",
				"sns:Publish " + bucketA + ": implicitDeny organization true | " + bucketA + " implicitDeny 0",
			},
		},
		{
			name: "an action that one level does not allow is implicitly denied, even if other levels " +
				"allow the action",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess},
					{emutest.DocumentOf(emutest.AllowPublish)},
					{awsemu.FullAWSAccess, emutest.DocumentOf(emutest.AllowRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames: []string{"iam:PassRole", "sns:Publish"}},
			want: []string{
				"iam:PassRole *: implicitDeny organization false",
				"sns:Publish *: implicitDeny missing [iam:PassedToService] organization true",
			},
		},
		{
			name: "a level allows an action if one of the level's policies allows the action",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{emutest.DocumentOf(emutest.AllowList),
					emutest.DocumentOf(emutest.AllowPublish)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"sns:Publish", "lambda:ListFunctions"}},
			want: []string{
				"sns:Publish *: allowed " + publish + " organization true",
				"lambda:ListFunctions *: allowed [shared" + iamPolicy + statementPosition(nil, emutest.AllowList) +
					"] organization true",
			},
		},
		{
			name: "a deny outside some regions applies without a region, and the result does not list " +
				"the key as missing",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DenyOutside("*", "us-east-1", "eu-central-1")}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/cond"),
				ActionNames: []string{"iam:PassRole"}},
			want: []string{"iam:PassRole *: explicitDeny organization false"},
		},
		{
			name: "a deny outside some regions does not apply in one of these regions",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DenyOutside("*", "us-east-1", "eu-central-1")}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames:    []string{"sns:Publish"},
				ContextEntries: []types.ContextEntry{entryOf("AWS:requestedregion", "string", "eu-central-1")}},
			want: []string{"sns:Publish *: allowed " + publish + " organization true"},
		},
		{
			name: "the organization decides per resource, and the action has the most restrictive decision",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DocumentOf(emutest.DenySecret)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("role/worker"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketS}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: explicitDeny organization " +
				"false | " + bucketA + " allowed 1 | " + bucketS + " explicitDeny 0"},
		},
		{
			name: "the organization's policies do not affect a service-linked role",
			account: func(a *awsemu.Account) {
				a.ServiceControlPolicies = awsemu.Organization{{emutest.DocumentOf(emutest.DenyRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("role/linked"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed [role_linked_p" + iamPolicy +
				statementPosition(nil, emutest.AllowRead) + "] organization true | " + bucketA + " allowed 1"},
		},
		{
			name:    "a service control policy that does not parse allows nothing",
			account: func(a *awsemu.Account) { a.ServiceControlPolicies = awsemu.Organization{{"{nonsense"}} },
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"sns:Publish"}},
			want: []string{"sns:Publish *: implicitDeny organization false"},
		},
		{
			name: "in the old shape an organization's explicit deny is an implicit deny",
			account: func(a *awsemu.Account) {
				a.Simulator.Shape = "old"
				a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
					emutest.DocumentOf(emutest.DenyRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: emutest.ARNOf("user/ci"),
				ActionNames: []string{"s3:GetObject"}},
			want: []string{"s3:GetObject *: implicitDeny organization false"},
		},
	})
}
