package awsanswer

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

// Incomplete is the error of a successful answer that lacks something that each real answer holds.
type Incomplete struct {
	Operation string
	// Lacks is what the answer lacks: "PolicyNames", "the element GetRoleResponse".
	Lacks string
	// Err is the error of reading the body; nil for none.
	Err error
	// Performed is true if AWS performed the operation, so that a second call would repeat its effect.
	Performed bool
}

func (e *Incomplete) Error() string {
	text := fmt.Sprintf("AWS answered %s without %s", e.Operation, e.Lacks)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Incomplete) Unwrap() error { return e.Err }

// RetryableError makes the SDK repeat the call: such an answer is usually a failure on the way. An
// error of reading the body can say otherwise. A call that has an effect is not repeated.
func (e *Incomplete) RetryableError() bool {
	var reading interface{ RetryableError() bool }
	return !e.Performed && (!errors.As(e.Err, &reading) || reading.RetryableError())
}

// IsThrottle reports whether an error is a throttled answer.
func IsThrottle(err error) bool {
	return retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}
