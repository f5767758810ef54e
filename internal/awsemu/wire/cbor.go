package wire

import (
	"fmt"
	"net/http"

	"github.com/fxamacker/cbor/v2"
)

// CBOR is Smithy RPC v2 over CBOR.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
type CBOR struct{}

const contentCBOR = "application/cbor"

// Succeed implements [Protocol].
func (CBOR) Succeed(_, _, requestID string, result any) (Reply, error) {
	if result == nil {
		// The reply of an operation without output has no body and no content type.
		rep := newReply(http.StatusOK, "", requestID, nil)
		rep.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
		return rep, nil
	}
	body, err := cbor.Marshal(result)
	rep := newReply(http.StatusOK, contentCBOR, requestID, body)
	rep.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	return rep, err
}

// Fail implements [Protocol].
func (CBOR) Fail(_, requestID string, e *Error) Reply {
	body, err := cbor.Marshal(e.members())
	if err != nil { // impossible for a map of strings
		body = []byte{0xa0}
	}
	rep := newReply(e.Status, contentCBOR, requestID, body)
	rep.Header.Set("Smithy-Protocol", "rpc-v2-cbor")
	rep.Header.Set("X-Amzn-Query-Error", e.Code+";"+e.fault())
	return rep
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
		panic(fmt.Sprintf("wire: CBOR options: %v", err)) // the options are constant
	}
	return mode
}()

// ReadCBOR decodes a body, which must be a map. An empty body is an empty map.
func ReadCBOR(body []byte) (map[string]any, *Error) {
	if len(body) == 0 {
		return nil, nil
	}
	var input any
	if err := cborReader.Unmarshal(body, &input); err != nil {
		return nil, Serialization("the body is not CBOR: %v", err)
	}
	m, ok := withStringKeys(input).(map[string]any)
	if !ok {
		return nil, Serialization("the body is not a CBOR map")
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
