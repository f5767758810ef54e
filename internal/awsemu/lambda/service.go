// Package lambda emulates Lambda: functions with their tags, by region, and their invocations.
package lambda

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"sync"

	awsarn "github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Service contains the deployed functions of an account.
type Service struct {
	account   *service.Account
	functions []Function // sorted by name
	disabled  []string   // the disabled regions
	// deletedLayers are the ARNs of layer versions that do not exist.
	deletedLayers []string
	// ConcurrentExecutions returns the quota of a region.
	ConcurrentExecutions func(region string) int

	// Run runs a function and returns its reply. Nil refuses all invocations.
	Run func(ctx context.Context, in Invocation) ([]byte, error)
	// running are the asynchronous invocations that have not ended.
	running sync.WaitGroup
}

// New returns a service with functions. The role of each is an ARN. Calls in the disabled regions
// fail. deletedLayers are the ARNs of layer versions that do not exist.
func New(account *service.Account, functions []Function,
	disabledRegions, deletedLayers []string) *Service {
	s := &Service{account: account, disabled: disabledRegions, deletedLayers: deletedLayers}
	for _, f := range functions {
		f.Region = cmp.Or(f.Region, account.Region)
		s.functions = append(s.functions, f)
	}
	slices.SortStableFunc(s.functions, byName)
	return s
}

func byName(a, b Function) int { return cmp.Compare(a.Name, b.Name) }

// Wait waits until all asynchronous invocations have ended, also those that they start.
func (s *Service) Wait() { s.running.Wait() }

// A call is a call of Lambda.
type call struct {
	*service.Call
	*Service
}

var operations = service.Table[call]{
	"ListFunctions": {Do: inEnabledRegion(listFunctions), Needs: service.OnAny[call]()},
	"GetFunction":   {Do: inEnabledRegion(getFunction), Needs: service.On(calledFunctionARN)},
	"ListTags":      {Do: inEnabledRegion(listTags), Needs: service.On(calledFunctionARN)},
	"GetPolicy":     {Do: inEnabledRegion(getPolicy), Needs: service.On(calledFunctionARN)},
}

// Definition implements [service.Service].
func (s *Service) Definition() service.Definition {
	return service.Definition{
		Name: "lambda", Scope: "lambda", Prefix: "lambda",
		Denial: "AccessDeniedException",
		Throttled: wire.Error{Status: http.StatusTooManyRequests, Code: "TooManyRequestsException",
			Message: "Rate exceeded"},
		Operations: service.Bind(func(c *service.Call) call { return call{c, s} },
			operations, writes, invocations, concurrency, layers),
		Parse: parse,
	}
}

// calledFunctionARN returns the ARN of the function that a call identifies by name or by ARN.
func calledFunctionARN(c call) string {
	name := cmp.Or(c.Params.Get("Resource"), c.Params.Get("FunctionName"))
	if name == "" || awsarn.HasPrefix(name) {
		return name
	}
	return c.functionARN(Function{Name: name, Region: c.Region})
}

// inEnabledRegion wraps an operation so that it fails in disabled regions. As on AWS, a disabled
// region does not recognize the account's credentials.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func inEnabledRegion(do func(call) (any, error)) func(call) (any, error) {
	return func(c call) (any, error) {
		if slices.Contains(c.disabled, c.Region) {
			return nil, wire.Refuse(http.StatusForbidden, "UnrecognizedClientException",
				"The security token included in the request is invalid.")
		}
		return do(c)
	}
}
