package awsemu

import "time"

// An Account describes an AWS account as a Server starts with it. It is plain data, so that a test
// writes it as a literal; [Load] reads the same from a YAML file. A Server copies it and never
// writes to it. Load checks for every mistake. A Server checks a literal only for references to
// entities that do not exist, and then answers every request with that error.
type Account struct {
	// ID is the account's number, twelve digits. Empty is 123456789012.
	ID string
	// Partition is the first field of its ARNs. Empty is aws.
	Partition string
	// Alias is the account's alias. Empty is none.
	Alias string

	// Users, Groups and Roles are keyed by name.
	Users  map[string]User
	Groups map[string]Group
	Roles  map[string]Role
	// Policies are the managed policies by name: the account's own, and the AWS managed policies that
	// it uses.
	Policies map[string]ManagedPolicy

	// Functions are the deployed Lambda functions. Function is unrelated: it configures local mode.
	Functions []LambdaFunction
	// DisabledRegions are regions that the account has not enabled. Lambda answers in all others.
	DisabledRegions []string

	// Topics are SNS topics, by ARN, or by name in Function.Region.
	Topics []string
	// Subscriptions are the subscriptions to the topics.
	Subscriptions []Subscription
	// Buckets are S3 buckets by name.
	Buckets map[string]Bucket

	// ServiceControlPolicies has the service control policies above the account. Nil is an account
	// outside an organization.
	ServiceControlPolicies Organization
	// Simulator configures the answers of simulations. The zero value answers as AWS does today.
	Simulator Simulator

	// Faults apply from the start; see [Server.SetFaults].
	Faults []Fault
	// PageSize is the number of items per page of a list; MaxItems can only lower it. Zero means 2.
	PageSize int

	// Function configures how local mode runs the function. The server itself only reads its Region.
	Function Function
}

// A User is an IAM user. Its zero value has no permissions and no keys.
type User struct {
	// Path is the user's path. Empty is "/".
	Path string
	// Inline holds documents by policy name, kept byte for byte and unchecked.
	Inline map[string]string
	// Managed names the attached policies, by the names of Account.Policies or by ARN.
	Managed []string
	// Boundary names the permissions boundary in the same way. Empty is none.
	Boundary string
	// Groups are the names of the groups that the user is in.
	Groups []string
	// AccessKeys are the ids of its keys. A request signed with one of them comes from this user.
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
	// is lambda.amazonaws.com.
	Trust    string
	Inline   map[string]string
	Managed  []string
	Boundary string
}

// A ManagedPolicy is a customer managed policy or an AWS managed policy.
type ManagedPolicy struct {
	// Path is the policy's path. Empty is "/".
	Path string
	// ARN is set for AWS managed policies: arn:aws:iam::aws:policy/NAME. Empty is a customer managed
	// policy.
	ARN string
	// Document is the text of the default version.
	Document string
	// OlderVersions are the texts of the versions before it, oldest first. They are v1, v2 and so on;
	// the default version follows them.
	OlderVersions []string
}

// A Simulator configures the answers of SimulatePrincipalPolicy and SimulateCustomPolicy where AWS
// has changed its answer, or where the answer depends on the simulator's data about an action.
type Simulator struct {
	// Shape selects the shape of the answer. Empty is the shape of today, with one result per action.
	// "old" is the shape until 2026-07-30: one result per action and resource, the errors of that
	// time, and implicitDeny for everything that the organization denies.
	Shape string
	// Ungrouped are actions for which the simulator has no resource data. It refuses a call that has
	// such an action together with other actions and with resources.
	Ungrouped []string
	// PageSize is the number of actions per page of results. Zero is Account.PageSize. Load sets 100
	// if the file gives neither.
	PageSize int
}

// A Function configures how local mode runs the Lambda function. A zero field selects the default
// of local mode.
type Function struct {
	Region      string
	Name        string
	Timeout     time.Duration
	Memory      int // MB
	Environment map[string]string
	// Role names the role the function runs as. Empty runs it as the account's administrator.
	Role string
}
