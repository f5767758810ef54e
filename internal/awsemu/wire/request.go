package wire

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// MaxBody is the maximum size of a request body in bytes, after decompression. The largest request
// of CloudWatch is 1 MB. A percent-encoded SNS message of 256 KiB is smaller than 1 MB.
const MaxBody = 4 << 20

// A Request is one parsed HTTP request.
type Request struct {
	Protocol  Protocol
	Operation string
	Scope     Scope

	// Params are the parameters by name, in the Query and REST protocols.
	Params url.Values
	// Form contains the parameters as a tree, in the Query protocol and in REST JSON. It is nil in the
	// other protocols.
	Form *Form
	// Input is the input in the CBOR and JSON protocols.
	Input map[string]any

	// Header, Query and Body are parts of a request in REST XML. Body is the text that the client
	// encoded: it does not contain the framing of aws-chunked.
	Header http.Header
	Query  url.Values
	Body   []byte
}

// A Scope is the access key id and the credential scope of a signature.
type Scope struct {
	Key, Region, Service string
}

// ParseScope reads the credential scope from an Authorization header, or from the query of a
// presigned URL. It returns false for a request without a signature.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func ParseScope(header, query string) (Scope, bool) {
	credential := query
	if header != "" {
		_, rest, found := strings.Cut(header, "Credential=")
		if !found {
			return Scope{}, false
		}
		credential, _, _ = strings.Cut(rest, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	n := len(parts)
	if n < 4 || parts[n-1] != "aws4_request" {
		return Scope{}, false
	}
	sc := Scope{Key: parts[0], Service: parts[n-2]}
	if n > 4 { // a SigV4A scope names no region
		sc.Region = parts[n-3]
	}
	return sc, sc.Key != ""
}

// RPCPath returns the service and the operation in a path of Smithy RPC v2.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html#request-uri
func RPCPath(path string) (service, operation string, ok bool) {
	parts := strings.Split(path, "/")
	n := len(parts)
	if n < 5 || parts[n-4] != "service" || parts[n-2] != "operation" {
		return "", "", false
	}
	return parts[n-3], parts[n-1], true
}

// ReadBody reads and decompresses the body of a request. The SDK compresses large PutMetricData
// requests.
func ReadBody(r *http.Request) ([]byte, *Error) {
	var from io.Reader = r.Body
	if r.Body == nil {
		return nil, nil
	}
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(from)
		if err != nil {
			return nil, Refuse(http.StatusBadRequest, "MalformedInput", "the body is not gzip: %v", err)
		}
		from = unpacked
	}
	text, err := io.ReadAll(io.LimitReader(from, MaxBody+1))
	if err != nil {
		return nil, Refuse(http.StatusBadRequest, "MalformedInput", "the body cannot be read: %v", err)
	}
	if len(text) > MaxBody {
		return nil, Refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge",
			"the request is larger than %d bytes", MaxBody)
	}
	return text, nil
}
