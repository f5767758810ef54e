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

// TestTightenedDocumentsKeepTheAuditCompliant stores the document that `fix --tighten` prints for a
// render role with administrator access, and audits again: the account stays compliant, and the
// notice is gone.
func TestTightenedDocumentsKeepTheAuditCompliant(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/compliant")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "role-policy.json"), []byte(`{"Version":"2012-10-17",`+
		`"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	env := serve(t, "--account", filepath.Join(dir, "account.yaml"))
	run := func(args ...string) (string, int) {
		cmd := exec.Command(command, append(args, "--callers", "user/remotion-user")...)
		cmd.Env = env
		out, _ := cmd.Output()
		return string(out), cmd.ProcessState.ExitCode()
	}
	notices := func() (kinds []string) {
		out, _ := run("audit", "--format", "json")
		var r audit.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil || r.Status != audit.StatusCompliant {
			t.Fatalf("%v, status %s", err, r.Status)
		}
		for _, n := range r.Notices {
			if n.OverGrant() {
				kinds = append(kinds, n.Target+" "+string(n.Kind))
			}
		}
		return kinds
	}
	const want = "role/remotion-lambda-role administrator-access"
	if got := notices(); len(got) != 1 || got[0] != want {
		t.Fatalf("notices %q, want %s", got, want)
	}
	tighten := []string{"fix", "--tighten", "administrator-access", "--target",
		"role/remotion-lambda-role"}
	text, exit := run(tighten...)
	if exit != 1 || !strings.HasPrefix(text, "TIGHTEN  role/remotion-lambda-role in account ") ||
		!strings.Contains(text, "--tighten administrator-access --format cli") {
		t.Errorf("exit %d, want 1\n%s", exit, text)
	}
	out, exit := run(append(tighten, "--format", "json")...)
	var fix struct {
		Edits []struct {
			After    json.RawMessage
			Location struct{ Name string }
		}
	}
	if err := json.Unmarshal([]byte(out), &fix); err != nil || exit != 1 || len(fix.Edits) != 1 {
		t.Fatalf("%v, exit %d, %d edits, want 1\n%s", err, exit, len(fix.Edits), out)
	}
	endpoint := ""
	for _, variable := range env {
		if value, ok := strings.CutPrefix(variable, "AWS_ENDPOINT_URL="); ok {
			endpoint = value
		}
	}
	client := iam.New(iam.Options{Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR000", "local", "")})
	if _, err := client.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{
		RoleName: aws.String("remotion-lambda-role"), PolicyName: &fix.Edits[0].Location.Name,
		PolicyDocument: aws.String(string(fix.Edits[0].After))}); err != nil {
		t.Fatal(err)
	}
	if got := notices(); got != nil {
		t.Errorf("notices after the edit: %q", got)
	}
	if out, exit := run(tighten...); exit != 0 || out != "" {
		t.Errorf("with nothing to tighten: exit %d, %q", exit, out)
	}
	for _, args := range [][]string{{"--tighten", "everything"},
		{"2", "--tighten", "service-wildcard"}, {"--tighten", "service-wildcard", "--guard"}} {
		if out, exit := run(append([]string{"fix"}, args...)...); exit != 2 || out != "" {
			t.Errorf("fix %q: exit %d, %q; want an error", args, exit, out)
		}
	}
}
