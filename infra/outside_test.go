package infra

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/infra/internal/release"
)

// outsideMain is an app that uses the module without a checkout.
const outsideMain = `package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/remotion-audit/remotion-audit/infra"
)

func main() {
	defer jsii.Close()
	app := awscdk.NewApp(nil)
	stack := awscdk.NewStack(app, jsii.String("Audit"), nil)
	infra.NewPermissionAuditor(stack, "Auditor", &infra.PermissionAuditorProps{
		Callers: jsii.Strings("user/render"),
	})
	app.Synth(nil)
}
`

// TestOutsideTheRepository checks that an app in an empty module can use a release. It installs
// both modules in their release form from a local GOPROXY and runs the app, which builds the
// function from the module cache.
//
// The test uses the existing module cache, because with an empty cache the go command would compile
// CDK again. It adds a version that exists nowhere else to the cache and removes it at the end.
func TestOutsideTheRepository(t *testing.T) {
	if testing.Short() {
		t.Skip("synthesizes in a module outside the checkout, which takes a quarter of a minute; run " +
			"without -short")
	}
	if err := exec.Command("git", "-C", "..", "rev-parse").Run(); err != nil {
		t.Skip("not a git checkout, or git is not installed: ", err)
	}
	version := fmt.Sprintf("v0.0.0-outside.%d", time.Now().UnixNano())
	proxy := t.TempDir()
	if err := release.WriteProxy(proxy, "..", version); err != nil {
		t.Fatal(err)
	}
	app := t.TempDir()
	run := func(name string, args ...string) string {
		t.Helper()
		command := exec.Command(name, args...)
		command.Dir = app
		command.Env = append(command.Environ(),
			"GOPROXY=file://"+filepath.ToSlash(proxy)+","+goEnv(t, "GOPROXY"),
			"GONOPROXY=none", "GOSUMDB=off", // the version exists only here
			"GOFLAGS=-modcacherw", "GOWORK=off",
			"CDK_OUTDIR="+filepath.Join(app, "cdk.out"),
		)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	cache := goEnv(t, "GOMODCACHE")
	source := filepath.Join(cache, filepath.FromSlash(release.Root)+"@"+version)
	t.Cleanup(func() {
		for _, pattern := range []string{
			source,
			filepath.Join(cache, filepath.FromSlash(release.Infra)+"@"+version),
			filepath.Join(cache, "cache", "download", filepath.FromSlash(release.Root), "@v", version+".*"),
			filepath.Join(cache, "cache", "download", filepath.FromSlash(release.Infra), "@v", version+".*"),
			filepath.Join(cache, "cache", "download", filepath.FromSlash(release.Root), "@v", "list"),
			filepath.Join(cache, "cache", "download", filepath.FromSlash(release.Infra), "@v", "list"),
			builtFolder(source),
		} {
			files, err := filepath.Glob(pattern)
			if err != nil || len(files) == 0 {
				t.Errorf("no file to remove matches %s: %v", pattern, err)
			}
			for _, file := range files {
				if err := os.RemoveAll(file); err != nil {
					t.Error(err)
				}
			}
		}
	})

	if err := os.WriteFile(filepath.Join(app, "main.go"), []byte(outsideMain), 0o644); err != nil {
		t.Fatal(err)
	}
	run("go", "mod", "init", "example.com/deploy")
	// The test does not run go mod tidy, which also downloads the test dependencies of all modules.
	run("go", "get", release.Infra+"@"+version)
	// The test does not use go run, which would leave the 90 MB program in the build cache.
	run("go", "build", "-o", "app", ".")
	run(filepath.Join(app, "app"))

	var template struct {
		Resources map[string]struct {
			Type       string
			Properties struct{ Code struct{ S3Key string } }
		}
	}
	if err := json.Unmarshal(contents(t, filepath.Join(app, "cdk.out", "Audit.template.json")),
		&template); err != nil {
		t.Fatal(err)
	}
	var assets []string
	for _, resource := range template.Resources {
		if resource.Type == "AWS::Lambda::Function" {
			assets = append(assets, strings.TrimSuffix(resource.Properties.Code.S3Key, ".zip"))
		}
	}
	if len(assets) != 1 {
		t.Fatalf("the functions have the code %v, want one function", assets)
	}
	bootstrap := filepath.Join(app, "cdk.out", "asset."+assets[0], "bootstrap")
	checkBootstrap(t, bootstrap)
	// Build the same source again, in another directory and at another time.
	directory, err := builtCode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(contents(t, bootstrap), contents(t, filepath.Join(directory, "bootstrap"))) {
		t.Error("the function differs from a build of the checkout, so cdk diff would show a change")
	}
	// The go.sum lines that a release writes must equal the lines that the go command computed.
	computed := string(contents(t, filepath.Join(app, "go.sum")))
	lines := 0
	for line := range strings.Lines(string(contents(t,
		filepath.Join(cache, filepath.FromSlash(release.Infra)+"@"+version, "go.sum")))) {
		if strings.HasPrefix(line, release.Root+" ") {
			lines++
			if !strings.Contains(computed, line) {
				t.Errorf("the go.sum of a release contains %q, which is not in\n%s", line, computed)
			}
		}
	}
	if lines != 2 {
		t.Errorf("the go.sum of a release contains %d lines for %s, want 2", lines, release.Root)
	}
}

func goEnv(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
