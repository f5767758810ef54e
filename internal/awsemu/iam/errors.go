package iam

import (
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// The constructors below make errors of IAM, each with the code in IAM's model.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

func noSuchEntity(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func alreadyExists(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusConflict, "EntityAlreadyExists", format, args...)
}

func limitExceeded(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusConflict, "LimitExceeded", format, args...)
}

func deleteConflict(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusConflict, "DeleteConflict", format, args...)
}

func invalidInput(format string, args ...any) *wire.Error {
	return wire.Refuse(http.StatusBadRequest, "InvalidInput", format, args...)
}
