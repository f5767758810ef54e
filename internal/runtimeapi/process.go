package runtimeapi

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A process is one run of the function's binary. Each process has a separate Runtime API server, so
// that delayed requests of an earlier process cannot reach the server of a later process.
type process struct {
	cmd     *exec.Cmd
	log     *logPipe
	started time.Time

	polls      chan *poll  // requests for an event
	initErrors chan answer // posts to init/error; buffers one

	exited chan struct{}    // closed when the process has ended and its resources are released
	state  *os.ProcessState // set before exited is closed

	mu      sync.Mutex
	current *pendingInvocation // the invocation that awaits its answer, or nil
}

// startProcess starts the function's process and its Runtime API server. Both end together: after
// kill, or when the process exits.
func startProcess(cfg Config) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	log, err := newLogPipe(cfg.Log)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	argv := append(append([]string(nil), cfg.Wrapper...), cfg.Binary)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir = filepath.Dir(cfg.Binary)
	cmd.Env = environment(cfg, listener.Addr().String())
	cmd.Stdout, cmd.Stderr = log.w, log.w
	cmd.SysProcAttr = processAttributes()
	p := &process{
		cmd: cmd, log: log,
		polls: make(chan *poll), initErrors: make(chan answer, 1), exited: make(chan struct{}),
	}
	serverCtx, cancelServer := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           p.handler(),
		BaseContext:       func(net.Listener) context.Context { return serverCtx },
		ReadHeaderTimeout: 10 * time.Second,
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // returns after Shutdown; net sets TCP_NODELAY by default
	}()

	startErrors := make(chan error)
	go func() {
		// The process must die with this program, not with one of its threads: see processAttributes.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.exited)

		p.started = time.Now()
		err := cmd.Start()
		log.closeWriter()
		startErrors <- err
		if err == nil {
			_ = cmd.Wait() // ProcessState contains the exit status
			p.state = cmd.ProcessState
			killGroup(cmd.Process)
		}
		log.finish()
		cancelServer()
		grace, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // waits for the handlers, which cancelServer stops
		_ = server.Close()         // closes the remaining connections if Shutdown timed out
		<-served
	}()
	if err := <-startErrors; err != nil {
		<-p.exited
		return nil, err
	}
	return p, nil
}

// kill ends the process and its children. p.exited is closed when they have ended.
func (p *process) kill() {
	select {
	case <-p.exited:
	default:
		killGroup(p.cmd.Process)
	}
}

// ended reports whether the process has exited.
func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// peakMemory returns the peak memory of the living process in bytes, or 0 if the peak is unknown.
func (p *process) peakMemory() int64 { return peakRSS(p.cmd.Process.Pid) }

// exitError returns Lambda's answer for a process that ended without an answer.
func (p *process) exitError(requestID string) answer {
	message := "Runtime exited without providing a reason"
	if !p.state.Success() {
		message = "Runtime exited with error: " + p.state.String()
	}
	return platformError("Runtime.ExitError", requestID, message)
}

// environment returns the variables of the process: the variables that Lambda sets, four variables
// of this program, and Config.Env, which overrides both.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
func environment(cfg Config, address string) []string {
	region, name, _ := splitFunctionARN(cfg.FunctionARN) // validated by New
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
		// Lambda has no instance metadata. On an EC2 instance the SDK would use the instance's role.
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
	slices.Sort(list)
	return list
}
