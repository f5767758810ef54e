package awsemu

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
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
	throttled  func() *apiError
	operations map[string]func(*call) (any, error)

	permissions permissions
	// context sets the service's own condition keys for a call; set ignores empty values.
	context func(c *call, set func(key, value string))
	// route reads the operation and the parameters of a REST JSON request; nil for other protocols.
	route func(*request, *http.Request) *apiError
}

// A request is one parsed HTTP request.
type request struct {
	protocol  protocol
	service   *service
	operation string
	scope     scope
	form      *form          // the parameters as a tree, in the Query protocol
	params    url.Values     // the parameters by name, in the Query and REST protocols
	input     map[string]any // the input in the CBOR and JSON protocols
	s3        *s3Request     // nil for other services than S3
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
func parseRequest(r *http.Request) (request, *apiError) {
	query := r.URL.Query()
	target := r.Header.Get("X-Amz-Target")
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	req := request{protocol: queryProtocol{}}

	rpcService, rpcOperation, isRPC := rpcPath(r.URL.Path)
	switch {
	case isRPC:
		req.protocol, req.operation = cborProtocol{}, rpcOperation
		req.service = findService(func(s *service) bool {
			return s.scope == "monitoring" &&
				rpcService == cloudwatchTarget
		})
	case target != "":
		targetService, operation, _ := strings.Cut(target, ".")
		req.protocol, req.operation = jsonProtocol{contentType}, operation
		req.service = findService(func(s *service) bool {
			return s.scope == "monitoring" &&
				targetService == cloudwatchTarget
		})
	case strings.HasPrefix(contentType, "application/x-amz-json"), contentType == "application/json":
		req.protocol = jsonProtocol{contentType}
	}

	sc, signed := parseScope(r.Header.Get("Authorization"), query.Get("X-Amz-Credential"))
	if sc.service == s3Service.scope {
		req.scope = sc
		return parseS3Request(r, req)
	}
	text, problem := body(r)
	if problem != nil {
		return req, problem
	}
	if !signed {
		return req, refuse(http.StatusForbidden, "MissingAuthenticationToken",
			"Missing Authentication Token: sign the request with any access key; the embedded AWS does "+
				"not verify signatures")
	}
	req.scope = sc
	byScope := findService(func(s *service) bool { return s.scope == sc.service })
	if byScope == nil || req.service != nil && req.service != byScope {
		return req, notOffered(sc.service, r)
	}
	req.service = byScope
	if byScope.route != nil {
		req.protocol = restProtocol{}
		return req, byScope.route(&req, r)
	}

	switch req.protocol.(type) {
	case queryProtocol:
		values, err := url.ParseQuery(string(text))
		if err != nil {
			return req, refuse(http.StatusBadRequest, "MalformedQueryString", "the body is not a form: %v",
				err)
		}
		for name, vs := range query {
			values[name] = append(values[name], vs...)
		}
		req.params, req.form = values, newForm(values)
		req.operation = values.Get("Action")
		if req.operation == "" {
			return req, refuse(http.StatusBadRequest, "MissingAction",
				"the request has no Action; the embedded AWS supports only the Query protocol for %s",
				req.service.name)
		}
		if v := values.Get("Version"); v != "" && v != req.service.version {
			return req, invalidAction(req.service, req.operation, v)
		}
	case cborProtocol:
		if req.input, problem = readCBOR(text); problem != nil {
			return req, problem
		}
	default:
		if req.input, problem = readJSON(text); problem != nil {
			return req, problem
		}
	}
	if req.service.operations[req.operation] == nil {
		return req, invalidAction(req.service, req.operation, req.service.version)
	}
	return req, nil
}

// rpcPath returns the service and the operation in a path of Smithy RPC v2.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#request-uri
func rpcPath(path string) (service, operation string, ok bool) {
	parts := strings.Split(path, "/")
	n := len(parts)
	if n < 5 || parts[n-4] != "service" || parts[n-2] != "operation" {
		return "", "", false
	}
	return parts[n-3], parts[n-1], true
}

func notOffered(scope string, r *http.Request) *apiError {
	return refuse(http.StatusBadRequest, "UnknownService",
		"the embedded AWS offers iam, sts, sns, s3, lambda and monitoring (CloudWatch), not %q (%s %s)",
		scope, r.Method, r.URL.Path)
}

func invalidAction(svc *service, operation, version string) *apiError {
	return refuse(http.StatusBadRequest, "InvalidAction", "Could not find operation %s for version %s",
		operation, version)
}
