package wire

import (
	"net/http"
)

// A Protocol encodes results and errors as the client expects them. xmlns is the XML namespace of
// the service, which is empty in the error for a request that matches no service.
type Protocol interface {
	Succeed(xmlns, operation, requestID string, result any) (Reply, error)
	Fail(xmlns, requestID string, e *Error) Reply
}

// A Reply is an HTTP response.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

func newReply(status int, contentType, requestID string, body []byte) Reply {
	header := http.Header{"X-Amzn-Requestid": {requestID}}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return Reply{Status: status, Header: header, Body: body}
}

// Query is the Query protocol: forms in, XML out.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type Query struct{}

// Succeed implements [Protocol].
func (Query) Succeed(xmlns, operation, requestID string, result any) (Reply, error) {
	body, err := xmlReply(xmlns, operation, requestID, result)
	if err != nil {
		return Reply{}, err
	}
	return newReply(http.StatusOK, "text/xml", requestID, body), nil
}

// Fail implements [Protocol].
func (Query) Fail(xmlns, requestID string, e *Error) Reply {
	body, err := xmlError(xmlns, requestID, e)
	if err != nil { // impossible for a struct of strings
		body = []byte("<ErrorResponse/>")
	}
	return newReply(e.Status, "text/xml", requestID, body)
}
