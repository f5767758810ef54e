package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// useExample serves an account of examples, and sets the environment of an administrator of it.
func useExample(t *testing.T, example string) *awsemu.Server {
	t.Helper()
	a, err := account.Load(examples.FS, example+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server := &awsemu.Server{Account: a}
	url := emutest.Listen(t, server)
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "AWS_") ||
			strings.HasPrefix(name, "REMOTION_") {
			t.Setenv(name, "") // restores the variable after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": url,
		"AWS_ACCESS_KEY_ID": emutest.AnyKey, "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull} {
		t.Setenv(name, value)
	}
	return server
}

// fix runs `fix` for the caller of the examples, and returns the exit status.
func fix(t *testing.T, line string) (out, diagnostics string, status int, err error) {
	t.Helper()
	out, diagnostics, err = runCommand(t, fixCommand(), line)
	var exit exitError
	if errors.As(err, &exit) {
		return out, diagnostics, int(exit), nil
	}
	return out, diagnostics, 0, err
}

const auditDrifted = " --no-env-file --callers user/remotion-user"

// TestFixOfTheDriftedAccount compares each form of a real fix with a file. It does not run in
// parallel, because it sets the environment.
func TestFixOfTheDriftedAccount(t *testing.T) {
	server := useExample(t, "drifted")
	for file, line := range map[string]string{
		"fix-list.txt":            "",
		"fix-role.txt":            "2",
		"fix-user.txt":            "--target user/remotion-user",
		"fix-role-admin.txt":      "2 --for-admin",
		"fix-role.sh":             "2 --format cli",
		"fix-role.tf":             "2 --format terraform",
		"fix-role.yaml":           "2 --format cloudformation",
		"fix-role.diff":           "2 --format diff",
		"fix-role.json":           "2 --format json",
		"fix-user-from-arn.patch": "--target arn:aws:iam::123456789012:user/remotion-user --format diff",
	} {
		out, diagnostics, status, err := fix(t, line+auditDrifted)
		if err != nil || status != exitGaps {
			t.Fatalf("%s: status %d, %v\n%s", line, status, err, diagnostics)
		}
		// The printed commands repeat the flags of this one. The pages do not show this flag.
		out = strings.ReplaceAll(out, " --no-env-file", "")
		golden.Compare(t, filepath.Join("testdata", file), []byte(out))
		if strings.HasSuffix(file, ".json") {
			if err := schematest.Validate(t, schematest.Compile(t, "fix.schema.json"),
				[]byte(out)); err != nil {
				t.Error(err)
			}
		}
	}
	for _, call := range server.Calls() {
		for _, verb := range []string{"Put", "Create", "Delete", "Update", "Attach", "Set"} {
			if strings.HasPrefix(call.Operation, verb) {
				t.Errorf("fix called %s", call.Operation)
			}
		}
	}
}

// TestFixRepeatsTheFlags checks that the commands in the list and in a fix audit the same account
// in the same way.
func TestFixRepeatsTheFlags(t *testing.T) {
	useExample(t, "drifted")
	for line, commands := range map[string]int{"": 2, "2": 1} {
		out, diagnostics, _, err := fix(t, line+" --regions us-east-1 --buckets own=output"+
			auditDrifted)
		if err != nil {
			t.Fatalf("%q: %v\n%s", line, err, diagnostics)
		}
		const flags = " --buckets own=output --no-env-file --regions us-east-1"
		if strings.Count(out, "remotion-audit fix ") != commands || strings.Count(out, flags) != commands {
			t.Errorf("%q: %d commands, want %d with%s in\n%s", line,
				strings.Count(out, "remotion-audit fix "), commands, flags, out)
		}
	}
}

// TestFixPage checks that docs/fix.md shows what the command prints.
func TestFixPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/fix.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"fix-list.txt", "fix-role.txt", "fix-role.diff"} {
		text, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(page, append([]byte("\n"), text...)) {
			t.Errorf("docs/fix.md does not contain testdata/%s: copy it", file)
		}
	}
}

// TestFixFromAStoredReport checks that the fix of a report is that of the audit.
func TestFixFromAStoredReport(t *testing.T) {
	useExample(t, "drifted")
	file := filepath.Join(t.TempDir(), "report.json")
	if _, diagnostics, err := runCommand(t, auditCommand(),
		"--fix --format json --output "+file+auditDrifted); err == nil || err.Error() != "exit status 1" {
		t.Fatalf("%v\n%s", err, diagnostics)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	for line, want := range map[string]string{"2 --format cli": "fix-role.sh", "": "fix-list.txt",
		"2": "fix-role.txt"} {
		out, _, status, err := fix(t, line+" --report "+file)
		text, readErr := os.ReadFile(filepath.Join("testdata", want))
		// The printed commands read the same report, and then name no caller to audit.
		repeated := strings.ReplaceAll(out, " --report "+file, "")
		audited := strings.ReplaceAll(string(text), " --callers user/remotion-user", "")
		if err != nil || readErr != nil || status != exitGaps || repeated != audited {
			t.Errorf("%q: status %d, %v, %v:\n%s", line, status, err, readErr, out)
		}
		if strings.HasSuffix(want, ".txt") && !strings.Contains(out, " --report "+file) {
			t.Errorf("%q: no command repeats --report:\n%s", line, out)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	edited := func(edit func(report map[string]any)) []byte {
		var report map[string]any
		if err := json.Unmarshal(text, &report); err != nil {
			t.Fatal(err)
		}
		edit(report)
		out, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	firstEdit := func(report map[string]any) map[string]any {
		return report["fixes"].([]any)[0].(map[string]any)["edits"].([]any)[0].(map[string]any)
	}
	for name, test := range map[string]struct {
		text []byte
		want string
	}{
		"no JSON":      {[]byte("gaps"), "not a report of remotion-audit (make one with"},
		"another JSON": {[]byte("{}"), "not a report of remotion-audit: make one with"},
		"a newer schema": {edited(func(r map[string]any) { r["schemaVersion"] = "2" }),
			`the report has schema version "2", and this release reads 1`},
		"an earlier release": {edited(func(r map[string]any) { delete(r, "fixes") }),
			"the report has gaps but no fixes, because an earlier release made it"},
		"no new document": {edited(func(r map[string]any) { delete(firstEdit(r), "after") }),
			"fix 1 has an edit of \"inline policy"},
		"a document that is none": {edited(func(r map[string]any) { firstEdit(r)["after"] = "x" }),
			"not a report of remotion-audit (make one with"},
		"deep nesting": {bytes.Repeat([]byte("["), 1000), "at most 40"},
	} {
		if err := os.WriteFile(file, test.text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, _, err := fix(t, "--report "+file)
		if err == nil || !strings.HasPrefix(err.Error(), "--report "+file+": ") ||
			!strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestTheScriptRepairsTheAccount runs the scripts of the command with the AWS CLI, and audits
// again.
func TestTheScriptRepairsTheAccount(t *testing.T) {
	if _, err := exec.LookPath("aws"); err != nil || testing.Short() {
		t.Skip("SKIPPED: the AWS CLI is not installed, or -short is set")
	}
	useExample(t, "drifted")
	file := filepath.Join(t.TempDir(), "fix.sh")
	for _, target := range []string{"user/remotion-user", "role/remotion-lambda-role"} {
		out, diagnostics, status, err := fix(t, "--format cli --target "+target+" --output "+file+
			auditDrifted)
		if err != nil || status != exitGaps || out != "" {
			t.Fatalf("status %d, %v, %q\n%s", status, err, out, diagnostics)
		}
		if out, err := exec.CommandContext(t.Context(), "sh", file).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	out, diagnostics, status, err := fix(t, auditDrifted)
	if err != nil || status != 0 || out != "" ||
		!strings.Contains(diagnostics, "no fix: the audit found no gap") {
		t.Errorf("status %d, %v, %q\n%s", status, err, out, diagnostics)
	}
}

func TestFixRefusesWrongArguments(t *testing.T) {
	useExample(t, "drifted")
	for line, want := range map[string]string{
		"1 2":                          "fix: takes one number, got 2 arguments",
		"0":                            `fix: N must be the number of a fix, 1 or more, got "0"`,
		"user/ci":                      `got "user/ci" (name a principal with --target)`,
		"--format toml":                "--format must be text, json, cli, terraform, cloudformation or diff",
		"--for-admin --format cli":     "--for-admin and --format exclude each other",
		"--guard --undo":               "--guard and --undo exclude each other: set one of them",
		"--report x --callers user/ci": "--callers cannot be combined with --report",
		"--report no-such-file":        "--report no-such-file: no such file or directory",
		"--timeout 0s":                 "--timeout must be greater than 0, got 0s",
		"3" + auditDrifted: "the report has no fix for number 3: choose 1 (user/remotion-user) and 2 " +
			"(role/remotion-lambda-role)",
		"--target user/x" + auditDrifted:                      `the report has no fix for --target "user/x"`,
		"1 --target role/remotion-lambda-role" + auditDrifted: `no fix for number 1 with --target`,
		"--format cli" + auditDrifted:                         "the report has 2 fixes, and this format takes one",
		"1 --guard" + auditDrifted:                            "the fix has no exception from a guard",
		"1 --undo --format cli" + auditDrifted:                "no earlier document is known",
		"1 --output /" + auditDrifted:                         "--output: open /: is a directory",
	} {
		out, _, _, err := fix(t, line)
		if err == nil || !strings.Contains(err.Error(), want) || out != "" {
			t.Errorf("%s: %v, want %q; printed %q", line, err, want, out)
		}
	}
}

func TestNothingToFix(t *testing.T) {
	useExample(t, "compliant")
	out, diagnostics, status, err := fix(t, "--no-env-file --callers user/remotion-user")
	if err != nil || status != 0 || out != "" ||
		!strings.Contains(diagnostics, "no fix: the audit found no gap\n") {
		t.Errorf("status %d, %v, %q\n%s", status, err, out, diagnostics)
	}
}

// TestFixOfAMissingPrincipal checks that a fix without edits says why, with status 2.
func TestFixOfAMissingPrincipal(t *testing.T) {
	useExample(t, "compliant")
	out, diagnostics, status, err := fix(t, "--no-env-file --callers user/gone")
	if err != nil || status != exitUnverified || !strings.Contains(out, "Withheld ") ||
		!strings.Contains(out, "the account has no user of this name") {
		t.Errorf("status %d, %v\n%s%s", status, err, out, diagnostics)
	}
	if _, _, _, err := fix(t, "--format cli --no-env-file --callers user/gone"); err == nil ||
		!strings.Contains(err.Error(), "no fix is shown for user/gone: the account has no user") {
		t.Errorf("got %v", err)
	}
}
