package iam

import (
	"cmp"
	"maps"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// The types below are the XML of users, groups and roles.

type boundaryXML struct {
	Type string `xml:"PermissionsBoundaryType"`
	ARN  string `xml:"PermissionsBoundaryArn"`
}

// tagsXML are the tags of an entity or a policy. Lists do not contain them.
type tagsXML = *wire.Members[tagXML]

type tagXML struct{ Key, Value string }

func tagsOf(tags map[string]string) tagsXML {
	if len(tags) == 0 {
		return nil
	}
	var list []tagXML
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, tagXML{key, tags[key]})
	}
	members := wire.ListOf(list)
	return &members
}

type userXML struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate string
	Boundary   *boundaryXML `xml:"PermissionsBoundary"`
	Tags       tagsXML
}

type groupXML struct {
	Path       string
	GroupName  string
	GroupID    string `xml:"GroupId"`
	ARN        string `xml:"Arn"`
	CreateDate string
}

type roleXML struct {
	Path       string
	RoleName   string
	RoleID     string `xml:"RoleId"`
	ARN        string `xml:"Arn"`
	CreateDate string
	Trust      string       `xml:"AssumeRolePolicyDocument"`
	MaxSession int          `xml:"MaxSessionDuration"`
	Boundary   *boundaryXML `xml:"PermissionsBoundary"`
	Tags       tagsXML
}

func boundaryOf(e *entity) *boundaryXML {
	if e.boundary == nil {
		return nil
	}
	return &boundaryXML{"Policy", e.boundary.arn}
}

func (c call) user(e *entity) userXML {
	return userXML{e.path, e.name, e.id, e.ARN(), wire.Stamp(e.created), boundaryOf(e), tagsOf(e.tags)}
}

func (c call) group(e *entity) groupXML {
	return groupXML{e.path, e.name, e.id, e.ARN(), wire.Stamp(e.created)}
}

func (c call) role(e *entity) roleXML {
	return roleXML{e.path, e.name, e.id, e.ARN(), wire.Stamp(e.created), wire.Encode(e.trust.text),
		3600, boundaryOf(e), tagsOf(e.tags)}
}

// entityReads are the operations that read users, groups, roles and their inline policies.
var entityReads = table{
	"GetUser":                   {Do: getUser, Needs: onUser},
	"GetRole":                   {Do: forEntity(service.KindRole, getRole), Needs: onRole},
	"ListRoles":                 {Do: listRoles, Needs: onAny},
	"ListUsers":                 {Do: listUsers, Needs: onAny},
	"ListGroupsForUser":         {Do: forEntity(service.KindUser, listGroupsForUser), Needs: onUser},
	"ListAccountAliases":        {Do: listAccountAliases, Needs: onAny},
	"ListUserPolicies":          {Do: forEntity(service.KindUser, listInline), Needs: onUser},
	"ListGroupPolicies":         {Do: forEntity(service.KindGroup, listInline), Needs: onGroup},
	"ListRolePolicies":          {Do: forEntity(service.KindRole, listInline), Needs: onRole},
	"GetUserPolicy":             {Do: forInline(service.KindUser, getInline), Needs: onUser},
	"GetGroupPolicy":            {Do: forInline(service.KindGroup, getInline), Needs: onGroup},
	"GetRolePolicy":             {Do: forInline(service.KindRole, getInline), Needs: onRole},
	"ListAttachedUserPolicies":  {Do: forEntity(service.KindUser, listAttached), Needs: onUser},
	"ListAttachedGroupPolicies": {Do: forEntity(service.KindGroup, listAttached), Needs: onGroup},
	"ListAttachedRolePolicies":  {Do: forEntity(service.KindRole, listAttached), Needs: onRole},
}

func getUser(c call) (any, error) {
	type result struct{ User userXML }
	if c.Form.Has("UserName") {
		e, err := c.find(service.KindUser)
		if err != nil {
			return nil, err
		}
		return result{c.user(e)}, nil
	}
	switch e := c.callerEntity(); {
	case e == nil:
		return result{userXML{"/", "administrator", c.Caller.UserID, c.Caller.ARN,
			wire.Stamp(service.CreationTime(c.account.ID)), nil, nil}}, nil
	case e.kind == service.KindUser:
		return result{c.user(e)}, nil
	default:
		return nil, wire.ValidationError("Must specify userName when calling with non-User credentials")
	}
}

func getRole(c call, e *entity) (any, error) {
	return struct{ Role roleXML }{c.role(e)}, nil
}

func (c call) plainRoles(es []*entity) []roleXML {
	var roles []roleXML
	for _, e := range es {
		r := c.role(e)
		r.Boundary, r.Tags = nil, nil
		roles = append(roles, r)
	}
	return roles
}

func (c call) plainGroups(es []*entity) []groupXML {
	var groups []groupXML
	for _, e := range es {
		groups = append(groups, c.group(e))
	}
	return groups
}

func listRoles(c call) (any, error) {
	shown, p, err := pageOf(c, c.entitiesUnderPath(service.KindRole))
	return struct {
		Roles wire.Members[roleXML]
		wire.Page
	}{wire.ListOf(c.plainRoles(shown)), p}, err
}

func listUsers(c call) (any, error) {
	shown, p, err := pageOf(c, c.entitiesUnderPath(service.KindUser))
	var users []userXML
	for _, e := range shown {
		u := c.user(e)
		u.Boundary = nil
		users = append(users, u)
	}
	return struct {
		Users wire.Members[userXML]
		wire.Page
	}{wire.ListOf(users), p}, err
}

type groupList struct {
	Groups wire.Members[groupXML]
	wire.Page
}

func listGroupsForUser(c call, e *entity) (any, error) {
	shown, p, err := pageOf(c, e.groups)
	return groupList{wire.ListOf(c.plainGroups(shown)), p}, err
}

func listAccountAliases(c call) (any, error) {
	var aliases []string
	if c.alias != "" {
		aliases = []string{c.alias}
	}
	return struct {
		AccountAliases wire.Members[string]
		wire.Page
	}{wire.ListOf(aliases), wire.Page{}}, nil
}

func listInline(c call, e *entity) (any, error) {
	shown, p, err := pageOf(c, slices.Sorted(maps.Keys(e.inline)))
	return struct {
		PolicyNames wire.Members[string]
		wire.Page
	}{wire.ListOf(shown), p}, err
}

func getInline(c call, e *entity, name string) (any, error) {
	doc, found := e.inline[name]
	if !found {
		return nil, noSuchEntity("The %s policy with name %s cannot be found.", e.kind, name)
	}
	type inline struct {
		UserName       string `xml:",omitempty"`
		GroupName      string `xml:",omitempty"`
		RoleName       string `xml:",omitempty"`
		PolicyName     string
		PolicyDocument string
	}
	in := inline{PolicyName: name, PolicyDocument: wire.Encode(doc.text)}
	switch e.kind {
	case service.KindUser:
		in.UserName = e.name
	case service.KindGroup:
		in.GroupName = e.name
	case service.KindRole:
		in.RoleName = e.name
	}
	return in, nil
}

func listAttached(c call, e *entity) (any, error) {
	prefix := cmp.Or(c.Form.Get("PathPrefix"), "/")
	var under []*policy
	for _, p := range e.attached {
		if len(p.path) >= len(prefix) && p.path[:len(prefix)] == prefix {
			under = append(under, p)
		}
	}
	shown, p, err := pageOf(c, under)
	type attached struct {
		PolicyName string
		PolicyArn  string
	}
	var list []attached
	for _, p := range shown {
		list = append(list, attached{p.name, p.arn})
	}
	return struct {
		AttachedPolicies wire.Members[attached]
		wire.Page
	}{wire.ListOf(list), p}, err
}
