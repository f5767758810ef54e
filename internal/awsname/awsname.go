// Package awsname has the forms of names that AWS documents: of accounts, regions, buckets,
// functions, topics and entities of IAM. Each form is written down once, with the page of AWS that
// it follows.
//
// A constant is the form as a regular expression without anchors, for use in longer expressions.
// It matches the same texts in the syntax of Go, JavaScript and CloudFormation.
package awsname

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

const (
	// Account is a number with twelve digits.
	// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html
	Account = `[0-9]{12}`
	// Partition is aws, or aws with suffixes, as in aws-cn and aws-iso-b.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
	Partition = `aws(-[a-z]+)*`
	// Region has an area of two or more letters, one or more words, and a number: us-east-1,
	// us-gov-west-1, eusc-de-east-1.
	// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
	Region = `[a-z]{2,}(-[a-z]+)+-[0-9]+`
	// Bucket is the name of an S3 bucket.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
	Bucket = `[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`
	// Function is the name of a Lambda function.
	// https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
	Function = `[A-Za-z0-9_-]{1,64}`
	// Topic is the name of a standard SNS topic. The name of a FIFO topic ends in .fifo.
	// https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
	Topic = `[A-Za-z0-9_-]{1,256}`
	// IAMName is the name of a group or policy. Users and roles have shorter names: see RoleName.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
	IAMName = `[A-Za-z0-9_+=,.@-]{1,128}`
	// RoleName is the name of a user or role.
	RoleName = `[A-Za-z0-9_+=,.@-]{1,64}`
	// Session is the name of a session of a role.
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
	Session = `[A-Za-z0-9_+=,.@-]{2,64}`
	// IAMPath is "/", or printable ASCII between two slashes. It has at most MaxIAMPath characters.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
	IAMPath = `/([!-~]+/)?`
)

// MaxIAMPath is the maximum number of characters in a path.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const MaxIAMPath = 512

var (
	account   = whole(Account)
	partition = whole(Partition)
	region    = whole(Region)
	bucket    = whole(Bucket)
	function  = whole(Function)
	topic     = whole(Topic)
	iamName   = whole(IAMName)
	roleName  = whole(RoleName)
	iamPath   = whole(IAMPath)
	session   = whole(Session)
)

// whole compiles a form for a whole text.
func whole(form string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + form + `)$`) }

// IsAccount reports whether a text is an account number.
func IsAccount(s string) bool { return account.MatchString(s) }

// IsRegion reports whether a text has the form of a region. The region need not exist.
func IsRegion(s string) bool { return region.MatchString(s) }

// alwaysEnabled are the regions of partition aws that an account cannot disable: the regions that
// AWS introduced before March 20, 2019. All regions in China are always enabled, too.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
var alwaysEnabled = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
	"ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
	"eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	"cn-north-1", "cn-northwest-1",
}

// AlwaysEnabled reports whether an account cannot disable a region.
func AlwaysEnabled(region string) bool { return slices.Contains(alwaysEnabled, region) }

// IsFunction reports whether Lambda accepts the name for a function. A name with a wildcard would
// turn an ARN into a pattern.
func IsFunction(s string) bool { return function.MatchString(s) }

// IsTopic reports whether SNS accepts the name for a standard topic.
func IsTopic(s string) bool { return topic.MatchString(s) }

// IsBucket reports whether S3 accepts the name for a bucket.
func IsBucket(s string) bool { return bucket.MatchString(s) }

// ValidateBucket returns an error for a name that S3 does not accept for a bucket.
func ValidateBucket(s string) error {
	if !IsBucket(s) {
		return fmt.Errorf("%.200q is not a bucket name: use 3 to 63 characters of a-z, 0-9, dots and "+
			"hyphens, without arn: or s3://", s)
	}
	return nil
}

// IsIAMName reports whether a text has the form of the name of a user, role, group or policy.
func IsIAMName(s string) bool { return iamName.MatchString(s) }

// IsRoleName reports whether IAM accepts the name for a role.
func IsRoleName(s string) bool { return roleName.MatchString(s) }

// IsSession reports whether STS accepts the name for a session of a role.
func IsSession(s string) bool { return session.MatchString(s) }

// IsIAMPath reports whether IAM accepts the path.
func IsIAMPath(s string) bool { return len(s) <= MaxIAMPath && iamPath.MatchString(s) }

// IsTopicARN reports whether a text is the ARN of a standard topic.
func IsTopicARN(s string) bool {
	a, ok := arn.Parse(s)
	return ok && partition.MatchString(a.Partition) && a.Service == "sns" && IsRegion(a.Region) &&
		IsAccount(a.Account) && IsTopic(a.Resource)
}

// IsIAMARN reports whether an ARN belongs to IAM and has an account. The account of AWS's managed
// policies is "aws".
func IsIAMARN(a arn.ARN) bool {
	return partition.MatchString(a.Partition) && a.Service == "iam" && a.Region == "" &&
		(IsAccount(a.Account) || a.Account == "aws")
}
