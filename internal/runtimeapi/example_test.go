package runtimeapi_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
)

func ExampleRuntime_Invoke() {
	self, err := os.Executable() // the variable in Env makes the test binary act as a function
	if err != nil {
		fmt.Println(err)
		return
	}
	rt, err := runtimeapi.New(runtimeapi.Config{
		Binary:  self,
		Timeout: 300 * time.Millisecond,
		Env:     map[string]string{"RUNTIMEAPI_TEST_PLAYS_FUNCTION": "handler"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = rt.Close() }() // always nil

	for _, event := range []string{`{"Do":"fail"}`, `{"Sleep":60000000000}`} {
		res, err := rt.Invoke(context.Background(), []byte(event))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s, exit %q\n", res.ErrorType, res.Exit)
	}
	// Output:
	// errorString, exit ""
	// Sandbox.Timedout, exit "signal: killed"
}
