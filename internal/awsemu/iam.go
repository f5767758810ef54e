package awsemu

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

var iamService = &service{
	name: "iam", scope: "iam", prefix: "iam", version: "2010-05-08",
	xmlns:  "https://iam.amazonaws.com/doc/2010-05-08/",
	denial: "AccessDenied",
	throttled: func() *wire.Error {
		return wire.Refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
	},
	permissions: iamPermissions(),
	context:     iamContext,
}

// init fills the table of operations. The operations refer to iamService, so the initializer of
// iamService cannot refer to the operations.
func init() {
	iamService.operations = make(map[string]func(*call) (any, error))
	for _, ops := range []map[string]func(*call) (any, error){entityReads, policyReads, entityWrites,
		policyWrites, simulation} {
		maps.Copy(iamService.operations, ops)
	}
}

// find returns the entity of kind k that the call names. UserName names a user, for example.
func (c *call) find(k kind) (*entity, error) {
	name, err := c.name(k.title()+"Name", 128)
	if err != nil {
		return nil, err
	}
	e := c.store.entities[k][name]
	if e == nil {
		return nil, noSuchEntity("The %s with name %s cannot be found.", k, name)
	}
	return e, nil
}

// name returns the value of a parameter, which must be an IAM name of at most size characters.
func (c *call) name(param string, size int) (string, error) {
	name := c.Form.Get(param)
	member := strings.ToLower(param[:1]) + param[1:]
	switch {
	case !c.Form.Has(param):
		return "", wire.Required(member)
	case name == "":
		return "", wire.Constraint(member, "Member must have length greater than or equal to 1")
	case len(name) > size:
		return "", wire.Constraint(member, "Member must have length less than or equal to %d", size)
	case !isName(name):
		return "",
			wire.ValidationError("The specified value for %s is invalid. It must contain only alphanumeric "+
				"characters and/or the following: +=,.@_-", member)
	}
	return name, nil
}

// isName reports whether s matches the pattern of IAM's names: [\w+=,.@-]+.
func isName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') &&
			!strings.ContainsRune("+=,.@_-", r) {
			return false
		}
	}
	return s != ""
}

// entitiesUnderPath returns the entities with a path that begins with the parameter PathPrefix,
// sorted by name.
func (c *call) entitiesUnderPath(k kind) []*entity {
	prefix := cmp.Or(c.Form.Get("PathPrefix"), "/")
	var found []*entity
	for _, e := range sortedValues(c.store.entities[k]) {
		if strings.HasPrefix(e.path, prefix) {
			found = append(found, e)
		}
	}
	return found
}

// usersInGroup returns the users of a group, sorted by name.
func (st *store) usersInGroup(g *entity) []*entity {
	var users []*entity
	for _, u := range sortedValues(st.entities[kindUser]) {
		if slices.Contains(u.groups, g) {
			users = append(users, u)
		}
	}
	return users
}
