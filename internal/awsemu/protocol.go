package awsemu

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/fxamacker/cbor/v2"
)

// A protocol encodes results and errors in the client's protocol. In fail, svc is nil if the
// request matches no service.
type protocol interface {
	succeed(svc *service, operation, requestID string, result any) (reply, error)
	fail(svc *service, requestID string, e *apiError) reply
}

func newReply(status int, contentType, requestID string, body []byte) reply {
	header := http.Header{"X-Amzn-Requestid": {requestID}}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return reply{status: status, header: header, body: body}
}

// queryProtocol is the Query protocol: forms in, XML out.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
type queryProtocol struct{}

func (queryProtocol) succeed(svc *service, operation, requestID string, result any) (reply, error) {
	body, err := xmlReply(svc.xmlns, operation, requestID, result)
	if err != nil {
		return reply{}, err
	}
	return newReply(http.StatusOK, "text/xml", requestID, body), nil
}

func (queryProtocol) fail(svc *service, requestID string, e *apiError) reply {
	xmlns := ""
	if svc != nil {
		xmlns = svc.xmlns
	}
	body, err := xmlError(xmlns, requestID, e)
	if err != nil { // impossible for a struct of strings
		body = []byte("<ErrorResponse/>")
	}
	return newReply(e.status, "text/xml", requestID, body)
}

// cborProtocol is Smithy RPC v2 over CBOR.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
type cborProtocol struct{}

const contentCBOR = "application/cbor"

func (cborProtocol) succeed(_ *service, _, requestID string, result any) (reply, error) {
	if result == nil {
		// The reply of an operation without output has no body and no content type.
		rep := newReply(http.StatusOK, "", requestID, nil)
		rep.header.Set("Smithy-Protocol", "rpc-v2-cbor")
		return rep, nil
	}
	body, err := cbor.Marshal(result)
	rep := newReply(http.StatusOK, contentCBOR, requestID, body)
	rep.header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return rep, err
}

func (cborProtocol) fail(_ *service, requestID string, e *apiError) reply {
	body, err := cbor.Marshal(e.members())
	if err != nil { // impossible for a map of strings
		body = []byte{0xa0}
	}
	rep := newReply(e.status, contentCBOR, requestID, body)
	rep.header.Set("Smithy-Protocol", "rpc-v2-cbor")
	rep.header.Set("X-Amzn-Query-Error", e.code+";"+e.fault())
	return rep
}

// jsonProtocol is AWS JSON 1.0 or 1.1, depending on the content type.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
type jsonProtocol struct{ contentType string }

func (p jsonProtocol) succeed(_ *service, _, requestID string, result any) (reply, error) {
	if result == nil {
		result = struct{}{}
	}
	body, err := json.Marshal(result)
	return newReply(http.StatusOK, p.contentType, requestID, body), err
}

func (p jsonProtocol) fail(_ *service, requestID string, e *apiError) reply {
	body, err := json.Marshal(e.members())
	if err != nil { // impossible for a map of strings
		body = []byte("{}")
	}
	rep := newReply(e.status, p.contentType, requestID, body)
	rep.header.Set("X-Amzn-Query-Error", e.code+";"+e.fault())
	return rep
}

// restProtocol is REST JSON. The path selects the operation, and a header contains the error code.
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
type restProtocol struct{}

func (restProtocol) succeed(svc *service, operation, requestID string, result any) (reply, error) {
	return jsonProtocol{"application/json"}.succeed(svc, operation, requestID, result)
}

func (restProtocol) fail(svc *service, requestID string, e *apiError) reply {
	body, err := json.Marshal(map[string]string{"Type": "User", "Message": e.message,
		"message": e.message})
	if err != nil { // impossible for a map of strings
		body = []byte("{}")
	}
	rep := newReply(e.status, "application/json", requestID, body)
	rep.header.Set("X-Amzn-Errortype", e.code)
	return rep
}

// members returns the members of the error's Smithy shape. The text is the member message in some
// shapes and Message in others, so the map contains both.
func (e *apiError) members() map[string]string {
	return map[string]string{"__type": cmp.Or(e.shape, "com.amazonaws.cloudwatch#"+e.code),
		"message": e.message, "Message": e.message}
}

// serialization returns the error for a body that does not match its content type.
func serialization(format string, args ...any) *apiError {
	e := refuse(http.StatusBadRequest, "SerializationException", format, args...)
	e.shape = "com.amazon.coral.service#SerializationException"
	return e
}

// cborReader decodes CBOR within bounds that no client exceeds, to limit the use of memory.
var cborReader = func() cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		MaxNestedLevels:  16,
		MaxArrayElements: 1 << 17,
		MaxMapPairs:      1 << 10,
		DefaultMapType:   nil,
	}.DecMode()
	if err != nil {
		panic(fmt.Sprintf("awsemu: CBOR options: %v", err)) // the options are constant
	}
	return mode
}()

func readCBOR(body []byte) (map[string]any, *apiError) {
	if len(body) == 0 {
		return nil, nil
	}
	var input any
	if err := cborReader.Unmarshal(body, &input); err != nil {
		return nil, serialization("the body is not CBOR: %v", err)
	}
	m, ok := withStringKeys(input).(map[string]any)
	if !ok {
		return nil, serialization("the body is not a CBOR map")
	}
	return m, nil
}

// withStringKeys converts the maps in a CBOR value, which can have keys of any type, to maps with
// string keys. It drops entries with other keys, because the members of a structure have names.
func withStringKeys(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := make(map[string]any, len(v))
		for key, value := range v {
			if name, ok := key.(string); ok {
				m[name] = withStringKeys(value)
			}
		}
		return m
	case []any:
		for i := range v {
			v[i] = withStringKeys(v[i])
		}
		return v
	default:
		return v
	}
}

func readJSON(body []byte) (map[string]any, *apiError) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, serialization("the body is not a JSON object: %v", err)
	}
	return m, nil
}

// number converts a decoded number of any protocol. JSON writes NaN and the infinities as strings.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case uint64:
		return float64(v), true
	case int64:
		return float64(v), true
	case string:
		switch v {
		case "NaN":
			return math.NaN(), true
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
		return 0, false
	default:
		return 0, false
	}
}
