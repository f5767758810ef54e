package awsemu

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/authz"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/wire"
)

// A Fault makes calls fail or wait. The outcome of a fault is Throttle, Deny, Error or LoseReply.
// If several faults apply to a call, the call has the first outcome and waits for the sum of the
// delays.
type Fault struct {
	// Operation selects one operation ("iam:SimulatePrincipalPolicy", "sns:Publish",
	// "cloudwatch:PutMetricData"), all operations of a service ("iam:*"), or all operations ("*").
	// Empty selects all operations.
	Operation string
	// Target limits the fault to calls that name one principal: "user/NAME", "role/NAME" or
	// "group/NAME". NAME does not contain the path. Empty means no limit.
	Target string
	// Region limits the fault to calls that are signed for one region. Empty means no limit.
	Region string
	// After is the number of matching calls that pass before the fault applies.
	After int
	// Times is the number of calls that the fault then applies to. Zero means no limit.
	Times int

	// Throttle refuses the call with the service's throttling error.
	Throttle bool
	// Deny refuses the call as not authorized, as if no identity policy of the caller allowed the
	// action.
	Deny bool
	// Error refuses the call with this error.
	Error *FaultError
	// LoseReply performs the call, then closes the connection without a reply.
	LoseReply bool
	// Corrupt replaces the body of a successful reply; nil leaves the body as it is. It applies in
	// addition to the outcome of other faults.
	Corrupt func(body []byte) []byte
	// Delay delays the reply. There is no reply if the client closes the connection first.
	Delay time.Duration
}

// A FaultError is the error of a Fault.
type FaultError struct {
	Code    string
	Message string
	// Status is the HTTP status. Zero means 400.
	Status int
}

// An activeFault is a fault of a server, with the number of calls that have matched the fault.
type activeFault struct {
	Fault
	calls int
}

func newActiveFaults(faults []Fault) []*activeFault {
	active := make([]*activeFault, len(faults))
	for i, f := range faults {
		active[i] = &activeFault{Fault: f}
	}
	return active
}

// countCall counts a matching call and reports whether the fault applies to it.
func (t *activeFault) countCall() bool {
	applies := t.applies()
	t.calls++
	return applies
}

// applies reports whether the fault would apply to the next call.
func (t *activeFault) applies() bool {
	return t.calls >= t.After && (t.Times == 0 || t.calls < t.After+t.Times)
}

func (f *Fault) matches(service, operation, region string, targets []string) bool {
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

// A faultEffect is the combined effect of the faults on one call.
type faultEffect struct {
	delay     time.Duration
	err       *wire.Error
	loseReply bool
	corrupt   []func([]byte) []byte
}

// applyFaults returns the effect of the faults on a call. It checks every fault, so that each one
// counts its matching calls. The caller must hold the server's mutex.
func applyFaults(c *service.Call, active []*activeFault) faultEffect {
	var v faultEffect
	decided := false
	targets := targets(c)
	for _, t := range active {
		if !t.matches(c.Service.Name, c.Operation, c.Region, targets) || !t.countCall() {
			continue
		}
		v.delay += t.Delay
		if t.Corrupt != nil {
			v.corrupt = append(v.corrupt, t.Corrupt)
		}
		if decided {
			continue
		}
		switch {
		case t.Throttle:
			throttled := c.Service.Throttled
			v.err, decided = &throttled, true
		case t.Deny:
			v.err, decided = authz.Denied(c), true
		case t.Error != nil:
			v.err = wire.Refuse(cmp.Or(t.Error.Status, http.StatusBadRequest), t.Error.Code, "%s",
				t.Error.Message)
			decided = true
		case t.LoseReply:
			v.loseReply, decided = true, true
		}
	}
	return v
}

// targets returns the principals that a call names, in the form of Fault.Target. A GetUser without
// a name refers to its caller.
func targets(c *service.Call) []string {
	var targets []string
	for _, k := range []service.Kind{service.KindUser, service.KindRole, service.KindGroup} {
		if name := c.Form.Get(k.Title() + "Name"); name != "" {
			targets = append(targets, string(k)+"/"+name)
		}
	}
	for _, param := range []string{"PolicySourceArn", "RoleArn"} {
		if k, name, ok := service.EntityOfARN(c.Form.Get(param)); ok {
			targets = append(targets, string(k)+"/"+name)
		}
	}
	if p := c.Caller.Principal; len(targets) == 0 && c.Operation == "GetUser" && p != nil {
		targets = append(targets, string(p.Kind())+"/"+p.Name())
	}
	return targets
}

// sleep waits for d. It returns an error as soon as ctx is done: the client has then closed the
// connection.
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
