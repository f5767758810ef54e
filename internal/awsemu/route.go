package awsemu

import (
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// parseRequest parses an HTTP request. If it returns an error, the returned request contains the
// protocol for the error reply. The definition is nil for a request that matches no service.
func (s *services) parseRequest(r *http.Request) (req wire.Request, svc *service.Definition,
	problem *wire.Error) {
	query := r.URL.Query()
	contentType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	req = wire.Request{Protocol: wire.Query{}}
	target, isRPC := "", false
	target, req.Operation, isRPC = wire.RPCPath(r.URL.Path)
	switch header := r.Header.Get("X-Amz-Target"); {
	case isRPC:
		req.Protocol = wire.CBOR{}
	case header != "":
		target, req.Operation, _ = strings.Cut(header, ".")
		req.Protocol = wire.JSON{ContentType: contentType}
	case strings.HasPrefix(contentType, "application/x-amz-json"), contentType == "application/json":
		req.Protocol = wire.JSON{ContentType: contentType}
	}

	signed := false
	req.Scope, signed = wire.ParseScope(r.Header.Get("Authorization"), query.Get("X-Amz-Credential"))
	svc = s.find(func(d *service.Definition) bool {
		return d.Scope == req.Scope.Service && (d.Accepts == nil || d.Accepts(r))
	})
	if _, isForm := req.Protocol.(wire.Query); isForm && svc != nil && svc.Protocol != nil {
		req.Protocol = svc.Protocol
	}
	if signed && svc != nil && svc.Parse != nil {
		return req, svc, svc.Parse(&req, r)
	}
	// Only S3 has such signatures. The AWS CLI and boto3 still make presigned URLs of them.
	if query.Has("AWSAccessKeyId") || strings.HasPrefix(r.Header.Get("Authorization"), "AWS ") {
		req.Protocol = wire.RestXML{}
		return req, nil, wire.Refuse(http.StatusBadRequest, "InvalidRequest",
			"the request has a signature of version 2, which the embedded AWS does not read: use version "+
				"4, with Config(signature_version=\"s3v4\") in boto3, or with the AWS CLI after: aws "+
				"configure set default.s3.signature_version s3v4")
	}
	text, problem := wire.ReadBody(r)
	switch {
	case problem != nil:
		return req, nil, problem
	case !signed:
		return req, nil, wire.Refuse(http.StatusForbidden, "MissingAuthenticationToken",
			"Missing Authentication Token: sign the request with any access key; the embedded AWS does "+
				"not verify signatures")
	case svc == nil, target != "" && target != svc.Target:
		return req, nil, notOffered(req.Scope.Service, r)
	case svc.Target != target:
		return req, svc, wire.Refuse(http.StatusBadRequest, "InvalidAction",
			"the embedded AWS supports only the protocols CBOR and JSON for %s", svc.Name)
	}
	if problem := readInput(&req, svc, text, query); problem != nil {
		return req, svc, problem
	}
	if _, offered := svc.Operations[req.Operation]; !offered {
		return req, svc, invalidAction(req.Operation, svc.Version)
	}
	return req, svc, nil
}

// readInput reads the parameters of a request in the protocols Query, CBOR and JSON, and the
// operation of a request in the Query protocol.
func readInput(req *wire.Request, svc *service.Definition, text []byte,
	query url.Values) (problem *wire.Error) {
	switch req.Protocol.(type) {
	case wire.CBOR:
		req.Input, problem = wire.ReadCBOR(text)
		return problem
	case wire.JSON:
		req.Input, problem = wire.ReadJSON(text)
		return problem
	}
	values, err := url.ParseQuery(string(text))
	if err != nil {
		return wire.Refuse(http.StatusBadRequest, "MalformedQueryString", "the body is not a form: %v",
			err)
	}
	for name, vs := range query {
		values[name] = append(values[name], vs...)
	}
	req.Params, req.Form = values, wire.NewForm(values)
	req.Operation = values.Get("Action")
	if req.Operation == "" {
		return wire.Refuse(http.StatusBadRequest, "MissingAction",
			"the request has no Action; the embedded AWS supports only the Query protocol for %s",
			svc.Name)
	}
	if v := values.Get("Version"); v != "" && v != svc.Version {
		return invalidAction(req.Operation, v)
	}
	return nil
}

func notOffered(scope string, r *http.Request) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "UnknownService",
		"the embedded AWS offers iam, sts, sns, s3, lambda, kms, ec2, organizations, logs, "+
			"servicequotas and monitoring (CloudWatch), not %q (%s %s)",
		scope, r.Method, r.URL.Path)
}

func invalidAction(operation, version string) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidAction",
		"Could not find operation %s for version %s", operation, version)
}
