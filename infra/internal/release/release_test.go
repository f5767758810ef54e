package release

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// repository returns the directory of a new git repository with small modules and no uncommitted
// changes.
func repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed: ", err)
	}
	// Ignore the git configuration of the machine.
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.com")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		".gitignore": "/dist/\n*.test\n",
		"CHANGELOG.md": "# Changelog\n\n## v0.2.0 (a day)\n\n- Something.\n\n## v0.3.0\n\n## " +
			"v0.1.0\n\n- The first.\n",
		"LICENSE":          "None.\n",
		"dist/bootstrap":   "built",
		"function/main.go": "package main\n\nfunc main() {}\n",
		"function/x.test":  "built",
		"go.mod":           "module " + Root + "\n\ngo 1.26.0\n",
		"infra/auditor.go": "package infra\n",
		"infra/go.mod": "module " + Infra +
			"\n\ngo 1.26.0\n\nrequire (\n\texample.com/a v1.0.0\n\t" + Root + " v0.0.0\n)\n\nreplace " +
			Root + " => ../\n",
		"infra/go.sum": "example.com/a v1.0.0 h1:a\n" + Root +
			" v0.1.0 h1:old\nexample.com/z v1.0.0 h1:z\n",
		"tools/go.mod":         "module " + Root + "/tools\n",
		"tools/zip/main.go":    "package main\n",
		"node_modules.go":      "package x\n",
		"internal/x/data.json": "{}\n",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	for _, command := range []string{"git init -q -b main", "git add .", "git commit -q -m first",
		"git tag v0.1.0", "git tag infra/v0.1.0"} {
		shell(t, dir, command)
	}
	return dir
}

func put(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func shell(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", command)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

func TestRelease(t *testing.T) {
	dir := repository(t)
	if err := Check(dir, "v0.2.0"); err != nil {
		t.Fatal(err)
	}
	commands, err := Prepare(dir, "v0.2.0")
	if err != nil {
		t.Fatal(err)
	}
	shell(t, dir, "git init -q --bare ../origin && git remote add origin ../origin")
	for _, command := range commands {
		shell(t, dir, command)
	}
	mod := shell(t, dir, "git show infra/v0.2.0:infra/go.mod")
	if !strings.Contains(mod, Root+" v0.2.0\n") || strings.Contains(mod, "replace") ||
		!strings.Contains(mod, "example.com/a v1.0.0") {
		t.Errorf("infra/go.mod of the tag\n%s", mod)
	}
	sum := shell(t, dir, "git show infra/v0.2.0:infra/go.sum")
	var hashed []string
	for line := range strings.Lines(sum) {
		hashed = append(hashed, line[:strings.LastIndex(line, ":")])
	}
	if want := []string{"example.com/a v1.0.0 h1", "example.com/z v1.0.0 h1", Root + " v0.2.0 h1",
		Root + " v0.2.0/go.mod h1"}; !slices.Equal(hashed, want) {
		t.Errorf("infra/go.sum of the tag has %q, want %q", hashed, want)
	}
	// The go command computes the hash from the files of the tag.
	archive := filepath.Join(t.TempDir(), "root.zip")
	file, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(zip.CreateFromVCS(file, module.Version{Path: Root, Version: "v0.2.0"}, dir,
		"v0.2.0", ""), file.Close()); err != nil {
		t.Fatal(err)
	}
	if hash, err := dirhash.HashZip(archive, dirhash.Hash1); err != nil ||
		!strings.Contains(sum, Root+" v0.2.0 "+hash+"\n") {
		t.Errorf("the files of the tag have the hash %s, %v; infra/go.sum of the tag\n%s", hash, err, sum)
	}
	// The branch is unchanged, and the tags differ only in infra/.
	if got := shell(t, dir, "git status --porcelain --branch"); got != "## main\n" {
		t.Errorf("git status after the release: %s", got)
	}
	if got := shell(t, dir,
		"git diff --stat main v0.2.0 && git diff --name-only v0.2.0 "+
			"infra/v0.2.0"); got != "infra/go.mod\ninfra/go.sum\n" {
		t.Errorf("the tags differ in\n%s", got)
	}
	if got := shell(t, dir, "git -C ../origin tag"); got != "infra/v0.2.0\nv0.2.0\n" {
		t.Errorf("pushed tags: %s", got)
	}
}

func TestCheck(t *testing.T) {
	tests := []struct {
		name, version, before string
		want                  string // in the error; empty for no error
	}{
		{"a valid version", "v0.2.0", "", ""},
		{"a version without a section in the changelog", "v0.1.1", "",
			`CHANGELOG.md has no section "## v0.1.1"`},
		{"a version with an empty section", "v0.3.0", "", `CHANGELOG.md has no section "## v0.3.0"`},
		{"a version without v", "0.2.0", "", `"0.2.0" is not a version`},
		{"a version of two numbers", "v0.2", "", `"v0.2" is not a version`},
		{"major version 2", "v2.0.0", "", `"v2.0.0" is not a version`},
		{"an existing version", "v0.1.0", "", "the tag v0.1.0 exists"},
		{"an existing version of infra", "v0.2.0", "git tag infra/v0.2.0", "the tag infra/v0.2.0 exists"},
		{"a version below the last version", "v0.0.9", "",
			"the tag v0.1.0 exists: the new version must be higher"},
		{"an uncommitted change", "v0.2.0", "echo >> LICENSE", "uncommitted changes"},
		{"an untracked file", "v0.2.0", "touch new.go", "uncommitted changes"},
		{"a file that .gitignore ignores", "v0.2.0", "touch dist/more a.test", ""},
		{"a file that only this clone ignores", "v0.2.0",
			"echo notes.txt >> .git/info/exclude; touch notes.txt",
			""},
		{"no git repository", "v0.2.0", "rm -r .git", "git status: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := repository(t)
			shell(t, dir, tt.before)
			err := Check(dir, tt.version)
			if tt.want == "" && err != nil || tt.want != "" &&
				(err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestWriteProxy(t *testing.T) {
	dir, proxy := repository(t), t.TempDir()
	put(t, filepath.Join(dir, "function/new.go"), "package main\n") // not committed
	shell(t, dir, "git mv function/main.go function/moved.go && rm function/moved.go")
	if err := WriteProxy(proxy, dir, "v0.2.0"); err != nil {
		t.Fatal(err)
	}
	for modulePath, want := range map[string][]string{
		Root: {".gitignore", "CHANGELOG.md", "LICENSE", "function/new.go", "go.mod",
			"internal/x/data.json", "node_modules.go"},
		Infra: {"LICENSE", "auditor.go", "go.mod", "go.sum"},
	} {
		files := t.TempDir()
		versions := filepath.Join(proxy, filepath.FromSlash(modulePath), "@v")
		if err := zip.Unzip(files, module.Version{Path: modulePath, Version: "v0.2.0"},
			filepath.Join(versions, "v0.2.0.zip")); err != nil {
			t.Fatal(err)
		}
		var got []string
		err := fs.WalkDir(os.DirFS(files), ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				got = append(got, name)
			}
			return err
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s contains %q, %v, want %q", modulePath, got, err, want)
		}
		inZip, err := os.ReadFile(filepath.Join(files, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		modFile, err := os.ReadFile(filepath.Join(versions, "v0.2.0.mod"))
		if err != nil || string(modFile) != string(inZip) {
			t.Errorf("%s: the .mod file is %q, %v; the go.mod in the zip is %q", modulePath, modFile, err,
				inZip)
		}
	}
	t.Run("another replace is an error", func(t *testing.T) {
		put(t, filepath.Join(dir, "infra/go.mod"), "module "+Infra+"\n\nreplace example.com/a => ../a\n")
		if err := WriteProxy(t.TempDir(), dir, "v0.2.0"); err == nil ||
			!strings.Contains(err.Error(), "replaces example.com/a") {
			t.Errorf("error %v, want one about the replace directive", err)
		}
	})
	t.Run("a directory that is not a git checkout is an error", func(t *testing.T) {
		shell(t, dir, "rm -r .git")
		if err := WriteProxy(t.TempDir(), dir, "v0.2.0"); err == nil ||
			!strings.Contains(err.Error(), "git ls-files: ") {
			t.Errorf("error %v, want one about git ls-files", err)
		}
	})
}
