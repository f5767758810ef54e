package iam

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// entityWrites are the operations that create and delete roles, and that change the boundaries of
// users and roles.
var entityWrites = table{
	"CreateRole": {Do: createRole, Needs: onNewRole},
	"DeleteRole": {Do: forRole(deleteRole), Needs: onRole},

	"PutUserPermissionsBoundary":    {Do: forEntity(service.KindUser, putBoundary), Needs: onUser},
	"PutRolePermissionsBoundary":    {Do: forRole(putBoundary), Needs: onRole},
	"DeleteUserPermissionsBoundary": {Do: forEntity(service.KindUser, deleteBoundary), Needs: onUser},
	"DeleteRolePermissionsBoundary": {Do: forRole(deleteBoundary), Needs: onRole},
}

// forRole returns an operation that changes the role that the call names. AWS alone changes
// service-linked roles and the roles of IAM Identity Center.
// https://docs.aws.amazon.com/singlesignon/latest/userguide/troubleshooting.html
func forRole(do func(c call, e *entity) (any, error)) func(call) (any, error) {
	return forEntity(service.KindRole, func(c call, e *entity) (any, error) {
		if e.linkedToService() || strings.HasPrefix(e.path, "/aws-reserved/") {
			return nil, wire.Refuse(http.StatusBadRequest, "UnmodifiableEntity",
				"Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS",
				e.name)
		}
		return do(c, e)
	})
}

// path returns the parameter Path of a new role or policy.
func (c call) path() (string, error) {
	path := cmp.Or(c.Form.Get("Path"), "/")
	if !awsname.IsIAMPath(path) {
		return "", wire.ValidationError("The specified value for path is invalid. It must begin and " +
			"end with / and contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// createRole creates a role. The embedded AWS has the default duration of sessions only.
func createRole(c call) (any, error) {
	name, err := c.name("RoleName", 64)
	if err != nil {
		return nil, err
	}
	path, err := c.path()
	if err != nil {
		return nil, err
	}
	trust, err := c.trustDocument("AssumeRolePolicyDocument")
	if err != nil {
		return nil, err
	}
	if d := cmp.Or(c.Form.Get("MaxSessionDuration"), "3600"); d != "3600" {
		return nil, invalidInput("The embedded AWS offers only a MaxSessionDuration of 3600.")
	}
	var boundary *policy
	if c.Form.Has("PermissionsBoundary") {
		if boundary, err = c.findBoundary(); err != nil {
			return nil, err
		}
	}
	tags, err := c.addTags(nil)
	if err != nil {
		return nil, err
	}
	for existing := range c.entities[service.KindRole] {
		if strings.EqualFold(existing, name) {
			return nil, alreadyExists("Role with name %s already exists.", name)
		}
	}
	if len(c.entities[service.KindRole]) >= maxRoles {
		return nil, limitExceeded("Cannot exceed quota for RolesPerAccount: %d", maxRoles)
	}
	e := &entity{iam: c.Service, kind: service.KindRole, name: name, path: path,
		id:      service.UniqueID(service.PrefixRole, name, strconv.Itoa(c.account.Next())),
		created: c.Now(), inline: make(map[string]document), boundary: boundary, tags: tags,
		trust: trust}
	c.entities[service.KindRole][name] = e
	return getRole(c, e)
}

func deleteRole(c call, e *entity) (any, error) {
	switch {
	case len(e.attached) > 0:
		return nil, deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(e.inline) > 0:
		return nil, deleteConflict("Cannot delete entity, must delete policies first.")
	}
	delete(c.entities[service.KindRole], e.name)
	return nil, nil
}

// findBoundary returns the managed policy that PermissionsBoundary names.
func (c call) findBoundary() (*policy, error) {
	arn := c.Form.Get("PermissionsBoundary")
	if err := c.lengthOf("PermissionsBoundary", arn, 20, 2048); err != nil {
		return nil, err
	}
	p := c.policies[arn]
	if p == nil {
		return nil, noSuchEntity("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	return p, nil
}

func putBoundary(c call, e *entity) (any, error) {
	p, err := c.findBoundary()
	if err == nil {
		e.boundary = p
	}
	return nil, err
}

func deleteBoundary(_ call, e *entity) (any, error) {
	e.boundary = nil
	return nil, nil
}
