package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"net/http"
)

// JSON is AWS JSON 1.0 or 1.1, depending on the content type.
// https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
type JSON struct{ ContentType string }

// Succeed implements [Protocol].
func (p JSON) Succeed(_, _, requestID string, result any) (Reply, error) {
	if result == nil {
		result = struct{}{}
	}
	body, err := json.Marshal(result)
	return newReply(http.StatusOK, p.ContentType, requestID, body), err
}

// Fail implements [Protocol].
func (p JSON) Fail(_, requestID string, e *Error) Reply {
	body, err := json.Marshal(e.members())
	if err != nil { // impossible for a map of strings
		body = []byte("{}")
	}
	rep := newReply(e.Status, p.ContentType, requestID, body)
	rep.Header.Set("X-Amzn-Query-Error", e.Code+";"+e.fault())
	return rep
}

// members returns the members of the error's Smithy shape, for JSON and CBOR. CloudWatch is the
// only service with CBOR, and the only one whose clients read the namespace of the shape. The text
// is the member message in some shapes and Message in others, so the map contains both.
func (e *Error) members() map[string]string {
	all := map[string]string{"__type": cmp.Or(e.Shape, "com.amazonaws.cloudwatch#"+e.Code),
		"message": e.Message, "Message": e.Message}
	maps.Copy(all, e.Members)
	return all
}

// RestJSON is REST JSON. The path selects the operation, and a header contains the error code.
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
type RestJSON struct{}

// Succeed implements [Protocol]. A [RestResult] sets the status, headers and the bytes of the body.
func (RestJSON) Succeed(xmlns, operation, requestID string, result any) (Reply, error) {
	if out, ok := result.(RestResult); ok {
		body, _ := out.Body.([]byte)
		rep := newReply(cmp.Or(out.Status, http.StatusOK), "", requestID, body)
		for name, values := range out.Header {
			rep.Header[name] = values
		}
		return rep, nil
	}
	return JSON{"application/json"}.Succeed(xmlns, operation, requestID, result)
}

// Fail implements [Protocol].
func (RestJSON) Fail(_, requestID string, e *Error) Reply {
	members := map[string]string{"Type": "User", "Message": e.Message, "message": e.Message}
	maps.Copy(members, e.Members)
	body, err := json.Marshal(members)
	if err != nil { // impossible for a map of strings
		body = []byte("{}")
	}
	rep := newReply(e.Status, "application/json", requestID, body)
	rep.Header.Set("X-Amzn-Errortype", e.Code)
	return rep
}

// ReadJSON decodes a body, which must be an object. An empty body is an empty object.
func ReadJSON(body []byte) (map[string]any, *Error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil
	}
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		return nil, Serialization("the body is not a JSON object: %v", err)
	}
	return m, nil
}

// Number converts a number that ReadCBOR or ReadJSON decoded. JSON writes NaN and the infinities as
// strings.
func Number(v any) (float64, bool) {
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
