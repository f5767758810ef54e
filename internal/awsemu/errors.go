package awsemu

import (
	"fmt"
	"net/http"
	"strings"
)

// An apiError is an error reply of a service.
type apiError struct {
	status  int
	code    string
	message string

	// shape is the error's name in the Smithy model if it differs from the code. JSON and CBOR replies
	// contain the shape in the body. A header contains the code, because some clients expect the code
	// of the Query protocol.
	shape string
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// fault returns the party at fault in the terms of the Query protocol: Sender or Receiver.
func (e *apiError) fault() string {
	if e.status >= 500 {
		return "Receiver"
	}
	return "Sender"
}

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

// The constructors below make errors of IAM, each with the code in IAM's model.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

func noSuchEntity(format string, args ...any) *apiError {
	return refuse(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func alreadyExists(format string, args ...any) *apiError {
	return refuse(http.StatusConflict, "EntityAlreadyExists", format, args...)
}

func limitExceeded(format string, args ...any) *apiError {
	return refuse(http.StatusConflict, "LimitExceeded", format, args...)
}

func deleteConflict(format string, args ...any) *apiError {
	return refuse(http.StatusConflict, "DeleteConflict", format, args...)
}

func invalidInput(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "InvalidInput", format, args...)
}

func validationError(format string, args ...any) *apiError {
	return refuse(http.StatusBadRequest, "ValidationError", format, args...)
}

// constraint returns the ValidationError for a value that violates the model.
func constraint(member, rule string, args ...any) *apiError {
	return validationError("1 validation error detected: Value at '%s' failed to satisfy "+
		"constraint: %s", member, fmt.Sprintf(rule, args...))
}

// required returns the ValidationError for a missing value.
func required(member string) *apiError {
	return validationError("1 validation error detected: Value null at '%s' failed to satisfy "+
		"constraint: Member must not be null", member)
}

// notInEnum returns the ValidationError for a value outside the enumeration of the model.
func notInEnum(member string, words ...string) *apiError {
	return constraint(member, "Member must satisfy enum value set: [%s]", strings.Join(words, ", "))
}
