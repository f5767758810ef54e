package wire

import (
	"cmp"
	"encoding/xml"
	"net/http"
)

// RestXML is REST XML in S3's variant: a result is a [RestResult], which sets headers and the body
// directly, and errors have no envelope.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
type RestXML struct{}

// A RestResult is the result of an operation in the protocol [RestXML].
type RestResult struct {
	Status int // 0 means 200
	Header http.Header
	Body   any // nil, bytes, or a value to write as XML
}

// Succeed implements [Protocol].
func (RestXML) Succeed(_, _, requestID string, result any) (Reply, error) {
	out, _ := result.(RestResult)
	body, isBytes := out.Body.([]byte)
	if out.Body != nil && !isBytes {
		text, err := xml.Marshal(out.Body)
		if err != nil {
			return Reply{}, err
		}
		body = append([]byte(xml.Header), text...)
	}
	rep := newS3Reply(cmp.Or(out.Status, http.StatusOK), requestID, body)
	for name, values := range out.Header {
		rep.Header[name] = values
	}
	if out.Body != nil && !isBytes {
		rep.Header.Set("Content-Type", "application/xml")
	}
	return rep, nil
}

// Fail implements [Protocol].
func (RestXML) Fail(_, requestID string, e *Error) Reply {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: e.Code, Message: e.Message, RequestID: requestID})
	if err != nil { // impossible for a struct of strings
		body = []byte("<Error/>")
	}
	rep := newS3Reply(e.Status, requestID, body)
	rep.Header.Set("Content-Type", "application/xml")
	return rep
}

func newS3Reply(status int, requestID string, body []byte) Reply {
	return Reply{Status: status, Body: body, Header: http.Header{"X-Amz-Request-Id": {requestID},
		"X-Amz-Id-2": {requestID}}}
}
