// Package cloudwatch emulates PutMetricData of CloudWatch.
package cloudwatch

import (
	"net/http"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service stores the metrics that clients put. The zero value has no metrics.
type Service struct {
	metrics []Datum
}

// A call is a call of CloudWatch.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"PutMetricData": {Do: putMetricData, Needs: service.On[call](nil)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "cloudwatch", Scope: "monitoring", Prefix: "cloudwatch", Version: "2010-08-01",
		Target: "GraniteServiceVersion20100801",
		Denial: "AccessDenied",
		Throttled: wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} }, operations),
		ConditionKeys: func(c *service.Call, set func(key, value string)) {
			namespace, _ := c.Input["Namespace"].(string)
			set("cloudwatch:namespace", namespace)
		},
	}
}

// Metrics returns the datums that clients have put so far. Their order is that of the calls.
func (s *Service) Metrics() []Datum { return slices.Clone(s.metrics) }

// Reset clears the metrics.
func (s *Service) Reset() { s.metrics = nil }
