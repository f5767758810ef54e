package sns

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// maxMessage is the maximum size in bytes of a message with its attributes.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const maxMessage = 256 << 10

// A Message is a message that a client published.
type Message struct {
	ID       string
	TopicARN string
	Subject  string
	// Structure is "json" for a message with bodies by protocol, and empty for any other message.
	Structure string
	// Bodies are the texts by protocol: email, sms, https and so on. "default" is always present.
	Bodies     map[string]string
	Attributes map[string]Attribute
	Time       time.Time
}

// Body returns the text for subscribers of a protocol.
func (m Message) Body(protocol string) string {
	if text, found := m.Bodies[protocol]; found {
		return text
	}
	return m.Bodies["default"]
}

// An Attribute is a message attribute. Type is String, String.Array, Number or Binary.
type Attribute struct {
	Type   string
	Value  string // empty for the type Binary
	Binary []byte // nil for the other types
}

func publish(c call) (any, error) {
	m, err := c.message()
	if err != nil {
		return nil, err
	}
	c.messages = service.AppendNewest(c.messages, m)
	return struct {
		MessageID string `xml:"MessageId"`
	}{m.ID}, nil
}

// message reads and checks the message to publish.
func (c call) message() (Message, error) {
	var m Message
	param := "TopicArn"
	switch {
	case c.Form.Has("PhoneNumber"):
		return m, invalidParameter("PhoneNumber Reason: the embedded AWS publishes to topics only")
	case !c.Form.Has(param) && c.Form.Has("TargetArn"):
		param = "TargetArn"
	case !c.Form.Has(param):
		return m, invalidParameter("TopicArn or TargetArn Reason: no value for required parameter")
	}
	t, err := c.findTopic(param, "Publish")
	if err != nil {
		return m, err
	}
	text := c.Form.Get("Message")
	if text == "" {
		return m, invalidParameter("Empty message")
	}
	if !utf8.ValidString(text) {
		return m, invalidParameter("Message Reason: must be UTF-8")
	}
	m = Message{
		TopicARN:  t.arn,
		Subject:   c.Form.Get("Subject"),
		Structure: c.Form.Get("MessageStructure"),
		Time:      c.Now(),
		Bodies:    map[string]string{"default": text},
	}
	if c.Form.Has("Subject") && !isSubject(m.Subject) {
		return m, invalidParameter("Subject")
	}
	if m.Attributes, err = c.attributes(); err != nil {
		return m, err
	}
	size := len(text)
	for name, a := range m.Attributes {
		size += len(name) + len(a.Type) + len(a.Value) + len(a.Binary)
	}
	if size > maxMessage {
		return m, invalidParameter("Message too long")
	}
	switch m.Structure {
	case "":
	case "json":
		if m.Bodies, err = bodies(text); err != nil {
			return m, err
		}
	default:
		return m, invalidParameter("MessageStructure Reason: must be json")
	}
	m.ID = fmt.Sprintf("00000000-0000-4000-9000-%012d", c.account.Next())
	return m, nil
}

// isSubject applies the rule of the API's reference: ASCII that begins with a letter, a number or
// punctuation, without line breaks and control characters, and less than 100 characters long.
func isSubject(s string) bool {
	if s == "" || len(s) >= 100 || s[0] == ' ' {
		return false
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// bodies reads a message with MessageStructure json. In one place, AWS's reference says that SNS
// ignores a key with a value that is not a string. In another, it says that the value must be a
// string. The emulator rejects such a message: if it ignored the key, the only symptom would be a
// mail with the default text.
func bodies(text string) (map[string]string, error) {
	const prefix = "Message Structure - "
	dec := json.NewDecoder(strings.NewReader(text))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, invalidParameter(prefix + "JSON message body failed to parse")
	}
	found := make(map[string]string)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, invalidParameter(prefix + "JSON message body failed to parse")
		}
		name, _ := key.(string)
		var value any
		if err := dec.Decode(&value); err != nil {
			return nil, invalidParameter(prefix + "JSON message body failed to parse")
		}
		body, isString := value.(string)
		_, twice := found[name]
		switch {
		case twice:
			return nil, invalidParameter(prefix+"duplicate key %q in JSON message body", name)
		case !isString && name == "default":
			return nil, invalidParameter(prefix + "No default entry in JSON message body")
		case !isString:
			return nil, invalidParameter(prefix+"the value of %q in JSON message body is not a string", name)
		}
		found[name] = body
	}
	if _, err := dec.Token(); err != nil {
		return nil, invalidParameter(prefix + "JSON message body failed to parse")
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, invalidParameter(prefix + "JSON message body failed to parse")
	}
	if _, has := found["default"]; !has {
		return nil, invalidParameter(prefix + "No default entry in JSON message body")
	}
	return found, nil
}

// parameterValue returns SNS's error for message attributes.
func parameterValue(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "ParameterValueInvalid", format, args...)
}

// attributes reads the message attributes.
// https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html
func (c call) attributes() (map[string]Attribute, error) {
	found := make(map[string]Attribute)
	for _, e := range c.Form.List("MessageAttributes", "entry") {
		name := e.Get("Name")
		value := e.At("Value")
		a := Attribute{Type: value.Get("DataType"), Value: value.Get("StringValue")}
		if !isAttributeName(name) {
			return nil,
				parameterValue("The message attribute name '%s' is invalid: it may have letters, digits, "+
					"'_', '-' and '.', must not begin or end with '.' or begin with AWS. or Amazon.", name)
		}
		if _, twice := found[name]; twice {
			return nil, parameterValue("The message attribute '%s' is given twice.", name)
		}
		switch a.Type {
		case "":
			return nil,
				parameterValue("The message attribute '%s' must contain non-empty message attribute type.",
					name)
		case "String", "String.Array", "Number":
			if a.Value == "" {
				return nil,
					parameterValue("The message attribute '%s' must contain non-empty message attribute value "+
						"for message attribute type '%s'.", name, a.Type)
			}
		case "Binary":
			raw, err := base64.StdEncoding.DecodeString(value.Get("BinaryValue"))
			if err != nil || len(raw) == 0 {
				return nil,
					parameterValue("The message attribute '%s' must contain non-empty message attribute value "+
						"for message attribute type 'Binary'.", name)
			}
			a.Value, a.Binary = "", raw
		default:
			return nil,
				parameterValue("The message attribute '%s' has an invalid message attribute type, the set of "+
					"supported types is Binary, Number, String and String.Array.", name)
		}
		if a.Type == "Number" && !isJSONNumber(a.Value) {
			return nil, parameterValue("Could not cast message attribute '%s' value to number.", name)
		}
		if a.Type == "String.Array" && !isArray(a.Value) {
			return nil,
				parameterValue("The message attribute '%s' of type String.Array must be a JSON array of "+
					"strings, numbers, booleans and null.", name)
		}
		found[name] = a
	}
	return found, nil
}

func isAttributeName(s string) bool {
	if s == "" || len(s) > 256 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	lower := strings.ToLower(s)
	if strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' &&
			r != '.' {
			return false
		}
	}
	return true
}

func isJSONNumber(s string) bool {
	var n float64
	return json.Unmarshal([]byte(s), &n) == nil && strings.TrimSpace(s) == s
}

func isArray(s string) bool {
	var items []any
	if json.Unmarshal([]byte(s), &items) != nil || items == nil {
		return false
	}
	for _, item := range items {
		switch item.(type) {
		case []any, map[string]any:
			return false
		}
	}
	return true
}
