package wire

import (
	"cmp"
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
)

// RestXML is REST XML in S3's variant: a result is a [RestResult], which sets headers and the body
// directly, and errors have no envelope.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
type RestXML struct {
	// Wrapped puts errors into an envelope, as S3 Control.
	Wrapped bool
}

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

type restError struct {
	XMLName   xml.Name
	Code      string
	Message   string
	Members   []restMember
	RequestID string `xml:"RequestId,omitempty"`
}

type restMember struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// Fail implements [Protocol].
func (p RestXML) Fail(_, requestID string, e *Error) Reply {
	inner := restError{XMLName: xml.Name{Local: "Error"}, Code: e.Code, Message: e.Message,
		RequestID: requestID}
	for _, name := range slices.Sorted(maps.Keys(e.Members)) {
		inner.Members = append(inner.Members, restMember{xml.Name{Local: name}, e.Members[name]})
	}
	var document any = inner
	if p.Wrapped {
		inner.RequestID = ""
		document = struct {
			XMLName   xml.Name `xml:"ErrorResponse"`
			Error     restError
			RequestID string `xml:"RequestId"`
		}{Error: inner, RequestID: requestID}
	}
	body, err := xml.Marshal(document)
	if err != nil { // impossible for a struct of strings
		body = []byte("<Error/>")
	}
	rep := newS3Reply(e.Status, requestID, body)
	maps.Copy(rep.Header, e.Header)
	rep.Header.Set("Content-Type", "application/xml")
	return rep
}

func newS3Reply(status int, requestID string, body []byte) Reply {
	return Reply{Status: status, Body: body, Header: http.Header{"X-Amz-Request-Id": {requestID},
		"X-Amz-Id-2": {requestID}}}
}
