// Package runtimeapi runs the binary of a Lambda function like Lambda: it starts the bootstrap with
// Lambda's environment, serves the Runtime API on loopback, delivers one event at a time, and kills
// the process after the function's timeout. The package runs the deployed binary and links no code
// of the function.
//
//	rt, err := runtimeapi.New(runtimeapi.Config{Binary: "dist/bootstrap", Timeout: time.Minute})
//	defer rt.Close()
//	res, err := rt.Invoke(ctx, []byte(`{"command":"audit"}`))
//
// A Runtime is one execution environment. The process stays for the next event; after a timeout, an
// exit or an initialization error, the next event starts a new process.
//
// # Limits
//
// Memory and CPU are not limited. The function only gets the memory size as a variable
// ([Config.MemoryMB]), and its peak memory is measured ([Invocation.MaxRSS]). Unlike Lambda, a
// Runtime does not retry a failed initialization within the same invocation. There are no
// extensions, no response streaming, no client context and no tenants.
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

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// MaxPayload is the maximum size of an event or an answer, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const MaxPayload = 6*1024*1024 + 100

// ErrClosed is the error of an Invoke that [Runtime.Close] precedes or interrupts.
var ErrClosed = errors.New("runtime is closed")

// Config is the configuration of a Runtime. Only Binary is required.
type Config struct {
	// Binary is the function's bootstrap. Its directory is the function's working directory and
	// LAMBDA_TASK_ROOT.
	Binary string
	// Wrapper is a command with arguments that runs Binary, such as qemu-aarch64-static for an
	// arm64 artifact on another machine. Nil runs Binary itself.
	Wrapper []string
	// FunctionARN is the ARN that the function receives with each event. Its region and name set the
	// environment variables with these values. The default is
	// arn:aws:lambda:us-east-1:123456789012:function:remotion-audit.
	FunctionARN string
	// Timeout is the function's timeout. The default is 3s, as in Lambda.
	Timeout time.Duration
	// InitTimeout is the maximum time until the process requests its first event. The default is 10s,
	// as in Lambda.
	InitTimeout time.Duration
	// MemoryMB is the memory size that the function finds in its environment. The limit is not
	// enforced. The default is 128.
	MemoryMB int
	// Env is the environment of the function, including credentials. Env overrides the variables that
	// Lambda sets, except AWS_LAMBDA_RUNTIME_API. The function inherits only PATH, TMPDIR,
	// SSL_CERT_FILE and SSL_CERT_DIR from this program, so no local profile, region or key reaches it.
	Env map[string]string
	// Log receives the output of the function to stdout and stderr immediately. Writes are serial, and
	// their errors are ignored. If Log is nil, the output is only in Invocation.Logs.
	Log io.Writer
	// NewRequestID returns a request ID. The default returns random UUIDs.
	NewRequestID func() string
}

// withDefaults returns c with the defaults and an absolute Binary. Its error lists all problems.
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
		errs = append(errs, fmt.Errorf("timeouts must not be negative, got timeout %v and init "+
			"timeout %v", c.Timeout, c.InitTimeout))
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
		errs = append(errs, fmt.Errorf("function binary must be a file, got directory %s", c.Binary))
	}
	if abs, err := filepath.Abs(c.Binary); err != nil {
		errs = append(errs, fmt.Errorf("function binary: %w", err))
	} else {
		c.Binary = abs
	}
	return c, errors.Join(errs...)
}

func splitFunctionARN(text string) (region, name string, err error) {
	a, ok := arn.Parse(text)
	parts := strings.Split(a.Resource, ":") // function:NAME, or function:NAME:QUALIFIER
	if !ok || a.Service != "lambda" || a.Region == "" || len(parts) < 2 || len(parts) > 3 ||
		parts[0] != "function" || parts[1] == "" {
		return "", "", fmt.Errorf("function ARN must be arn:aws:lambda:REGION:ACCOUNT:function:NAME, "+
			"got %q", text)
	}
	return a.Region, parts[1], nil
}

// Invocation is the result of one invocation. A failure of the function is part of the result:
// Invoke returns an error only if the invocation has no result.
type Invocation struct {
	RequestID string
	// Payload is the answer of the function as sent, or Lambda's error if the function did not answer.
	// If FunctionError is set, Payload is an object with errorType and errorMessage.
	Payload []byte
	// FunctionError is "Unhandled" if the function failed, and empty otherwise, like Lambda's header
	// X-Amz-Function-Error.
	FunctionError string
	// ErrorType and ErrorMessage are the errorType and errorMessage of Payload if FunctionError is
	// set. If Payload has no errorType, ErrorType is the function's header with the error type.
	ErrorType, ErrorMessage string
	// TimedOut is true if the process was killed because it exceeded Timeout or InitTimeout.
	TimedOut bool
	// Exit is the exit state of the process if it ended during this invocation, such as
	// "exit status 1" or "signal: killed". Exit is empty if the process waits for the next event.
	Exit string
	// Duration is the time from the delivery of the event to the answer, or to the end of the process.
	Duration time.Duration
	// InitDuration is the time from the start of the process to its first request for an event, or to
	// its failure to start. InitDuration is zero for a warm process.
	InitDuration time.Duration
	// MaxRSS is the peak memory of the process in bytes, or of the wrapper if Wrapper is set. MaxRSS
	// is zero if the system does not report the peak. On Linux the value is exact for a living
	// process. For a process that exited, the value is from the kernel's accounting, and is at least
	// the memory that this program used when it started the process.
	MaxRSS int64
	// Logs is the output of the function during this invocation, including the initialization. Logs
	// contains at most the last MiB.
	Logs string
}

// A Runtime is one execution environment of a function. It serves invocations one after the other,
// in an unspecified order. Its methods are safe for concurrent use.
type Runtime struct {
	cfg      Config
	running  chan struct{}      // a semaphore: contains one element while Invoke or Close runs
	lifetime context.Context    // ends with Close
	close    context.CancelFunc // ends lifetime

	// Guarded by running.
	proc *process // nil if the next Invoke starts a process
	idle *poll    // the pending request of proc for an event, if it has arrived
}

// New returns a Runtime, or an error that lists all problems of cfg. The first Invoke starts the
// process.
func New(cfg Config) (*Runtime, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Runtime{cfg: cfg, running: make(chan struct{}, 1)}
	r.lifetime, r.close = context.WithCancel(context.Background())
	return r, nil
}

// Close kills the function's process and waits until it has ended and its resources are released. A
// concurrent Invoke returns ErrClosed. Close can be called twice. Its error is always nil.
func (r *Runtime) Close() error {
	r.close()
	r.running <- struct{}{}
	defer func() { <-r.running }()
	r.stopProcess()
	return nil
}

// stopProcess kills the process, if it exists, and waits for its end.
func (r *Runtime) stopProcess() {
	if r.proc == nil {
		return
	}
	r.proc.kill()
	<-r.proc.exited
	r.proc, r.idle = nil, nil
}

// Invoke delivers event, a JSON document, to the function. It returns when the process requests the
// next event, ends, or times out. If ctx ends first, Invoke kills the process, because its state is
// unknown, and returns the error of ctx.
func (r *Runtime) Invoke(ctx context.Context, event []byte) (Invocation, error) {
	if len(event) > MaxPayload {
		return Invocation{}, fmt.Errorf("event must have at most %d bytes, got %d", MaxPayload,
			len(event))
	}
	if !json.Valid(event) {
		return Invocation{}, errors.New("event must be JSON")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.lifetime, func() { cancel(ErrClosed) })()

	select {
	case <-ctx.Done():
		return Invocation{}, context.Cause(ctx)
	case r.running <- struct{}{}:
		defer func() { <-r.running }()
	}
	if ctx.Err() != nil {
		return Invocation{}, context.Cause(ctx)
	}
	if r.proc != nil && r.proc.ended() { // exited between two events: start another, like Lambda
		r.stopProcess()
	}
	if r.proc == nil {
		p, err := startProcess(r.cfg)
		if err != nil {
			return Invocation{}, fmt.Errorf("start %s: %w", r.cfg.Binary, err)
		}
		r.proc = p
	}
	run := invocation{r: r, p: r.proc, res: Invocation{RequestID: r.cfg.NewRequestID()}}
	err := run.serve(ctx, event)
	if err != nil {
		r.stopProcess()
		return Invocation{}, err
	}
	run.res.Logs = run.p.log.takeLogs()
	return run.res, nil
}

// An invocation is one call of Invoke while it runs.
type invocation struct {
	r   *Runtime
	p   *process
	res Invocation
}

// serve runs the invocation and sets its result. It only fails if ctx ends.
func (v *invocation) serve(ctx context.Context, event []byte) error {
	if v.r.idle == nil {
		ready, err := v.initialize(ctx)
		if err != nil || !ready {
			return err
		}
	}
	started := time.Now()
	deadline := started.Add(v.r.cfg.Timeout)
	timer := time.NewTimer(v.r.cfg.Timeout)
	defer timer.Stop()

	// Three steps follow each other: deliver the event, receive the answer, and receive the request
	// for the next event. Outside of a step, its channel is nil and therefore never ready.
	answers := v.p.setPending(v.res.RequestID)
	message := delivery{event: event, requestID: v.res.RequestID, functionARN: v.r.cfg.FunctionARN,
		deadline: deadline}
	deliver, canceled := v.r.idle.deliver, v.r.idle.canceled
	v.r.idle = nil
	var polls <-chan *poll
	answered := false
	for {
		select {
		case deliver <- message:
			deliver, canceled = nil, nil
		case <-canceled: // the process canceled its request and has to send another
			deliver, canceled, polls = nil, nil, v.p.polls
		case a := <-answers:
			v.res.Duration = time.Since(started)
			v.setAnswer(a)
			answered, polls = true, v.p.polls
		case next := <-polls:
			if answered {
				v.r.idle = next
				v.res.MaxRSS = v.p.peakMemory()
				return nil
			}
			deliver, canceled, polls = next.deliver, next.canceled, nil
		case <-v.p.exited:
			if !answered {
				v.res.Duration = time.Since(started)
				select {
				case a := <-answers: // the process answered just before it exited
					v.setAnswer(a)
				default:
					v.setAnswer(v.p.exitError(v.res.RequestID))
				}
			}
			v.recordExit()
			return nil
		case <-timer.C:
			v.res.Duration = time.Since(started)
			v.killForTimeout(v.r.cfg.Timeout)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// initialize waits until the process requests its first event, and stores the request in r.idle. If
// the process does not request an event, initialize sets the result and returns false.
func (v *invocation) initialize(ctx context.Context) (ready bool, err error) {
	timer := time.NewTimer(v.r.cfg.InitTimeout)
	defer timer.Stop()
	select {
	case v.r.idle = <-v.p.polls:
		v.res.InitDuration = time.Since(v.p.started)
		return true, nil
	case a := <-v.p.initErrors:
		v.res.InitDuration = time.Since(v.p.started)
		v.setAnswer(a)
		// The process reported that it cannot start. Like Lambda, end its execution environment.
		v.res.MaxRSS = v.p.peakMemory()
		v.p.kill()
		<-v.p.exited
	case <-v.p.exited:
		v.res.InitDuration = time.Since(v.p.started)
		select {
		case a := <-v.p.initErrors:
			v.setAnswer(a)
		default:
			v.setAnswer(v.p.exitError(v.res.RequestID))
		}
	case <-timer.C:
		v.res.InitDuration = time.Since(v.p.started)
		v.killForTimeout(v.r.cfg.InitTimeout)
		return false, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	v.recordExit()
	return false, nil
}

// setAnswer copies an answer of the function or of Lambda to the result.
func (v *invocation) setAnswer(a answer) {
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

// killForTimeout kills the process and sets Lambda's timeout error as the answer.
func (v *invocation) killForTimeout(after time.Duration) {
	v.res.TimedOut = true
	v.res.MaxRSS = v.p.peakMemory()
	v.p.kill()
	<-v.p.exited
	v.setAnswer(platformError("Sandbox.Timedout", v.res.RequestID,
		fmt.Sprintf("Task timed out after %.2f seconds", after.Seconds())))
	v.recordExit()
}

// recordExit stores the exit state of the ended process in the result and releases the process.
func (v *invocation) recordExit() {
	v.res.Exit = v.p.state.String()
	if v.res.MaxRSS == 0 {
		v.res.MaxRSS = maxRSS(v.p.state)
	}
	v.r.proc, v.r.idle = nil, nil
}

// errorBody is the JSON body of an error from Lambda or from a runtime.
type errorBody struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

// platformError returns Lambda's answer for an invocation that the function did not answer.
func platformError(typ, requestID, message string) answer {
	// Marshal cannot fail: both fields are strings.
	payload, _ := json.Marshal(errorBody{Type: typ, Message: "RequestId: " + requestID + " Error: " +
		message})
	return answer{payload: payload, failed: true}
}

func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])  // never fails
	b[6] = b[6]&0x0f | 0x40 // version 4
	b[8] = b[8]&0x3f | 0x80 // variant of RFC 9562
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
