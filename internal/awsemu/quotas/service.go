// Package quotas emulates Service Quotas for the quotas of Lambda. All have the value of the
// concurrent executions.
package quotas

import (
	"cmp"
	"net/http"
	"regexp"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// serviceCode is the service whose quotas the server has.
const serviceCode = "lambda"

// DefaultExecutions is the default of AWS for the concurrent executions, L-B99A9384. New accounts
// have less. https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
const DefaultExecutions = 1000

// quotaCode matches the codes of quotas.
var quotaCode = regexp.MustCompile(`^L-[0-9A-F]{8}$`)

// A Service contains the requests for another value, in order.
type Service struct {
	account    *service.Account
	executions map[string]int // the quotas of the regions that do not have the default
	requests   []request

	// LacksRole reports whether the account is in an organization and has no service-linked role for
	// Service Quotas. A request then needs the permission to create it; the server does not create it.
	LacksRole func() bool
}

// Executions returns the quota for concurrent executions in a region.
func (s *Service) Executions(region string) int {
	return cmp.Or(s.executions[region], s.executions[""], DefaultExecutions)
}

// A request is a request for another value of the quota in a region.
type request struct {
	ID           string `json:"Id"`
	Status       string
	ServiceCode  string
	QuotaCode    string
	DesiredValue float64
	region       string
}

// New returns a service without requests. executions are the quotas for concurrent executions by
// region; the region "" stands for all others.
func New(account *service.Account, executions map[string]int) *Service {
	return &Service{account: account, executions: executions}
}

// A call is a call of Service Quotas.
type call struct {
	*service.Call
	*Service
}

// The reading actions have no resource types.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_servicequotas.html
var operations = service.Table[call]{
	"GetServiceQuota":           {Do: getQuota, Needs: service.On[call](nil)},
	"GetAWSDefaultServiceQuota": {Do: getQuota, Needs: service.On[call](nil)},
	"ListRequestedServiceQuotaChangeHistoryByQuota": {Do: listRequests,
		Needs: service.On[call](nil)},
	"RequestServiceQuotaIncrease": {Do: requestIncrease, Needs: []service.Need[call]{
		{Resource: quotaARN}, {Action: "iam:CreateServiceLinkedRole", Resource: missingRole}}},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "servicequotas", Scope: "servicequotas", Prefix: "servicequotas",
		Target: "ServiceQuotasV20190624", Denial: "AccessDeniedException",
		DenialStatus: http.StatusBadRequest,
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "TooManyRequestsException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

func quotaARN(c call) string {
	return awsarn.ARN{Partition: c.account.Partition, Service: "servicequotas", Region: c.Region,
		Account: c.account.ID, Resource: text(c, "ServiceCode") + "/" + text(c, "QuotaCode")}.String()
}

// LinkedRole is the name of the service-linked role for Service Quotas, and linkedRolePath is its
// path.
// https://docs.aws.amazon.com/servicequotas/latest/userguide/using-service-linked-roles.html
const (
	LinkedRole     = "AWSServiceRoleForServiceQuotas"
	linkedRolePath = "/aws-service-role/servicequotas.amazonaws.com/"
)

// missingRole returns the ARN of the service-linked role if a request has to create it.
func missingRole(c call) string {
	if !c.LacksRole() {
		return ""
	}
	return awsarn.IAM(c.account.Partition, c.account.ID, "role"+linkedRolePath+LinkedRole)
}

func text(c call, member string) string {
	text, _ := c.Input[member].(string)
	return text
}

// known returns an error if a call names no quota of Lambda.
func known(c call) error {
	if s, q := text(c, "ServiceCode"), text(c, "QuotaCode"); s != serviceCode ||
		!quotaCode.MatchString(q) {
		return wire.Refuse(http.StatusBadRequest, "NoSuchResourceException",
			"the embedded AWS has only quotas of %s, not %q of %q", serviceCode, q, s)
	}
	return nil
}

// getQuota returns the value of the quota, which a request does not change.
func getQuota(c call) (any, error) {
	if err := known(c); err != nil {
		return nil, err
	}
	type quota struct {
		ServiceCode, QuotaCode, QuotaName, QuotaArn string
		Value                                       float64
		Adjustable                                  bool
	}
	value := c.Executions(c.Region)
	if c.Operation == "GetAWSDefaultServiceQuota" {
		value = DefaultExecutions
	}
	return struct{ Quota quota }{quota{serviceCode, text(c, "QuotaCode"), text(c, "QuotaCode"),
		quotaARN(c), float64(value), true}}, nil
}

func listRequests(c call) (any, error) {
	if err := known(c); err != nil {
		return nil, err
	}
	list := []request{}
	for _, r := range c.requests {
		if r.region == c.Region && r.QuotaCode == text(c, "QuotaCode") {
			list = append(list, r)
		}
	}
	return struct{ RequestedQuotas []request }{list}, nil
}

// maxRequests bounds the number of requests that the server stores.
const maxRequests = 100

// requestIncrease stores a request. A quota has at most one in a region.
func requestIncrease(c call) (any, error) {
	if err := known(c); err != nil {
		return nil, err
	}
	value, ok := wire.Number(c.Input["DesiredValue"])
	if current := c.Executions(c.Region); !ok || value <= float64(current) {
		return nil, wire.Refuse(http.StatusBadRequest, "IllegalArgumentException",
			"DesiredValue must be greater than %d, got %v", current, c.Input["DesiredValue"])
	}
	for _, other := range c.requests {
		if other.region == c.Region && other.QuotaCode == text(c, "QuotaCode") {
			return nil, wire.Refuse(http.StatusBadRequest, "ResourceAlreadyExistsException",
				"Only one open service quota increase request is allowed per quota.")
		}
	}
	r := request{ID: service.UniqueID("", quotaARN(c)), Status: "PENDING", ServiceCode: serviceCode,
		QuotaCode: text(c, "QuotaCode"), DesiredValue: value, region: c.Region}
	if len(c.requests) >= maxRequests {
		return nil, wire.Refuse(http.StatusBadRequest, "QuotaExceededException",
			"the embedded AWS accepts at most %d requests", maxRequests)
	}
	c.requests = append(c.requests, r)
	return struct{ RequestedQuota request }{r}, nil
}
