package awsemu

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// These are the quotas that clients reach most easily.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxKeys          = 2
	maxGroupsPerUser = 10
	maxAttached      = 10
	maxVersions      = 5
)

// entityWrites are the operations that create and delete users, groups, roles and access keys.
var entityWrites = map[string]func(*call) (any, error){
	"CreateUser":          createUser,
	"CreateGroup":         createGroup,
	"CreateRole":          createRole,
	"DeleteUser":          deleteEntity(kindUser),
	"DeleteGroup":         deleteEntity(kindGroup),
	"DeleteRole":          deleteEntity(kindRole),
	"AddUserToGroup":      addUserToGroup,
	"RemoveUserFromGroup": removeUserFromGroup,
	"CreateAccessKey":     createAccessKey,
	"DeleteAccessKey":     deleteAccessKey,
}

// create returns a new entity, but does not add it to the store. Its name must have at most size
// characters. Names that differ only in case are duplicates.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
func (c *call) create(k kind, size int) (*entity, error) {
	name, err := c.name(k.title()+"Name", size)
	if err != nil {
		return nil, err
	}
	path, err := c.path()
	if err != nil {
		return nil, err
	}
	for taken := range c.store.entities[k] {
		if strings.EqualFold(taken, name) {
			return nil, alreadyExists("%s with name %s already exists.", k.title(), name)
		}
	}
	c.store.made++
	return &entity{
		kind: k, name: name, path: path, created: c.time(),
		// An entity that a client deletes and creates again has a new id.
		id:     uniqueID(idPrefix(k), c.store.account, string(k), name, fmt.Sprint(c.store.made)),
		inline: make(map[string]document),
	}, nil
}

// path reads the path of a new entity or policy.
func (c *call) path() (string, error) {
	path := cmp.Or(c.form.get("Path"), "/")
	if !awsname.IsIAMPath(path) {
		return "",
			validationError("The specified value for path is invalid. It must begin and end with / and " +
				"contain only alphanumeric characters and/or / characters.")
	}
	return path, nil
}

// setBoundary sets the boundary that the parameter PermissionsBoundary names, if any.
func (c *call) setBoundary(e *entity) error {
	arn := c.form.get("PermissionsBoundary")
	if arn == "" {
		return nil
	}
	p := c.store.policies[arn]
	if p == nil {
		return noSuchEntity("Scope ARN: %s does not exist or is not attachable.", arn)
	}
	e.boundary = p
	return nil
}

func createUser(c *call) (any, error) {
	e, err := c.create(kindUser, 64)
	if err != nil {
		return nil, err
	}
	if err := c.setBoundary(e); err != nil {
		return nil, err
	}
	c.store.entities[kindUser][e.name] = e
	return struct{ User userXML }{c.user(e)}, nil
}

func createGroup(c *call) (any, error) {
	e, err := c.create(kindGroup, 128)
	if err != nil {
		return nil, err
	}
	c.store.entities[kindGroup][e.name] = e
	return struct{ Group groupXML }{c.group(e)}, nil
}

func createRole(c *call) (any, error) {
	e, err := c.create(kindRole, 64)
	if err != nil {
		return nil, err
	}
	if e.trust, err = c.trustDocument("AssumeRolePolicyDocument"); err != nil {
		return nil, err
	}
	if err := c.setBoundary(e); err != nil {
		return nil, err
	}
	e.description = c.form.get("Description")
	c.store.entities[kindRole][e.name] = e
	return struct{ Role roleXML }{c.role(e)}, nil
}

// deleteEntity returns the operation that deletes an entity. As in IAM, the operation fails while
// the entity has policies, access keys, groups or members. Clients such as the console delete or
// remove these first.
func deleteEntity(k kind) func(*call) (any, error) {
	return func(c *call) (any, error) {
		e, err := c.find(k)
		if err != nil {
			return nil, err
		}
		const still = "Cannot delete entity, must "
		switch {
		case len(e.attached) > 0:
			return nil, deleteConflict(still + "detach all policies first.")
		case len(e.inline) > 0:
			return nil, deleteConflict(still + "delete policies first.")
		case len(e.keys) > 0:
			return nil, deleteConflict(still + "delete access keys first.")
		case len(e.groups) > 0, k == kindGroup && len(c.store.usersInGroup(e)) > 0:
			return nil, deleteConflict(still + "remove users from group first.")
		}
		delete(c.store.entities[k], e.name)
		return nil, nil
	}
}

// membership returns the group and the user that a call names.
func (c *call) membership() (group, user *entity, err error) {
	if group, err = c.find(kindGroup); err != nil {
		return nil, nil, err
	}
	user, err = c.find(kindUser)
	return group, user, err
}

func addUserToGroup(c *call) (any, error) {
	g, u, err := c.membership()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(u.groups, g): // adding a member again succeeds
		return nil, nil
	case len(u.groups) >= maxGroupsPerUser:
		return nil, limitExceeded("Cannot exceed quota for GroupsPerUser: %d", maxGroupsPerUser)
	}
	u.groups = append(u.groups, g)
	return nil, nil
}

func removeUserFromGroup(c *call) (any, error) {
	g, u, err := c.membership()
	if err != nil {
		return nil, err
	}
	i := slices.Index(u.groups, g)
	if i < 0 {
		return nil, noSuchEntity("User %s is not in group %s", u.name, g.name)
	}
	u.groups = slices.Delete(u.groups, i, i+1)
	return nil, nil
}

func createAccessKey(c *call) (any, error) {
	e, err := c.userOrCaller()
	if err != nil {
		return nil, err
	}
	if len(e.keys) >= maxKeys {
		return nil, limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
	}
	c.store.made++
	key := accessKey{uniqueID(prefixAccessKey, e.id, fmt.Sprint(c.store.made)), c.time()}
	e.keys = append(e.keys, key)
	c.store.keys[key.id] = c.store.identityOf(e)
	return struct{ AccessKey keyXML }{
		keyXML{e.name, key.id, "Active", secretOf(key.id), stamp(key.created)},
	}, nil
}

func deleteAccessKey(c *call) (any, error) {
	e, err := c.userOrCaller()
	if err != nil {
		return nil, err
	}
	id := c.form.get("AccessKeyId")
	i := slices.IndexFunc(e.keys, func(k accessKey) bool { return k.id == id })
	if i < 0 {
		return nil, noSuchEntity("The Access Key with id %s cannot be found.", id)
	}
	e.keys = slices.Delete(e.keys, i, i+1)
	delete(c.store.keys, id)
	return nil, nil
}
