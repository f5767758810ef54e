package terraform

import "github.com/remotion-audit/remotion-audit/internal/policyfile"

// A principalType is a type of resources that are principals.
type principalType struct {
	kind policyfile.Kind
	// name is the attribute with the name in IAM, and id the one by which other resources name the
	// principal.
	name, id string
}

// principalTypes have the types of principals. The role of a permission set has a name that AWS
// makes.
var principalTypes = map[string]principalType{
	"aws_iam_role":                {policyfile.Role, "name", "name"},
	"aws_iam_user":                {policyfile.User, "name", "name"},
	"aws_iam_group":               {policyfile.Group, "name", "name"},
	"aws_ssoadmin_permission_set": {policyfile.Role, "", "arn"},
	"awscc_iam_role":              {policyfile.Role, "role_name", "role_name"},
	"awscc_iam_user":              {policyfile.User, "user_name", "user_name"},
	"awscc_iam_group":             {policyfile.Group, "group_name", "group_name"},
}

// A policyType is a type of resources that are managed policies.
type policyType struct{ name, arn, document string }

var policyTypes = map[string]policyType{
	"aws_iam_policy":           {"name", "arn", "policy"},
	"data.aws_iam_policy":      {"name", "arn", "policy"},
	"awscc_iam_managed_policy": {"managed_policy_name", "policy_arn", "policy_document"},
}

// An inlineType is a type of resources that add an inline policy to a principal.
type inlineType struct {
	kind policyfile.Kind
	// principal is the attribute that names the principal.
	principal, name, document string
}

var inlineTypes = map[string]inlineType{
	"aws_iam_role_policy":  {policyfile.Role, "role", "name", "policy"},
	"aws_iam_user_policy":  {policyfile.User, "user", "name", "policy"},
	"aws_iam_group_policy": {policyfile.Group, "group", "name", "policy"},
	"aws_ssoadmin_permission_set_inline_policy": {policyfile.Role, "permission_set_arn", "",
		"inline_policy"},
	"awscc_iam_role_policy":  {policyfile.Role, "role_name", "policy_name", "policy_document"},
	"awscc_iam_user_policy":  {policyfile.User, "user_name", "policy_name", "policy_document"},
	"awscc_iam_group_policy": {policyfile.Group, "group_name", "policy_name", "policy_document"},
}

// An attachmentType is a type of resources that attach managed policies to principals.
type attachmentType struct {
	kind policyfile.Kind
	// principal names the principals, and policy the policies: one value, or a list.
	principal, policy string
}

var attachmentTypes = map[string][]attachmentType{
	"aws_iam_role_policy_attachment":             {{policyfile.Role, "role", "policy_arn"}},
	"aws_iam_user_policy_attachment":             {{policyfile.User, "user", "policy_arn"}},
	"aws_iam_group_policy_attachment":            {{policyfile.Group, "group", "policy_arn"}},
	"aws_iam_role_policy_attachments_exclusive":  {{policyfile.Role, "role_name", "policy_arns"}},
	"aws_iam_user_policy_attachments_exclusive":  {{policyfile.User, "user_name", "policy_arns"}},
	"aws_iam_group_policy_attachments_exclusive": {{policyfile.Group, "group_name", "policy_arns"}},
	"aws_ssoadmin_managed_policy_attachment": {{policyfile.Role, "permission_set_arn",
		"managed_policy_arn"}},
	"aws_ssoadmin_customer_managed_policy_attachment": {{policyfile.Role, "permission_set_arn",
		customerManaged}},
	"aws_iam_policy_attachment": {{policyfile.Role, "roles", "policy_arn"},
		{policyfile.User, "users", "policy_arn"}, {policyfile.Group, "groups", "policy_arn"}},
}

// customerManaged is a block that names a managed policy of each account without its ARN.
const customerManaged = "customer_managed_policy_reference"

// exclusiveTypes are the types of resources that remove all other inline policies of a principal.
var exclusiveTypes = map[string]attachmentType{
	"aws_iam_role_policies_exclusive":  {policyfile.Role, "role_name", "policy_names"},
	"aws_iam_user_policies_exclusive":  {policyfile.User, "user_name", "policy_names"},
	"aws_iam_group_policies_exclusive": {policyfile.Group, "group_name", "policy_names"},
}

// A membershipType is a type of resources that add users to groups.
type membershipType struct{ user, group string }

var membershipTypes = map[string]membershipType{
	"aws_iam_group_membership":         {"users", "group"},
	"aws_iam_user_group_membership":    {"user", "groups"},
	"awscc_iam_user_to_group_addition": {"users", "group_name"},
}
