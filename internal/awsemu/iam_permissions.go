package awsemu

import (
	"cmp"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
)

// iamPermissions returns the permissions that IAM's operations need. An action without resource
// types in the Service Authorization Reference needs a permission on "*". For some of these
// actions, the errors of IAM itself contain an ARN instead.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
func iamPermissions() permissions {
	p := make(permissions)
	p.need(anyResource,
		`ListUsers ListGroups ListRoles ListPolicies ListAccountAliases SimulateCustomPolicy`)
	p.need(namedEntityARN(kindUser),
		`GetUser CreateUser DeleteUser ListGroupsForUser ListAccessKeys CreateAccessKey DeleteAccessKey
		ListUserPolicies GetUserPolicy PutUserPolicy DeleteUserPolicy
		ListAttachedUserPolicies AttachUserPolicy DetachUserPolicy
		PutUserPermissionsBoundary DeleteUserPermissionsBoundary`)
	p.need(namedEntityARN(kindGroup),
		`GetGroup CreateGroup DeleteGroup AddUserToGroup RemoveUserFromGroup
		ListGroupPolicies GetGroupPolicy PutGroupPolicy DeleteGroupPolicy
		ListAttachedGroupPolicies AttachGroupPolicy DetachGroupPolicy`)
	p.need(namedEntityARN(kindRole), `GetRole CreateRole DeleteRole UpdateAssumeRolePolicy
		ListRolePolicies GetRolePolicy PutRolePolicy DeleteRolePolicy
		ListAttachedRolePolicies AttachRolePolicy DetachRolePolicy
		PutRolePermissionsBoundary DeleteRolePermissionsBoundary`)
	p.need(parameterARN("PolicyArn"),
		`GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion SetDefaultPolicyVersion
		DeletePolicyVersion DeletePolicy`)
	p.need(newPolicyARN, `CreatePolicy`)
	p.need(parameterARN("PolicySourceArn"), `SimulatePrincipalPolicy`)
	return p
}

// namedEntityARN returns a function that returns the ARN of the user, group or role in a call. The
// entity need not exist. If a call about a user contains no name, the ARN is that of the caller.
func namedEntityARN(k kind) func(*call) string {
	return func(c *call) string {
		name := c.form.get(k.title() + "Name")
		if e := c.store.entities[k][name]; e != nil {
			return c.store.arn(e)
		}
		switch {
		case name != "":
			return c.store.arn(&entity{kind: k, name: name, path: cmp.Or(c.form.get("Path"), "/")})
		case k == kindUser:
			return c.caller.arn
		default:
			return ""
		}
	}
}

func newPolicyARN(c *call) string {
	return c.store.policyARN(cmp.Or(c.form.get("Path"), "/"), c.form.get("PolicyName"))
}

func (st *store) policyARN(path, name string) string {
	return awsarn.IAM(st.partition, st.account, "policy"+path+name)
}

// iamContext sets the condition keys of IAM itself. iam:PermissionsBoundary is the boundary in the
// request, or else the boundary of the entity that the call names.
func iamContext(c *call, set func(key, value string)) {
	set("iam:PolicyARN", c.form.get("PolicyArn"))
	boundary := c.form.get("PermissionsBoundary")
	for _, p := range entityParams {
		if e := c.store.entities[p.kind][c.form.get(p.param)]; e != nil && e.boundary != nil &&
			boundary == "" {
			boundary = e.boundary.arn
		}
	}
	set("iam:PermissionsBoundary", boundary)
}
