package awsemu

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/cloudwatch"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/ec2"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/kms"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/lambda"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/logs"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/organizations"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/s3"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sns"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/sts"
)

// An Account describes an AWS account at the start of a Server. A test can write an Account as a
// literal, and package account reads an Account from a YAML file. That package checks for every
// mistake; a Server checks only the references to groups, policies and topics. If a reference is
// wrong, the Server answers every request with an error. A Server never changes its Account.
type Account struct {
	// ID is the account's number, twelve digits. Empty means 123456789012.
	ID string
	// Partition is the partition of the account's ARNs. Empty means aws.
	Partition string
	// Alias is the account's alias. Empty means no alias.
	Alias string

	// Users, Groups and Roles are keyed by name.
	Users  map[string]User
	Groups map[string]Group
	Roles  map[string]Role
	// Policies are managed policies by name: customer managed policies, and the AWS managed policies
	// that the account uses.
	Policies map[string]ManagedPolicy

	// Functions are the deployed Lambda functions. The field Function configures local mode instead.
	Functions []LambdaFunction
	// DisabledRegions are the regions that the account has not enabled. Calls to Lambda and
	// GetCallerIdentity of STS fail in these regions.
	DisabledRegions []string

	// Topics are SNS topics, by ARN, or by name in Function.Region.
	Topics []string
	// Subscriptions are the subscriptions to the topics.
	Subscriptions []Subscription
	// Buckets are S3 buckets by name.
	Buckets map[string]Bucket
	// Keys are the customer managed keys of KMS.
	Keys []Key
	// LogGroups are log groups of CloudWatch Logs.
	LogGroups []LogGroup
	// DeletedLayers are the ARNs of versions of Lambda layers that do not exist. All others exist.
	DeletedLayers []string
	// ConcurrentExecutions are the quotas of Lambda by region. The region "" stands for all others.
	// Zero means 1,000.
	ConcurrentExecutions map[string]int
	// VPCEndpoints are the VPC endpoints of EC2.
	VPCEndpoints []VPCEndpoint
	// PublicAccessBlock are the settings of Block Public Access of the account. Nil means that the
	// account has none.
	PublicAccessBlock *PublicAccessBlock

	// ServiceControlPolicies contains the service control policies that apply to the account. Nil
	// means that the account is in no organization.
	ServiceControlPolicies Organization
	// ResourceControlPolicies contains the resource control policies of the same levels, in addition
	// to RCPFullAWSAccess. Nil means that the organization has not enabled resource control policies.
	ResourceControlPolicies Organization
	// OrganizationAccess is what the account may do in the organization. The zero value means what a
	// delegated administrator may do.
	OrganizationAccess organizations.Access
	// Simulator configures the answers of simulations. The zero value selects AWS's present answers.
	Simulator Simulator

	// Faults apply from the start; see [Server.SetFaults].
	Faults []Fault
	// PageSize is the number of items per page of a list. Zero means 2. The parameter MaxItems can
	// only lower the number.
	PageSize int

	// Function configures how local mode runs the function. The server reads only Function.Region.
	Function Function
}

// A Function configures how local mode runs the Lambda function. For a zero field, local mode uses
// its own default.
type Function struct {
	Region      string
	Name        string
	Timeout     time.Duration
	Memory      int // MB
	Environment map[string]string
	// Role is the name of the function's role. If it is empty, the function runs as the account's
	// administrator.
	Role string
}

// These types describe the data of the services. Each belongs to the package of its service.
type (
	// A User is an IAM user.
	User = iam.User
	// A Group is an IAM group.
	Group = iam.Group
	// A Role is an IAM role.
	Role = iam.Role
	// A ManagedPolicy is a customer managed policy or an AWS managed policy.
	ManagedPolicy = iam.ManagedPolicy
	// An Organization contains service control policies.
	Organization = iam.Organization
	// A Simulator configures the answers of simulations.
	Simulator = iam.Simulator
	// Keys are credentials of a session.
	Keys = sts.Keys
	// A CheckedPermission is a permission that a call needed, or that decided about its reply.
	CheckedPermission = service.CheckedPermission
	// An Invocation is one invocation of a Lambda function.
	Invocation = lambda.Invocation
	// A LambdaFunction is a function that is deployed in the account.
	LambdaFunction = lambda.Function
	// A Subscription is a subscription to a topic.
	Subscription = sns.Subscription
	// A Message is a message that a client published.
	Message = sns.Message
	// An Attribute is a message attribute.
	Attribute = sns.Attribute
	// A Bucket is an S3 bucket.
	Bucket = s3.Bucket
	// A Key is a customer managed key of KMS.
	Key = kms.Key
	// A LogGroup is a log group of CloudWatch Logs.
	LogGroup = logs.LogGroup
	// A VPCEndpoint connects a VPC with a service.
	VPCEndpoint = ec2.VPCEndpoint
	// A PublicAccessBlock has the settings of Block Public Access.
	PublicAccessBlock = s3.PublicAccessBlock
	// A Datum is one metric value that a client put.
	Datum = cloudwatch.Datum
	// A Dimension is a name and value that distinguish metrics of the same name.
	Dimension = cloudwatch.Dimension
	// Statistics are values that the client has aggregated.
	Statistics = cloudwatch.Statistics
)

// FullAWSAccess is the service control policy of that name, which AWS attaches by default.
const FullAWSAccess = iam.FullAWSAccess
