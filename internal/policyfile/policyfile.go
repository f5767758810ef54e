// Package policyfile reads the policies that files declare: policy documents, answers of the AWS
// CLI, templates of CloudFormation and SAM, the output of CDK, and plans of Terraform.
//
// A file can leave a part of a policy open, such as a parameter without a default or a value that
// Terraform knows after apply. Such a policy has two documents: one grants what the policy grants
// in any case, the other what it may grant. A requirement is satisfied only if the first satisfies
// it, and a gap only if the second has the gap.
//
// The package gets texts, not names of files to open: the command reads the files.
package policyfile

import (
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// Format is the format of a file.
type Format string

// The formats.
const (
	// PolicyDocument is a policy document in JSON.
	PolicyDocument Format = "policy document"
	// CLIAnswer is the output of aws iam get-role-policy and similar commands.
	CLIAnswer Format = "answer of the AWS CLI"
	// CloudFormation is a template of CloudFormation or SAM, also one that CDK wrote.
	CloudFormation Format = "CloudFormation template"
	// TerraformPlan is the output of terraform show -json, of a plan or of a state.
	TerraformPlan Format = "Terraform plan"
)

// File holds what one file declares.
type File struct {
	Format Format
	// Principals are in the order of the file.
	Principals []Principal
	// Parameters are the names of the parameters that a template declares.
	Parameters []string
	// Notes are sentences about what was assumed, without a full stop, such as the value of a
	// parameter.
	Notes []string
}

// Kind is the kind of a principal.
type Kind string

// The kinds of principals.
const (
	Role  Kind = "role"
	User  Kind = "user"
	Group Kind = "group"
	// Policy is a policy that the file attaches to no principal.
	Policy Kind = "policy"
)

// A Principal is a role, a user or a group with all policies that the file gives it, or a policy
// that the file attaches to none.
type Principal struct {
	// Address identifies the principal in the file: a logical id, a path of CDK or an address of
	// Terraform. It is empty for a file that is a policy document.
	Address string
	// Aliases are other addresses of the principal, such as the logical id behind a path of CDK.
	Aliases []string
	Kind    Kind
	// Name is the name in IAM; empty if the file does not set it, or leaves it open.
	Name string
	// At is where the file declares the principal.
	At Place
	// Policies are the identity policies.
	Policies []Document
	// Boundary is the permissions boundary; nil for none.
	Boundary *Document
}

// A Place is a position in a file. File is a path as the user gave it, and empty for the file that
// was read. Terraform's plans name no positions, so the place of a resource can be in another file.
type Place struct {
	File string
	tree.Place
}

// A Document is one policy of a principal.
type Document struct {
	// Name is the name of the policy in texts, such as "inline policy render of RenderRole".
	Name string
	// At is where the document begins. The positions of its statements and unknown parts are in the
	// same file.
	At Place
	Bounds
	// ByAWS is true for a managed policy of AWS, and for a policy template of SAM: the user cannot
	// edit it.
	ByAWS bool
}

// Bounds are the limits of what a policy grants.
type Bounds struct {
	// AtLeast grants what the policy grants in any case, and AtMost what it may grant. They are the
	// same pointer if the policy is completely known. The positions of statements are those of the
	// file.
	AtLeast, AtMost *iampolicy.Document
	// Open are the unknown parts, in the order of the file, without duplicates.
	Open []Open
	// Parts are the unknown parts of each statement, by the Brace of the statement. Without it, each
	// statement depends on all of Open.
	Parts map[iampolicy.Position][]Open `json:"-"` // JSON has no such keys
}

// Open is a part of a policy that the file leaves open.
type Open struct {
	// Name names the part, such as "Fn::ImportValue shared-bucket" or "known after apply".
	Name string
	At   tree.Place
}
