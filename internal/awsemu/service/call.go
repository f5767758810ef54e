package service

import (
	"context"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Call is a request in progress.
type Call struct {
	wire.Request
	// Service is the service that the call is for.
	Service *Definition
	// Context is done as soon as the client has disconnected.
	Context context.Context
	// Region is the region that the request is signed for.
	Region string
	Caller Caller
	// PageSize is the maximum number of items per page of a list.
	PageSize int
	// Now returns the time of the server's clock in UTC, without the monotonic reading. With the
	// monotonic reading, == could report equal times as different.
	Now func() time.Time
	// Checked collects the permissions that the server checked for the call, in order. Nil drops
	// them.
	Checked *[]CheckedPermission
	// May reports whether the caller may also perform another operation of the service with the
	// parameters of this call.
	May func(operation string) bool
}

// A Caller is the identity that signed a request.
type Caller struct {
	ARN    string
	UserID string
	// Principal is the user or role whose policies bind the caller. It is nil for an administrator
	// that is not a user of the account.
	Principal Principal
	// Administrator is true if the access key belongs to no user and no session. The server permits
	// all calls of the administrator.
	Administrator bool
}

// A CheckedPermission is a permission that a call needed, or that decided about its reply.
type CheckedPermission struct {
	// Action has the prefix of its service. Resource is an ARN, or "*" for an action without resource
	// types.
	Action, Resource string
	// Allowed is true if the policies of the caller allow the action, or if the server does not
	// enforce policies.
	Allowed bool
	// Optional is true if the operation does not need the permission, but replies differently without
	// it.
	Optional bool
}
