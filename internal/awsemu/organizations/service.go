// Package organizations emulates DescribeOrganization of AWS Organizations.
package organizations

import (
	"net/http"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
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
	account *service.Account
	member  bool
}

// New returns a service. The account is in no organization if member is false.
func New(account *service.Account, member bool) *Service {
	return &Service{account: account, member: member}
}

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
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

// describeOrganization returns the organization, which every member account may read.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeOrganization.html
func describeOrganization(c call) (any, error) {
	if !c.member {
		return nil, wire.Refuse(http.StatusBadRequest, "AWSOrganizationsNotInUseException",
			"Your account is not a member of an organization.")
	}
	arn := func(resource string) string {
		return awsarn.ARN{Partition: c.account.Partition, Service: "organizations", Account: Management,
			Resource: resource}.String()
	}
	return map[string]map[string]string{"Organization": {
		"Arn": arn("organization/" + ID), "FeatureSet": "ALL", "Id": ID,
		"MasterAccountId":    Management,
		"MasterAccountArn":   arn("account/" + ID + "/" + Management),
		"MasterAccountEmail": "management@example.com",
	}}, nil
}
