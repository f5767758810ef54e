package awsemu

import (
	"cmp"
	"fmt"
)

// iamPermissions returns the permissions that IAM's operations need. Actions without resource types
// in the Service Authorization Reference need "*", although IAM's own refusals name an ARN for some
// of them.
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

// namedEntityARN returns the ARN of the user, group or role that a call names. The entity need not
// exist. A call about a user that names none is about the caller.
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
	return fmt.Sprintf("arn:%s:iam::%s:policy%s%s", st.partition, st.account, path, name)
}

// iamContext adds the condition keys of IAM itself.
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
