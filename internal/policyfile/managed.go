package policyfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// ManagedPolicy returns the managed policy with an ARN that a file names, at the place that names
// it. No file holds the document of a policy of AWS, so all that is known about it is what follows.
//
// AWS adds permissions to its policies, and does not remove them. So the policies of AWS that are
// usual for Remotion grant at least what they granted in March 2026, and at most any action of the
// same services.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-deprecated.html
//
// Any other policy can grant anything, and a policy of AWS denies nothing unless AWS documents a
// Deny in it. A policy of the account can also deny anything.
func ManagedPolicy(policyARN string, at Place) Document {
	a, ok := arn.Parse(policyARN)
	path, isPolicy := strings.CutPrefix(a.Resource, "policy/")
	if !ok || !isPolicy || a.Service != "iam" || a.Account != "aws" {
		name := "managed policy " + policyARN
		return Document{Name: name, At: at, Bounds: OpenBounds(name, at.Place, true)}
	}
	d := Document{Name: prefix + a.Name(), At: at, ByAWS: true}
	if text, ok := awsPolicies[path]; ok && a.Partition == "aws" {
		d.Bounds = extendedByAWS(d.Name, text, at.Place)
	} else {
		d.Bounds = OpenBounds(d.Name, at.Place, awsMayDeny(a.Name()))
	}
	return d
}

// AWSPolicyARN returns the ARN of a managed policy of AWS from its name alone, as SAM accepts it. A
// name that is not in awsPolicies has no path in the ARN.
func AWSPolicyARN(partition, name string) string {
	for path := range awsPolicies {
		if arn.Name(path) == name {
			name = path
			break
		}
	}
	return arn.IAM(partition, "aws", "policy/"+name)
}

// extendedByAWS returns the bounds of a policy of AWS from the statements of a known version.
func extendedByAWS(name, statements string, at tree.Place) Bounds {
	known := parseStatements(statements, at)
	var services []string
	for _, s := range known.Statements {
		for _, action := range s.Action {
			service, _, isAction := strings.Cut(action, ":")
			if !isAction {
				return Bounds{AtLeast: known, AtMost: known} // the statement grants everything
			}
			services = append(services, `{"Effect":"Allow","Action":"`+service+`:*","Resource":"*"}`)
		}
	}
	slices.Sort(services)
	return Bounds{
		AtLeast: known,
		AtMost:  parseStatements(strings.Join(slices.Compact(services), ","), at),
		Open:    []Open{{"what AWS added to its managed policy " + strings.TrimPrefix(name, prefix), at}},
	}
}

const prefix = "AWS managed policy "

// parseStatements returns a document of valid statements, all at one place.
func parseStatements(statements string, at tree.Place) *iampolicy.Document {
	doc, err := iampolicy.Parse(`{"Version":"` + iampolicy.Version + `","Statement":[` +
		statements + `]}`)
	if err != nil {
		return &iampolicy.Document{Version: iampolicy.Version} // grants nothing; a test parses them all
	}
	for i := range doc.Statements {
		s := &doc.Statements[i]
		s.Brace = iampolicy.Position(at)
		s.Start, s.End = s.Brace, s.Brace
	}
	return doc
}

// awsPolicies are the statements of AWS's managed policies that are usual for Remotion, by the path
// and the name in the ARN. They only allow.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var awsPolicies = map[string]string{
	"AdministratorAccess": `{"Effect":"Allow","Action":"*","Resource":"*"}`,
	"AmazonS3FullAccess": `{"Effect":"Allow","Resource":"*",` +
		`"Action":["s3:*","s3-object-lambda:*"]}`,
	"AmazonS3ReadOnlyAccess": `{"Effect":"Allow","Resource":"*","Action":["s3:Get*","s3:List*",` +
		`"s3:Describe*","s3-object-lambda:Get*","s3-object-lambda:List*"]}`,
	"AWSXRayDaemonWriteAccess": `{"Effect":"Allow","Resource":"*","Action":[` +
		`"xray:PutTraceSegments","xray:PutTelemetryRecords","xray:GetSamplingRules",` +
		`"xray:GetSamplingTargets","xray:GetSamplingStatisticSummaries"]}`,
	"CloudWatchLambdaInsightsExecutionRolePolicy": `{"Effect":"Allow","Resource":"*",` +
		`"Action":"logs:CreateLogGroup"},{"Effect":"Allow",` +
		`"Resource":"arn:aws:logs:*:*:log-group:/aws/lambda-insights:*",` +
		`"Action":["logs:CreateLogStream","logs:PutLogEvents"]}`,
	"service-role/AWSLambdaBasicExecutionRole": `{"Effect":"Allow","Resource":"*","Action":[` +
		`"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"]}`,
	"service-role/AWSLambdaRole": `{"Effect":"Allow","Resource":"*",` +
		`"Action":"lambda:InvokeFunction"}`,
	"service-role/AWSLambdaVPCAccessExecutionRole": `{"Effect":"Allow","Resource":"*","Action":[` +
		`"logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents",` +
		`"ec2:CreateNetworkInterface","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets",` +
		`"ec2:DeleteNetworkInterface","ec2:AssignPrivateIpAddresses",` +
		`"ec2:UnassignPrivateIpAddresses"]}`,
}

// denyingPolicy is the form of the names of AWS's policies that exist to deny or to limit.
var denyingPolicy = regexp.MustCompile(`(?i)deny|quarantine|revoke|restricted|boundary|` +
	`ServiceRolePolicy$`)

// denyingPolicies are the other policies of AWS with a Deny statement in March 2026.
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var denyingPolicies = []string{
	"AWSCertificateManagerPrivateCAPrivilegedUser", "AWSCertificateManagerPrivateCAUser",
	"AWSCleanRoomsFullAccessNoQuerying", "AWSDeepRacerDefaultMultiUserAccess",
	"AWSIAMIdentityCenterAllowListForIdentityContext", "AWSLakeFormationDataAdmin",
	"AWSMarketplaceImageBuildFullAccess", "AWSPrivateCAPrivilegedUser", "AWSPrivateCAUser",
	"AWSTransformApplicationDeploymentPolicy", "AmazonConnectReadOnlyAccess",
	"AmazonRedshiftDataFullAccess", "IAMAuditRootUserCredentials", "IAMCreateRootUserPassword",
	"IAMDeleteRootUserCredentials", "S3UnlockBucketPolicy", "SQSUnlockQueuePolicy",
	"SageMakerStudioAdminIAMDefaultExecutionPolicy",
	"SageMakerStudioAdminIAMPermissiveExecutionPolicy",
	"SageMakerStudioUserIAMDefaultExecutionPolicy",
	"SageMakerStudioUserIAMPermissiveExecutionPolicy",
}

// awsMayDeny reports whether a managed policy of AWS may have a Deny statement.
func awsMayDeny(name string) bool {
	return denyingPolicy.MatchString(name) || slices.Contains(denyingPolicies, name)
}
