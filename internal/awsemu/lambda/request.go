package lambda

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A route is the method and the path of an operation. The path is prefix, the value of the
// parameter param, and suffix. A route without a parameter has only a prefix.
type route struct {
	method, prefix, param, suffix string
	operation                     string
}

var routes = []route{
	{"GET", "/2015-03-31/functions", "", "", "ListFunctions"},
	{"GET", "/2015-03-31/functions/", "", "", "ListFunctions"},
	{"GET", "/2015-03-31/functions/", "FunctionName", "", "GetFunction"},
	{"GET", "/2015-03-31/functions/", "FunctionName", "/configuration", "GetFunctionConfiguration"},
	{"GET", "/2017-03-31/tags/", "Resource", "", "ListTags"},
	{"POST", "/2015-03-31/functions", "", "", "CreateFunction"},
	{"POST", "/2015-03-31/functions/", "", "", "CreateFunction"},
	{"PUT", "/2015-03-31/functions/", "FunctionName", "/configuration",
		"UpdateFunctionConfiguration"},
	{"DELETE", "/2015-03-31/functions/", "FunctionName", "", "DeleteFunction"},
	{"POST", "/2017-03-31/tags/", "Resource", "", "TagResource"},
	{"PUT", "/2019-09-25/functions/", "FunctionName", "/event-invoke-config",
		"PutFunctionEventInvokeConfig"},
	{"PUT", "/2021-07-20/functions/", "FunctionName", "/runtime-management-config",
		"PutRuntimeManagementConfig"},
	{"GET", "/2016-08-19/account-settings", "", "", "GetAccountSettings"},
	{"GET", "/2016-08-19/account-settings/", "", "", "GetAccountSettings"},
	{"GET", "/2019-09-30/functions/", "FunctionName", "/concurrency", "GetFunctionConcurrency"},
	{"PUT", "/2017-10-31/functions/", "FunctionName", "/concurrency", "PutFunctionConcurrency"},
	{"DELETE", "/2017-10-31/functions/", "FunctionName", "/concurrency",
		"DeleteFunctionConcurrency"},
	{"GET", "/2015-03-31/functions/", "FunctionName", "/policy", "GetPolicy"},
	{"GET", "/2018-10-31/layers/", "LayerVersion", "", "GetLayerVersion"},
	{"GET", "/2018-10-31/layers", "", "", "GetLayerVersionByArn"},
	{"POST", "/2015-03-31/functions/", "FunctionName", "/invocations", "Invoke"},
	{"POST", "/2021-11-15/functions/", "FunctionName", "/response-streaming-invocations",
		"InvokeWithResponseStream"},
}

// match returns the value of the parameter in an escaped path.
func (r route) match(method, path string) (value string, ok bool) {
	if method != r.method {
		return "", false
	}
	if r.param == "" {
		return "", path == r.prefix
	}
	value, isPrefixed := strings.CutPrefix(path, r.prefix)
	value, isSuffixed := strings.CutSuffix(value, r.suffix)
	named := value != "" && (r.param == "Resource" || r.param == "LayerVersion" ||
		!strings.Contains(value, "/"))
	return value, isPrefixed && isSuffixed && named
}

// parse reads the operation and the parameters from the method, the path and the query, and the
// input from the body.
func parse(req *wire.Request, r *http.Request) *wire.Error {
	req.Protocol, req.Params, req.Header = wire.RestJSON{}, r.URL.Query(), r.Header
	defer func() { req.Form = wire.NewForm(req.Params) }() // the operations read from a form
	for _, route := range routes {
		escaped, ok := route.match(r.Method, r.URL.EscapedPath())
		if !ok {
			continue
		}
		req.Operation = route.operation
		if route.param != "" {
			value, err := url.PathUnescape(escaped)
			if err != nil {
				return badParameter("the path is not percent-encoded: %v", err)
			}
			req.Params.Set(route.param, value)
		}
		return readBody(req, r)
	}
	return wire.Refuse(http.StatusNotFound, "UnknownOperationException",
		"the embedded AWS does not offer %s %s of Lambda", r.Method, r.URL.Path)
}

// The maximum sizes of a request: 50 MB of code in base64 and its parameters, and the payload of an
// invocation.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxCode    = 70 << 20
	maxPayload = 6 << 20
)

// readBody reads the payload of an invocation, or the input of another operation.
func readBody(req *wire.Request, r *http.Request) (problem *wire.Error) {
	if r.Method == http.MethodGet || r.Body == nil {
		return nil
	}
	limit := int64(maxPayload)
	if req.Operation == "CreateFunction" {
		limit = maxCode
	}
	text, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case err != nil:
		return badParameter("the body cannot be read: %v", err)
	case int64(len(text)) > limit:
		return wire.Refuse(http.StatusRequestEntityTooLarge, "RequestTooLargeException",
			"Request must be smaller than %d bytes for the %s operation", limit, req.Operation)
	case strings.HasPrefix(req.Operation, "Invoke"):
		req.Body = text
		return nil
	}
	if req.Input, problem = wire.ReadJSON(text); problem != nil {
		return problem
	}
	if name, ok := req.Input["FunctionName"].(string); ok && req.Operation == "CreateFunction" {
		req.Params.Set("FunctionName", name)
	}
	return nil
}

func badParameter(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}
