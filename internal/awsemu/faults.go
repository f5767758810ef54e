package awsemu

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A Fault is something that goes wrong with a call. What it does is said by Delay, which adds up
// over all faults that apply, and by one of Throttle, Deny, Error and LoseReply: of these the first
// fault that applies decides.
type Fault struct {
	// Operation names what it is about: "iam:SimulatePrincipalPolicy", "sns:Publish",
	// "cloudwatch:PutMetricData", all of a service "iam:*", or everything "*". Empty is everything.
	Operation string
	// Target limits the fault to calls about one principal: "user/NAME", "role/NAME" or "group/NAME",
	// without a path.
	Target string
	// Region limits it to calls that are signed for one region.
	Region string
	// After is the number of calls that pass before the fault applies.
	After int
	// Times is the number of calls that the fault then applies to. Zero means all of them.
	Times int

	// Throttle refuses the call with the service's code for throttling.
	Throttle bool
	// Deny refuses the call as if no identity policy of the caller allowed the action.
	Deny bool
	// Error refuses the call with this error.
	Error *FaultError
	// LoseReply executes the call and closes the connection without an answer.
	LoseReply bool
	// Delay delays the answer. There is none if the client disconnects before.
	Delay time.Duration
}

// FaultError is the error of a Fault.
type FaultError struct {
	Code    string
	Message string
	// Status is the HTTP status. Zero means 400.
	Status int
}

// trap is a configured fault with the number of its calls.
type trap struct {
	Fault
	seen int
}

func newTraps(faults []Fault) []*trap {
	traps := make([]*trap, len(faults))
	for i, f := range faults {
		traps[i] = &trap{Fault: f}
	}
	return traps
}

// spring counts the call and reports whether the fault applies to it.
func (t *trap) spring() bool {
	applies := t.armed()
	t.seen++
	return applies
}

// armed reports whether the fault would apply to the next call.
func (t *trap) armed() bool {
	return t.seen >= t.After && (t.Times == 0 || t.seen < t.After+t.Times)
}

func (f *Fault) concerns(service, operation, region string, targets []string) bool {
	if f.Region != "" && f.Region != region {
		return false
	}
	if f.Operation != "" && f.Operation != "*" {
		svc, op, _ := strings.Cut(f.Operation, ":")
		if !strings.EqualFold(svc, service) || op != "*" && !strings.EqualFold(op, operation) {
			return false
		}
	}
	return f.Target == "" || slices.Contains(targets, f.Target)
}

// verdict is the combined effect of all faults on one call.
type verdict struct {
	delay time.Duration
	err   *apiError
	lose  bool
}

// judge checks all traps, so that each one counts its calls. The server's mutex is held.
func (c *call) judge(traps []*trap) verdict {
	var v verdict
	decided := false
	targets := c.targets()
	for _, t := range traps {
		if !t.concerns(c.service.name, c.operation, c.region, targets) || !t.spring() {
			continue
		}
		v.delay += t.Delay
		if decided {
			continue
		}
		switch {
		case t.Throttle:
			v.err, decided = c.service.throttled(), true
		case t.Deny:
			v.err, decided = c.denied(), true
		case t.Error != nil:
			status := t.Error.Status
			if status == 0 {
				status = http.StatusBadRequest
			}
			v.err, decided = refuse(status, t.Error.Code, "%s", t.Error.Message), true
		case t.LoseReply:
			v.lose, decided = true, true
		}
	}
	return v
}

// sleep waits, or returns early if the client disconnects.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
