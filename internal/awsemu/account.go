package awsemu

import "time"

// Account describes an AWS account: the state of a Server before the first request. It is plain
// data, so that a test can write it as a literal. [Load] reads it from a YAML file. A Server copies
// it and never writes to it. Load reports every mistake. A Server checks a literal only for
// dangling references; if there is one, it answers every request with that error.
type Account struct {
	// ID is the account's number, twelve digits. Empty means 123456789012.
	ID string
	// Partition is the partition in ARNs. Empty means aws.
	Partition string
	// Alias is the account's alias; empty for none.
	Alias string

	// Users, Groups and Roles are known by their names.
	Users  map[string]User
	Groups map[string]Group
	Roles  map[string]Role
	// Policies are the managed policies of the account, and those of AWS that it uses.
	Policies map[string]ManagedPolicy

	// Functions are the deployed Lambda functions. They are unrelated to Function.
	Functions []LambdaFunction
	// DisabledRegions are the regions that are not enabled in the account.
	DisabledRegions []string

	// Topics are SNS topics, by ARN, or by name in Function.Region.
	Topics []string
	// Subscriptions are the subscriptions of the topics.
	Subscriptions []Subscription
	// Buckets are S3 buckets by name.
	Buckets map[string]Bucket

	// Organization holds the service control policies above the account; nil for an account outside an
	// organization.
	Organization Organization
	// Simulator is the form of simulation results. The zero value is the current form.
	Simulator Simulator

	// Faults are the initial faults; see [Server.SetFaults].
	Faults []Fault
	// PageSize is the maximum number of items of a page, also if MaxItems is larger. Zero means 2.
	PageSize int

	// Function is the configuration of the function in local mode. The server only reads its Region.
	Function Function
}

// User is an IAM user. The zero value has no permissions and no keys.
type User struct {
	// Path is the user's path. Empty means "/".
	Path string
	// Inline holds documents by policy name. They are stored byte for byte without checks.
	Inline map[string]string
	// Managed names the attached policies, by the names of Account.Policies or by ARN.
	Managed []string
	// Boundary names the permissions boundary in the same way; empty for none.
	Boundary string
	// Groups the user is in.
	Groups []string
	// AccessKeys are the ids of its keys. A request that is signed with one has this user as caller.
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
	// Trust is the trust policy: a document, or the name of a service that may assume the role, such
	// as lambda.amazonaws.com. Empty is lambda.amazonaws.com.
	Trust    string
	Inline   map[string]string
	Managed  []string
	Boundary string
}

// A ManagedPolicy is a customer managed policy, or one of AWS's.
type ManagedPolicy struct {
	// Path is the policy's path. Empty is "/".
	Path string
	// ARN is given for policies of AWS: arn:aws:iam::aws:policy/NAME. Empty is the account's own.
	ARN string
	// Document is the text of the default version.
	Document string
	// Older are the texts of earlier versions, oldest first: v1, v2 and so on. The default version
	// follows them.
	Older []string
}

// Simulator selects the form of the answers of SimulatePrincipalPolicy and SimulateCustomPolicy
// where AWS's answer has changed or depends on the action.
type Simulator struct {
	// Shape is empty for the current answer, with one result per action. "old" is the answer until
	// 2026-07-30: one result per action and resource, with the errors of that time and implicitDeny
	// for each denial by the organization.
	Shape string
	// Ungrouped are actions without resource data in the simulator. A call with such an action, other
	// actions and resources is refused.
	Ungrouped []string
	// PageSize is the number of actions on a page of results. Zero means Account.PageSize. Load sets
	// 100 if the file has neither.
	PageSize int
}

// Function is the configuration of the Lambda function in local mode. Zero values select defaults.
type Function struct {
	Region      string
	Name        string
	Timeout     time.Duration
	Memory      int // MB
	Environment map[string]string
	// Role names the execution role. Empty means the account's administrator.
	Role string
}
