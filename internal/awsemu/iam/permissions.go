package iam

import (
	"cmp"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
)

// These are the permissions that IAM's operations need. An action without resource types in the
// Service Authorization Reference needs a permission on "*". For some of these actions, the errors
// of the real IAM contain an ARN, but the errors of the emulator contain "*".
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html
var (
	onAny    = service.OnAny[call]()
	onUser   = service.On(namedEntityARN(service.KindUser))
	onGroup  = service.On(namedEntityARN(service.KindGroup))
	onRole   = service.On(namedEntityARN(service.KindRole))
	onPolicy = service.On(parameter("PolicyArn"))

	onNewRole = service.On(func(c call) string {
		return c.entityARN(service.KindRole, cmp.Or(c.Form.Get("Path"), "/"), c.Form.Get("RoleName"))
	})
	onNewPolicy = service.On(func(c call) string {
		return c.policyARN(cmp.Or(c.Form.Get("Path"), "/"), c.Form.Get("PolicyName"))
	})
)

// parameter returns a function that returns the ARN in a parameter of a call.
func parameter(name string) func(call) string {
	return func(c call) string { return c.Form.Get(name) }
}

// namedEntityARN returns a function that returns the ARN of the user, group or role in a call. The
// entity need not exist. If a call about a user contains no name, the ARN is that of the caller.
func namedEntityARN(k service.Kind) func(call) string {
	return func(c call) string {
		name := c.Form.Get(k.Title() + "Name")
		if e := c.entities[k][name]; e != nil {
			return e.ARN()
		}
		switch {
		case name != "":
			return c.entityARN(k, "/", name)
		case k == service.KindUser:
			return c.Caller.ARN
		default:
			return ""
		}
	}
}

func (s *Service) policyARN(path, name string) string {
	return awsarn.IAM(s.account.Partition, s.account.ID, "policy"+path+name)
}

// entityParams are the parameters that name the entity of a call.
var entityParams = []struct {
	name string
	kind service.Kind
}{
	{"UserName", service.KindUser}, {"RoleName", service.KindRole}, {"GroupName", service.KindGroup},
}

// setConditionKeys sets the condition keys with the prefix iam:. iam:PermissionsBoundary is the
// boundary that the call sets, or else the boundary of the entity that the call names.
func setConditionKeys(c call, set func(key, value string)) {
	set("iam:PolicyARN", c.Form.Get("PolicyArn"))
	if boundary := c.Form.Get("PermissionsBoundary"); boundary != "" {
		set("iam:PermissionsBoundary", boundary)
		return
	}
	for _, p := range entityParams {
		if e := c.entities[p.kind][c.Form.Get(p.name)]; e != nil && e.boundary != nil {
			set("iam:PermissionsBoundary", e.boundary.arn)
			return
		}
	}
}
