package calls

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// errSilent means that a process did not answer.
var errSilent = errors.New("no answer")

// limit bounds the time of one function of the package, and of one invocation. Only what hangs
// takes this long: it has to be enough on a busy machine.
const limit = 2 * time.Minute

// permissions returns the options of Node that limit a process to writing below one directory.
// Remotion's function deletes everything in /tmp, so no process may run without them; hook.cjs
// refuses to.
func permissions(ctx context.Context, own string) ([]string, error) {
	known, err := knownOptions(ctx)
	if err != nil {
		return nil, err
	}
	options := []string{"--experimental-permission"}
	if bytes.Contains(known, []byte("--permission ")) {
		options = []string{"--permission"}
	}
	options = append(options, "--allow-fs-read=*", "--allow-fs-write="+filepath.Join(own, "*"))
	if bytes.Contains(known, []byte("--allow-net")) {
		options = append(options, "--allow-net")
	}
	return options, nil
}

var nodeHelp struct {
	sync.Mutex
	text []byte
}

// knownOptions returns the help of Node, which lists its options.
func knownOptions(ctx context.Context) ([]byte, error) {
	nodeHelp.Lock()
	defer nodeHelp.Unlock()
	if nodeHelp.text == nil {
		text, err := exec.CommandContext(ctx, "node", "--help").Output()
		if err != nil {
			return nil, fmt.Errorf("node --help: %w: install Node 20 or later", err)
		}
		nodeHelp.text = text
	}
	return nodeHelp.text, nil
}

// A sandbox is a temporary directory with an own directory for each process.
type sandbox struct {
	dir string // of this package
	own string
}

func newSandbox(dir string) (*sandbox, error) {
	own, err := os.MkdirTemp("", "remotion-audit-calls-")
	if err != nil {
		return nil, err
	}
	if own, err = filepath.EvalSymlinks(own); err != nil { // Node compares paths without links
		return nil, err
	}
	return &sandbox{dir: dir, own: own}, nil
}

// command returns a Node process that runs a script of this package under hook.cjs. Of the
// environment of this process, it gets only PATH, so that it cannot reach a real account.
func (s *sandbox) command(ctx context.Context, name string, environment []string,
	args ...string) (*exec.Cmd, error) {
	own := filepath.Join(s.own, name)
	if err := os.MkdirAll(own, 0o700); err != nil {
		return nil, err
	}
	options, err := permissions(ctx, own)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "node", append(append(options, "--no-warnings", "--require",
		filepath.Join(s.dir, "hook.cjs")), args...)...)
	cmd.Dir = own
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + own, "TMPDIR=" + own,
		"AWS_EC2_METADATA_DISABLED=true"}, environment...)
	cmd.WaitDelay = time.Second
	return cmd, nil
}

func (s *sandbox) remove() { _ = os.RemoveAll(s.own) } // a left-over directory is harmless

// A process is a Node process that reads and prints lines.
type process struct {
	script string
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr bytes.Buffer
}

func (s *sandbox) start(ctx context.Context, script string, environment []string,
	args ...string) (*process, error) {
	cmd, err := s.command(ctx, script+".own", environment,
		append([]string{filepath.Join(s.dir, script)}, args...)...)
	if err != nil {
		return nil, err
	}
	p := &process{script: script, cmd: cmd}
	cmd.Stderr = &p.stderr
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewReader(out)
	return p, cmd.Start()
}

// line returns the next line that the process prints.
func (p *process) line() ([]byte, error) {
	type read struct {
		line []byte
		err  error
	}
	lines := make(chan read, 1)
	go func() {
		line, err := p.out.ReadBytes('\n')
		lines <- read{line, err}
	}()
	select {
	case r := <-lines:
		if r.err != nil {
			_ = p.cmd.Wait() // the process has closed its output; Wait completes stderr
			return nil, fmt.Errorf("%s ended: %w\n%s", p.script, r.err, p.stderr.String())
		}
		return r.line, nil
	case <-time.After(limit):
		return nil, fmt.Errorf("%s: %w within %s", p.script, errSilent, limit)
	}
}

// close ends the process, which ends with its input.
func (p *process) close() {
	_ = p.in.Close()
	ended := make(chan struct{})
	go func() { _ = p.cmd.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-ended
	}
}
