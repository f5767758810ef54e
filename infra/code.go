package infra

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// functionModule is the module that has the function. It is built at the version that the module of
// whoever synthesizes requires: what the construct and its function know of each other has one
// version.
const functionModule = "github.com/remotion-audit/remotion-audit"

// How the function is built: FUNCTION_FLAGS and the environment of the Makefile's
// build-AuditFunction. With them the same source gives the same bytes wherever it is built, so that
// "cdk diff" is quiet.
var (
	functionFlags = []string{"-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w"}
	functionEnv = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64"}
)

// functionSource is the folder of functionModule: in the module cache, or the checkout that a
// go.mod's replace leads to. Nothing is built for it.
func functionSource() (string, error) {
	instead := func(err error) error {
		return fmt.Errorf("the function's source: %w; or bring a built one: set Code", err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", instead(fmt.Errorf("building it needs the go command: %w", err))
	}
	// Not as vendored: vendoring leaves out what the module of whoever synthesizes does not import.
	folder, err := run(exec.Command("go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}",
		functionModule))
	if err != nil {
		return "", instead(err)
	}
	if folder == "" {
		return "",
			instead(fmt.Errorf(`%s is not in the module cache: run "go mod download %[1]s"`, functionModule))
	}
	return folder, nil
}

// builtCode builds the function, and returns the folder that has nothing but its bootstrap.
func builtCode() (string, error) {
	source, err := functionSource()
	if err != nil {
		return "", err
	}
	folder := builtFolder(source)
	if err := build(source, folder); err != nil {
		return "", fmt.Errorf("building the function in %s: %w; or bring a built one: set Code", source,
			err)
	}
	return folder, nil
}

// builtFolder is where the function of a source is built. It stays, since an app may be told to use
// assets where they are (aws:cdk:disable-asset-staging); the next build of the same source
// overwrites it.
func builtFolder(source string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // no home, as in some builds
	}
	key := sha256.Sum256([]byte(source))
	return filepath.Join(cache, "remotion-audit", "function-"+hex.EncodeToString(key[:6]))
}

// build leaves a bootstrap in a folder. It may run beside another: a bootstrap is whole, or not
// there yet.
func build(source, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	// Beside the folder, so that the bootstrap can be renamed into it.
	work, err := os.MkdirTemp(filepath.Dir(folder), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	bootstrap := filepath.Join(work, "bootstrap")
	command := exec.Command("go", append(append([]string{"build"}, functionFlags...), "-o", bootstrap,
		"./function")...)
	command.Dir = source
	// The module's own go.mod and go.sum decide, and not a workspace or flags that stand in the
	// environment.
	command.Env = append(append(command.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly"),
		functionEnv...)
	if _, err := run(command); err != nil {
		return err
	}
	return os.Rename(bootstrap, filepath.Join(folder, "bootstrap"))
}

// run is a command's output, or what it complained of.
func run(command *exec.Cmd) (string, error) {
	var complaint bytes.Buffer
	command.Stderr = &complaint
	out, err := command.Output()
	if err != nil {
		return "", errors.New(cmp.Or(strings.TrimSpace(complaint.String()), err.Error()))
	}
	return strings.TrimSpace(string(out)), nil
}
