package awsemu

import "time"

// An Account describes an AWS account: what a Server knows before the first request. It is plain
// data, so that a test writes it as a literal; [Load] reads the same from a YAML file. A Server
// copies it and never writes to it. A literal is taken as it stands: Load looks for every mistake,
// a Server only for references to what is not there, and then answers nothing but that.
type Account struct {
	// ID is the account's number, twelve digits. Empty is 123456789012.
	ID string
	// Partition is the first field of its ARNs. Empty is aws.
	Partition string
	// Alias is the account's alias. Empty is none.
	Alias string

	// Users, Groups and Roles are known by their names.
	Users  map[string]User
	Groups map[string]Group
	Roles  map[string]Role
	// Policies are the managed policies, the account's own and those of AWS that it uses.
	Policies map[string]ManagedPolicy

	// Functions are the deployed Lambda functions. Function is another thing: how local mode runs one.
	Functions []LambdaFunction
	// DisabledRegions are regions the account has not enabled. In all others Lambda answers.
	DisabledRegions []string

	// Topics are SNS topics, by ARN, or by name in Function.Region.
	Topics []string
	// Subscriptions are who is subscribed to them.
	Subscriptions []Subscription
	// Buckets are S3 buckets by name.
	Buckets map[string]Bucket

	// Organization is the service control policies above the account. Nil is an account outside one.
	Organization Organization
	// Simulator says how simulations answer. The zero value is how it does today.
	Simulator Simulator

	// Faults go wrong from the start; see [Server.SetFaults].
	Faults []Fault
	// PageSize is how many items a list has per page, whatever MaxItems allows. Zero pages in twos.
	PageSize int

	// Function is how local mode runs the function. The server itself only reads its Region.
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
	// Groups the user is in.
	Groups []string
	// AccessKeys are the ids of its keys. A request signed with one is this user's.
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
	// Older are the texts of the versions before it, oldest first: they are v1, v2 and so on, and the
	// default version follows them.
	Older []string
}

// A Simulator says how SimulatePrincipalPolicy and SimulateCustomPolicy answer where the service's
// own answer has changed, or depends on what it knows of an action.
type Simulator struct {
	// Shape is empty for the answer of today, one result per action; "old" for the one given until
	// 2026-07-30, one result per action and resource, with the errors of then, and with implicitDeny
	// for whatever the organization denies.
	Shape string
	// Ungrouped are actions the simulator has no resource data for. Asked about together with others
	// and with resources, they make it refuse the call.
	Ungrouped []string
	// PageSize is how many actions a page of results has. Zero is Account.PageSize. An account that
	// Load reads has 100 if its file gives neither.
	PageSize int
}

// A Function is how local mode runs the Lambda function. Zero values leave the choice to it.
type Function struct {
	Region      string
	Name        string
	Timeout     time.Duration
	Memory      int // MB
	Environment map[string]string
	// Role names the role the function runs as. Empty runs it as the account's administrator.
	Role string
}
