package iam

// Data describes users, groups, roles and policies at the start of a [Service].
type Data struct {
	// Alias is the account's alias. Empty means no alias.
	Alias string
	// Users, Groups and Roles are keyed by name.
	Users  map[string]User
	Groups map[string]Group
	Roles  map[string]Role
	// Policies are managed policies by name.
	Policies map[string]ManagedPolicy
	// Organization contains the service control policies that apply to the account. Nil means that
	// the account is in no organization.
	Organization Organization
	Simulator    Simulator
}

// A User is an IAM user. Its zero value has no permissions and no keys.
type User struct {
	// Path is the user's path. Empty means "/".
	Path string
	// Inline maps the names of inline policies to documents. The server does not check the documents
	// and returns them unchanged.
	Inline map[string]string
	// Managed lists the attached policies: names of Data.Policies, or ARNs.
	Managed []string
	// Boundary is the permissions boundary: a name of Data.Policies, or an ARN. Empty means none.
	Boundary string
	// Groups are the names of the groups that the user is in.
	Groups []string
	// AccessKeys are the ids of the user's access keys. A request that is signed with such a key comes
	// from this user.
	AccessKeys []string
	// Tags are the user's tags. Requests of the user have them as aws:PrincipalTag/KEY.
	Tags map[string]string
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
	// Tags are the role's tags. Requests of its sessions have them as aws:PrincipalTag/KEY.
	Tags map[string]string
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
	// Tags are the policy's tags.
	Tags map[string]string
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
	// PageSize is the number of actions per page of results. Zero means the page size of the
	// account. A YAML file that sets neither page size has 100.
	PageSize int
}

// An Organization contains the service control policies that apply to an account. It has one list
// of documents for each level: the root, each organizational unit on the path to the account, and
// the account. A level allows an action if one of its documents allows the action, and every level
// has to allow it. A level without documents allows nothing, so AWS attaches [FullAWSAccess] to
// each level.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
type Organization [][]string

// FullAWSAccess is the service control policy of that name, which AWS attaches by default.
const FullAWSAccess = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
