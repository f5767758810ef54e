// Package runtimeapi runs a Lambda function's own binary as Lambda would: it starts the
// bootstrap with Lambda's environment, serves it the Runtime API on loopback, hands it one
// event at a time, and ends it when its time is up. What is deployed is what is run; nothing of
// the function is linked in.
//
//	rt, err := runtimeapi.New(runtimeapi.Config{Binary: "dist/bootstrap", Timeout: time.Minute})
//	defer rt.Close()
//	res, err := rt.Invoke(ctx, []byte(`{"command":"audit"}`))
//
// A Runtime is one execution environment: the process stays for the next event while it
// behaves, and a new one is started after a timeout, an exit or an error of initialization.
//
// # Limits
//
// Memory and CPU are not limited, only told ([Config.MemoryMB]) and measured ([Result.MaxRSS]).
// A failed initialization is not tried a second time within the same invocation, as Lambda would.
// There are no extensions, no response streaming, no client context, no tenants.
package runtimeapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// MaxPayload is how many bytes an event or an answer may have.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxPayload = 6*1024*1024 + 100

// ErrClosed is the error of an Invoke after, or cut off by, [Runtime.Close].
var ErrClosed = errors.New("runtime is closed")

// Config says what to run, and how. Only Binary is required.
type Config struct {
	// Binary is the function's bootstrap. Its directory is the function's working directory and
	// LAMBDA_TASK_ROOT.
	Binary string
	// Wrapper is a command with arguments that runs Binary, such as qemu-aarch64-static for an
	// arm64 artefact on another machine. Nil runs Binary itself.
	Wrapper []string
	// FunctionARN is what the function is told it was invoked as; its name and region are taken
	// from it. Default arn:aws:lambda:us-east-1:123456789012:function:remotion-audit.
	FunctionARN string
	// Timeout is the function's timeout. Default 3s, as Lambda's.
	Timeout time.Duration
	// InitTimeout is how long the process may take to ask for its first event. Default 10s, as
	// Lambda's.
	InitTimeout time.Duration
	// MemoryMB is the memory the function is told it has; nothing enforces it. Default 128.
	MemoryMB int
	// Env is the function's own environment, credentials included, and wins over what Lambda
	// sets. Of this process's environment only PATH, TMPDIR, SSL_CERT_FILE and SSL_CERT_DIR are
	// passed on, so that no profile, region or key of whoever runs this reaches the function.
	Env map[string]string
	// Log gets what the function writes to stdout and stderr, as it comes. Writes are serial, and
	// their errors are ignored. Nil: it is only kept for Result.Logs.
	Log io.Writer
	// NewRequestID makes the request ids. Default: random, in the form of a UUID.
	NewRequestID func() string
}

// withDefaults fills in what was left out and refuses what cannot run, every problem at once.
func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.FunctionARN == "" {
		c.FunctionARN = "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"
	}
	if _, _, err := splitFunctionARN(c.FunctionARN); err != nil {
		errs = append(errs, err)
	}
	if c.Timeout == 0 {
		c.Timeout = 3 * time.Second
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = 10 * time.Second
	}
	if c.Timeout < 0 || c.InitTimeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v, init timeout %v: must not be negative", c.Timeout,
			c.InitTimeout))
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = 128
	}
	if c.NewRequestID == nil {
		c.NewRequestID = newRequestID
	}
	if info, err := os.Stat(c.Binary); err != nil {
		errs = append(errs, fmt.Errorf("function binary: %w", err))
	} else if info.IsDir() {
		errs = append(errs, fmt.Errorf("function binary %s: is a directory", c.Binary))
	}
	if abs, err := filepath.Abs(c.Binary); err != nil {
		errs = append(errs, fmt.Errorf("function binary: %w", err))
	} else {
		c.Binary = abs
	}
	return c, errors.Join(errs...)
}

func splitFunctionARN(arn string) (region, name string, err error) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || len(parts) > 8 || parts[0] != "arn" || parts[2] != "lambda" ||
		parts[3] == "" || parts[5] != "function" || parts[6] == "" {
		return "", "", fmt.Errorf("function ARN %q: want arn:aws:lambda:REGION:ACCOUNT:function:NAME",
			arn)
	}
	return parts[3], parts[6], nil
}

// Result is how one invocation went. The function's failures are here; the error of Invoke
// is for what kept it from running at all.
type Result struct {
	RequestID string
	// Payload is the function's answer as sent; where FunctionError is set, an object with
	// errorType and errorMessage.
	Payload []byte
	// FunctionError is "Unhandled" if the function failed, else empty: the values of Lambda's
	// X-Amz-Function-Error header.
	FunctionError string
	// ErrorType and ErrorMessage are those of Payload where FunctionError is set.
	ErrorType, ErrorMessage string
	// TimedOut says that the process was killed for running, or starting, too long.
	TimedOut bool
	// Exit is how the process ended, if it did during this invocation: "exit status 1",
	// "signal: killed". Empty while it waits for the next event.
	Exit string
	// Duration is from handing out the event to the answer, or to the end of the process.
	Duration time.Duration
	// InitDuration is from starting the process to its first request for an event. Zero where a
	// warm process served.
	InitDuration time.Duration
	// MaxRSS is the most memory the process ever held, in bytes; with a Wrapper, the wrapper's.
	// Zero where the system does not tell. On Linux it is the process's own high-water mark; of a
	// process that ended by itself only the kernel's accounting is left, whose figure is never
	// below what this program held when it started that process.
	MaxRSS int64
	// Logs is what the function wrote during this invocation (the initialization included), at
	// most its last MiB.
	Logs string
}

// A Runtime is one execution environment of a function. Invocations are served one after the
// other, in no promised order. Its methods are safe for concurrent use.
type Runtime struct {
	cfg   Config
	turn  chan struct{}      // holds one token: whoever runs has it
	life  context.Context    // ends with Close
	close context.CancelFunc // ends life

	// Guarded by turn.
	proc *process // nil: the next Invoke starts one
	idle *poll    // the request for an event that proc waits with, if it already came
}

// New checks cfg, every problem at once. The process is started by the first Invoke.
func New(cfg Config) (*Runtime, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Runtime{cfg: cfg, turn: make(chan struct{}, 1)}
	r.life, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Close kills the function's process and waits until it and everything started for it is gone. An
// Invoke under way ends with ErrClosed. Closing twice is harmless; the error is always nil.
func (r *Runtime) Close() error {
	r.close()
	r.turn <- struct{}{}
	defer func() { <-r.turn }()
	r.drop()
	return nil
}

// drop kills the process, if there is one, and waits for its end.
func (r *Runtime) drop() {
	if r.proc == nil {
		return
	}
	r.proc.kill()
	<-r.proc.exited
	r.proc, r.idle = nil, nil
}

// Invoke hands event, a JSON document, to the function and returns what became of it, once
// the process asks for the next event, ends, or runs out of time. When ctx ends first, the
// process is killed, since nobody knows what it is in the middle of, and the error is ctx's.
func (r *Runtime) Invoke(ctx context.Context, event []byte) (Result, error) {
	if len(event) > MaxPayload {
		return Result{}, fmt.Errorf("event has %d bytes: Lambda takes at most %d", len(event), MaxPayload)
	}
	if !json.Valid(event) {
		return Result{}, errors.New("event is not JSON")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.life, func() { cancel(ErrClosed) })()

	select {
	case <-ctx.Done():
		return Result{}, context.Cause(ctx)
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	}
	if ctx.Err() != nil {
		return Result{}, context.Cause(ctx)
	}
	if r.proc != nil && r.proc.ended() { // between two events; Lambda starts another, too
		r.drop()
	}
	if r.proc == nil {
		p, err := start(r.cfg)
		if err != nil {
			return Result{}, fmt.Errorf("start %s: %w", r.cfg.Binary, err)
		}
		r.proc = p
	}
	run := run{r: r, p: r.proc, res: Result{RequestID: r.cfg.NewRequestID()}}
	err := run.to(ctx, event)
	if err != nil {
		r.drop()
		return Result{}, err
	}
	run.res.Logs = run.p.log.take()
	return run.res, nil
}

// A run is one invocation on its way.
type run struct {
	r   *Runtime
	p   *process
	res Result
}

// to takes the run to its end and fills in the result. It fails only when ctx ends.
func (v *run) to(ctx context.Context, event []byte) error {
	if v.r.idle == nil {
		ready, err := v.initialize(ctx)
		if err != nil || !ready {
			return err
		}
	}
	handed := time.Now()
	deadline := handed.Add(v.r.cfg.Timeout)
	timer := time.NewTimer(v.r.cfg.Timeout)
	defer timer.Stop()

	// First wanted is someone to take the event, then the answer, then the request for the next event:
	// of each, the channel is nil while it is not its turn.
	answers := v.p.expect(v.res.RequestID)
	give := delivery{event: event, requestID: v.res.RequestID, functionARN: v.r.cfg.FunctionARN,
		deadline: deadline}
	deliver, gone := v.r.idle.deliver, v.r.idle.gone
	v.r.idle = nil
	var polls <-chan *poll
	answered := false
	for {
		select {
		case deliver <- give:
			deliver, gone = nil, nil
		case <-gone: // it hung up while waiting, and has to ask again
			deliver, gone, polls = nil, nil, v.p.polls
		case a := <-answers:
			v.res.Duration = time.Since(handed)
			v.answer(a)
			answered, polls = true, v.p.polls
		case next := <-polls:
			if answered {
				v.r.idle = next
				v.res.MaxRSS = v.p.peak()
				return nil
			}
			deliver, gone, polls = next.deliver, next.gone, nil
		case <-v.p.exited:
			if !answered {
				v.res.Duration = time.Since(handed)
				select {
				case a := <-answers: // its last words
					v.answer(a)
				default:
					v.answer(v.p.exitError(v.res.RequestID))
				}
			}
			v.end()
			return nil
		case <-timer.C:
			v.res.Duration = time.Since(handed)
			v.timeOut(v.r.cfg.Timeout)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// initialize waits until the process asks for its first event, and keeps that request in
// r.idle. It reports false when the process did not come that far; the result says why.
func (v *run) initialize(ctx context.Context) (ready bool, err error) {
	timer := time.NewTimer(v.r.cfg.InitTimeout)
	defer timer.Stop()
	select {
	case v.r.idle = <-v.p.polls:
		v.res.InitDuration = time.Since(v.p.started)
		return true, nil
	case a := <-v.p.initErrors:
		v.res.InitDuration = time.Since(v.p.started)
		v.answer(a)
		// It said that it will not start. Lambda takes its environment away, and so do we.
		v.res.MaxRSS = v.p.peak()
		v.p.kill()
		<-v.p.exited
	case <-v.p.exited:
		v.res.InitDuration = time.Since(v.p.started)
		select {
		case a := <-v.p.initErrors:
			v.answer(a)
		default:
			v.answer(v.p.exitError(v.res.RequestID))
		}
	case <-timer.C:
		v.res.InitDuration = time.Since(v.p.started)
		v.timeOut(v.r.cfg.InitTimeout)
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	v.end()
	return false, nil
}

// answer puts what the function said, or what is said in its stead, into the result.
func (v *run) answer(a answer) {
	v.res.Payload = a.payload
	if !a.failed {
		return
	}
	v.res.FunctionError = "Unhandled"
	var body errorBody
	if json.Unmarshal(a.payload, &body) == nil {
		v.res.ErrorType, v.res.ErrorMessage = body.Type, body.Message
	}
	if v.res.ErrorType == "" {
		v.res.ErrorType = a.errorType
	}
}

// timeOut kills the process and says so as Lambda does.
func (v *run) timeOut(after time.Duration) {
	v.res.TimedOut = true
	v.res.MaxRSS = v.p.peak()
	v.p.kill()
	<-v.p.exited
	v.answer(platformError("Sandbox.Timedout", v.res.RequestID,
		fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())))
	v.end()
}

// end notes how the process, which has exited, ended, and lets go of it.
func (v *run) end() {
	v.res.Exit = v.p.state.String()
	if v.res.MaxRSS == 0 {
		v.res.MaxRSS = maxRSS(v.p.state)
	}
	v.r.proc, v.r.idle = nil, nil
}

// errorBody is what Lambda and the runtimes say about a failure.
type errorBody struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// platformError is the answer Lambda gives where the function gave none.
func platformError(typ, requestID, message string) answer {
	// Cannot fail: both are strings.
	payload, _ := json.Marshal(errorBody{Type: typ, Message: "RequestId: " + requestID + " Error: " +
		message})
	return answer{payload: payload, failed: true}
}

func newRequestID() string {
	var b [16]byte
	rand.Read(b[:])         // never fails, and fills it
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
