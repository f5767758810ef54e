package ci

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// An action is a composite action. The fields are those that GitHub documents:
// https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax
type action struct {
	Name, Description string
	Branding          struct{ Icon, Color string }
	Inputs            map[string]struct {
		Description string
		Default     *string
	}
	Outputs map[string]struct{ Description, Value string }
	Runs    struct {
		Using string
		Steps []struct {
			ID, Name, Shell, Run string
			WorkingDirectory     string `yaml:"working-directory"`
			Env                  map[string]string
		}
	}
}

// readAction decodes action.yml. A field that the type does not have is an error.
func readAction(t *testing.T) (a action) {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "action.yml"))
	if err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&a); err != nil {
		t.Fatal(err)
	}
	return a
}

// expression matches an expression of GitHub's workflow language.
var expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)

// TestActionKeepsInputsOutOfTheShell checks that no script contains an expression: an expression is
// replaced before the shell reads the script, so that the text of a pull request would be code.
func TestActionKeepsInputsOutOfTheShell(t *testing.T) {
	t.Parallel()
	a := readAction(t)
	if a.Name == "" || a.Description == "" || a.Runs.Using != "composite" || len(a.Runs.Steps) == 0 {
		t.Fatalf("no composite action: %+v", a)
	}
	used := map[string]bool{}
	note := func(text string) {
		for _, m := range expression.FindAllStringSubmatch(text, -1) {
			if name, ok := strings.CutPrefix(m[1], "inputs."); ok {
				used[name] = true
				if _, ok := a.Inputs[name]; !ok {
					t.Errorf("there is no input %s", name)
				}
			}
		}
	}
	for _, s := range a.Runs.Steps {
		if s.Shell != "bash" || strings.Contains(s.Run, "${{") || strings.Contains(s.Run, "eval ") {
			t.Errorf("step %q: want bash without expressions", s.Name)
		}
		if !strings.HasPrefix(s.Run, "set -euo pipefail\n") {
			t.Errorf("step %q does not stop at errors", s.Name)
		}
		for _, value := range s.Env {
			note(value)
		}
		note(s.WorkingDirectory)
	}
	for name, input := range a.Inputs {
		if !used[name] || input.Description == "" || input.Default == nil {
			t.Errorf("input %s has no use, no description or no default", name)
		}
	}
}

// A runner runs the action as GitHub does.
type runner struct {
	t *testing.T
	// work is the workspace, and temp the directory for files of the runner.
	work, temp string
	env        []string
	// outputs are those of the steps of the workflow, by "id.name".
	outputs map[string]string
	log     string
}

func newRunner(t *testing.T, work string, env ...string) *runner {
	return &runner{t: t, work: work, temp: t.TempDir(), env: env, outputs: map[string]string{}}
}

// use runs the action with inputs and returns its exit status.
func (r *runner) use(id string, inputs map[string]string) (status int) {
	r.t.Helper()
	a := readAction(r.t)
	values := map[string]string{"github.action_ref": "v0.2.0"}
	for name, input := range a.Inputs {
		values["inputs."+name] = *input.Default
	}
	for name, value := range inputs {
		if _, ok := a.Inputs[name]; !ok {
			r.t.Fatalf("the action has no input %s", name)
		}
		values["inputs."+name] = value
	}
	path := ""
	for _, step := range a.Runs.Steps {
		files := map[string]string{}
		for _, name := range []string{"GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY"} {
			files[name] = filepath.Join(r.temp, strings.ToLower(name)+step.ID)
			write(r.t, r.temp, map[string]string{filepath.Base(files[name]): ""})
		}
		script := filepath.Join(r.temp, "step.sh")
		write(r.t, r.temp, map[string]string{"step.sh": step.Run})
		cmd := exec.CommandContext(r.t.Context(), "bash", "--noprofile", "--norc", "-eo", "pipefail",
			script)
		cmd.Dir = filepath.Join(r.work, evaluate(r.t, step.WorkingDirectory, values))
		cmd.Env = environment(r.temp, "RUNNER_OS=Linux", "RUNNER_ARCH=X64", "RUNNER_TEMP="+r.temp)
		cmd.Env = append(cmd.Env, r.env...)
		if path != "" {
			cmd.Env = append(cmd.Env, "PATH="+path+string(os.PathListSeparator)+os.Getenv("PATH"))
		}
		for name, file := range files {
			cmd.Env = append(cmd.Env, name+"="+file)
		}
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+evaluate(r.t, value, values))
		}
		out, err := cmd.CombinedOutput()
		r.log = string(out)
		if added := strings.TrimSpace(read(r.t, files["GITHUB_PATH"])); added != "" {
			path = added
		}
		for line := range strings.Lines(read(r.t, files["GITHUB_OUTPUT"])) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			values["steps."+step.ID+".outputs."+name] = value
		}
		r.outputs[id+".summary"] = read(r.t, files["GITHUB_STEP_SUMMARY"])
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			status = exit.ExitCode()
			break // the steps after a failed one do not run
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
	for name, output := range a.Outputs {
		r.outputs[id+"."+name] = evaluate(r.t, output.Value, values)
	}
	return status
}

// evaluate replaces the expressions in a text. A value that no step has set is empty.
func evaluate(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(text, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		if !regexp.MustCompile(`^[a-z_]+\.[a-zA-Z0-9_.-]+$`).MatchString(name) {
			t.Fatalf("the test cannot evaluate %s", found)
		}
		return values[name]
	})
}

const goodRole = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Action": ["s3:*", "lambda:*", "logs:*"], "Resource": "*"}]}`

const badRole = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
  "Action": ["s3:GetObject", "lambda:*", "logs:*"], "Resource": "*"}]}`

func TestActionRunsACheck(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	write(t, work, map[string]string{"infra/role.json": badRole, "infra/good.json": goodRole,
		"remotion-audit.yaml": "check: [{files: [infra/role.json], for: role}]\n"})
	r := newRunner(t, work)
	if status := r.use("x", map[string]string{"version": "installed"}); status != 1 {
		t.Errorf("exit status %d, want 1\n%s", status, r.log)
	}
	if !strings.Contains(r.log, "\n::error file=infra/role.json,line=1,") ||
		!strings.Contains(r.outputs["x.summary"], "## ❌ remotion-audit: GAPS") ||
		r.outputs["x.exit-status"] != "1" {
		t.Errorf("annotations\n%s\nsummary\n%s\noutputs %v", r.log, r.outputs["x.summary"], r.outputs)
	}
	for name, want := range map[string]string{"sarif": `"version": "2.1.0"`,
		"json": `"status": "gaps"`, "markdown": "remotion-audit"} {
		if !strings.Contains(read(t, r.outputs["x."+name]), want) {
			t.Errorf("the output %s is %s, which has no %s", name, r.outputs["x."+name], want)
		}
	}
	args := "--for\r\nrole\n\n" + "infra/good.json"
	good := map[string]string{"version": "installed", "args": args, "format": "text"}
	if status := r.use("y", good); status != 0 || !strings.Contains(r.log, "COMPLIANT") {
		t.Errorf("exit status %d, want 0\n%s", status, r.log)
	}
	baseline := map[string]string{"version": "installed", "baseline": r.outputs["x.json"]}
	if status := r.use("z", baseline); status != 0 || !strings.Contains(r.log, "7 known gaps") {
		t.Errorf("exit status %d, want 0\n%s", status, r.log)
	}
	missing := map[string]string{"version": "installed", "config": "none.yaml"}
	if status := r.use("e", missing); status != 2 || r.outputs["e.sarif"] != "" ||
		r.outputs["e.exit-status"] != "2" {
		t.Errorf("exit status %d with %v, want 2 and no SARIF\n%s", status, r.outputs, r.log)
	}
	sub := map[string]string{"version": "installed", "working-directory": "infra"}
	if status := r.use("s", sub); status != 2 || !strings.Contains(r.log, "a policy file is required") {
		t.Errorf("exit status %d, want 2: infra is no repository\n%s", status, r.log)
	}
}

// TestActionTreatsInputsAsText passes inputs that would be code in a shell.
func TestActionTreatsInputsAsText(t *testing.T) {
	t.Parallel()
	evil := "$(touch pwned)`touch pwned`;touch pwned\n\"; touch pwned #\n'\n-x\n--for\n$PATH"
	for name := range readAction(t).Inputs {
		if name == "working-directory" {
			continue // GitHub itself changes to the directory
		}
		work := t.TempDir()
		r := newRunner(t, work, "GITHUB_BASE_REF=main$(touch pwned)")
		inputs := map[string]string{"version": "installed", "base-config": "true"}
		inputs[name] = evil
		if status := r.use("x", inputs); status != 2 {
			t.Errorf("%s: exit status %d, want 2\n%s", name, status, r.log)
		}
		left, err := os.ReadDir(work)
		if err != nil || len(left) > 0 || strings.Contains(read(t, filepath.Join(r.temp, "pwned")), "x") {
			t.Errorf("%s: the workspace has %v, %v", name, left, err)
		}
	}
}

// assets writes the files of a release whose command is a script that prints its name and its
// arguments, and returns the address and the hash of an archive.
func assets(t *testing.T, version string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	sums := ""
	for _, system := range []string{"linux", "darwin", "windows"} {
		for _, arch := range []string{"amd64", "arm64"} {
			name := fmt.Sprintf("remotion-audit_%s_%s_%s", version, system, arch)
			script := "#!/bin/sh\necho " + system + " " + arch + " \"$@\"\n"
			content := archive(t, system, script)
			name += ".tar.gz"
			if system == "windows" {
				name = strings.TrimSuffix(name, ".tar.gz") + ".zip"
			}
			write(t, dir, map[string]string{name: string(content)})
			sum := sha256.Sum256(content)
			sums += hex.EncodeToString(sum[:]) + "  " + name + "\n"
		}
	}
	write(t, dir, map[string]string{"checksums.txt": sums})
	return dir
}

// archive returns an archive as goreleaser makes it.
func archive(t *testing.T, system, script string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	if system == "windows" {
		z := zip.NewWriter(&b)
		header := &zip.FileHeader{Name: "remotion-audit.exe", Method: zip.Deflate}
		header.SetMode(0o755)
		w, e := z.CreateHeader(header)
		if e == nil {
			_, e = w.Write([]byte(script))
		}
		err = errors.Join(e, z.Close())
	} else {
		g := gzip.NewWriter(&b)
		w := tar.NewWriter(g)
		e := w.WriteHeader(&tar.Header{Name: "remotion-audit", Mode: 0o755, Size: int64(len(script))})
		if e == nil {
			_, e = w.Write([]byte(script))
		}
		err = errors.Join(e, w.Close(), g.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestActionInstallsTheReleaseOfThePlatform runs the action on each platform with a local release.
func TestActionInstallsTheReleaseOfThePlatform(t *testing.T) {
	t.Parallel()
	dir := assets(t, "0.2.0")
	for system, want := range map[string]string{"Linux": "linux", "macOS": "darwin",
		"Windows": "windows"} {
		for arch, wantArch := range map[string]string{"X64": "amd64", "ARM64": "arm64"} {
			t.Run(system+" "+arch, func(t *testing.T) {
				t.Parallel()
				if _, err := exec.LookPath("unzip"); err != nil && system == "Windows" {
					t.Skip("SKIPPED, NOT TESTED: there is no unzip")
				}
				r := newRunner(t, t.TempDir(), "RUNNER_OS="+system, "RUNNER_ARCH="+arch)
				if system == "Windows" { // a shell of Windows finds programs with .exe
					r.env = append(r.env, "BASH_ENV="+filepath.Join(r.temp, "windows.sh"))
					write(t, r.temp, map[string]string{
						"windows.sh": "remotion-audit() { remotion-audit.exe \"$@\"; }\n"})
				}
				status := r.use("x", map[string]string{"assets": "file://" + dir, "command": "audit"})
				if status != 0 || !strings.HasPrefix(r.log, want+" "+wantArch+" audit --format github ") {
					t.Errorf("exit status %d, want 0 and %s %s\n%s", status, want, wantArch, r.log)
				}
			})
		}
	}
}

func TestActionRefusesOtherReleases(t *testing.T) {
	t.Parallel()
	dir := assets(t, "0.2.0")
	changed := assets(t, "0.2.0")
	name := "remotion-audit_0.2.0_linux_amd64.tar.gz"
	write(t, changed, map[string]string{
		name: string(archive(t, "linux", "#!/bin/sh\necho changed\n"))})
	unlisted := assets(t, "0.2.0")
	write(t, unlisted, map[string]string{"checksums.txt": ""})
	tests := map[string]struct {
		inputs map[string]string
		env    string
		want   string
	}{
		"a changed archive":  {map[string]string{"assets": "file://" + changed}, "", "has another SHA-256"},
		"another pinned sum": {map[string]string{"sha256": strings.Repeat("0", 64)}, "", "has another SHA-256"},
		"no sum":             {map[string]string{"assets": "file://" + unlisted}, "", "there is no SHA-256"},
		"a bad sum":          {map[string]string{"sha256": "x"}, "", "there is no SHA-256"},
		"a missing release":  {map[string]string{"version": "v0.3.0"}, "", "could not be downloaded"},
		"a branch":           {map[string]string{"version": "main"}, "", "must be a release"},
		"a path":             {map[string]string{"version": "v1.2.3/../../x"}, "", "must be a release"},
		"another system":     {nil, "RUNNER_OS=Plan9", "no release for this operating system"},
		"another processor":  {nil, "RUNNER_ARCH=ARM", "no release for this architecture"},
		"another command":    {map[string]string{"command": "local"}, "", "must be check or audit"},
		"another format":     {map[string]string{"format": "json"}, "", "must be github or text"},
		"another choice":     {map[string]string{"base-config": "yes"}, "", "must be true or false"},
	}
	for test, c := range tests {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			inputs := map[string]string{"assets": "file://" + dir}
			maps.Copy(inputs, c.inputs)
			r := newRunner(t, t.TempDir(), c.env)
			if status := r.use("x", inputs); status != 2 || !strings.Contains(r.log,
				"::error title=remotion-audit::") || !strings.Contains(r.log, c.want) {
				t.Errorf("exit status %d, want 2 and %q\n%s", status, c.want, r.log)
			}
		})
	}
}

// TestActionReadsTheSettingsOfTheBaseBranch runs a check of a pull request that mutes its own gaps,
// with the settings file of its base branch in the root and in a directory.
func TestActionReadsTheSettingsOfTheBaseBranch(t *testing.T) {
	t.Parallel()
	const name = "remotion-audit.yaml"
	strict := "check: [{files: [role.json], for: role}]\n"
	lax := strict + "mutes: [{target: '*', action: '*', reason: x, owner: x, until: " +
		time.Now().AddDate(0, 1, 0).Format(time.DateOnly) + "}]\n"
	tests := map[string]struct {
		base, config string
		link         bool
		status       int
		want         string
	}{
		"in the working directory": {"app/" + name, "", false, 1, "GAPS"},
		"another name":             {"app/ci/a.yaml", "./ci/a.yaml", false, 1, "GAPS"},
		"above it":                 {name, "", false, 2, "is above working-directory"},
		"nowhere":                  {"app/x", "", false, 2, "a policy file is required"},
		"another name nowhere":     {"app/" + name, "ci/a.yaml", false, 2, "lacks the file of config"},
		"outside":                  {name, "../" + name, false, 2, "must be a path below"},
		"a link":                   {"app/" + name, "", true, 2, "not a regular file"},
	}
	for test, c := range tests {
		t.Run(test, func(t *testing.T) {
			t.Parallel()
			base := map[string]string{"app/role.json": badRole, c.base: strict}
			if c.link {
				base = map[string]string{"app/role.json": badRole, "real.yaml": strict}
			}
			repository := newCheckout(t, base, nil)
			if c.link {
				if err := os.Symlink("../real.yaml",
					filepath.Join(repository.origin, "app", name)); err != nil {
					t.Fatal(err)
				}
				git(t, repository.origin, "add", ".")
				git(t, repository.origin, "commit", "--quiet", "--message=link")
			}
			write(t, repository.dir, map[string]string{"app/" + name: lax, name: lax,
				"app/ci/a.yaml": lax})
			r := newRunner(t, repository.dir, "GITHUB_BASE_REF=main")
			status := r.use("x", map[string]string{"version": "installed", "base-config": "true",
				"config": c.config, "working-directory": "app", "format": "text"})
			if status != c.status || !strings.Contains(r.log, c.want) {
				t.Errorf("exit status %d, want %d and %q\n%s", status, c.status, c.want, r.log)
			}
		})
	}
}

// TestActionReadsNoEnvFileOfAPullRequest checks that the credentials of an audit do not come from a
// file of the pull request, unless the workflow wants that.
func TestActionReadsNoEnvFileOfAPullRequest(t *testing.T) {
	t.Parallel()
	dir := assets(t, "0.2.0")
	for args, want := range map[string]string{"": "--no-env-file", "--env-file\nx": "--env-file x",
		"--no-env-file": "--no-env-file"} {
		r := newRunner(t, t.TempDir(), "GITHUB_BASE_REF=main")
		status := r.use("x", map[string]string{"assets": "file://" + dir, "command": "audit",
			"args": args})
		if status != 0 || strings.Count(r.log, "env-file") != 1 || !strings.Contains(r.log, want) {
			t.Errorf("%q: exit status %d, want 0 and %s\n%s", args, status, want, r.log)
		}
	}
}

func TestActionNamesAMissingCommand(t *testing.T) {
	t.Parallel()
	r := newRunner(t, t.TempDir(), "PATH=/usr/bin:/bin")
	if status := r.use("x", map[string]string{"version": "installed"}); status != 2 ||
		!strings.Contains(r.log, "::error title=remotion-audit::remotion-audit is not in PATH") {
		t.Errorf("exit status %d, want 2 and an error\n%s", status, r.log)
	}
}
