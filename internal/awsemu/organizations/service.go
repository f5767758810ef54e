// Package organizations emulates the organization of the account and its service control policies.
package organizations

import (
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// ID is the id of the organization, and Management its management account.
const (
	ID         = "o-r3m0t10n4u"
	Management = "999999999999"
)

// A Service describes the organization of the account.
type Service struct {
	account  *service.Account
	policies []*policy // FullAWSAccess first
	levels   []*level  // root first; nil if the account is in no organization
	enforce  func(levels [][]string)
}

// New returns a service with the documents of the account's service control policies: of the root,
// each unit and the account. Nil means that the account is in no organization. After each change,
// the service calls enforce with the documents.
func New(account *service.Account, levels [][]string, enforce func(levels [][]string)) *Service {
	s := &Service{account: account, enforce: enforce}
	s.addLevels(levels)
	return s
}

func (s *Service) member() bool { return s.levels != nil }

// A call is a call of Organizations.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"DescribeOrganization": {Do: describeOrganization, Needs: service.On[call](nil)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "organizations", Scope: "organizations", Prefix: "organizations", Version: "2016-11-28",
		Target: "AWSOrganizationsV20161128",
		Denial: "AccessDeniedException",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "TooManyRequestsException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations,
			policyOperations),
	}
}

var errNotMember = refuse("AWSOrganizationsNotInUseException",
	"Your account is not a member of an organization.")

// describeOrganization returns the organization, which every member account may read.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func describeOrganization(c call) (any, error) {
	if !c.member() {
		return nil, errNotMember
	}
	return map[string]map[string]string{"Organization": {
		"Arn": c.managementARN("organization/" + ID), "FeatureSet": "ALL", "Id": ID,
		"MasterAccountId":    Management,
		"MasterAccountArn":   c.managementARN("account/" + ID + "/" + Management),
		"MasterAccountEmail": "management@example.com",
	}}, nil
}
