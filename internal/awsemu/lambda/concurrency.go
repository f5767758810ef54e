package lambda

import (
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// concurrency are the operations about the quotas of a region, and about the executions that
// functions reserve.
var concurrency = service.Table[call]{
	"GetAccountSettings": {Do: inEnabledRegion(getAccountSettings), Needs: service.OnAny[call]()},
	"GetFunctionConcurrency": {Do: inEnabledRegion(getConcurrency),
		Needs: service.On(calledFunctionARN)},
	"PutFunctionConcurrency": {Do: inEnabledRegion(putConcurrency),
		Needs: service.On(calledFunctionARN)},
	"DeleteFunctionConcurrency": {Do: inEnabledRegion(deleteConcurrency),
		Needs: service.On(calledFunctionARN)},
}

// leastUnreserved is the number of executions that functions cannot reserve. In a region with a
// lower quota, functions can reserve none.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
const leastUnreserved = 100

// reserved returns the number of executions that the functions of a region reserve, without one
// function.
func (s *Service) reserved(region, without string) (sum int) {
	for _, f := range s.functions {
		if f.Region == region && f.Name != without && f.Reserved != nil {
			sum += *f.Reserved
		}
	}
	return sum
}

// getAccountSettings returns the limits of a region and their use.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
func getAccountSettings(c call) (any, error) {
	type limit struct {
		TotalCodeSize, CodeSizeUnzipped, CodeSizeZipped      int64
		ConcurrentExecutions, UnreservedConcurrentExecutions int
	}
	type usage struct {
		TotalCodeSize int64
		FunctionCount int
	}
	executions := c.ConcurrentExecutions(c.Region)
	used := usage{}
	for _, f := range c.functions {
		if f.Region == c.Region {
			used.FunctionCount++
			used.TotalCodeSize += codeSize
		}
	}
	return struct {
		AccountLimit limit
		AccountUsage usage
	}{limit{75 << 30, 250 << 20, 50 << 20, executions, executions - c.reserved(c.Region, "")},
		used}, nil
}

type concurrencyJSON struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// getConcurrency returns an empty object for a function that reserves nothing.
func getConcurrency(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	return concurrencyJSON{f.Reserved}, nil
}

func putConcurrency(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	value, ok := wire.Number(c.Input["ReservedConcurrentExecutions"])
	if !ok || value < 0 {
		return nil, badParameter("ReservedConcurrentExecutions must be a number from 0, got %v",
			c.Input["ReservedConcurrentExecutions"])
	}
	wanted, executions := int(value), c.ConcurrentExecutions(c.Region)
	least := min(leastUnreserved, executions)
	if executions-c.reserved(c.Region, f.Name)-wanted < least && wanted > 0 {
		return nil, badParameter("Specified ReservedConcurrentExecutions for function decreases "+
			"account's UnreservedConcurrentExecution below its minimum value of [%d].", least)
	}
	if _, err := c.change("FunctionName", func(f *Function) { f.Reserved = &wanted }); err != nil {
		return nil, err
	}
	return concurrencyJSON{&wanted}, nil
}

func deleteConcurrency(c call) (any, error) {
	if _, err := c.change("FunctionName", func(f *Function) { f.Reserved = nil }); err != nil {
		return nil, err
	}
	return wire.RestResult{Status: http.StatusNoContent}, nil
}

// invocable returns an error for a function that cannot be invoked.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (f Function) invocable() error {
	switch {
	case f.Reserved != nil && *f.Reserved == 0:
		e := wire.Refuse(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
		e.Members = map[string]string{
			"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded"}
		return e
	case f.State == "Failed" || f.State == "Pending":
		return wire.Refuse(http.StatusConflict, "ResourceConflictException",
			"The operation cannot be performed at this time. The function is currently in the following "+
				"state: %s", f.State)
	}
	return nil
}
