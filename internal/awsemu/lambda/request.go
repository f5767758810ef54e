package lambda

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// parse reads the operation and the parameters from the method, the path and the query.
func parse(req *wire.Request, r *http.Request) *wire.Error {
	req.Protocol, req.Params = wire.RestJSON{}, r.URL.Query()
	defer func() { req.Form = wire.NewForm(req.Params) }() // the operations read from a form
	put := func(name, escaped string) *wire.Error {
		value, err := url.PathUnescape(escaped)
		if err != nil {
			return badParameter("the path is not percent-encoded: %v", err)
		}
		req.Params.Set(name, value)
		return nil
	}
	path := r.URL.EscapedPath()
	switch name, isFunction := strings.CutPrefix(path, "/2015-03-31/functions/"); {
	case r.Method != http.MethodGet:
	case path == "/2015-03-31/functions", isFunction && name == "":
		req.Operation = "ListFunctions"
	case isFunction && !strings.Contains(name, "/"):
		req.Operation = "GetFunction"
		return put("FunctionName", name)
	default:
		if arn, ok := strings.CutPrefix(path, "/2017-03-31/tags/"); ok && arn != "" {
			req.Operation = "ListTags"
			return put("Resource", arn)
		}
	}
	if req.Operation == "" {
		return wire.Refuse(http.StatusNotFound, "UnknownOperationException",
			"the embedded AWS offers ListFunctions, GetFunction and ListTags of Lambda, not %s %s", r.Method,
			r.URL.Path)
	}
	return nil
}

func badParameter(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}
