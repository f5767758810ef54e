package awsemu

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// A service is one AWS service the server offers.
type service struct {
	name    string // in faults and calls
	scope   string // in the credential scope of a signature
	prefix  string // of its actions, as its AccessDenied spells it
	version string // of its Query API
	xmlns   string
	denial  string // the code of a refusal for want of permission

	// throttled is how it says that requests come too fast.
	throttled  func() *apiError
	operations map[string]func(*call) (any, error)

	// permissions are what callers need for the operations, and context adds what the service's own
	// condition keys say of a call; set ignores empty values.
	permissions permissions
	context     func(c *call, set func(key, value string))
	// route reads operation and parameters of a service that speaks REST JSON; nil for the others.
	route func(*request, *http.Request) *apiError
}

// A request is one HTTP request, understood.
type request struct {
	protocol  protocol
	service   *service
	operation string
	scope     scope
	form      *form          // of the Query protocol
	params    url.Values     // the same, flat
	input     map[string]any // of the other protocols
	s3        *s3Request     // of S3
}

var services = []*service{iamService, stsService, snsService, s3Service, cloudwatchService,
	lambdaService}

// serviceBy finds a service by what distinguishes it, and nil if it is not offered.
func serviceBy(is func(*service) bool) *service {
	for _, svc := range services {
		if is(svc) {
			return svc
		}
	}
	return nil
}

// read makes out what a request asks. With an error, the request's protocol says how to report it.
func read(r *http.Request) (request, *apiError) {
	query := r.URL.Query()
	target := r.Header.Get("X-Amz-Target")
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	ask := request{protocol: queryProtocol{}}

	rpcService, rpcOperation, isRPC := rpcPath(r.URL.Path)
	switch {
	case isRPC:
		ask.protocol, ask.operation = cborProtocol{}, rpcOperation
		ask.service = serviceBy(func(s *service) bool {
			return s.scope == "monitoring" &&
				rpcService == cloudwatchTarget
		})
	case target != "":
		targetService, operation, _ := strings.Cut(target, ".")
		ask.protocol, ask.operation = jsonProtocol{contentType}, operation
		ask.service = serviceBy(func(s *service) bool {
			return s.scope == "monitoring" &&
				targetService == cloudwatchTarget
		})
	case strings.HasPrefix(contentType, "application/x-amz-json"), contentType == "application/json":
		ask.protocol = jsonProtocol{contentType}
	}

	sc, signed := parseScope(r.Header.Get("Authorization"), query.Get("X-Amz-Credential"))
	if sc.service == s3Service.scope {
		ask.scope = sc
		return readS3(r, ask)
	}
	text, problem := body(r)
	if problem != nil {
		return ask, problem
	}
	if !signed {
		return ask, refuse(http.StatusForbidden, "MissingAuthenticationToken",
			"Missing Authentication Token: sign the request with any access key; the embedded AWS does "+
				"not verify signatures")
	}
	ask.scope = sc
	byScope := serviceBy(func(s *service) bool { return s.scope == sc.service })
	if byScope == nil || ask.service != nil && ask.service != byScope {
		return ask, notOffered(sc.service, r)
	}
	ask.service = byScope
	if byScope.route != nil {
		ask.protocol = restProtocol{}
		return ask, byScope.route(&ask, r)
	}

	switch ask.protocol.(type) {
	case queryProtocol:
		values, err := url.ParseQuery(string(text))
		if err != nil {
			return ask, refuse(http.StatusBadRequest, "MalformedQueryString", "the body is not a form: %v",
				err)
		}
		for name, vs := range query {
			values[name] = append(values[name], vs...)
		}
		ask.params, ask.form = values, newForm(values)
		ask.operation = values.Get("Action")
		if ask.operation == "" {
			return ask, refuse(http.StatusBadRequest, "MissingAction",
				"the request has no Action; the embedded AWS speaks the Query protocol for %s",
				ask.service.name)
		}
		if v := values.Get("Version"); v != "" && v != ask.service.version {
			return ask, invalidAction(ask.service, ask.operation, v)
		}
	case cborProtocol:
		if ask.input, problem = readCBOR(text); problem != nil {
			return ask, problem
		}
	default:
		if ask.input, problem = readJSON(text); problem != nil {
			return ask, problem
		}
	}
	if ask.service.operations[ask.operation] == nil {
		return ask, invalidAction(ask.service, ask.operation, ask.service.version)
	}
	return ask, nil
}

// rpcPath reads the path of Smithy RPC v2.
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
