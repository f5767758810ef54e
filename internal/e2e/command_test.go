package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// serve keeps an example account up by the real command, and returns the environment it prints.
func serve(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command(command, append([]string{"local", "--serve"}, args...)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("local --serve ended with %v", err)
		}
	})
	env := []string{"PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true"}
	buffer := make([]byte, 4096)
	text := ""
	for !strings.Contains(text, "AWS_REGION") {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("%v after %q", err, text)
		}
		text += string(buffer[:n])
	}
	for _, line := range strings.Split(text, "\n") {
		if pairs, ok := strings.CutPrefix(line, "export "); ok {
			env = append(env, strings.Fields(pairs)...)
		}
	}
	return env
}

func TestAuditCommand(t *testing.T) {
	t.Parallel()
	drifted := serve(t)
	compliant := serve(t, "--account", "../../examples/compliant/account.yaml")
	asUser := append(slices.Clone(drifted), "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	tests := []struct {
		name string
		env  []string
		args []string
		exit int
		out  string
		err  string
	}{
		{"gaps exit with 1", drifted, []string{"--callers", "user/remotion-user"}, 1, "GAPS  10 gaps", ""},
		{"whoever asks is audited by default", asUser, nil, 1, "user/remotion-user (caller): 31 of 33 satisfied", ""},
		{"compliant exits with 0", compliant, []string{"--callers", "user/remotion-user"}, 0, "COMPLIANT  all 49 requirements satisfied", ""},
		{"JSON", compliant, []string{"--callers", "none", "--format", "json"}, 0, `"status": "compliant"`, ""},
		{"below the threshold a gap does not fail", drifted, []string{"--callers", "user/remotion-user", "--render-role", "remotion-lambda-role", "--fail-on", "critical"}, 1, "GAPS", ""},
		{"a caller with high gaps alone passes --fail-on critical", drifted, []string{"--callers", "user/remotion-user", "--format", "json", "--fail-on", "critical", "--remotion-version", "4.0.240"}, 1, "", ""},
		{"an unknown flag", drifted, []string{"--nope"}, 2, "", "unknown flag: --nope"},
		{"an unknown severity", drifted, []string{"--fail-on", "bad"}, 2, "", `--fail-on: "bad" is not a severity`},
		{"an unknown format", drifted, []string{"--format", "xml"}, 2, "", `--format: "xml" is not known`},
		{"a bad setting names its variable", drifted, []string{"--callers", "x", "--regions", "y"}, 2, "", "CALLERS: "},
		{"no credentials", []string{"PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true", "HOME=" + t.TempDir()}, nil, 2, "", "AWS does not say who the credentials belong to"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(command, append([]string{"audit"}, test.args...)...)
			cmd.Env = test.env
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != test.exit || !strings.Contains(out.String(), test.out) || !strings.Contains(errs.String(), test.err) {
				t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", got, test.exit, out.String(), errs.String())
			}
		})
	}
}

func TestLocalCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	down := filepath.Join(dir, "account.yaml")
	yaml := "account: \"123456789012\"\nfaults: [{operation: \"cloudwatch:*\", deny: true}]\nfunction: {environment: {CALLERS: none}}\n"
	if err := os.WriteFile(down, []byte(yaml), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"the example", nil, 0, []string{"== Event, events/scheduler.json", "== Report", "GAPS  10 gaps", "== Alert, as a mail", "Subject: [CRITICAL]", "== Metrics", "CompliancePercent", "== Answer of the function", `"announced":true`}},
		{"one's own account and event", []string{"--account", "../../examples/compliant/account.yaml", "--event", "../../events/audit.json"}, 0, []string{"none was sent", `"status":"compliant"`}},
		{"a sink that is down", []string{"--account", down}, 2, []string{"the function failed", "metrics to namespace"}},
		{"an account file that is not there", []string{"--account", filepath.Join(dir, "none.yaml")}, 2, []string{"none.yaml"}},
		{"a function that is not there", []string{"--function", filepath.Join(dir, "none")}, 2, []string{"none"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(command, append([]string{"local"}, test.args...)...)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != test.exit {
				t.Errorf("exit %d, want %d\n%s", got, test.exit, out)
			}
			for _, want := range test.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
		})
	}
}

func TestPoliciesCommand(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"policies", "user"}, `"s3:PutBucketPolicy"`},
		{[]string{"policies", "role", "--remotion-version", "4.0.240"}, `/aws/lambda-insights:*`},
		{[]string{"policies", "auditor", "--account", "123456789012"}, `"arn:aws:iam::123456789012:role/*"`},
		{[]string{"version"}, "Remotion 4.0.61 to "},
	} {
		out, err := exec.Command(command, test.args...).Output()
		if err != nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: %v\n%s", test.args, err, out)
		}
	}
}

// README opens with what `make run` shows.
func TestReadmeShowsARealReport(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(readme), "```text\n")
	block, _, _ = strings.Cut(block, "```")
	out, err := exec.Command(command, "local").Output()
	if err != nil {
		t.Fatal(err)
	}
	if block == "" || !strings.Contains(string(out), "\n\n"+block) {
		t.Errorf("README shows\n%s\nand not what the command prints:\n%s", block, out)
	}
}
