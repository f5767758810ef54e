package awsemu

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Call is a request that the server received.
type Call struct {
	// Service and Operation are as in Fault.Operation: "iam" and "GetRole".
	Service   string
	Operation string
	Region    string
	// Caller is the ARN of the identity that signed the request.
	Caller string
	// Params are the parameters of a Query request by their dotted names, without Action and Version.
	// They include the Namespace of a CloudWatch request in every protocol.
	Params map[string]string
	// Checked are the permissions that the server checked for the call, in order. After a denial, the
	// server checks no further permission.
	Checked []CheckedPermission
	// Started is the time after the server read the request. Ended is the time before the server
	// writes the reply. Both are real times with a monotonic reading: Server.Now does not affect them.
	Started, Ended time.Time
	// Code is the error code of a call that failed.
	Code string
	// Lost is true if the server sent no reply, because of a fault or because the client disconnected.
	// The operation may have succeeded.
	Lost bool
}

// recordedParams returns the parameters of a request for Call.Params.
func recordedParams(req wire.Request) map[string]string {
	params := make(map[string]string, len(req.Params))
	for name, values := range req.Params {
		if name != "Action" && name != "Version" && len(values) > 0 {
			params[name] = values[0]
		}
	}
	if namespace, ok := req.Input["Namespace"].(string); ok {
		params["Namespace"] = namespace
	}
	return params
}
