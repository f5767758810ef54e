package wire

import (
	"bytes"
	"encoding/xml"
)

// EC2 is the Query protocol of EC2: forms in, XML out, with another envelope for results and for
// errors.
// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
type EC2 struct{}

// Succeed implements [Protocol]. The members of the result are directly in the response.
func (EC2) Succeed(xmlns, operation, requestID string, result any) (Reply, error) {
	var members struct {
		Inner []byte `xml:",innerxml"`
	}
	if result != nil {
		body, err := xml.Marshal(struct {
			XMLName xml.Name `xml:"response"`
			Result  any
		}{Result: result})
		if err != nil {
			return Reply{}, err
		}
		var outer struct {
			Result *struct {
				Inner []byte `xml:",innerxml"`
			}
		}
		if err := xml.Unmarshal(body, &outer); err != nil {
			return Reply{}, err
		}
		members.Inner = outer.Result.Inner
	}
	var buf bytes.Buffer
	buf.WriteString(xml.Header)
	err := xml.NewEncoder(&buf).EncodeElement(struct {
		RequestID string `xml:"requestId"`
		Inner     []byte `xml:",innerxml"`
	}{requestID, members.Inner}, xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: xmlns}},
	})
	return newReply(200, "text/xml;charset=UTF-8", requestID, buf.Bytes()), err
}

// Fail implements [Protocol].
func (EC2) Fail(_, requestID string, e *Error) Reply {
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Response"`
		Code      string   `xml:"Errors>Error>Code"`
		Message   string   `xml:"Errors>Error>Message"`
		RequestID string   `xml:"RequestID"`
	}{Code: e.Code, Message: e.Message, RequestID: requestID})
	if err != nil { // impossible for a struct of strings
		body = []byte("<Response/>")
	}
	return newReply(e.Status, "text/xml;charset=UTF-8", requestID,
		append([]byte(xml.Header), body...))
}
