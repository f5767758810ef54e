package infra

import (
	"bytes"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra/internal/cdktest"
)

// ownCache sets a temporary cache directory for builtCode and returns it. The go command keeps its
// build cache.
func ownCache(t *testing.T) string {
	t.Helper()
	cache := t.TempDir()
	t.Setenv("GOCACHE", goEnv(t, "GOCACHE"))
	t.Setenv("XDG_CACHE_HOME", cache)
	return cache
}

// TestBuiltCode checks that builtCode builds the function from the checkout, as an app in infra/
// does.
func TestBuiltCode(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function; run without -short")
	}
	ownCache(t)
	t.Setenv("GOFLAGS", "-mod=mod -tags=other") // builtCode must ignore these
	directory, err := builtCode()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1 || entries[0].Name() != "bootstrap" {
		t.Errorf("%s contains %v, %v, want only bootstrap", directory, entries, err)
	}
	checkBootstrap(t, filepath.Join(directory, "bootstrap"))
	again, err := builtCode()
	if err != nil || again != directory {
		t.Errorf("a second build is in %s, %v, want %s", again, err, directory)
	}

	t.Run("the bootstrap equals the bootstrap of make build-AuditFunction", func(t *testing.T) {
		if _, err := exec.LookPath("make"); err != nil {
			t.Skip("make is not installed: ", err)
		}
		built := t.TempDir()
		command := exec.Command("make", "-C", "..", "--no-print-directory", "build-AuditFunction",
			"ARTIFACTS_DIR="+built)
		command.Env = append(command.Environ(), "GOFLAGS=", "MAKEFLAGS=")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if !bytes.Equal(contents(t, filepath.Join(directory, "bootstrap")),
			contents(t, filepath.Join(built, "bootstrap"))) {
			t.Error("the bootstraps differ: compare the build flags in code.go and in the Makefile")
		}
	})
}

// checkBootstrap checks that Lambda can run a file: the file is a static program for arm64.
func checkBootstrap(t testing.TB, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&0o111 != 0o111 {
		t.Errorf("%s has the mode %s, want executable for all", file, info.Mode())
	}
	program, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	if program.Machine != elf.EM_AARCH64 || program.Type != elf.ET_EXEC {
		t.Errorf("%s is for %s, type %s, want a static program for arm64", file, program.Machine,
			program.Type)
	}
	if libraries, err := program.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%s needs the libraries %v, %v, want none", file, libraries, err)
	}
}

func contents(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// inModule creates a module and changes to its directory. The module requires a small
// functionModule with the given source of the function.
func inModule(t *testing.T, function string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"app/go.mod": "module app\n\ngo 1.26.0\n\nrequire " + functionModule + " v0.0.0\n\nreplace " +
			functionModule + " => ../source\n",
		// A workspace without the function's module, which the build must ignore.
		"app/go.work":             "go 1.26.0\n\nuse .\n",
		"source/go.mod":           "module " + functionModule + "\n\ngo 1.26.0\n",
		"source/function/main.go": function,
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "app"))
}

func TestConcurrentBuilds(t *testing.T) {
	cache := ownCache(t)
	inModule(t, "package main\n\nfunc main() {}\n")
	var wait sync.WaitGroup
	got := make([][]byte, 4)
	for i := range got {
		wait.Go(func() {
			directory, err := builtCode()
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = contents(t, filepath.Join(directory, "bootstrap"))
		})
	}
	wait.Wait()
	for i := range got {
		if len(got[i]) == 0 || !bytes.Equal(got[i], got[0]) {
			t.Errorf("build %d (%d bytes) is empty or differs from build 0 (%d bytes)", i, len(got[i]),
				len(got[0]))
		}
	}
	temporary, err := filepath.Glob(filepath.Join(cache, "remotion-audit", "build-*"))
	if err != nil || len(temporary) > 0 {
		t.Errorf("remaining temporary files: %v, %v", temporary, err)
	}
}

// TestOnlyCommandsThatDeployBuild checks that the construct builds the function for commands that
// use the template, and not for others such as "cdk ls", for which cdk selects no stack. The source
// of the function does not compile, so a build panics.
func TestOnlyCommandsThatDeployBuild(t *testing.T) {
	ownCache(t)
	inModule(t, "package main\n\nfunc main() { undefined() }\n")
	for _, tt := range []struct {
		name   string
		stacks any // the stacks that cdk selects for bundling; nil without cdk
		builds bool
	}{
		{"cdk ls", []string{}, false},
		{"cdk deploy of another stack", []string{"Other"}, false},
		{"cdk deploy", []string{"Stack"}, true},
		{"cdk synth", []string{"**"}, true},
		{"no cdk command", nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			app := cdktest.App(t)
			if tt.stacks != nil {
				app.Node().SetContext(jsii.String("aws:cdk:bundling-stacks"), tt.stacks)
			}
			stack := awscdk.NewStack(app, jsii.String("Stack"), nil)
			got := ""
			func() {
				defer func() {
					if r := recover(); r != nil {
						got = fmt.Sprint(r)
					}
				}()
				NewPermissionAuditor(stack, "Auditor",
					&PermissionAuditorProps{Callers: jsii.Strings("none")})
			}()
			if builds := strings.Contains(got, "undefined: undefined"); builds != tt.builds ||
				got != "" && !builds {
				t.Errorf("panic %q, want a build: %v", got, tt.builds)
			}
		})
	}
}

func TestBuildErrors(t *testing.T) {
	ownCache(t)
	checkError := func(t *testing.T, err error, wants ...string) {
		t.Helper()
		for _, want := range append(wants, "set Code") {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want %q in it", err, want)
			}
		}
	}
	t.Run("the source does not compile", func(t *testing.T) {
		inModule(t, "package main\n\nfunc main() { undefined() }\n")
		if _, err := functionSource(); err != nil {
			t.Errorf("finding the source: %v", err)
		}
		_, err := builtCode()
		checkError(t, err, "building the function in ", "undefined: undefined")
	})
	t.Run("the version is not available", func(t *testing.T) {
		inModule(t, "package main\n\nfunc main() {}\n")
		t.Setenv("GOPROXY", "off")
		if err := os.WriteFile("go.mod",
			[]byte("module app\n\ngo 1.26.0\n\nrequire "+functionModule+" v0.0.0-none\n"),
			0o644); err != nil {
			t.Fatal(err)
		}
		_, err := functionSource()
		checkError(t, err, "the function's source", functionModule)
	})
	t.Run("the current module does not require the function", func(t *testing.T) {
		inModule(t, "package main\n\nfunc main() {}\n")
		if err := os.WriteFile("go.mod", []byte("module app\n\ngo 1.26.0\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := functionSource()
		checkError(t, err, functionModule, "not a known dependency")
	})
	t.Run("there is no current module", func(t *testing.T) {
		t.Chdir(t.TempDir())
		_, err := builtCode()
		checkError(t, err, "go.mod file not found")
	})
	t.Run("the go command is not installed", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		_, err := builtCode()
		checkError(t, err, "needs the go command")
	})
}
