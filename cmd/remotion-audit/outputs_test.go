package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/output"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

const typoPolicy = "testdata/public/17-typo-action.json"

// TestOutputErrors checks the errors of --format and --output. None of them leaves a file.
func TestOutputErrors(t *testing.T) {
	t.Parallel()
	formats := "must be " + textfmt.Or(output.CheckFormats().Names()) + ", got "
	for _, test := range []struct{ name, flags, want string }{
		{"the habit of kubectl", "-o json",
			"--output json: to choose the format, use --format json; to write a file of that name, use ./json"},
		{"a format of kubectl", "-o yaml", "--output yaml: to choose the format, use --format json, " +
			"because there is no format yaml; to write a file of that name, use ./yaml"},
		{"a format of kubectl in capitals", "-o Wide", "use --format text, because there is no format Wide"},
		{"capitals", "-f JSON", "--format " + formats + `"JSON": did you mean json?`},
		{"a short name", "-f md", "--format " + formats + `"md": did you mean markdown?`},
		{"another name", "-f yml", "--format " + formats + `"yml": did you mean json?`},
		{"a typo", "-f sarf", "--format " + formats + `"sarf": did you mean sarif?`},
		{"nonsense", "-f qqqqqq", "--format " + formats + `"qqqqqq"`},
		{"a list", "-f text,json", "--format " + formats},
		{"two for standard output", "-f text -f json",
			"--format text and --format json have no file: only one format can go to standard output"},
		{"no file name", "-f json=", "--format json=: the name of the file is missing: use json=FILE"},
		{"a format as file", "-f text=json", "to write a file of that name, use text=./json"},
		{"one file twice", "-f json=DIR/a -f sarif=DIR/./a", "duplicate file"},
		{"one file twice with --output", "-f json=DIR/a -f text -o DIR/a", "duplicate file"},
		{"a link to the same file", "-f json=DIR/there -f sarif=DIR/link", "duplicate file"},
		{"standard output twice", "-f json=- -f text",
			"--format text: another format goes to standard output already"},
		{"standard output by its name", "-f json=/dev/stdout -f text",
			"--format text: another format goes to standard output already"},
		{"no format for --output", "-f json=DIR/a -o DIR/b", "--output needs a --format without =FILE"},
		{"no such directory", "-f json=DIR/no/a", "no such file or directory"},
		{"a directory", "-f json=DIR", "is a directory"},
		{"a file that is read", "-f json=" + typoPolicy, "the command reads " + typoPolicy},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "there"), []byte("old"), 0o666); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(filepath.Join(dir, "there"), filepath.Join(dir, "link")); err != nil {
				t.Fatal(err)
			}
			line := typoPolicy + " --for role " + strings.ReplaceAll(test.flags, "DIR", dir)
			out, _, err := runCommand(t, checkCommand(), line)
			if err == nil || !strings.Contains(err.Error(), test.want) || out != "" {
				t.Errorf("%v\n%s, want %s", err, out, test.want)
			}
			files, _ := os.ReadDir(dir)
			old, _ := os.ReadFile(filepath.Join(dir, "there"))
			if len(files) != 2 || string(old) != "old" {
				t.Errorf("%d files in the directory, the old content is %q", len(files), old)
			}
		})
	}
}

// TestOutputsAreReplacedAtTheEnd checks that a failed command leaves old content and no new file,
// and that a successful one writes every format whole.
func TestOutputsAreReplacedAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "old.json"), filepath.Join(dir, "new.sarif")
	long := strings.Repeat("old content\n", 10_000)
	if err := os.WriteFile(old, []byte(long), 0o600); err != nil {
		t.Fatal(err)
	}
	flags := " --for role -f text -f json=" + old + " -f sarif=" + fresh
	if _, _, err := runCommand(t, checkCommand(), "nofile.json"+flags); err == nil {
		t.Error("a policy that does not exist is no error")
	}
	if got, err := os.ReadFile(old); err != nil || string(got) != long {
		t.Errorf("a failed command changed the file: %d bytes, %v", len(got), err)
	}
	if _, err := os.Stat(fresh); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a failed command left a new file: %v", err)
	}
	text, _, err := runCommand(t, checkCommand(), typoPolicy+flags)
	if !errors.Is(err, exitError(exitGaps)) {
		t.Fatalf("the status is %v, want 1", err)
	}
	plain, _, _ := runCommand(t, checkCommand(), typoPolicy+" --for role")
	if text != plain {
		t.Errorf("the text is\n%s\nwant\n%s", text, plain)
	}
	for file, format := range map[string]string{old: "json", fresh: "sarif"} {
		got, err := os.ReadFile(file)
		want, _, _ := runCommand(t, checkCommand(), typoPolicy+" --for role --format "+format)
		if err != nil || string(got) != want {
			t.Errorf("%s: %d bytes, %v, want %d", format, len(got), err, len(want))
		}
	}
	if info, err := os.Stat(old); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode changed: %v, %v", info.Mode(), err)
	}
	_, _, err = runCommand(t, checkCommand(), typoPolicy+" --for role -f json="+os.DevNull)
	if !errors.Is(err, exitError(exitGaps)) {
		t.Errorf("a device as a file: %v", err)
	}
}

// TestConvertEqualsTheCommand checks for each format that convert writes what the command wrote,
// from a file and from standard input, and that its status is 0.
func TestConvertEqualsTheCommand(t *testing.T) {
	useExample(t, "drifted")
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	for _, test := range []struct {
		name, line string
		status     error
		formats    []string
	}{
		{"audit", "audit" + auditDrifted + " --upgrade-to latest", exitError(exitGaps),
			output.AuditFormats().Names()},
		{"check", "check " + typoPolicy + " --for role", exitError(exitGaps),
			output.CheckFormats().Names()},
		{"checks", "check " + typoPolicy + " testdata/public/14-per-env-role.json --for role",
			exitError(exitGaps), output.CheckFormats().Names()},
		{"replacement", "check " + typoPolicy + " --for role --instead-of " +
			"testdata/public/14-per-env-role.json", exitError(exitGaps),
			output.ReplacementFormats().Names()},
		{"diff", "policies diff --from 4.0.240", nil, output.DiffFormats().Names()},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := test.line + " -f json=" + file
			for _, format := range test.formats {
				line += " -f " + format + "=" + filepath.Join(dir, format)
			}
			out, diagnostics, err := runCommand(t, rootCommand(), line)
			if !errors.Is(err, test.status) || out != "" {
				t.Fatalf("%v\n%s%s", err, out, diagnostics)
			}
			for _, format := range test.formats {
				want, err := os.ReadFile(filepath.Join(dir, format))
				if err != nil {
					t.Fatal(err)
				}
				got, _, err := runCommand(t, rootCommand(), "convert "+file+" -f "+format)
				if err != nil || got != string(want) {
					t.Errorf("%s: %v\n%.2000s\nwant\n%.2000s", format, err, got, want)
				}
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			cmd := convertCommand()
			cmd.SetIn(strings.NewReader(string(text)))
			if got, _, err := runCommand(t, cmd, "- -f json"); err != nil || got != string(text) {
				t.Errorf("standard input: %v\n%.500s", err, got)
			}
		})
	}
}

// TestConvertErrors checks the errors of convert. internal/output tests those of documents.
func TestConvertErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	verdict := filepath.Join(dir, "verdict.json")
	if _, _, err := runCommand(t, checkCommand(), typoPolicy+" --for role -f json="+
		verdict); !errors.Is(err, exitError(exitGaps)) {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"":                                "convert reads one file, or - for standard input, got 0",
		"nofile.json":                     "nofile.json: no such file or directory",
		dir:                               "is a directory",
		typoPolicy:                        typoPolicy + ": the text has no schemaVersion",
		verdict + " -f json=" + verdict:   "the command reads " + verdict,
		verdict + " -f html5":             "--format must be ",
		verdict + " --fix":                "--fix needs a report of audit",
		verdict + " -o json":              "to choose the format, use --format json",
		"- --location a\x00b -f markdown": "the name has a NUL character",
	} {
		out, _, err := runCommand(t, convertCommand(), line)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v\n%s, want %s", line, err, out, want)
		}
	}
}

// TestSourcePath checks the paths that code review shows. It does not run in parallel, because it
// changes the working directory.
func TestSourcePath(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "repo", "infra"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "repo", ".git"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	check := func(dir string, paths map[string]string) {
		t.Chdir(filepath.Join(root, dir))
		for name, want := range paths {
			if got, err := sourcePath(name); err != nil || got != want {
				t.Errorf("%s from %s: %q, %v, want %q", name, dir, got, err, want)
			}
		}
	}
	absolute := filepath.Join(root, "repo", "infra", "role.json")
	check("repo/infra", map[string]string{"role.json": "infra/role.json", "": "",
		"../a b.json": "a b.json", absolute: "infra/role.json", "../../x.json": "../x.json"})
	check("repo", map[string]string{"./infra/role.json": "infra/role.json"})
	check(".", map[string]string{"a.json": "a.json", absolute: "repo/infra/role.json"})
}

// TestPoliciesWithOneName checks that policies of several directories with one base name have
// different names in the verdict.
func TestPoliciesWithOneName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text, err := os.ReadFile(typoPolicy)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, sub := range []string{"a", "b"} {
		name := filepath.Join(dir, sub, "role.json")
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	out, _, err := runCommand(t, checkCommand(), names[0]+" --for role --format csv --instead-of "+
		names[1])
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "of "+names[0]) {
		t.Errorf("the statements do not name the file:\n%s", out)
	}
}

// TestHostileFileNames checks that the name of a policy file is no markup, command or formula in a
// format, and that the place in SARIF is a relative address.
func TestHostileFileNames(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(typoPolicy)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for i, name := range []string{"::error::x\n::error::y", "=cmd()", "-->]]><b>", "a`b``c|d",
		"@octocat #1 www.evil.example", "a%0A::error::b", "a\u202eb\x1b[31m", "a b#c?d", "##[error]x",
		"a\xffb"} {
		file := filepath.Join(dir, strconv.Itoa(i), name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			t.Skipf("the file system refuses %q: %v", name, err)
		}
		for _, format := range output.CheckFormats().Names() {
			cmd := checkCommand()
			var out strings.Builder
			cmd.SetOut(&out)
			cmd.SetArgs([]string{file, "--for", "role", "--format", format})
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			if err := cmd.Execute(); !errors.Is(err, exitError(exitGaps)) {
				t.Fatalf("%q, %s: %v", name, format, err)
			}
			got := out.String()
			for _, r := range got {
				if r != '\n' && !unicode.IsPrint(r) && format != "json" {
					t.Errorf("%q, %s: the character %U", name, format, r)
				}
			}
			for line := range strings.Lines(got) {
				trimmed := strings.TrimSpace(line)
				if strings.HasPrefix(trimmed, "::") && format != "github" ||
					strings.Contains(trimmed, "##[") && format == "text" ||
					strings.HasPrefix(trimmed, "=") && format == "csv" {
					t.Errorf("%q, %s: %q", name, format, line)
				}
			}
		}
	}
}
