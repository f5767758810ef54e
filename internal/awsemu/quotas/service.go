// Package quotas emulates Service Quotas for the quotas of Lambda. All have the same value.
package quotas

import (
	"net/http"
	"regexp"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// The service whose quotas the server has, and their value. It is that of the concurrent
// executions, L-B99A9384. https://docs.aws.amazon.com/general/latest/gr/lambda-service.html
const (
	serviceCode  = "lambda"
	defaultValue = 1000
)

// quotaCode matches the codes of quotas.
var quotaCode = regexp.MustCompile(`^L-[0-9A-F]{8}$`)

// A Service contains the requests for another value, in order.
type Service struct {
	account  *service.Account
	requests []request
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

// New returns a service without requests.
func New(account *service.Account) *Service { return &Service{account: account} }

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
	"RequestServiceQuotaIncrease": {Do: requestIncrease, Needs: service.On(quotaARN)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "servicequotas", Scope: "servicequotas", Prefix: "servicequotas",
		Target: "ServiceQuotasV20190624", Denial: "AccessDeniedException",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "TooManyRequestsException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
	}
}

func quotaARN(c call) string {
	return awsarn.ARN{Partition: c.account.Partition, Service: "servicequotas", Region: c.Region,
		Account: c.account.ID, Resource: text(c, "ServiceCode") + "/" + text(c, "QuotaCode")}.String()
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
	return struct{ Quota quota }{quota{serviceCode, text(c, "QuotaCode"), text(c, "QuotaCode"),
		quotaARN(c), defaultValue,
		true}}, nil
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
	if !ok || value <= defaultValue {
		return nil, wire.Refuse(http.StatusBadRequest, "IllegalArgumentException",
			"DesiredValue must be greater than %d, got %v", defaultValue, c.Input["DesiredValue"])
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
