//go:build unix

package npm

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// version is the version of the packages. Only the built packages have it.
const version = "0.0.0-test"

// limit ends a program that hangs.
const limit = 5 * time.Minute

// platforms are the platforms of the packages with a binary, as Node names them.
var platforms = []string{"darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64", "win32-arm64",
	"win32-x64"}

func host() string {
	return runtime.GOOS + "-" + map[string]string{"amd64": "x64"}[runtime.GOARCH] +
		map[string]string{"arm64": "arm64"}[runtime.GOARCH]
}

// environment is the environment of npm and of the command: a home of its own, and no network.
func environment(t *testing.T) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "npm_config_offline=true",
		"npm_config_audit=false", "npm_config_fetch_retries=0", "npm_config_fund=false",
		"npm_config_update_notifier=false",
		"npm_config_registry=http://127.0.0.1:1/", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=http://127.0.0.1:1"}
}

// A result is how a program ended.
type result struct {
	stdout, stderr string
	state          *os.ProcessState
}

// run runs a program in a directory. environment is that of environment, with more variables.
func run(t *testing.T, dir string, environment []string, name string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, environment
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var ended *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &ended) {
		t.Fatalf("%s: %v", cmd, err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState}
}

// mustRun is run for a program that ends with status 0.
func mustRun(t *testing.T, dir string, environment []string, name string, args ...string) result {
	t.Helper()
	r := run(t, dir, environment, name, args...)
	if r.state.ExitCode() != 0 {
		t.Fatalf("%s %q: %v\n%s%s", name, args, r.state, r.stdout, r.stderr)
	}
	return r
}

// A packed package is what `npm pack --json` says about a package.
type packed struct {
	Filename, Name, Version, Integrity string
	Size                               int64
	Files                              []struct {
		Path string
		Mode int
	}
}

// pack writes the packages for this machine with the tool of `make npm`, and packs them into dir.
func pack(t *testing.T, dir string, environment []string) map[string]packed {
	t.Helper()
	sources := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "run", "./npm", "-version", version, "-o", sources,
		"-platforms", host())
	build.Dir = repo.Path(t, "tools")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", build, err, text)
	}
	r := mustRun(t, sources, environment, "npm", "pack", "--json", "--ignore-scripts",
		"--pack-destination", dir, "./remotion-audit", "./remotion-audit-"+host())
	var list []packed
	if err := json.Unmarshal([]byte(r.stdout), &list); err != nil {
		t.Fatal(err)
	}
	packages := map[string]packed{}
	for _, p := range list {
		packages[p.Name] = p
	}
	return packages
}

// writeProject writes a project that depends on the package, with a lock file as npm makes it for
// published packages: it has all platforms, and npm downloads those that fit.
func writeProject(t *testing.T, dir, tarballs string, packages map[string]packed) {
	t.Helper()
	from := func(name string) string {
		return "file:" + filepath.Join(tarballs, packages[name].Filename)
	}
	manifest := map[string]any{"name": "videos", "version": "1.0.0",
		"dependencies": map[string]string{"remotion-audit": from("remotion-audit")}}
	optional := map[string]string{}
	locked := map[string]any{"": manifest}
	for _, platform := range platforms {
		name := "remotion-audit-" + platform
		optional[name] = version
		system, cpu, _ := strings.Cut(platform, "-")
		entry := map[string]any{"version": version, "optional": true, "os": []string{system},
			"cpu": []string{cpu}, "license": "Apache-2.0"}
		if p, ok := packages[name]; ok {
			entry["resolved"], entry["integrity"] = from(name), p.Integrity
		} else {
			sum := sha512.Sum512([]byte(name)) // of a package that npm must not ask for
			entry["resolved"] = "http://127.0.0.1:1/" + name + "/-/" + name + "-" + version + ".tgz"
			entry["integrity"] = "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
		}
		locked["node_modules/"+name] = entry
	}
	locked["node_modules/remotion-audit"] = map[string]any{"version": version,
		"resolved": from("remotion-audit"), "integrity": packages["remotion-audit"].Integrity,
		"bin": map[string]string{"remotion-audit": "bin/remotion-audit.js"}, "license": "Apache-2.0",
		"engines": map[string]string{"node": ">=16"}, "optionalDependencies": optional}
	writeJSON(t, filepath.Join(dir, "package.json"), manifest)
	writeJSON(t, filepath.Join(dir, "package-lock.json"), map[string]any{"name": "videos",
		"version": "1.0.0", "lockfileVersion": 3, "requires": true, "packages": locked})
}

func writeJSON(t *testing.T, name string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, name, string(text))
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestPackages packs the packages, installs them without a network, and runs the command as people
// do.
func TestPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out the npm packages")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: npm is not installed, so the npm packages are not installed")
	}
	if !slices.Contains(platforms, host()) {
		t.Skipf("SKIPPED, NOT TESTED: there is no npm package for %s", host())
	}
	t.Parallel()
	env := environment(t)
	tarballs, project := t.TempDir(), t.TempDir()
	packages := pack(t, tarballs, env)
	t.Run("the packages have the files that they need", func(t *testing.T) {
		testFiles(t, packages)
	})
	writeProject(t, project, tarballs, packages)
	mustRun(t, project, env, "npm", "ci", "--ignore-scripts")
	command := filepath.Join(project, "node_modules", ".bin", "remotion-audit")
	t.Run("only the binary of this platform is installed", func(t *testing.T) {
		found, err := filepath.Glob(filepath.Join(project, "node_modules", "remotion-audit*"))
		if err != nil || len(found) != 2 {
			t.Errorf("found %q (%v), want two packages", found, err)
		}
	})
	t.Run("npx runs the installed command", func(t *testing.T) {
		r := mustRun(t, project, env, "npx", "--no-install", "remotion-audit", "version")
		if !strings.HasPrefix(r.stdout, "remotion-audit ") {
			t.Errorf("got %q", r.stdout)
		}
	})
	t.Run("the exit status is that of the binary", func(t *testing.T) {
		r := run(t, project, env, command, "adit")
		if r.state.ExitCode() != 2 || !strings.Contains(r.stderr, "did you mean audit") {
			t.Errorf("%v: %s", r.state, r.stderr)
		}
	})
	t.Run("signals", func(t *testing.T) { testSignals(t, command, project, env) })
	t.Run("an unsupported platform is named", func(t *testing.T) {
		preload := filepath.Join(t.TempDir(), "platform.cjs")
		writeFile(t, preload, "Object.defineProperty(process, 'platform', {value: 'aix'});")
		wantError(t, run(t, project, env, "node", "-r", preload, command, "version"),
			"is not supported: there are binaries for darwin-arm64, ")
	})
	t.Run("a Remotion project", func(t *testing.T) {
		testRemotionProject(t, tarballs, packages, env)
	})
	t.Run("docs/install.md installs two packed files", func(t *testing.T) {
		local := t.TempDir()
		writeJSON(t, filepath.Join(local, "package.json"), map[string]string{"name": "videos"})
		mustRun(t, local, env, "npm", "install", "--save-dev",
			filepath.Join(tarballs, packages["remotion-audit"].Filename),
			filepath.Join(tarballs, packages["remotion-audit-"+host()].Filename))
		mustRun(t, local, env, "npx", "remotion-audit", "version")
	})
	t.Run("missing binaries", func(t *testing.T) {
		testMissingBinary(t, tarballs, packages, env)
	})
}

// testFiles checks what the packed packages contain.
func testFiles(t *testing.T, packages map[string]packed) {
	for name, want := range map[string][]string{
		"remotion-audit":           {"LICENSE", "README.md", "bin/remotion-audit.js", "package.json"},
		"remotion-audit-" + host(): {"LICENSE", "README.md", "bin/remotion-audit", "package.json"},
	} {
		p := packages[name]
		var files []string
		for _, f := range p.Files {
			files = append(files, f.Path)
			if executable := f.Mode&0o111 != 0; executable != strings.HasPrefix(f.Path, "bin/") {
				t.Errorf("%s: %s has mode %o", name, f.Path, f.Mode)
			}
		}
		slices.Sort(files)
		if !slices.Equal(files, want) || p.Version != version {
			t.Errorf("%s %s has the files %q, want %q", name, p.Version, files, want)
		}
		t.Logf("%s: %.1f MB", p.Filename, float64(p.Size)/1e6)
	}
}

// wantError checks that a program ended with status 2 and a text on standard error.
func wantError(t *testing.T, r result, text string) {
	t.Helper()
	if r.state.ExitCode() != 2 || !strings.Contains(r.stderr, text) {
		t.Errorf("%v, want status 2 and %q:\n%s", r.state, text, r.stderr)
	}
}

// testMissingBinary installs the package without its binaries.
func testMissingBinary(t *testing.T, tarballs string, packages map[string]packed, env []string) {
	project := t.TempDir()
	writeProject(t, project, tarballs, packages)
	mustRun(t, project, env, "npm", "ci", "--ignore-scripts", "--omit=optional")
	command := filepath.Join(project, "node_modules", ".bin", "remotion-audit")
	wantError(t, run(t, project, env, command, "version"), "install without --omit=optional")

	// What an installation on another platform leaves. The script reads only the name.
	other := "win32-x64"
	writeJSON(t, filepath.Join(project, "node_modules/remotion-audit-"+other+"/package.json"),
		map[string]string{"name": "remotion-audit-" + other, "version": version})
	wantError(t, run(t, project, env, command, "version"), "remotion-audit-"+other+
		" is installed\nremotion-audit: node_modules or the lock file was made on another platform")
}

// testRemotionProject runs the command in a project with @remotion/lambda.
func testRemotionProject(t *testing.T, tarballs string, packages map[string]packed, env []string) {
	project := t.TempDir()
	writeProject(t, project, tarballs, packages)
	mustRun(t, project, env, "npm", "ci", "--ignore-scripts")
	// The installed release. Of the package, the command reads only this file.
	writeJSON(t, filepath.Join(project, "node_modules/@remotion/lambda/package.json"),
		map[string]string{"name": "@remotion/lambda", "version": "4.0.300"})
	writeJSON(t, filepath.Join(project, "package.json"), map[string]any{"name": "videos",
		"dependencies":    map[string]string{"remotion": "4.0.300", "@remotion/lambda": "4.0.300"},
		"devDependencies": map[string]string{"remotion-audit": version}})
	command := filepath.Join(project, "node_modules", ".bin", "remotion-audit")
	aws := startCommand(t, command, project, env, "local", "--serve")
	aws.waitFor("embedded AWS started")
	endpoint := regexp.MustCompile(`AWS_ENDPOINT_URL=(\S+)`).FindStringSubmatch(aws.output())
	key := regexp.MustCompile(`# To call as .*AWS_ACCESS_KEY_ID=(\S+)`).
		FindStringSubmatch(aws.output())
	if endpoint == nil || key == nil {
		t.Fatalf("no endpoint or key in\n%s", aws.output())
	}
	writeFile(t, filepath.Join(project, ".env"), "REMOTION_AWS_ACCESS_KEY_ID="+key[1]+
		"\nREMOTION_AWS_SECRET_ACCESS_KEY=never-printed\nREMOTION_AWS_REGION=us-east-1\n")
	r := run(t, project, append(slices.Clone(env), "AWS_ENDPOINT_URL="+endpoint[1]), "npx",
		"--no-install", "remotion-audit", "audit", "--format", "json")
	if r.state.ExitCode() != 1 {
		t.Errorf("%v, want status 1 for the gaps of the example: %s", r.state, r.stderr)
	}
	for _, want := range []string{
		"credentials: REMOTION_AWS_ACCESS_KEY_ID (.env), REMOTION_AWS_SECRET_ACCESS_KEY (.env)\n",
		"region: REMOTION_AWS_REGION (.env)\n",
		"installed Remotion: 4.0.300 (node_modules/@remotion/lambda/package.json)\n",
	} {
		if !strings.Contains(r.stderr, want) {
			t.Errorf("the first lines lack %q:\n%s", want, r.stderr)
		}
	}
	if !strings.Contains(r.stdout, `"installed": "4.0.300"`) {
		t.Errorf("the report is not about the installed release, too:\n%s", r.stdout)
	}
	if strings.Contains(r.stdout+r.stderr, "never-printed") {
		t.Error("the output contains a value of .env")
	}
	aws.signal(os.Interrupt)
	if state := aws.wait(); state.ExitCode() != 0 || !strings.Contains(aws.output(), " answered") {
		t.Errorf("%v: the embedded AWS did not end as it does on Ctrl-C:\n%s", state, aws.output())
	}
}

// testSignals sends signals to the script, while the binary waits for an answer of AWS.
func testSignals(t *testing.T, command, dir string, env []string) {
	released := make(chan struct{})
	asked := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-released:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(released)
	env = append(slices.Clone(env), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=x",
		"AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1")
	start := func(t *testing.T) *process {
		p := startCommand(t, command, dir, env, "audit")
		select {
		case <-asked:
		case <-p.ended:
			t.Fatalf("%v before a call: %s", p.cmd.ProcessState, p.output())
		case <-time.After(limit):
			t.Fatal("the command does not call AWS")
		}
		return p
	}
	for _, tt := range []struct {
		name string
		send func(p *process)
		want func(s syscall.WaitStatus) bool
		text string
	}{
		{"SIGINT to the script gives status 130",
			func(p *process) { p.signal(syscall.SIGINT) },
			func(s syscall.WaitStatus) bool { return s.ExitStatus() == 130 }, "interrupted"},
		{"Ctrl-C at a terminal reaches script and binary",
			func(p *process) { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT) },
			func(s syscall.WaitStatus) bool { return s.ExitStatus() == 130 }, "interrupted"},
		{"SIGTERM to the script gives status 130",
			func(p *process) { p.signal(syscall.SIGTERM) },
			func(s syscall.WaitStatus) bool { return s.ExitStatus() == 130 }, "interrupted"},
		{"SIGHUP ends both",
			func(p *process) { p.signal(syscall.SIGHUP) },
			func(s syscall.WaitStatus) bool { return s.Signaled() && s.Signal() == syscall.SIGHUP }, ""},
		{"a signal that ends the binary ends the script, too",
			func(p *process) { _ = syscall.Kill(p.children()[0], syscall.SIGKILL) },
			func(s syscall.WaitStatus) bool { return s.Signaled() && s.Signal() == syscall.SIGKILL }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := start(t)
			children := p.children()
			if len(children) != 1 {
				t.Fatalf("the script has the processes %v, want one", children)
			}
			tt.send(p)
			state := p.wait()
			if status, ok := state.Sys().(syscall.WaitStatus); !ok || !tt.want(status) {
				t.Errorf("%v\n%s", state, p.output())
			}
			if !strings.Contains(p.output(), tt.text) {
				t.Errorf("the output lacks %q:\n%s", tt.text, p.output())
			}
			if err := syscall.Kill(children[0], 0); !errors.Is(err, syscall.ESRCH) {
				t.Errorf("the binary still runs: %v", err)
			}
		})
	}
}

// A process is a running command. It leads a process group, as a command at a terminal does.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	ended chan struct{}
	mutex sync.Mutex
	text  bytes.Buffer
}

func startCommand(t *testing.T, command, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(command, args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env = dir, env
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // the test reads the state of the process
		close(p.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-p.ended:
		default:
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
			<-p.ended
		}
	})
	return p
}

// Write implements io.Writer.
func (p *process) Write(text []byte) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.Write(text)
}

func (p *process) output() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.text.String()
}

func (p *process) signal(s os.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Errorf("%v: %v", s, err)
	}
}

// waitFor waits until the output has a text.
func (p *process) waitFor(text string) {
	p.t.Helper()
	deadline := time.After(limit)
	for !strings.Contains(p.output(), text) {
		select {
		case <-p.ended:
			p.t.Fatalf("%v before %q:\n%s", p.cmd.ProcessState, text, p.output())
		case <-deadline:
			p.t.Fatalf("no %q in\n%s", text, p.output())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (p *process) wait() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(limit):
		p.t.Fatalf("the command does not end:\n%s", p.output())
	}
	return p.cmd.ProcessState
}

// children returns the processes that the script started.
func (p *process) children() (list []int) {
	p.t.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if n, _ := fmt.Sscan(line, &pid, &parent); n == 2 && parent == p.cmd.Process.Pid {
			list = append(list, pid)
		}
	}
	return list
}
