package runtimeapi

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"sync"
	"time"
)

// A process is one run of the function's binary, with a Runtime API of its own, so that
// nothing a predecessor left on the wire can be taken for its.
type process struct {
	cmd     *exec.Cmd
	log     *logPipe
	started time.Time

	polls      chan *poll  // requests for an event
	initErrors chan answer // what it posts to init/error; holds one

	exited chan struct{}    // closed when it has ended and nothing of it runs any more
	state  *os.ProcessState // set before exited is closed

	mu      sync.Mutex
	current *expected // the invocation whose answer is due
}

// start starts the function's process and its Runtime API. Both end together, with kill or by
// themselves.
func start(cfg Config) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	log, err := newLogPipe(cfg.Log)
	if err != nil {
		listener.Close()
		return nil, err
	}
	argv := append(append([]string(nil), cfg.Wrapper...), cfg.Binary)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Dir(cfg.Binary)
	cmd.Env = environment(cfg, listener.Addr().String())
	cmd.Stdout, cmd.Stderr = log.w, log.w
	cmd.SysProcAttr = attributes()
	p := &process{
		cmd: cmd, log: log,
		polls: make(chan *poll), initErrors: make(chan answer, 1), exited: make(chan struct{}),
	}
	life, end := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           p.handler(),
		BaseContext:       func(net.Listener) context.Context { return life },
		ReadHeaderTimeout: 10 * time.Second,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		server.Serve(listener) // until Shutdown; TCP_NODELAY is net's default
	}()

	begun := make(chan error)
	go func() {
		// The process is to die with this program, not with a thread of it: see attributes.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)

		p.started = time.Now()
		err := cmd.Start()
		log.started()
		begun <- err
		if err == nil {
			cmd.Wait() // how it ended is in ProcessState
			p.state = cmd.ProcessState
			killGroup(cmd.Process)
		}
		log.finish()
		end()
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		server.Shutdown(grace) // waits for the handlers, which end() has told to stop
		server.Close()
		<-served
	}()
	if err := <-begun; err != nil {
		<-p.exited
		return nil, err
	}
	return p, nil
}

// kill ends the process and whatever it started. p.exited tells when they are gone.
func (p *process) kill() {
	select {
	case <-p.exited:
	default:
		killGroup(p.cmd.Process)
	}
}

// ended reports whether the process is gone.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// peak is the most memory the living process ever held, in bytes; 0 where unknown.
func (p *process) peak() int64 { return peakRSS(p.cmd.Process.Pid) }

// exitError is what Lambda answers for a process that ended without an answer.
func (p *process) exitError(requestID string) answer {
	message := "Runtime exited without providing a reason"
	if !p.state.Success() {
		message = "Runtime exited with error: " + p.state.String()
	}
	return platformError("Runtime.ExitError", requestID, message)
}

// environment is what the process gets: Lambda's own variables, then the function's.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func environment(cfg Config, address string) []string {
	region, name, _ := splitFunctionARN(cfg.FunctionARN) // New has checked it
	env := map[string]string{
		"_HANDLER":                        "bootstrap",
		"AWS_REGION":                      region,
		"AWS_DEFAULT_REGION":              region,
		"AWS_LAMBDA_FUNCTION_NAME":        name,
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(cfg.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_FORMAT":           "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      "local",
		"LAMBDA_TASK_ROOT":                filepath.Dir(cfg.Binary),
		"LANG":                            "en_US.UTF-8",
		"TZ":                              ":UTC",
		// Lambda has no instance metadata. A cloud machine has, and the SDK would find its role there.
		"AWS_EC2_METADATA_DISABLED": "true",
	}
	for _, key := range []string{"PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, ok := os.LookupEnv(key); ok {
			env[key] = value
		}
	}
	for key, value := range cfg.Env {
		env[key] = value
	}
	env["AWS_LAMBDA_RUNTIME_API"] = address
	list := make([]string, 0, len(env))
	for key, value := range env {
		list = append(list, key+"="+value)
	}
	sort.Strings(list)
	return list
}
