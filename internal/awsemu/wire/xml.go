package wire

import (
	"bytes"
	"encoding/xml"
	"time"
)

// Members is a list in the Query protocol. An empty list is written as an empty element, because
// clients read a missing element as nil.
type Members[T any] struct {
	Items []T `xml:"member"`
}

// ListOf returns items as a list of the Query protocol.
func ListOf[T any](items []T) Members[T] { return Members[T]{items} }

// Entries is a map in the Query protocol.
type Entries struct {
	Items []entry `xml:"entry"`
}

type entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// EntriesOf returns pairs of a key and its value as a map of the Query protocol.
func EntriesOf(pairs [][2]string) Entries {
	var e Entries
	for _, p := range pairs {
		e.Items = append(e.Items, entry{p[0], p[1]})
	}
	return e
}

// Stamp formats a time as AWS does, in UTC and whole seconds.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

type errorBody struct {
	XMLName   xml.Name `xml:"ErrorResponse"`
	XMLNS     string   `xml:"xmlns,attr,omitempty"`
	Type      string   `xml:"Error>Type"`
	Code      string   `xml:"Error>Code"`
	Message   string   `xml:"Error>Message"`
	RequestID string   `xml:"RequestId"`
}

type metadata struct {
	RequestID string `xml:"RequestId"`
}

// xmlReply returns the reply of the Query protocol for an operation's result. If the result is nil,
// the reply contains only the metadata, as for operations without output.
func xmlReply(xmlns, operation, requestID string, result any) ([]byte, error) {
	var buf bytes.Buffer
	enc := xml.NewEncoder(&buf)
	root := xml.StartElement{
		Name: xml.Name{Local: operation + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: xmlns}},
	}
	if err := enc.EncodeToken(root); err != nil {
		return nil, err
	}
	if result != nil {
		if err := enc.EncodeElement(result,
			xml.StartElement{Name: xml.Name{Local: operation + "Result"}}); err != nil {
			return nil, err
		}
	}
	if err := enc.EncodeElement(metadata{requestID},
		xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return nil, err
	}
	if err := enc.EncodeToken(root.End()); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

func xmlError(xmlns, requestID string, e *Error) ([]byte, error) {
	return xml.Marshal(errorBody{XMLNS: xmlns, Type: e.fault(), Code: e.Code, Message: e.Message,
		RequestID: requestID})
}
