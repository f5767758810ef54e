package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// auditing is the compliant example, with the function under a role of its own: what the command says an
// auditor needs, and what more the document says.
func auditing(t *testing.T, more string) (file string) {
	t.Helper()
	auditor, err := exec.Command(command, "policies", "auditor", "--account", "123456789012").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/compliant")); err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(filepath.Join(dir, "account.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(yaml), "\nroles:\n", "\nroles:\n  auditor:\n    inline: {read: {file: auditor.json}, send: {file: send.json}}\n", 1)
	text = strings.Replace(text, "\nfunction:\n", "\nfunction:\n  role: auditor\n", 1)
	for name, data := range map[string]string{"account.yaml": text, "auditor.json": string(auditor), "send.json": more} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "account.yaml")
}

// The least privilege we ask for is enough, and less is not.
func TestFunctionUnderItsRole(t *testing.T) {
	t.Parallel()
	const (
		metrics = `{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*","Condition":{"StringEquals":{"cloudwatch:namespace":"RemotionAudit"}}}`
		publish = `{"Effect":"Allow","Action":"sns:Publish","Resource":"arn:aws:sns:us-east-1:123456789012:remotion-audit"}`
		session = "User: arn:aws:sts::123456789012:assumed-role/auditor/remotion-audit is not authorized to perform: "
	)
	tests := []struct {
		name, send, event string
		args              []string
		exit              int
		want              string
	}{
		{"with what it needs", metrics + "," + publish, "scheduler.json", []string{"--enforce-iam"}, 0, `"status":"compliant"`},
		{"without the right to send", metrics, "test-alert.json", []string{"--enforce-iam"}, 2, session + "SNS:Publish on resource: arn:aws:sns:us-east-1:123456789012:remotion-audit because no identity-based policy allows the SNS:Publish action"},
		{"without it, and nobody looks", metrics, "test-alert.json", nil, 0, "== Alert, as a mail"},
		{"with metrics of another namespace", publish + "," + strings.Replace(metrics, "RemotionAudit", "Other", 1), "scheduler.json", []string{"--enforce-iam"}, 2, session + "cloudwatch:PutMetricData"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := auditing(t, `{"Version":"2012-10-17","Statement":[`+test.send+`]}`)
			cmd := exec.Command(command, append([]string{"local", "--account", file, "--event", "../../events/" + test.event}, test.args...)...)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != test.exit || !strings.Contains(string(out), test.want) {
				t.Errorf("exit %d, want %d and %q\n%s", got, test.exit, test.want, out)
			}
		})
	}
}

func TestServeRefusesWhatPoliciesDoNotAllow(t *testing.T) {
	t.Parallel()
	env := serve(t, "--enforce-iam", "--account", "../../examples/compliant/account.yaml")
	ask := func(key string) (int, string) {
		cmd := exec.Command(command, "audit", "--callers", "user/remotion-user")
		cmd.Env = append(env, "AWS_ACCESS_KEY_ID="+key)
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if exit, out := ask("AKIAADMINISTRATOR000"); exit != 0 {
		t.Errorf("the administrator: exit %d\n%s", exit, out)
	}
	const want = "denied      iam:GetUser on user/remotion-user\n"
	if exit, out := ask("AKIAIOSFODNN7EXAMPLE"); exit != 2 || !strings.Contains(out, want) {
		t.Errorf("a user who is no auditor: exit %d, want 2 and %q\n%s", exit, want, out)
	}
}
