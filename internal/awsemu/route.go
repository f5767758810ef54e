package awsemu

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A service is one AWS service that the server offers.
type service struct {
	name    string // the name in Fault.Operation and Call.Service
	scope   string // the name in the credential scope of a signature
	prefix  string // the prefix of the actions, spelled as in the service's errors
	version string // the version of the API
	xmlns   string
	denial  string // the error code for a missing permission

	// throttled returns the service's throttling error.
	throttled  func() *wire.Error
	operations map[string]func(*call) (any, error)

	permissions permissions
	// context sets the service's own condition keys for a call; set ignores empty values.
	context func(c *call, set func(key, value string))
	// route reads the operation and the parameters of a REST JSON request; nil for other protocols.
	route func(*request, *http.Request) *wire.Error
}

// A request is one parsed HTTP request.
type request struct {
	wire.Request
	service *service   // nil for a request that matches no service
	s3      *s3Request // nil for other services than S3
}

// xmlns returns the XML namespace of the request's service.
func (r request) xmlns() string {
	if r.service == nil {
		return ""
	}
	return r.service.xmlns
}

var services = []*service{iamService, stsService, snsService, s3Service, cloudwatchService,
	lambdaService}

// findService returns the first service for which matches returns true, or nil.
func findService(matches func(*service) bool) *service {
	for _, svc := range services {
		if matches(svc) {
			return svc
		}
	}
	return nil
}

// parseRequest parses an HTTP request. If it returns an error, the returned request contains the
// protocol for the error reply.
func parseRequest(r *http.Request) (request, *wire.Error) {
	query := r.URL.Query()
	target := r.Header.Get("X-Amz-Target")
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	req := request{Request: wire.Request{Protocol: wire.Query{}}}

	rpcService, rpcOperation, isRPC := wire.RPCPath(r.URL.Path)
	switch {
	case isRPC:
		req.Protocol, req.Operation = wire.CBOR{}, rpcOperation
		req.service = findService(func(s *service) bool {
			return s.scope == "monitoring" &&
				rpcService == cloudwatchTarget
		})
	case target != "":
		targetService, operation, _ := strings.Cut(target, ".")
		req.Protocol, req.Operation = wire.JSON{ContentType: contentType}, operation
		req.service = findService(func(s *service) bool {
			return s.scope == "monitoring" &&
				targetService == cloudwatchTarget
		})
	case strings.HasPrefix(contentType, "application/x-amz-json"), contentType == "application/json":
		req.Protocol = wire.JSON{ContentType: contentType}
	}

	sc, signed := wire.ParseScope(r.Header.Get("Authorization"), query.Get("X-Amz-Credential"))
	if sc.Service == s3Service.scope {
		req.Scope = sc
		return parseS3Request(r, req)
	}
	text, problem := wire.ReadBody(r)
	if problem != nil {
		return req, problem
	}
	if !signed {
		return req, wire.Refuse(http.StatusForbidden, "MissingAuthenticationToken",
			"Missing Authentication Token: sign the request with any access key; the embedded AWS does "+
				"not verify signatures")
	}
	req.Scope = sc
	byScope := findService(func(s *service) bool { return s.scope == sc.Service })
	if byScope == nil || req.service != nil && req.service != byScope {
		return req, notOffered(sc.Service, r)
	}
	req.service = byScope
	if byScope.route != nil {
		req.Protocol = wire.RestJSON{}
		return req, byScope.route(&req, r)
	}

	switch req.Protocol.(type) {
	case wire.Query:
		values, err := url.ParseQuery(string(text))
		if err != nil {
			return req, wire.Refuse(http.StatusBadRequest, "MalformedQueryString", "the body is not a form: %v",
				err)
		}
		for name, vs := range query {
			values[name] = append(values[name], vs...)
		}
		req.Params, req.Form = values, wire.NewForm(values)
		req.Operation = values.Get("Action")
		if req.Operation == "" {
			return req, wire.Refuse(http.StatusBadRequest, "MissingAction",
				"the request has no Action; the embedded AWS supports only the Query protocol for %s",
				req.service.name)
		}
		if v := values.Get("Version"); v != "" && v != req.service.version {
			return req, invalidAction(req.service, req.Operation, v)
		}
	case wire.CBOR:
		if req.Input, problem = wire.ReadCBOR(text); problem != nil {
			return req, problem
		}
	default:
		if req.Input, problem = wire.ReadJSON(text); problem != nil {
			return req, problem
		}
	}
	if req.service.operations[req.Operation] == nil {
		return req, invalidAction(req.service, req.Operation, req.service.version)
	}
	return req, nil
}

func notOffered(scope string, r *http.Request) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "UnknownService",
		"the embedded AWS offers iam, sts, sns, s3, lambda and monitoring (CloudWatch), not %q (%s %s)",
		scope, r.Method, r.URL.Path)
}

func invalidAction(svc *service, operation, version string) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s",
		operation, version)
}
