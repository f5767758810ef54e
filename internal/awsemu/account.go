package awsemu

import "time"

// An Account describes an AWS account at the start of a Server. A test can write an Account as a
// literal, and [Load] reads an Account from a YAML file. Load checks for every mistake; a Server
// checks only the references to groups, policies and topics. If a reference is wrong, the Server
// answers every request with an error. A Server never changes its Account.
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
	// DisabledRegions are the regions that the account has not enabled. Lambda calls in these regions
	// fail.
	DisabledRegions []string

	// Topics are SNS topics, by ARN, or by name in Function.Region.
	Topics []string
	// Subscriptions are the subscriptions to the topics.
	Subscriptions []Subscription
	// Buckets are S3 buckets by name.
	Buckets map[string]Bucket

	// ServiceControlPolicies contains the service control policies that apply to the account. Nil
	// means that the account is in no organization.
	ServiceControlPolicies Organization
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

// A User is an IAM user. Its zero value has no permissions and no keys.
type User struct {
	// Path is the user's path. Empty means "/".
	Path string
	// Inline maps the names of inline policies to documents. The server does not check the documents
	// and returns them unchanged.
	Inline map[string]string
	// Managed lists the attached policies: names of Account.Policies, or ARNs.
	Managed []string
	// Boundary is the permissions boundary: a name of Account.Policies, or an ARN. Empty means none.
	Boundary string
	// Groups are the names of the groups that the user is in.
	Groups []string
	// AccessKeys are the ids of the user's access keys. A request that is signed with such a key comes
	// from this user.
	AccessKeys []string
}

// A Group is an IAM group.
type Group struct {
	Path    string
	Inline  map[string]string
	Managed []string
}

// A Role is an IAM role.
type Role struct {
	Path string
	// Trust is the trust policy: a document, or the name of a service that may assume the role. Empty
	// means lambda.amazonaws.com.
	Trust    string
	Inline   map[string]string
	Managed  []string
	Boundary string
}

// A ManagedPolicy is a customer managed policy or an AWS managed policy.
type ManagedPolicy struct {
	// Path is the policy's path. Empty means "/".
	Path string
	// ARN is the ARN of an AWS managed policy, arn:aws:iam::aws:policy/NAME. It is empty for a
	// customer managed policy.
	ARN string
	// Document is the text of the default version.
	Document string
	// OlderVersions are the texts of the older versions, oldest first. Their ids are v1, v2 and so on.
	// The default version has the next id.
	OlderVersions []string
}

// A Simulator configures the answers of SimulatePrincipalPolicy and SimulateCustomPolicy. AWS has
// changed some of these answers, and some depend on the simulator's data about an action.
type Simulator struct {
	// Shape selects the shape of the answer. Empty means the present shape, with one result per
	// action. "old" means the shape of AWS until 2026-07-30: one result per action and resource, the
	// errors of that time, and implicitDeny for everything that the organization denies.
	Shape string
	// Ungrouped are the actions for which the simulator has no resource data. The simulator refuses a
	// call with resources if only some of the actions are Ungrouped.
	Ungrouped []string
	// PageSize is the number of actions per page of results. Zero means Account.PageSize. Load sets
	// 100 if the file sets neither page size.
	PageSize int
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
