// Package iam emulates users, groups, roles and policies of IAM, and the simulation of policies.
package iam

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A Service contains the users, groups, roles and managed policies of an account.
type Service struct {
	account  *service.Account
	alias    string
	entities map[service.Kind]map[string]*entity
	policies map[string]*policy // by ARN
	keys     map[string]*entity // users by access key

	organization [][]iampolicy.Policy // by level; nil if the account is in no organization
	simulator    Simulator
}

// New returns a service with the data. It returns an error if the data refers to a group or policy
// that does not exist.
func New(account *service.Account, d Data) (*Service, error) {
	s := &Service{
		account: account,
		alias:   d.Alias,
		entities: map[service.Kind]map[string]*entity{service.KindUser: {}, service.KindGroup: {},
			service.KindRole: {}},
		policies:     make(map[string]*policy),
		keys:         make(map[string]*entity),
		organization: d.Organization.levels(),
		simulator:    d.Simulator,
	}
	for _, name := range slices.Sorted(maps.Keys(d.Policies)) {
		s.addPolicy(name, d.Policies[name])
	}
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		g := d.Groups[name]
		if _, err := s.addEntity(service.KindGroup, name, g.Path, g.Inline, g.Managed, ""); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Users)) {
		u := d.Users[name]
		e, err := s.addEntity(service.KindUser, name, u.Path, u.Inline, u.Managed, u.Boundary)
		if err != nil {
			return nil, err
		}
		e.tags = u.Tags
		for _, group := range u.Groups {
			g := s.entities[service.KindGroup][group]
			if g == nil {
				return nil, fmt.Errorf("account: user %s: there is no group %s", name, group)
			}
			e.groups = append(e.groups, g)
		}
		for _, key := range u.AccessKeys {
			s.keys[key] = e
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Roles)) {
		r := d.Roles[name]
		e, err := s.addEntity(service.KindRole, name, r.Path, r.Inline, r.Managed, r.Boundary)
		if err != nil {
			return nil, err
		}
		e.trust, e.tags = document{text: trustText(r.Trust)}, r.Tags
	}
	return s, nil
}

// User returns the user with a name.
func (s *Service) User(name string) (service.Principal, bool) {
	e, found := s.entities[service.KindUser][name]
	return e, found
}

// UserOfKey returns the user with an access key.
func (s *Service) UserOfKey(id string) (service.Principal, bool) {
	e, found := s.keys[id]
	return e, found
}

// Role returns the role with a name.
func (s *Service) Role(name string) (service.Role, bool) {
	e, found := s.entities[service.KindRole][name]
	return e, found
}

// A call is a call of IAM.
type call struct {
	*service.Call
	*Service
}

// A table contains operations of IAM.
type table = service.Table[call]

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "iam", Scope: "iam", Prefix: "iam", Version: "2010-05-08",
		XMLNS:  "https://iam.amazonaws.com/doc/2010-05-08/",
		Denial: "AccessDenied",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "Throttling",
			Message: "Rate exceeded"},
		Operations: service.Bind(s.bind, entityReads, policyReads, membershipWrites, policyWrites,
			entityWrites, tagWrites, simulation),
		ConditionKeys: func(c *service.Call, set func(key, value string)) {
			setConditionKeys(s.bind(c), set)
		},
	}
}

func (s *Service) bind(c *service.Call) call { return call{c, s} }

// callerEntity returns the user or role that sent the call, or nil for an administrator that is not
// a user of the account.
func (c call) callerEntity() *entity {
	e, _ := c.Caller.Principal.(*entity)
	return e
}

// find returns the entity of kind k that the call names. UserName names a user, for example.
func (c call) find(k service.Kind) (*entity, error) {
	name, err := c.name(k.Title()+"Name", 128)
	if err != nil {
		return nil, err
	}
	e := c.entities[k][name]
	if e == nil {
		return nil, noSuchEntity("The %s with name %s cannot be found.", k, name)
	}
	return e, nil
}

// forEntity returns an operation on the entity of kind k that the call names.
func forEntity(k service.Kind, do func(c call, e *entity) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		e, err := c.find(k)
		if err != nil {
			return nil, err
		}
		return do(c, e)
	}
}

// forInline returns an operation on an inline policy of an entity of kind k. The entity must exist,
// but the policy need not exist.
func forInline(k service.Kind,
	do func(c call, e *entity, policy string) (any, error)) func(call) (any, error) {
	return forEntity(k, func(c call, e *entity) (any, error) {
		name, err := c.name("PolicyName", 128)
		if err != nil {
			return nil, err
		}
		return do(c, e, name)
	})
}

// memberOf returns the name that IAM's errors have for a parameter: userName for UserName.
func memberOf(param string) string { return strings.ToLower(param[:1]) + param[1:] }

// name returns the value of a parameter, which must be an IAM name of at most size characters.
func (c call) name(param string, size int) (string, error) {
	name := c.Form.Get(param)
	member := memberOf(param)
	switch {
	case !c.Form.Has(param):
		return "", wire.Required(member)
	case name == "":
		return "", wire.Constraint(member, "Member must have length greater than or equal to 1")
	case len(name) > size:
		return "", wire.Constraint(member, "Member must have length less than or equal to %d", size)
	case !awsname.IsIAMName(name):
		return "",
			wire.ValidationError("The specified value for %s is invalid. It must contain only alphanumeric "+
				"characters and/or the following: +=,.@_-", member)
	}
	return name, nil
}

// entitiesUnderPath returns the entities with a path that begins with the parameter PathPrefix,
// sorted by name.
func (c call) entitiesUnderPath(k service.Kind) []*entity {
	prefix := cmp.Or(c.Form.Get("PathPrefix"), "/")
	var found []*entity
	for _, e := range service.SortedValues(c.entities[k]) {
		if strings.HasPrefix(e.path, prefix) {
			found = append(found, e)
		}
	}
	return found
}

// pageOf returns the page of a list that the parameters of the call select.
func pageOf[T any](c call, items []T) ([]T, wire.Page, error) {
	w, err := wire.FormWindow(c.Form, c.Operation, c.PageSize,
		wire.ValidationError("Invalid Marker."))
	if err != nil {
		return nil, wire.Page{}, err
	}
	shown, p := wire.PageOf(items, w, c.Operation)
	return shown, p, nil
}
