package awsemu

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

var iamService = &service{
	name: "iam", scope: "iam", prefix: "iam", version: "2010-05-08",
	xmlns:  "https://iam.amazonaws.com/doc/2010-05-08/",
	denial: "AccessDenied",
	throttled: func() *apiError {
		return refuse(http.StatusBadRequest, "Throttling", "Rate exceeded")
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

// encode returns the text in the percent-encoding of RFC 3986, which IAM uses for documents.
// Letters, digits and "-._~" do not change. A space becomes %20, not the "+" of a form.
func encode(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
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
	name := c.form.get(param)
	member := strings.ToLower(param[:1]) + param[1:]
	switch {
	case !c.form.has(param):
		return "", required(member)
	case name == "":
		return "", constraint(member, "Member must have length greater than or equal to 1")
	case len(name) > size:
		return "", constraint(member, "Member must have length less than or equal to %d", size)
	case !awsname.IsIAMName(name):
		return "",
			validationError("The specified value for %s is invalid. It must contain only alphanumeric "+
				"characters and/or the following: +=,.@_-", member)
	}
	return name, nil
}

// entitiesUnderPath returns the entities with a path that begins with the parameter PathPrefix,
// sorted by name.
func (c *call) entitiesUnderPath(k kind) []*entity {
	prefix := cmp.Or(c.form.get("PathPrefix"), "/")
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
