package awsemu

import (
	"cmp"
	"encoding/xml"
	"net/http"
)

// restXMLProtocol is REST XML in S3's variant: a result sets headers and the body directly, and
// errors have no envelope.
// https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html
type restXMLProtocol struct{}

// A restReply is the result of an operation of S3. The body is nil, bytes, or a value to write as
// XML.
type restReply struct {
	status int // 0 means 200
	header http.Header
	body   any
}

func (restXMLProtocol) succeed(_ *service, _, requestID string, result any) (reply, error) {
	out, _ := result.(restReply)
	body, isBytes := out.body.([]byte)
	if out.body != nil && !isBytes {
		text, err := xml.Marshal(out.body)
		if err != nil {
			return reply{}, err
		}
		body = append([]byte(xml.Header), text...)
	}
	rep := newS3Reply(cmp.Or(out.status, http.StatusOK), requestID, body)
	for name, values := range out.header {
		rep.header[name] = values
	}
	if out.body != nil && !isBytes {
		rep.header.Set("Content-Type", "application/xml")
	}
	return rep, nil
}

func (restXMLProtocol) fail(_ *service, requestID string, e *apiError) reply {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		RequestID string `xml:"RequestId"`
	}{Code: e.code, Message: e.message, RequestID: requestID})
	if err != nil { // impossible for a struct of strings
		body = []byte("<Error/>")
	}
	rep := newS3Reply(e.status, requestID, body)
	rep.header.Set("Content-Type", "application/xml")
	return rep
}

func newS3Reply(status int, requestID string, body []byte) reply {
	return reply{status: status, body: body, header: http.Header{"X-Amz-Request-Id": {requestID},
		"X-Amz-Id-2": {requestID}}}
}
