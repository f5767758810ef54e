package awsemu

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// denyOutside is a service control policy that forbids an action everywhere but in some regions.
func denyOutside(action string, regions ...string) string {
	return documentOf(`{"Effect":"Deny","Action":"` + action +
		`","Resource":"*","Condition":{"StringNotEquals":{"aws:RequestedRegion":["` +
		strings.Join(regions, `","`) + `"]}}}`)
}

func TestSimulationsKnowTheOrganization(t *testing.T) {
	const iamPolicy = " IAM Policy "
	publish := "[group_g_more" + iamPolicy + place(nil, allowPublish) + "]"
	simulateAll(t, []simulationTest{
		{
			name: "what the organization forbids is denied without a statement",
			account: func(a *Account) {
				a.Organization = Organization{{FullAWSAccess, documentOf(denyRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"s3:GetObject", "sns:Publish"}, ResourceArns: []string{bucketA}},
			want: []string{
				"s3:GetObject " + bucketA + ": explicitDeny organization false | " + bucketA +
					" explicitDeny 0",
				"sns:Publish " + bucketA + ": implicitDeny organization true | " + bucketA + " implicitDeny 0",
			},
		},
		{
			name: "a level that does not allow denies implicitly, regardless of other levels and the " +
				"policies deny",
			account: func(a *Account) {
				a.Organization = Organization{{FullAWSAccess}, {documentOf(allowPublish)},
					{FullAWSAccess, documentOf(allowRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames: []string{"iam:PassRole", "sns:Publish"}},
			want: []string{
				"iam:PassRole *: implicitDeny organization false",
				"sns:Publish *: implicitDeny missing [iam:PassedToService] organization true",
			},
		},
		{
			name: "the policies of a level are a union, and need not name everything",
			account: func(a *Account) {
				a.Organization = Organization{{documentOf(allowList), documentOf(allowPublish)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"sns:Publish", "lambda:ListFunctions"}},
			want: []string{
				"sns:Publish *: allowed " + publish + " organization true",
				"lambda:ListFunctions *: allowed [shared" + iamPolicy + place(nil, allowList) +
					"] organization true",
			},
		},
		{
			name: "forbidden outside some regions is forbidden where no region is said, which is not " +
				"missing",
			account: func(a *Account) {
				a.Organization = Organization{{FullAWSAccess, denyOutside("*", "us-east-1", "eu-central-1")}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/cond"),
				ActionNames: []string{"iam:PassRole"}},
			want: []string{"iam:PassRole *: explicitDeny organization false"},
		},
		{
			name: "and free in one of them",
			account: func(a *Account) {
				a.Organization = Organization{{FullAWSAccess, denyOutside("*", "us-east-1", "eu-central-1")}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames:    []string{"sns:Publish"},
				ContextEntries: []types.ContextEntry{entryOf("AWS:requestedregion", "string", "eu-central-1")}},
			want: []string{"sns:Publish *: allowed " + publish + " organization true"},
		},
		{
			name: "the organization decides resource by resource, and the strictest is the action's",
			account: func(a *Account) {
				a.Organization = Organization{{FullAWSAccess, documentOf(denySecret)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("role/worker"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA, bucketS}},
			want: []string{"s3:GetObject arn:aws:s3:::${BucketName}/${KeyName}: explicitDeny organization " +
				"false" +
				" | " + bucketA + " allowed 1 | " + bucketS + " explicitDeny 0"},
		},
		{
			name:    "a service-linked role is beyond the organization's policies",
			account: func(a *Account) { a.Organization = Organization{{documentOf(denyRead)}} },
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("role/linked"),
				ActionNames: []string{"s3:GetObject"}, ResourceArns: []string{bucketA}},
			want: []string{"s3:GetObject " + bucketA + ": allowed [role_linked_p" + iamPolicy +
				place(nil, allowRead) + "] organization true" +
				" | " + bucketA + " allowed 1"},
		},
		{
			name:    "a service control policy that does not parse counts for nothing",
			account: func(a *Account) { a.Organization = Organization{{"{nonsense"}} },
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"sns:Publish"}},
			want: []string{"sns:Publish *: implicitDeny organization false"},
		},
		{
			name: "the old shape did not tell an organization's deny from its silence",
			account: func(a *Account) {
				a.Simulator.Shape, a.Organization = "old", Organization{{FullAWSAccess, documentOf(denyRead)}}
			},
			in: iam.SimulatePrincipalPolicyInput{PolicySourceArn: arnOf("user/ci"),
				ActionNames: []string{"s3:GetObject"}},
			want: []string{"s3:GetObject *: implicitDeny organization false"},
		},
	})
}
