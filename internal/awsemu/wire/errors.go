package wire

import (
	"fmt"
	"net/http"
	"strings"
)

// An Error is an error reply of a service.
type Error struct {
	Status  int
	Code    string
	Message string

	// Shape is the error's name in the Smithy model if it differs from the code. JSON and CBOR replies
	// contain the shape in the body. A header contains the code, because some clients expect the code
	// of the Query protocol.
	Shape string

	// Members are further members of the error, in the protocols of JSON and of REST XML.
	Members map[string]string
	// Header are further headers, in REST XML.
	Header http.Header
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// fault returns the party at fault in the terms of the Query protocol: Sender or Receiver.
func (e *Error) fault() string {
	if e.Status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

// Refuse returns an error with an HTTP status, a code and a message.
func Refuse(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// The constructors below return the errors for parameters that violate a service's model. IAM, STS
// and SNS share them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

// ValidationError returns the error for an invalid parameter.
func ValidationError(format string, args ...any) *Error {
	return Refuse(http.StatusBadRequest, "ValidationError", format, args...)
}

// Constraint returns the ValidationError for a value that violates the model.
func Constraint(member, rule string, args ...any) *Error {
	return ValidationError("1 validation error detected: Value at '%s' failed to satisfy "+
		"constraint: %s", member, fmt.Sprintf(rule, args...))
}

// Required returns the ValidationError for a missing value.
func Required(member string) *Error {
	return ValidationError("1 validation error detected: Value null at '%s' failed to satisfy "+
		"constraint: Member must not be null", member)
}

// NotInEnum returns the ValidationError for a value outside the enumeration of the model.
func NotInEnum(member string, words ...string) *Error {
	return Constraint(member, "Member must satisfy enum value set: [%s]", strings.Join(words, ", "))
}

// Serialization returns the error for a body that does not match its content type.
func Serialization(format string, args ...any) *Error {
	e := Refuse(http.StatusBadRequest, "SerializationException", format, args...)
	e.Shape = "com.amazon.coral.service#SerializationException"
	return e
}
