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

// functionModule is the path of the module that contains the function. The construct builds the
// version that the app's go.mod selects, so the construct and the function have the same version.
const functionModule = "github.com/remotion-audit/remotion-audit"

// The build flags and environment of the Makefile's target build-AuditFunction. With these
// settings, the same source gives the same bytes on every machine, so that "cdk diff" shows no
// change.
var (
	functionFlags = []string{"-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags",
		"-s -w"}
	functionEnv = []string{"CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64", "GOARM64=v8.2"}
)

// functionSource returns the directory of functionModule. The directory is in the module cache, or
// it is the checkout that a replace directive of go.mod names.
func functionSource() (string, error) {
	instead := func(err error) error {
		return fmt.Errorf("finding the function's source: %w; alternatively set Code to a built function",
			err)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", instead(fmt.Errorf("building the function needs the go command: %w", err))
	}
	// Ignore a vendor directory: it omits packages that the current module does not import.
	directory, err := run(exec.Command("go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}",
		functionModule))
	if err != nil {
		return "", instead(err)
	}
	if directory == "" {
		return "",
			instead(fmt.Errorf(`%s is not in the module cache: run "go mod download %[1]s"`, functionModule))
	}
	return directory, nil
}

// codeDirectory returns a directory with the function's code. If bundling is false, the directory
// has the source of the function instead: commands such as "cdk ls" and "cdk destroy" do not use
// the template, so they need no build.
func codeDirectory(bundling bool) (string, error) {
	if bundling {
		return builtCode()
	}
	source, err := functionSource()
	if err != nil {
		return "", err
	}
	return filepath.Join(source, "function"), nil
}

// builtCode builds the function and returns a directory that contains only the bootstrap.
func builtCode() (string, error) {
	source, err := functionSource()
	if err != nil {
		return "", err
	}
	directory := builtFolder(source)
	if err := build(source, directory); err != nil {
		return "",
			fmt.Errorf("building the function in %s: %w; alternatively set Code to a built function", source,
				err)
	}
	return directory, nil
}

// builtFolder returns the directory for the build of a source. The directory remains, because an
// app can use assets in place (aws:cdk:disable-asset-staging). The next build of the same source
// overwrites the bootstrap.
func builtFolder(source string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir() // some build machines have no home directory
	}
	key := sha256.Sum256([]byte(source))
	return filepath.Join(cache, "remotion-audit", "function-"+hex.EncodeToString(key[:6]))
}

// build builds the function in source and writes the bootstrap to directory. Concurrent builds are
// safe: build moves the bootstrap to directory only when the bootstrap is complete.
func build(source, directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	// Use the file system of the directory, so that os.Rename can move the bootstrap into it.
	work, err := os.MkdirTemp(filepath.Dir(directory), "build-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	bootstrap := filepath.Join(work, "bootstrap")
	command := exec.Command("go", append(append([]string{"build"}, functionFlags...), "-o", bootstrap,
		"./function")...)
	command.Dir = source
	// Use the module's go.mod and go.sum, and ignore a workspace and flags from the environment.
	command.Env = append(append(command.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly"),
		functionEnv...)
	if _, err := run(command); err != nil {
		return err
	}
	return os.Rename(bootstrap, filepath.Join(directory, "bootstrap"))
}

// run returns the standard output of a command. If the command fails, the error contains the
// command's standard error.
func run(command *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return "", errors.New(cmp.Or(strings.TrimSpace(stderr.String()), err.Error()))
	}
	return strings.TrimSpace(string(out)), nil
}
