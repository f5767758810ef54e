package ci

import (
	"bytes"
	"io/fs"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/testing/repo"
)

// block matches a code block of Markdown.
var block = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")

// pageFiles returns the files that docs/ci.md shows, by the name in their first line, and its
// scripts.
func pageFiles(t *testing.T) (files map[string]string, scripts []string) {
	t.Helper()
	text, err := os.ReadFile(repo.Path(t, "docs/ci.md"))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, m := range block.FindAllStringSubmatch(string(text), -1) {
		switch first, _, _ := strings.Cut(m[2], "\n"); m[1] {
		case "yaml":
			name, ok := strings.CutPrefix(first, "# ")
			if !ok || files[name] != "" {
				t.Fatalf("a block of YAML begins with %q, which is no new name of a file", first)
			}
			files[name] = m[2]
		case "sh":
			scripts = append(scripts, m[2])
		default:
			t.Errorf("no test runs a block of %s", m[1])
		}
	}
	if len(files) != 6 || len(scripts) != 2 {
		t.Fatalf("%d files and %d scripts: a test has to run each", len(files), len(scripts))
	}
	return files, scripts
}

// goodUser is a policy that may do everything.
const goodUser = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
  "Resource": "*"}]}`

// A checkout is a clone of a repository with a branch main, as CI has one for a pull request.
type checkout struct{ dir, origin string }

// newCheckout returns a clone. Its origin has the files of base; the clone also has those of head.
func newCheckout(t *testing.T, base, head map[string]string) checkout {
	t.Helper()
	c := checkout{dir: filepath.Join(t.TempDir(), "clone"),
		origin: filepath.Join(t.TempDir(), "origin")}
	write(t, c.origin, base)
	git(t, c.origin, "init", "--quiet", "--initial-branch=main")
	git(t, c.origin, "add", ".")
	git(t, c.origin, "commit", "--quiet", "--message=base")
	git(t, c.origin, "clone", "--quiet", "--depth=1", "file://"+c.origin, c.dir)
	git(t, c.dir, "checkout", "--quiet", "-b", "change")
	write(t, c.dir, head)
	git(t, c.dir, "add", ".")
	git(t, c.dir, "commit", "--quiet", "--allow-empty", "--message=change")
	return c
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", append([]string{"-c", "user.name=x", "-c",
		"user.email=x@example.com", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir, cmd.Env = dir, environment(t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// shell runs a script and returns its exit status and output.
func shell(t *testing.T, dir, script string, env ...string) (status int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, environment(t.TempDir(), env...)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// embedded starts an embedded AWS with the account of an example, and returns the environment of
// its administrator.
func embedded(t *testing.T, name string) []string {
	t.Helper()
	described, err := account.Load(examples.FS, name+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(&awsemu.Server{Account: described})
	t.Cleanup(server.Close)
	return []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_ACCESS_KEY_ID=AKIAADMINISTRATOR000",
		"AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1"}
}

// A workflow is the part of a workflow that the tests run.
type workflow struct {
	On   any
	Jobs map[string]struct {
		Steps []struct {
			ID, Uses, If string
			With         map[string]string
			Continue     bool `yaml:"continue-on-error"`
		}
	}
}

// runWorkflow runs the steps of the only job of a workflow: a checkout, and the action with the
// built command. It returns the runner and the status of the job.
func runWorkflow(t *testing.T, text string, c checkout, env ...string) (r *runner, status int) {
	t.Helper()
	var w workflow
	if err := yaml.Unmarshal([]byte(text), &w); err != nil || len(w.Jobs) != 1 || w.On == nil {
		t.Fatalf("%d jobs, %v", len(w.Jobs), err)
	}
	r = newRunner(t, c.dir, append(env, "GITHUB_BASE_REF=main")...)
	for _, job := range w.Jobs {
		for _, step := range job.Steps {
			values := map[string]string{"github.base_ref": "origin/main"}
			for name, value := range r.outputs {
				id, output, _ := strings.Cut(name, ".")
				values["steps."+id+".outputs."+output] = value
			}
			inputs := map[string]string{}
			for name, value := range step.With {
				inputs[name] = evaluate(t, value, values)
			}
			switch uses, _, _ := strings.Cut(step.Uses, "@"); uses {
			case "actions/checkout":
				ref := inputs["ref"]
				if ref == "" {
					ref = "change"
				}
				git(t, c.dir, "checkout", "--quiet", "--force", ref)
			case "remotion-audit/remotion-audit":
				inputs["version"] = "installed"
				if s := r.use(step.ID, inputs); s != 0 && !step.Continue {
					return r, s
				}
			case "github/codeql-action/upload-sarif":
				if step.If == "" || inputs["sarif_file"] == "" {
					t.Errorf("the step has the condition %q and the file %q", step.If, inputs["sarif_file"])
				}
			case "aws-actions/configure-aws-credentials":
			default:
				t.Errorf("the test does not know %q", step.Uses)
			}
		}
	}
	return r, 0
}

// base returns the files of a repository that follows the page.
func base(files map[string]string) map[string]string {
	return map[string]string{"remotion-audit.yaml": files["remotion-audit.yaml"],
		"infra/role.json": goodRole, "infra/user.json": goodUser, "package.json": "{}"}
}

// muteAll is a settings file of a pull request that would hide everything.
const muteAll = "check: [{files: [infra/user.json], for: user}]\n" +
	"mutes: [{action: \"*\", reason: r, owner: o, until: 2026-12-24}]\n"

func TestCheckOfPullRequests(t *testing.T) {
	t.Parallel()
	files, scripts := pageFiles(t)
	workflow := files[".github/workflows/permissions.yml"]
	if r, status := runWorkflow(t, workflow, newCheckout(t, base(files), nil)); status != 0 {
		t.Errorf("exit status %d, want 0\n%s", status, r.log)
	}
	bad := newCheckout(t, base(files), map[string]string{"infra/role.json": badRole,
		"remotion-audit.yaml": muteAll})
	r, status := runWorkflow(t, workflow, bad)
	if status != 1 || !strings.Contains(r.log, "::error file=infra/role.json,line=1") {
		t.Errorf("exit status %d, want 1: the pull request muted its own gaps\n%s", status, r.log)
	}
	if status, out := shell(t, bad.dir, scripts[0]); status != 1 || !strings.Contains(out, "GAPS") {
		t.Errorf("the script ends with %d, want 1\n%s", status, out)
	}
	// Without a settings file on the base branch, that of the pull request does not count.
	first := newCheckout(t, map[string]string{"infra/role.json": goodRole},
		map[string]string{"remotion-audit.yaml": muteAll, "infra/user.json": badRole})
	if r, status := runWorkflow(t, workflow, first); status != 2 ||
		!strings.Contains(r.log, "the base branch has no settings file") {
		t.Errorf("exit status %d, want 2\n%s", status, r.log)
	}
}

func TestNewGapsOfPullRequests(t *testing.T) {
	t.Parallel()
	files, _ := pageFiles(t)
	workflow := files[".github/workflows/new-gaps.yml"]
	old := base(files)
	old["infra/role.json"] = badRole
	r, status := runWorkflow(t, workflow, newCheckout(t, old, map[string]string{"x": "y"}))
	if status != 0 || !strings.Contains(r.log, "title=known critical%3A missing") {
		t.Errorf("exit status %d, want 0: all gaps are known\n%s", status, r.log)
	}
	worse := map[string]string{"infra/role.json": strings.Replace(badRole, `"logs:*"`, `"sns:*"`, 1)}
	r, status = runWorkflow(t, workflow, newCheckout(t, old, worse))
	if status != 1 || !strings.Contains(r.log, "logs%3ACreateLogGroup") {
		t.Errorf("exit status %d, want 1: there is a new gap\n%s", status, r.log)
	}
}

func TestAuditOnASchedule(t *testing.T) {
	t.Parallel()
	files, scripts := pageFiles(t)
	settings := map[string]string{
		"remotion-audit.yaml": "callers: [user/remotion-user]\nregions: [us-east-1]\n"}
	workflow := files[".github/workflows/audit.yml"]
	for example, want := range map[string]int{"compliant": 0, "drifted": 1} {
		env := embedded(t, example)
		r, status := runWorkflow(t, workflow, newCheckout(t, settings, nil), env...)
		if status != want || !strings.Contains(r.log, "auditing account 123456789012") {
			t.Errorf("%s: exit status %d, want %d\n%s", example, status, want, r.log)
		}
	}
	c := newCheckout(t, settings, nil)
	status, out := shell(t, c.dir, scripts[1], embedded(t, "drifted")...)
	if status != 0 || !strings.Contains(out, "Baseline: 9 known gaps, 0 new, 0 gone since") {
		t.Errorf("the script ends with %d, want 0\n%s", status, out)
	}
}

func TestGitLab(t *testing.T) {
	t.Parallel()
	files, _ := pageFiles(t)
	var jobs map[string]struct {
		Image        string
		BeforeScript []string `yaml:"before_script"`
		Script       []string
		Artifacts    struct {
			When    string
			Reports struct{ Junit string }
			Paths   []string
		}
	}
	d := yaml.NewDecoder(strings.NewReader(files[".gitlab-ci.yml"]))
	d.KnownFields(true)
	if err := d.Decode(&jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	for _, job := range jobs {
		for want, role := range map[int]string{0: goodRole, 1: badRole} {
			c := newCheckout(t, base(files), map[string]string{"infra/role.json": role,
				"remotion-audit.yaml": muteAll})
			npm := "npm() { [ \"$*\" = 'install --global remotion-audit@0.2.0' ]; }\n"
			script := npm + strings.Join(append(job.BeforeScript, job.Script...), "\n")
			status, out := shell(t, c.dir, script, "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main",
				"CI_DEFAULT_BRANCH=other")
			if status != want {
				t.Errorf("exit status %d, want %d\n%s", status, want, out)
			}
			for _, name := range append(job.Artifacts.Paths, job.Artifacts.Reports.Junit) {
				if job.Artifacts.When != "always" || read(t, filepath.Join(c.dir, name)) == "" {
					t.Errorf("there is no artifact %s", name)
				}
			}
		}
	}
}

// TestWorkflowsPassActionlint lints the workflows of the page and of the repository. In a copy in
// which the action is local, actionlint compares its inputs and outputs with action.yml.
func TestWorkflowsPassActionlint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIPPED, NOT TESTED: -short leaves out actionlint, which Go has to compile")
	}
	files, _ := pageFiles(t)
	dir := t.TempDir()
	write(t, dir, map[string]string{"action.yml": read(t, repo.Path(t, "action.yml")), ".git/x": ""})
	for name, text := range files {
		if strings.HasPrefix(name, ".github/") {
			write(t, dir, map[string]string{name: strings.ReplaceAll(text,
				"remotion-audit/remotion-audit@v0.2.0", "./")})
		}
	}
	own, err := filepath.Glob(repo.Path(t, ".github/workflows/*.yml"))
	if err != nil || len(own) == 0 {
		t.Fatal("no workflows: ", err)
	}
	for _, name := range own {
		write(t, dir, map[string]string{".github/workflows/own-" + filepath.Base(name): read(t, name)})
	}
	lint := func() ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), "go", "tool", "-modfile="+
			repo.Path(t, "tools/actionlint/go.mod"), "actionlint", "-no-color", "-shellcheck=", "-pyflakes=")
		list, err := filepath.Glob(filepath.Join(dir, ".github/workflows/*.yml"))
		if err != nil {
			return nil, err
		}
		cmd.Args = append(cmd.Args, list...)
		return cmd.CombinedOutput()
	}
	if out, err := lint(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	wrong := strings.NewReplacer("remotion-audit/remotion-audit@v0.2.0", "./", "base-config",
		"base-confg").Replace(files[".github/workflows/permissions.yml"])
	write(t, dir, map[string]string{".github/workflows/wrong.yml": wrong})
	if out, err := lint(); err == nil || !bytes.Contains(out, []byte("base-confg")) {
		t.Errorf("actionlint accepts an input that does not exist: %v\n%s", err, out)
	}
}

// A hook is an entry of .pre-commit-hooks.yaml, or the use of one in .pre-commit-config.yaml.
type hook struct {
	ID, Name, Description, Language, Entry, Files string
	Types, Args                                   []string
	PassFilenames                                 *bool `yaml:"pass_filenames"`
}

// hooks returns the hooks of the repository by their names.
func hooks(t *testing.T) map[string]hook {
	t.Helper()
	var list []hook
	d := yaml.NewDecoder(strings.NewReader(read(t, repo.Path(t, ".pre-commit-hooks.yaml"))))
	d.KnownFields(true)
	if err := d.Decode(&list); err != nil || len(list) < 3 {
		t.Fatalf("%d hooks, %v", len(list), err)
	}
	byID := map[string]hook{}
	for _, h := range list {
		if h.ID == "" || h.Name == "" || h.Language != "golang" ||
			!strings.HasPrefix(h.Entry, "remotion-audit check") {
			t.Errorf("hook %+v", h)
		}
		byID[h.ID] = h
	}
	return byID
}

// usedHooks returns the hooks of the page, with the files that they get.
func usedHooks(t *testing.T) (list []hook) {
	t.Helper()
	files, _ := pageFiles(t)
	var config struct {
		Repos []struct {
			Repo, Rev string
			Hooks     []hook
		}
	}
	d := yaml.NewDecoder(strings.NewReader(files[".pre-commit-config.yaml"]))
	d.KnownFields(true)
	if err := d.Decode(&config); err != nil || len(config.Repos) != 1 {
		t.Fatalf("%+v, %v", config, err)
	}
	declared := hooks(t)
	for _, h := range config.Repos[0].Hooks {
		d, ok := declared[h.ID]
		if !ok {
			t.Fatalf("there is no hook %s", h.ID)
		}
		d.Files, d.Args = h.Files, h.Args
		list = append(list, d)
	}
	return list
}

// TestHooksRunAsPreCommitRunsThem runs the entries of the page with bare names of files, in
// batches.
func TestHooksRunAsPreCommitRunsThem(t *testing.T) {
	t.Parallel()
	files, _ := pageFiles(t)
	run := func(h hook, dir string) (int, string) {
		var names []string
		matching := regexp.MustCompile(h.Files)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			name, _ := filepath.Rel(dir, path)
			if name = filepath.ToSlash(name); err == nil && !d.IsDir() && matching.MatchString(name) &&
				strings.HasSuffix(name, ".json") {
				names = append(names, name)
			}
			return err
		})
		if err != nil || len(names) == 0 {
			t.Fatalf("%s matches no file, %v", h.Files, err)
		}
		worst, all := 0, ""
		for _, batch := range [][]string{names[:1], names} {
			words := append(strings.Fields(h.Entry), append(h.Args, batch...)...)
			cmd := exec.CommandContext(t.Context(), filepath.Join(binDir, words[0]), words[1:]...)
			cmd.Dir, cmd.Env = dir, environment(t.TempDir())
			text, err := cmd.CombinedOutput()
			if err != nil && cmd.ProcessState == nil {
				t.Fatal(err)
			}
			worst, all = max(worst, cmd.ProcessState.ExitCode()), all+string(text)
		}
		return worst, all
	}
	for _, h := range usedHooks(t) {
		dir := t.TempDir()
		write(t, dir, base(files))
		if status, out := run(h, dir); status != 0 {
			t.Errorf("%s: exit status %d, want 0\n%s", h.ID, status, out)
		}
		// Each file is judged by itself: a good one does not hide a bad one.
		write(t, dir, map[string]string{"infra/role.json": badRole, "infra/user-b.json": badRole})
		if status, out := run(h, dir); status != 1 {
			t.Errorf("%s: exit status %d, want 1\n%s", h.ID, status, out)
		}
	}
	all := hooks(t)["remotion-audit"]
	if all.PassFilenames == nil || *all.PassFilenames {
		t.Error("the hook remotion-audit gets names of files")
	}
	for _, name := range []string{"remotion-audit.yaml", "infra/role.json", "template.yml"} {
		if !regexp.MustCompile(all.Files).MatchString(name) {
			t.Errorf("the hook remotion-audit does not run for %s", name)
		}
	}
	dir := t.TempDir()
	write(t, dir, base(files))
	if status, out := shell(t, dir, all.Entry); status != 0 {
		t.Errorf("remotion-audit: exit status %d, want 0\n%s", status, out)
	}
}

// TestPreCommit runs the hooks of the page with pre-commit itself, if it is installed, and the
// built command.
func TestPreCommit(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pre-commit"); err != nil {
		t.Skip("SKIPPED, NOT TESTED: pre-commit is not installed")
	}
	manifest := repo.Path(t, ".pre-commit-hooks.yaml")
	if status, out := shell(t, filepath.Dir(manifest), "pre-commit validate-manifest "+
		filepath.Base(manifest)); status != 0 {
		t.Errorf("pre-commit refuses the hooks\n%s", out)
	}
	files, _ := pageFiles(t)
	config := "repos:\n- repo: local\n  hooks:\n"
	for _, h := range usedHooks(t) {
		config += "  - {id: " + h.ID + ", name: x, language: system, entry: '" + h.Entry + "', files: '" +
			h.Files + "', args: [" + strings.Join(h.Args, ", ") + "]}\n"
	}
	repository := base(files)
	repository[".pre-commit-config.yaml"] = config
	for want, role := range map[int]string{0: goodRole, 1: badRole} {
		c := newCheckout(t, repository, map[string]string{"infra/role.json": role})
		if status, out := shell(t, c.dir, "pre-commit run --all-files"); status != want ||
			strings.Contains(out, "Skipped") {
			t.Errorf("exit status %d, want %d\n%s", status, want, out)
		}
	}
}
