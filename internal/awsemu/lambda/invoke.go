package lambda

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// An Invocation is one invocation of a function.
type Invocation struct {
	// Function is the invoked function, with its role and region.
	Function Function
	// ARN is the ARN of the function.
	ARN string
	// Payload is the event, which is JSON.
	Payload []byte
	// Asynchronous is true for an event that the caller does not wait for.
	Asynchronous bool
	// Streamed is true if the caller reads the reply as a stream. The server sends the stream when
	// the function has ended.
	Streamed bool
}

// invocations are the operations that run a function. Both need lambda:InvokeFunction.
// https://docs.aws.amazon.com/lambda/latest/api/API_InvokeWithResponseStream.html
var invocations = service.Table[call]{
	"Invoke":                   {Do: inEnabledRegion(invoke), Needs: mayInvoke},
	"InvokeWithResponseStream": {Do: inEnabledRegion(invoke), Needs: mayInvoke},
}

var mayInvoke = []service.Need[call]{{Action: "InvokeFunction", Resource: calledFunctionARN}}

// invoke returns a function that runs after the server has released its mutex, because the invoked
// function calls the server.
func invoke(c call) (any, error) {
	f, err := c.function("FunctionName")
	if err != nil {
		return nil, err
	}
	if err := f.invocable(); err != nil {
		return nil, err
	}
	if c.Run == nil {
		return nil, wire.Refuse(http.StatusBadGateway, "ServiceException",
			"the embedded AWS does not run functions: a Go program can set Server.Invoke")
	}
	kind := c.Header.Get("X-Amz-Invocation-Type")
	in := Invocation{Function: f, ARN: c.functionARN(f), Payload: c.Body,
		Asynchronous: kind == "Event", Streamed: c.Operation == "InvokeWithResponseStream"}
	switch {
	case !json.Valid(c.Body) && len(c.Body) > 0:
		return nil, wire.Refuse(http.StatusBadRequest, "InvalidRequestContentException",
			"Could not parse request body into json")
	case kind == "DryRun":
		return wire.RestResult{Status: http.StatusNoContent}, nil
	case in.Asynchronous:
		// The disconnection of the caller does not end an asynchronous invocation.
		ctx := context.WithoutCancel(c.Context)
		c.running.Go(func() { _, _ = c.Run(ctx, in) }) // no client receives the reply
		return wire.RestResult{Status: http.StatusAccepted}, nil
	}
	return func() (any, error) {
		reply, err := c.Run(c.Context, in)
		if in.Streamed {
			return streamed(reply, err), nil
		}
		return replied(reply, err)
	}, nil
}

// replied returns the reply of a function, or its error.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func replied(reply []byte, failure error) (any, error) {
	header := http.Header{"Content-Type": {"application/json"},
		"X-Amz-Executed-Version": {"$LATEST"}}
	if failure == nil {
		return wire.RestResult{Header: header, Body: reply}, nil
	}
	header.Set("X-Amz-Function-Error", "Unhandled")
	body, err := encode(struct {
		ErrorMessage string `json:"errorMessage"`
	}{failure.Error()})
	return wire.RestResult{Header: header, Body: body}, err
}

// encode writes a value as JSON.
func encode(v any) ([]byte, error) { return json.Marshal(v) }
