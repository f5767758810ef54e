// Package calls records which calls to AWS the published releases of @remotion/lambda make. It runs
// their own code in Node against the embedded AWS, which enforces IAM, and reads the calls that the
// server received.
//
// The machine needs Node and the npm packages, but neither Chromium nor FFmpeg: see stand-ins.cjs.
// Remotion's function deletes everything in /tmp. So each process may only write to a directory of
// its own: see hook.cjs and [permissions].
package calls

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/mod/semver"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// A Release is an installed release of @remotion/lambda.
type Release struct {
	Version string
	// Package is the directory of the package. Node finds its dependencies from there.
	Package string
}

// FunctionName returns the name that the release gives to a function with 2048 MB and 120 s.
func (r Release) FunctionName() string {
	return "remotion-render-" + strings.ReplaceAll(r.Version, ".", "-") +
		"-mem2048mb-disk2048mb-120sec"
}

// before reports whether the release is older than another.
func (r Release) before(version string) bool {
	return semver.Compare("v"+r.Version, "v"+version) < 0
}

// A host runs a release: one process as a user of the package, one as its function.
type host struct {
	release Release
	box     *sandbox
	large   string // the file that makes outputs large while it exists
	code    string // the file with the deployed code

	http     *httptest.Server
	stage    atomic.Pointer[stage]
	scenario int // the number of servers so far
	client   *process
	fn       *process
	fnURL    string
}

// A stage is the server of one scenario. Its name is a number.
type stage struct {
	name   string
	server *awsemu.Server
}

// server returns the server of the present scenario.
func (h *host) server() *awsemu.Server { return h.stage.Load().server }

// userKey is the access key of the user.
const (
	userName = "remotion-user"
	userKey  = "AKIAIOSFODNN7EXAMPLE"
	region   = "us-east-1"
)

// start starts the processes of a release. dir is the directory of this package.
func start(ctx context.Context, release Release, dir string) (h *host, err error) {
	h = &host{release: release}
	if h.box, err = newSandbox(dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			h.close()
			err = fmt.Errorf("%s %s: %w", lambdaPackage, release.Version, err)
		}
	}()
	h.large = filepath.Join(h.box.own, "large")
	h.http = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := h.stage.Load()
		if from := r.Header.Get("X-Scenario"); from != "" && from != s.name {
			http.Error(w, "the scenario has ended", http.StatusGone)
			return
		}
		s.server.ServeHTTP(w, r)
	}))
	if h.code, err = release.unpack(h.box.own); err != nil {
		return h, err
	}
	return h, h.restart(ctx)
}

// restart starts the processes again.
func (h *host) restart(ctx context.Context) (err error) {
	h.end()
	// The keys of the first session of the role are those of each server with this account.
	keys, err := h.serve(Setting{})
	if err != nil {
		return err
	}
	if h.client, err = h.box.start(ctx, "client.cjs", h.user()); err != nil {
		return err
	}
	if h.fn, err = h.box.start(ctx, "function.cjs", h.environment(
		"AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey,
		"AWS_SESSION_TOKEN="+keys.SessionToken, "AWS_REGION="+region,
		"AWS_LAMBDA_FUNCTION_NAME="+h.release.FunctionName(),
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=2048", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_EXECUTION_ENV=AWS_Lambda_nodejs20.x"), h.code); err != nil {
		return err
	}
	if _, err = h.client.line(); err != nil {
		return err
	}
	port, err := h.fn.line()
	if err != nil {
		return err
	}
	h.fnURL = "http://127.0.0.1:" + strings.TrimSpace(string(port))
	return nil
}

// unpack writes the code that the release deploys to a directory, and returns its file.
func (r Release) unpack(dir string) (file string, err error) {
	z, err := zip.OpenReader(filepath.Join(r.Package, "remotionlambda-arm64.zip"))
	if err != nil {
		return "", err
	}
	defer func() { _ = z.Close() }() // only read
	f, err := z.Open("index.js")
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // only read
	const most = 64 << 20
	code, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "index.js")
	return file, os.WriteFile(file, code, 0o600)
}

const lambdaPackage = "@remotion/lambda"

// environment returns the variables that hook.cjs needs, and more.
func (h *host) environment(more ...string) []string {
	return append([]string{"CALLS_ENDPOINT=" + h.http.URL, "CALLS_PACKAGE=" + h.release.Package,
		"CALLS_LARGE=" + h.large}, more...)
}

// user returns the variables of a process of the user.
func (h *host) user(more ...string) []string {
	return h.environment(append([]string{"AWS_ACCESS_KEY_ID=" + userKey,
		"AWS_SECRET_ACCESS_KEY=local"}, more...)...)
}

// end ends the processes.
func (h *host) end() {
	for _, p := range []*process{h.client, h.fn} {
		if p != nil {
			p.close()
		}
	}
	h.client, h.fn = nil, nil
}

func (h *host) close() {
	h.end()
	if h.http != nil {
		h.http.Close()
	}
	h.box.remove()
}

// An answer is what a function of the package returned.
type answer struct {
	OK      bool            `json:"ok"`
	Missing bool            `json:"missing"` // the release does not export the function
	Value   json.RawMessage `json:"value"`
	Error   string          `json:"error"`
	Warned  []string        `json:"warned"`
}

// call runs an exported function of the package.
func (h *host) call(name string, input any) (a answer, err error) {
	text, err := json.Marshal(map[string]any{"name": name, "input": input,
		"scenario": h.stage.Load().name})
	if err != nil {
		return a, err
	}
	if _, err := h.client.in.Write(append(text, '\n')); err != nil {
		return a, err
	}
	line, err := h.client.line()
	if err != nil {
		return a, fmt.Errorf("%s: %w", name, err)
	}
	return a, json.Unmarshal(line, &a)
}

// invoke runs the function for a server.
func (h *host) invoke(ctx context.Context, scenario string, in awsemu.Invocation) ([]byte,
	error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.fnURL, bytes.NewReader(in.Payload))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Function-Arn", in.ARN)
	req.Header.Set("X-Scenario", scenario)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }() // only read
	reply, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(string(reply))
	}
	return reply, err
}
