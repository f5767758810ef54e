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
	// Target limits it to calls about one principal: "user/NAME", "role/NAME" or "group/NAME",
	// whatever the path.
	Target string
	// Region limits it to calls that are signed for one region.
	Region string
	// After is how many calls it lets pass first.
	After int
	// Times is how many calls it then applies to. Zero is all of them.
	Times int

	// Throttle refuses the call as too fast, with the code the service uses for it.
	Throttle bool
	// Deny refuses it as not authorized, as if no identity policy of the caller allowed the action.
	Deny bool
	// Error refuses it with an error of the test's own.
	Error *FaultError
	// LoseReply carries the call out, then closes the connection instead of answering.
	LoseReply bool
	// Delay answers later, or not at all if the client goes away first.
	Delay time.Duration
}

// A FaultError is the error of a Fault.
type FaultError struct {
	Code    string
	Message string
	// Status is the HTTP status. Zero is 400.
	Status int
}

// A trap is a fault that is set, with what it has seen.
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

// A verdict is what the faults say about one call.
type verdict struct {
	delay time.Duration
	err   *apiError
	lose  bool
}

// judge asks every trap, so that each counts each call it concerns. The server's mutex is held.
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

// sleep waits, unless the client goes away.
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
