package s3

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// parse parses a request for S3. The method, the path and the host determine the operation.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
func parse(req *wire.Request, r *http.Request) (problem *wire.Error) {
	req.Protocol, req.Header, req.Query = wire.RestXML{}, r.Header, r.URL.Query()
	bucket, key := virtualHost(r.Host), strings.TrimPrefix(r.URL.Path, "/")
	if bucket == "" {
		bucket, key, _ = strings.Cut(key, "/")
	}
	req.Params = url.Values{"Bucket": {bucket}, "Key": {key}}
	for _, name := range []string{"If-Match", "If-None-Match", "X-Amz-Expected-Bucket-Owner"} {
		if value := r.Header.Get(name); value != "" {
			req.Params.Set(name, value)
		}
	}
	if req.Operation, problem = operationOf(r, req.Query, bucket, key); problem != nil {
		return problem
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxObject+1))
	if err != nil {
		return wire.Refuse(http.StatusBadRequest, "IncompleteBody", "the body cannot be read: %v", err)
	}
	if len(raw) > maxObject {
		return entityTooLarge()
	}
	req.Body = raw
	if strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		req.Body, problem = unchunk(raw, req.Header)
	}
	return problem
}

// maxObject is the maximum size of an object in bytes. The report about 200 callers has 17 MB.
const maxObject = 64 << 20

func entityTooLarge() *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "EntityTooLarge",
		"Your proposed upload exceeds the maximum allowed size: the embedded AWS accepts at most %d "+
			"bytes",
		maxObject)
}

// virtualHost returns the bucket in a host name, or an empty string. The host name of a bucket is
// BUCKET.s3.REGION.amazonaws.com, or BUCKET.localhost in requests of clients with virtual-hosted
// addressing to a local endpoint.
func virtualHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(host)
	if strings.Contains(host, ".amazonaws.com") {
		if at := strings.LastIndex(host, ".s3"); at > 0 {
			return host[:at]
		}
		return ""
	}
	name, _ := strings.CutSuffix(host, ".localhost")
	if name == host {
		return ""
	}
	return name
}

// knownParameters are the query parameters of each operation. The server refuses all others except
// x-id and x-amz-*, because they select a subresource or change the answer.
var knownParameters = map[string][]string{
	"ListObjectsV2": {"list-type", "prefix", "delimiter", "max-keys", "start-after",
		"continuation-token", "encoding-type", "fetch-owner"},
	"ListBuckets":             {"max-buckets", "continuation-token", "prefix", "bucket-region"},
	"CreateMultipartUpload":   {"uploads"},
	"UploadPart":              {"uploadId", "partNumber"},
	"CompleteMultipartUpload": {"uploadId"},
	"AbortMultipartUpload":    {"uploadId"},
}

// refusedHeaders are the headers that the server refuses. If it ignored such a header, the
// operation would have another effect than the client expects.
var refusedHeaders = []string{"X-Amz-Copy-Source", "Range", "If-Modified-Since",
	"If-Unmodified-Since",
	"X-Amz-Tagging", "X-Amz-Server-Side-Encryption-Customer-Algorithm"}

// operationOf returns the operation of a request for a bucket or an object, or an error if the
// server does not offer it.
func operationOf(r *http.Request, query url.Values, bucket, key string) (string, *wire.Error) {
	var operation string
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		operation = "ListBuckets"
	case bucket != "" && key == "":
		operation = bucketOperation(r.Method, query)
	case bucket != "" && multipartOperation(r.Method, query) != "":
		operation = multipartOperation(r.Method, query)
	case bucket != "":
		operation = map[string]string{http.MethodGet: "GetObject", http.MethodHead: "HeadObject",
			http.MethodPut: "PutObject", http.MethodDelete: "DeleteObject"}[r.Method]
	}
	if operation == "" {
		request := r.Method + " /" + bucket
		if len(query) > 0 {
			request += "?" + query.Encode()
		}
		return "", notImplemented("the operation of %s", request)
	}
	for name := range query {
		if name != "x-id" && !strings.HasPrefix(strings.ToLower(name), "x-amz-") &&
			!slices.Contains(knownParameters[operation], name) &&
			subresources[r.Method+" "+name] != operation {
			return "", notImplemented("%s with the parameter %q", operation, name)
		}
	}
	for _, name := range refusedHeaders {
		if r.Header.Get(name) != "" {
			return "", notImplemented("%s with the header %s", operation, name)
		}
	}
	reads := operation == "GetObject" || operation == "HeadObject"
	if reads && (r.Header.Get("If-Match") != "" || r.Header.Get("If-None-Match") != "") {
		return "", notImplemented("%s with a condition", operation)
	}
	return operation, nil
}

func notImplemented(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusNotImplemented, "NotImplemented",
		"the embedded AWS does not offer "+format, args...)
}

// unchunk removes the framing of aws-chunked from a body, and adds the trailer to header. It does
// not verify the signatures of chunks; the server verifies no signatures.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
func unchunk(raw []byte, header http.Header) ([]byte, *wire.Error) {
	malformed := func(why string) *wire.Error {
		return wire.Refuse(http.StatusBadRequest, "IncompleteBody", "the aws-chunked body %s", why)
	}
	var text []byte
	for {
		line, rest, found := bytes.Cut(raw, []byte("\r\n"))
		size, _, _ := strings.Cut(string(line), ";")
		n, err := strconv.ParseUint(size, 16, 31)
		if !found || err != nil {
			return nil, malformed("must have the size of a chunk before each chunk")
		}
		raw = rest
		if n == 0 {
			break
		}
		if uint64(len(raw)) < n+2 || string(raw[n:n+2]) != "\r\n" {
			return nil, malformed("ends within a chunk")
		}
		text, raw = append(text, raw[:n]...), raw[n+2:]
	}
	for _, line := range strings.Split(string(raw), "\r\n") {
		if name, value, found := strings.Cut(line, ":"); found {
			header.Set(name, strings.TrimSpace(value))
		}
	}
	if length := header.Get("X-Amz-Decoded-Content-Length"); length != "" &&
		length != strconv.Itoa(len(text)) {
		return nil, malformed("must have the length in X-Amz-Decoded-Content-Length")
	}
	return text, nil
}
