package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// accountWithAuditorRole writes the compliant example with a separate role for the function, and
// returns the path of the account file. The role has the policy that the command prints, after
// edit.
func accountWithAuditorRole(t *testing.T, edit func(policy string) string, environment string,
	args ...string) (file string) {
	t.Helper()
	policy, err := exec.Command(command,
		append([]string{"policies", "auditor", "--function", "--account", "123456789012"},
			args...)...).Output()
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
	text := strings.Replace(string(yaml), "\nroles:\n",
		"\nroles:\n  auditor:\n    inline: {audit: {file: auditor.json}}\n", 1)
	text = strings.Replace(text, "\nfunction:\n", "\nfunction:\n  role: auditor\n", 1)
	text = strings.Replace(text, "\n  environment:\n", "\n  environment:\n"+environment, 1)
	for name, data := range map[string]string{"account.yaml": text,
		"auditor.json": edit(resourceNames.Replace(string(policy)))} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "account.yaml")
}

// TestThePrintedAuditorPolicyIsEnough checks that the policy that the command prints is enough for
// the function in local mode, and that a smaller policy is not enough.
func TestThePrintedAuditorPolicyIsEnough(t *testing.T) {
	t.Parallel()
	const session = "User: arn:aws:sts::123456789012:assumed-role/auditor/remotion-audit is not " +
		"authorized to perform: "
	enforced, unenforced := []string{"--enforce-iam"}, []string(nil)
	asPrinted := func(policy string) string { return policy }
	replaced := func(old, replacement string) func(string) string {
		return func(policy string) string {
			return strings.Replace(policy, `"`+old+`"`, `"`+replacement+`"`, 1)
		}
	}
	namedScope := []string{"--read-scope", "named", "--named",
		arnOf + "user/remotion-user," + arnOf + "role/remotion-lambda-role"}
	tests := []struct {
		name, event string
		edit        func(string) string
		environment string
		printed     []string
		args        []string
		exit        int
		want        string
	}{
		{"the printed policy is enough", "scheduler.json", asPrinted, "", nil, enforced, 0,
			`"status":"compliant"`},
		{"the policy for named principals is enough", "scheduler.json", asPrinted,
			"    READ_SCOPE: named\n", namedScope, enforced, 0, `"status":"compliant"`},
		{"the policy for named principals without READ_SCOPE is not enough", "scheduler.json", asPrinted,
			"", namedScope, enforced, 0, `"status":"unverified"`},
		{"without sns:Publish a test alert fails", "test-alert.json",
			replaced("sns:Publish", "sns:Subscribe"), "", nil, enforced, 2,
			session +
				"SNS:Publish on resource: arn:aws:sns:us-east-1:123456789012:remotion-audit because no " +
				"identity-based policy allows the SNS:Publish action"},
		{"without --enforce-iam a test alert succeeds", "test-alert.json",
			replaced("sns:Publish", "sns:Subscribe"), "", nil, unenforced, 0, "== Alert, as a mail"},
		{"with a policy for another namespace the metrics fail", "scheduler.json",
			replaced("RemotionAudit", "Other"), "",
			nil, enforced, 2, session + "cloudwatch:PutMetricData"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			file := accountWithAuditorRole(t, test.edit, test.environment, test.printed...)
			cmd := exec.Command(command,
				append([]string{"local", "--account", file, "--event", "../../events/" + test.event},
					test.args...)...)
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != test.exit ||
				!strings.Contains(string(out), test.want) {
				t.Errorf("exit %d, want %d and %q\n%s", got, test.exit, test.want, out)
			}
		})
	}
}

func TestServeEnforcesThePolicies(t *testing.T) {
	t.Parallel()
	env := serve(t, "--enforce-iam", "--account", "../../examples/compliant/account.yaml")
	auditWith := func(key string) (int, string) {
		cmd := exec.Command(command, "audit", "--callers", "user/remotion-user")
		cmd.Env = append(env, "AWS_ACCESS_KEY_ID="+key)
		out, _ := cmd.CombinedOutput()
		return cmd.ProcessState.ExitCode(), string(out)
	}
	if exit, out := auditWith("AKIAADMINISTRATOR000"); exit != 0 {
		t.Errorf("the administrator: exit %d\n%s", exit, out)
	}
	const want = "AUDITOR\n  Auditor lacks iam:GetUser, iam:ListUserPolicies, "
	if exit, out := auditWith("AKIAIOSFODNN7EXAMPLE"); exit != 2 || !strings.Contains(out, want) {
		t.Errorf("a user without the auditor's permissions: exit %d, want 2 and %q\n%s", exit, want, out)
	}
}

// TestThePolicyForTheAuditorHelps checks that a user with the policy that the report prints for the
// auditor can audit: the report then has no entry about the auditor.
func TestThePolicyForTheAuditorHelps(t *testing.T) {
	t.Parallel()
	env := serve(t, "--enforce-iam", "--account", "../../examples/compliant/account.yaml")
	endpoint := ""
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "AWS_ENDPOINT_URL="); ok {
			endpoint = value
		}
	}
	client := func(key string) aws.CredentialsProvider {
		return credentials.NewStaticCredentialsProvider(key, "secret", "")
	}
	read := func() (r audit.Report) {
		cmd := exec.Command(command, "audit", "--callers", "user/remotion-user", "--format", "json")
		cmd.Env = append(env, "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
		out, _ := cmd.Output()
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return r
	}
	before := read()
	if before.AuditorAccess == nil || before.AuditorAccess.Policy == nil ||
		before.AuditorAccess.AttachTo != "user/remotion-user" {
		t.Fatalf("the entry about the auditor is %+v", before.AuditorAccess)
	}
	// The policy does not fit beside the user's own inline policy, so it is a managed policy.
	administrator := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: client("AKIAADMINISTRATOR000")})
	created, err := administrator.CreatePolicy(t.Context(), &iam.CreatePolicyInput{
		PolicyName:     aws.String("auditor"),
		PolicyDocument: aws.String(before.AuditorAccess.Policy.Text())})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := administrator.AttachUserPolicy(t.Context(), &iam.AttachUserPolicyInput{
		UserName: aws.String("remotion-user"), PolicyArn: created.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	if after := read(); after.AuditorAccess != nil || after.Status != audit.StatusCompliant {
		t.Errorf("status %s, the entry about the auditor is %+v", after.Status, after.AuditorAccess)
	}
}
