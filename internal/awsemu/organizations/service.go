// Package organizations emulates the organization of the account, with its service control policies
// and its resource control policies.
package organizations

import (
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// ID is the id of the organization, and Management its management account if the account of the
// server is a member.
const (
	ID         = "o-r3m0t10n4u"
	Management = "999999999999"
)

// Access is what the account of the server may do in the organization.
type Access string

// The accesses. The zero value is AccessDelegated.
const (
	// AccessDelegated is that of a member account to which the organization delegates the
	// administration of its policies.
	// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html
	AccessDelegated Access = "delegated"
	// AccessMember is that of any other member account, which may only describe the organization.
	AccessMember Access = "member"
	// AccessManagement is that of the management account. No policy of the organization affects it.
	AccessManagement Access = "management"
)

// Data describes the organization of the account.
type Data struct {
	// ServiceControl are the service control policies of the root, each unit and the account. Nil
	// means that the account is in no organization.
	ServiceControl [][]string
	// ResourceControl are the resource control policies of the same levels, in addition to
	// [RCPFullAWSAccess]. Nil means that the organization has not enabled them.
	ResourceControl [][]string
	Access          Access
}

// A Service describes the organization of the account.
type Service struct {
	account  *service.Account
	access   Access
	policies []*policy // those of AWS first
	levels   []*level  // root first; nil if the account is in no organization
	enforce  func(levels [][]string)

	hasResourceControl bool
}

// New returns a service with the policies of an organization. After each change, the service calls
// enforce with the service control policies.
func New(account *service.Account, d Data, enforce func(levels [][]string)) *Service {
	s := &Service{account: account, access: d.Access, enforce: enforce,
		hasResourceControl: d.ServiceControl != nil && d.ResourceControl != nil}
	for _, kind := range kinds {
		s.policies = append(s.policies, &policy{kind, kind.fullID, kind.fullName, kind.fullText,
			kind.fullContent})
	}
	if d.ServiceControl == nil {
		return s
	}
	s.levels = []*level{}
	s.addLevels(serviceControl, d.ServiceControl)
	if s.hasResourceControl {
		// A level without documents has the policy of AWS.
		levels := make([][]string, len(d.ServiceControl))
		copy(levels, d.ResourceControl)
		s.addLevels(resourceControl, levels)
	}
	return s
}

func (s *Service) member() bool { return s.levels != nil }

// enabled reports whether the organization has enabled a type of policies.
func (s *Service) enabled(kind *policyKind) bool {
	return kind == serviceControl || s.hasResourceControl
}

// management returns the id of the management account.
func (s *Service) management() string {
	if s.access == AccessManagement {
		return s.account.ID
	}
	return Management
}

// A call is a call of Organizations.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"DescribeOrganization": {Do: describeOrganization, Needs: service.On[call](nil)},
	"ListRoots":            {Do: byAdministrator(listRoots), Needs: service.On[call](nil)},
	"ListParents":          {Do: byAdministrator(listParents), Needs: service.On(childARN)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "organizations", Scope: "organizations", Prefix: "organizations", Version: "2016-11-28",
		Target: "AWSOrganizationsV20161128",
		Denial: denial, DenialStatus: http.StatusBadRequest,
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "TooManyRequestsException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations,
			policyOperations),
	}
}

const denial = "AccessDeniedException"

var (
	errNotMember = refuse("AWSOrganizationsNotInUseException",
		"Your account is not a member of an organization.")
	errNotAdministrator = refuse(denial, "You don't have permissions to access this resource.")
)

// byAdministrator wraps an operation that only the management account and delegated administrators
// may call.
func byAdministrator(do func(call) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		switch {
		case !c.member():
			return nil, errNotMember
		case c.access == AccessMember:
			return nil, errNotAdministrator
		}
		return do(c)
	}
}

type policyTypeJSON struct{ Type, Status string }

// policyTypes returns the types of policies that the organization has enabled.
func (s *Service) policyTypes() []policyTypeJSON {
	types := []policyTypeJSON{}
	for _, kind := range kinds {
		if s.enabled(kind) {
			types = append(types, policyTypeJSON{kind.name, "ENABLED"})
		}
	}
	return types
}

// describeOrganization returns the organization, which every member account may read.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func describeOrganization(c call) (any, error) {
	if !c.member() {
		return nil, errNotMember
	}
	return map[string]map[string]any{"Organization": {
		"Arn": c.managementARN("organization/" + ID), "FeatureSet": "ALL", "Id": ID,
		"MasterAccountId":    c.management(),
		"MasterAccountArn":   c.managementARN("account/" + ID + "/" + c.management()),
		"MasterAccountEmail": "management@example.com",
		// AWS advises against this member and always returns one type.
		"AvailablePolicyTypes": []policyTypeJSON{{serviceControl.name, "ENABLED"}},
	}}, nil
}
