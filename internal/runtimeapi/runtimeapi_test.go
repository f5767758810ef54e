package runtimeapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// playFunction is the environment variable that makes this test binary act as a function. The value
// selects how the function starts.
const playFunction = "RUNTIMEAPI_TEST_PLAYS_FUNCTION"

func TestMain(m *testing.M) {
	switch os.Getenv(playFunction) {
	case "":
		os.Exit(m.Run())
	case "handler":
		lambda.Start(handle)
	case "exits before its first poll":
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(3)
	case "exits with status 0":
		os.Exit(0)
	case "never polls":
		time.Sleep(time.Minute)
	case "reports an init error":
		post("/2018-06-01/runtime/init/error",
			`{"errorType":"Config.Missing","errorMessage":"CALLERS is not set"}`)
		time.Sleep(time.Minute)
	case "hangs up and polls again":
		pollAndHangUp()
	}
}

// A command is an event of the test function, with instructions for the function.
type command struct {
	Do    string
	Sleep time.Duration
	Size  int
}

// An observation is the answer of the test function: how the function sees the invocation.
type observation struct {
	PID         int
	RequestID   string
	FunctionARN string
	TraceID     string
	Remaining   time.Duration // from the event's arrival to the deadline
	Environment []string
	Dir         string
}

// handle is the handler of the test function.
func handle(ctx context.Context, c command) (any, error) {
	deadline, _ := ctx.Deadline()
	remaining := time.Until(deadline)
	lc, _ := lambdacontext.FromContext(ctx)
	fmt.Println("doing", c.Do)
	time.Sleep(c.Sleep)
	switch c.Do {
	case "fail":
		return nil, errors.New("no such user")
	case "panic":
		panic("nil report")
	case "exit":
		os.Exit(1)
	case "send a long answer":
		return strings.Repeat("x", c.Size), nil
	case "answer another invocation":
		fmt.Println(post("/2018-06-01/runtime/invocation/another/response", `"stray"`))
	case "leave a child":
		cmd := exec.Command("sleep", "60")
		cmd.Stdout = os.Stdout // the child keeps the log pipe open
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		return cmd.Process.Pid, nil
	case "take memory":
		memory := bytes.Repeat([]byte{1}, c.Size)
		defer runtime.KeepAlive(memory)
	}
	dir, _ := os.Getwd()
	return observation{
		PID: os.Getpid(), RequestID: lc.AwsRequestID, FunctionARN: lc.InvokedFunctionArn,
		TraceID: os.Getenv("_X_AMZN_TRACE_ID"), Remaining: remaining, Environment: os.Environ(), Dir: dir,
	}, nil
}

// post sends a request to the Runtime API and returns the status or the error.
func post(path, body string) string {
	res, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, "application/json",
		strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }() // loses no data: the body is only read
	return res.Status
}

// pollAndHangUp is a runtime that answers each event with its process id. On SIGINT it cancels its
// poll and polls again.
func pollAndHangUp() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet,
			"http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/invocation/next", nil)
		if err != nil {
			panic(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			fmt.Println("hung up")
			ctx = context.Background()
			continue
		}
		_ = res.Body.Close() // loses no data: the body is only read
		post("/2018-06-01/runtime/invocation/"+res.Header.Get("Lambda-Runtime-Aws-Request-Id")+
			"/response", strconv.Itoa(os.Getpid()))
	}
}

// newRuntime returns a Runtime that runs this test binary as a function. start is a value of
// playFunction. At the end of the test, newRuntime closes the Runtime and checks for leaks.
func newRuntime(t testing.TB, start string, change ...func(*Config)) *Runtime {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The limits only end a test that hangs.
	cfg := Config{Binary: self, Timeout: time.Minute, InitTimeout: time.Minute, Env: map[string]string{
		playFunction: start,
		"GORACE":     "atexit_sleep_ms=0", // otherwise every exit under -race takes a second
	}}
	for _, c := range change {
		c(&cfg)
	}
	before := runtime.NumGoroutine()
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closeRuntime(t, r)
		// The last goroutines of net/http end shortly after their server.
		if becomesTrue(func() bool { return runtime.NumGoroutine() <= before }) {
			return
		}
		stacks := make([]byte, 1<<16)
		t.Errorf("%d goroutines before, %d after Close:\n%s", before, runtime.NumGoroutine(),
			stacks[:runtime.Stack(stacks, true)])
	})
	return r
}

// becomesTrue reports whether a condition becomes true within a minute.
func becomesTrue(condition func() bool) bool {
	for range 6000 {
		if condition() {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func closeRuntime(t testing.TB, r *Runtime) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func invoke(t testing.TB, r *Runtime, event string) Invocation {
	t.Helper()
	res, err := r.Invoke(context.Background(), []byte(event))
	if err != nil {
		t.Fatalf("Invoke(%s): %v", event, err)
	}
	return res
}

// invokeOK calls invoke and fails the test if the function fails.
func invokeOK(t testing.TB, r *Runtime, event string) (Invocation, observation) {
	t.Helper()
	res := invoke(t, r, event)
	if res.FunctionError != "" {
		t.Fatalf("Invoke(%s): %s %s: %s\n%s", event, res.FunctionError, res.ErrorType, res.ErrorMessage,
			res.Logs)
	}
	var s observation
	if err := json.Unmarshal(res.Payload, &s); err != nil {
		t.Fatalf("Invoke(%s): payload %s: %v", event, res.Payload, err)
	}
	return res, s
}

func TestAWarmProcessAnswersTheNextEvent(t *testing.T) {
	var log bytes.Buffer
	r := newRuntime(t, "handler", func(c *Config) { c.Log = &log })
	first, a := invokeOK(t, r, `{"Do":"first"}`)
	second, b := invokeOK(t, r, `{"Do":"second"}`)
	if a.PID != b.PID {
		t.Errorf("process %d served first, %d second; want one warm process", a.PID, b.PID)
	}
	if first.InitDuration <= 0 || second.InitDuration != 0 {
		t.Errorf("InitDuration %v, then %v; want only the first set", first.InitDuration,
			second.InitDuration)
	}
	if first.Duration <= 0 || first.Duration > time.Minute {
		t.Errorf("Duration %v", first.Duration)
	}
	if got, want := []string{first.Logs, second.Logs},
		[]string{"doing first\n", "doing second\n"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Logs %q, want %q", got, want)
	}
	if got, want := log.String(), "doing first\ndoing second\n"; got != want {
		t.Errorf("Config.Log received %q, want %q", got, want)
	}
	if first.Exit != "" || first.TimedOut {
		t.Errorf("Exit %q, TimedOut %v of a living process", first.Exit, first.TimedOut)
	}
	uuid := regexp.MustCompile(
		`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	if !uuid.MatchString(a.RequestID) || a.RequestID == b.RequestID {
		t.Errorf("request ids %q and %q, want two different UUIDs", a.RequestID, b.RequestID)
	}
	if first.RequestID != a.RequestID {
		t.Errorf("request id %q in the result, %q in the function", first.RequestID, a.RequestID)
	}
}

func TestTheFunctionReceivesTheHeaders(t *testing.T) {
	const arn = "arn:aws-cn:lambda:cn-north-1:111122223333:function:watch"
	r := newRuntime(t, "handler", func(c *Config) {
		c.FunctionARN, c.Timeout, c.MemoryMB = arn, time.Hour, 256
		c.NewRequestID = func() string { return "11111111-2222-4333-8444-555555555555" }
	})
	_, s := invokeOK(t, r, `{}`)
	if s.RequestID != "11111111-2222-4333-8444-555555555555" {
		t.Errorf("request id %q", s.RequestID)
	}
	if s.FunctionARN != arn {
		t.Errorf("function ARN %q, want %q", s.FunctionARN, arn)
	}
	if s.Remaining <= 59*time.Minute || s.Remaining > time.Hour {
		t.Errorf("%v of an hour remained when the event arrived, want more than 59m", s.Remaining)
	}
	traceID := regexp.MustCompile(
		`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`)
	if !traceID.MatchString(s.TraceID) {
		t.Errorf("trace id %q", s.TraceID)
	}
}

func TestTheFunctionDoesNotInheritOtherVariablesOfThisProgram(t *testing.T) {
	for key, value := range map[string]string{
		"AWS_PROFILE": "production", "AWS_ACCESS_KEY_ID": "AKIDOFTHELAPTOP",
		"AWS_ENDPOINT_URL": "http://elsewhere",
		"HOME":             t.TempDir(), "CALLERS": "user/of-the-laptop", "SSL_CERT_FILE": "/certs.pem",
	} {
		t.Setenv(key, value)
	}
	r := newRuntime(t, "handler", func(c *Config) {
		c.MemoryMB = 256
		c.Env["CALLERS"] = "user/render"
		c.Env["AWS_LAMBDA_LOG_FORMAT"] = "Text"
		c.Env["AWS_LAMBDA_RUNTIME_API"] = "203.0.113.1:80" // cannot be overridden
	})
	_, s := invokeOK(t, r, `{}`)
	got := map[string]string{}
	for _, pair := range s.Environment {
		key, value, _ := strings.Cut(pair, "=")
		got[key] = value
	}
	task := filepath.Dir(r.cfg.Binary)
	want := map[string]string{
		"_HANDLER": "bootstrap", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_LAMBDA_FUNCTION_NAME": "remotion-audit", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_FORMAT": "Text", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/remotion-audit",
		"AWS_LAMBDA_LOG_STREAM_NAME": "local", "LAMBDA_TASK_ROOT": task, "LANG": "en_US.UTF-8",
		"TZ":                        ":UTC",
		"AWS_EC2_METADATA_DISABLED": "true", "CALLERS": "user/render", "SSL_CERT_FILE": "/certs.pem",
		playFunction: "handler", "GORACE": "atexit_sleep_ms=0", "PATH": os.Getenv("PATH"),
		// These values differ in every run.
		"AWS_LAMBDA_RUNTIME_API": got["AWS_LAMBDA_RUNTIME_API"],
		"_X_AMZN_TRACE_ID":       got["_X_AMZN_TRACE_ID"],
	}
	for _, key := range []string{"TMPDIR", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(key); ok {
			want[key] = value
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("environment\n got %v\nwant %v", got, want)
	}
	if !strings.HasPrefix(got["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") {
		t.Errorf("Runtime API at %q", got["AWS_LAMBDA_RUNTIME_API"])
	}
	if resolved, _ := filepath.EvalSymlinks(task); s.Dir != task && s.Dir != resolved {
		t.Errorf("working directory %s, want %s", s.Dir, task)
	}
}

// failureSummary contains the fields of an Invocation that describe a failure.
type failureSummary struct {
	Error, Type, Message string
	TimedOut             bool
	Exit                 string
}

func summarizeFailure(res Invocation) failureSummary {
	return failureSummary{res.FunctionError, res.ErrorType,
		strings.ReplaceAll(res.ErrorMessage, res.RequestID, "ID"), res.TimedOut, res.Exit}
}

func TestFailures(t *testing.T) {
	// The function must answer the next event within the timeout, even on a busy machine.
	short := func(c *Config) { c.Timeout = 2 * time.Second }
	shortInit := func(c *Config) { c.InitTimeout = 200 * time.Millisecond }
	defaults := func(*Config) {}
	tests := []struct {
		name, start, event string
		change             func(*Config)
		want               failureSummary
		logs               string // a substring of the logs
		stays              bool   // the same process serves the next event
	}{
		{"a handler error is the answer, and the process stays", "handler", `{"Do":"fail"}`, defaults,
			failureSummary{"Unhandled", "errorString", "no such user", false, ""}, "no such user", true},
		{"a panic is the answer, and the process ends", "handler", `{"Do":"panic"}`, defaults,
			failureSummary{"Unhandled", "string", "nil report", false, "exit status 1"}, "nil report",
			false},
		{"an event of the wrong type is a handler error", "handler", `[]`, defaults,
			failureSummary{"Unhandled", "UnmarshalTypeError",
				"json: cannot unmarshal array into Go value of type runtimeapi.command", false, ""}, "", true},
		{"an exit during an invocation is Lambda's exit error", "handler", `{"Do":"exit"}`, defaults,
			failureSummary{"Unhandled", "Runtime.ExitError",
				"RequestId: ID Error: Runtime exited with error: exit status 1", false, "exit status 1"},
			"doing exit", false},
		{"a timeout kills the process", "handler", `{"Do":"sleep","Sleep":60000000000}`, short,
			failureSummary{"Unhandled", "Sandbox.Timedout",
				"RequestId: ID Error: Task timed out after 2.00 seconds", true, "signal: killed"},
			"doing sleep", false},
		{"an init error is the answer, and the process is killed", "reports an init error", `{}`,
			defaults,
			failureSummary{"Unhandled", "Config.Missing", "CALLERS is not set", false, "signal: killed"}, "",
			false},
		{"an exit before the first poll is an error", "exits before its first poll", `{}`, defaults,
			failureSummary{"Unhandled", "Runtime.ExitError",
				"RequestId: ID Error: Runtime exited with error: exit status 3", false, "exit status 3"},
			"no configuration", false},
		{"an exit with status 0 before the first poll is an error", "exits with status 0", `{}`, defaults,
			failureSummary{"Unhandled", "Runtime.ExitError",
				"RequestId: ID Error: Runtime exited without providing a reason", false, "exit status 0"}, "",
			false},
		{"a process that never polls times out", "never polls", `{}`, shortInit,
			failureSummary{"Unhandled", "Sandbox.Timedout",
				"RequestId: ID Error: Task timed out after 0.20 seconds", true, "signal: killed"}, "", false},
		{"an answer above the limit of Lambda is an error", "handler",
			fmt.Sprintf(`{"Do":"send a long answer","Size":%d}`, MaxPayload), defaults,
			failureSummary{"Unhandled", "Function.ResponseSizeTooLarge",
				"Response payload size exceeded maximum allowed payload size (6291556 bytes).", false,
				"exit status 1"}, "413", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRuntime(t, tt.start, tt.change)
			res := invoke(t, r, tt.event)
			if got := summarizeFailure(res); got != tt.want {
				t.Errorf("%s\n got %+v\nwant %+v", tt.event, got, tt.want)
			}
			if !strings.Contains(res.Logs, tt.logs) {
				t.Errorf("logs %q do not contain %q", res.Logs, tt.logs)
			}
			var body map[string]any
			if err := json.Unmarshal(res.Payload, &body); err != nil || body["errorMessage"] == nil ||
				body["errorType"] == nil {
				t.Errorf("payload %s (%v), want errorMessage and errorType", res.Payload, err)
			}
			if tt.start != "handler" {
				return
			}
			next, _ := invokeOK(t, r, `{"Do":"recover"}`)
			if stays := next.InitDuration == 0; stays != tt.stays {
				t.Errorf("same process for the next event: %v, want %v", stays, tt.stays)
			}
		})
	}
}

func TestAnExitBetweenTwoEventsStartsANewProcess(t *testing.T) {
	r := newRuntime(t, "handler")
	_, a := invokeOK(t, r, `{}`)
	function, err := os.FindProcess(a.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := function.Kill(); err != nil {
		t.Fatal(err)
	}
	<-r.proc.exited
	if _, b := invokeOK(t, r, `{}`); a.PID == b.PID {
		t.Errorf("process %d served both events", a.PID)
	}
}

func TestAnswerForAnotherInvocationIsRefused(t *testing.T) {
	r := newRuntime(t, "handler")
	res, _ := invokeOK(t, r, `{"Do":"answer another invocation"}`)
	if !strings.Contains(res.Logs, "400 Bad Request") {
		t.Errorf("logs %q, want 400 Bad Request", res.Logs)
	}
}

func TestACanceledPollLosesNoEvent(t *testing.T) {
	r := newRuntime(t, "hangs up and polls again")
	first := invoke(t, r, `{}`)
	pid, err := strconv.Atoi(string(first.Payload))
	if err != nil {
		t.Fatal(err)
	}
	function, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := function.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	<-r.idle.canceled
	if res := invoke(t, r, `{}`); !bytes.Equal(res.Payload, first.Payload) ||
		!strings.Contains(res.Logs, "hung up") {
		t.Errorf("payload %s, want %s; logs %q, want hung up", res.Payload, first.Payload, res.Logs)
	}
}

func TestClose(t *testing.T) {
	t.Run("ends an invocation and the process", func(t *testing.T) {
		r := newRuntime(t, "handler")
		_, s := invokeOK(t, r, `{}`)
		time.AfterFunc(50*time.Millisecond, func() { closeRuntime(t, r) })
		if res, err := r.Invoke(context.Background(), []byte(`{"Sleep":60000000000}`)); !errors.Is(err,
			ErrClosed) {
			t.Errorf("Invoke = %+v, %v; want ErrClosed", res, err)
		}
		closeRuntime(t, r)
		if alive(s.PID) {
			t.Errorf("process %d is still alive", s.PID)
		}
		if _, err := r.Invoke(context.Background(), []byte(`{}`)); !errors.Is(err, ErrClosed) {
			t.Errorf("Invoke after Close: %v, want ErrClosed", err)
		}
	})
	t.Run("works before any invocation", func(t *testing.T) {
		closeRuntime(t, newRuntime(t, "handler"))
	})
	t.Run("kills the children of the function", func(t *testing.T) {
		if _, err := exec.LookPath("sleep"); err != nil {
			t.Skip("needs sleep(1): ", err)
		}
		r := newRuntime(t, "handler")
		res := invoke(t, r, `{"Do":"leave a child"}`)
		child, err := strconv.Atoi(string(res.Payload))
		if err != nil {
			t.Fatalf("payload %s (%s)", res.Payload, res.ErrorMessage)
		}
		closeRuntime(t, r)
		// The child is alive until its new parent reaps it.
		if !becomesTrue(func() bool { return !alive(child) }) {
			t.Errorf("child %d is still alive", child)
		}
	})
}

// alive reports whether a process runs. It returns false for a zombie.
func alive(pid int) bool {
	if status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil &&
		bytes.Contains(status, []byte(") Z ")) {
		return false
	}
	p, err := os.FindProcess(pid)
	return err == nil && p.Signal(syscall.Signal(0)) == nil
}

func TestContextEndsTheProcess(t *testing.T) {
	r := newRuntime(t, "handler")
	_, a := invokeOK(t, r, `{}`)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if res, err := r.Invoke(ctx, []byte(`{"Sleep":60000000000}`)); !errors.Is(err,
		context.DeadlineExceeded) {
		t.Errorf("Invoke = %+v, %v; want context.DeadlineExceeded", res, err)
	}
	if alive(a.PID) {
		t.Errorf("process %d is still alive", a.PID)
	}
	if _, b := invokeOK(t, r, `{}`); a.PID == b.PID {
		t.Errorf("process %d served another event after the context ended", a.PID)
	}
}

func TestInvocationsAreServedOneByOne(t *testing.T) {
	r := newRuntime(t, "handler")
	pids := make([]int, 8)
	var wg sync.WaitGroup
	for i := range pids {
		wg.Go(func() {
			res, err := r.Invoke(context.Background(), []byte(`{"Sleep":1000000}`))
			var s observation
			if err == nil {
				err = json.Unmarshal(res.Payload, &s)
			}
			if err != nil {
				t.Error(err)
			}
			pids[i] = s.PID
		})
	}
	wg.Wait()
	for _, pid := range pids {
		if pid != pids[0] {
			t.Fatalf("processes %v served the events, want a single process", pids)
		}
	}
}

func TestMaxRSS(t *testing.T) {
	const size = 64 << 20
	r := newRuntime(t, "handler")
	small := invoke(t, r, `{}`)
	if runtime.GOOS != "linux" && small.MaxRSS == 0 {
		t.Skip("this system does not report the memory of a living process")
	}
	big := invoke(t, r, fmt.Sprintf(`{"Do":"take memory","Size":%d}`, size))
	if small.MaxRSS < 1<<20 || small.MaxRSS >= size || big.MaxRSS < size {
		t.Errorf("MaxRSS %d, then %d after an allocation of %d bytes", small.MaxRSS, big.MaxRSS, size)
	}
	if end := invoke(t, r, `{"Do":"exit"}`); end.MaxRSS < size {
		t.Errorf("MaxRSS %d of the ended process, want at least the allocated %d bytes", end.MaxRSS, size)
	}
}

func TestTheWrapperRunsTheBinary(t *testing.T) {
	if _, err := exec.LookPath("env"); err != nil {
		t.Skip("needs env(1): ", err)
	}
	r := newRuntime(t, "handler", func(c *Config) { c.Wrapper = []string{"env", "WRAPPED=yes"} })
	if _, s := invokeOK(t, r, `{}`); !strings.Contains(strings.Join(s.Environment, "\n"),
		"WRAPPED=yes") {
		t.Errorf("environment %q, want WRAPPED=yes", s.Environment)
	}
	r = newRuntime(t, "handler", func(c *Config) {
		c.Wrapper = []string{"remotion-audit-no-such-command"}
	})
	if _, err := r.Invoke(context.Background(), []byte(`{}`)); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("Invoke: %v, want exec.ErrNotFound", err)
	}
}

func TestEventsThatLambdaRefusesAreErrors(t *testing.T) {
	r := newRuntime(t, "handler")
	for name, event := range map[string][]byte{
		"not JSON":  []byte(`{"command"`),
		"empty":     nil,
		"too large": append(append([]byte(`"`), bytes.Repeat([]byte("x"), MaxPayload)...), '"'),
	} {
		if _, err := r.Invoke(context.Background(), event); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if r.proc != nil {
		t.Error("a refused event started a process")
	}
}

func TestNewReportsAllProblems(t *testing.T) {
	_, err := New(Config{Binary: filepath.Join(t.TempDir(), "bootstrap"), FunctionARN: "watch",
		Timeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"bootstrap", `"watch"`, "negative"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not contain %q", err, want)
		}
	}
}

func BenchmarkWarmInvoke(b *testing.B) {
	r := newRuntime(b, "handler")
	invoke(b, r, `{}`)
	for b.Loop() {
		invoke(b, r, `{}`)
	}
}
