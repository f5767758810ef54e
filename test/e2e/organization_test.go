package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// auditWith runs the command audit and returns its exit status and standard output.
func auditWith(t *testing.T, env []string, args ...string) (exit int, out string) {
	t.Helper()
	cmd := exec.Command(command, append([]string{"audit"}, args...)...)
	cmd.Env = env
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run()
	if exit = cmd.ProcessState.ExitCode(); exit == 2 && stdout.Len() == 0 {
		t.Log(stderr.String())
	}
	return exit, stdout.String()
}

// inOrganization writes the compliant example account with a service control policy to a directory,
// and returns the files of the account and the policy.
func inOrganization(t *testing.T, statement string) (account, scp string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/compliant")); err != nil {
		t.Fatal(err)
	}
	account, scp = filepath.Join(dir, "account.yaml"), filepath.Join(dir, "scp.json")
	text, err := os.ReadFile(account)
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, "organization:\n  - [FullAWSAccess, {file: scp.json}]\n"...)
	for name, content := range map[string][]byte{
		account: text,
		scp: []byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*",` +
			`"Resource":"*"},` + statement + `]}`),
	} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return account, scp
}

// worst returns the highest severity of the gaps of a target, and the causes of its gaps.
func worst(t *testing.T, report, target string) (severity policies.Severity, why []string) {
	t.Helper()
	var r audit.Report
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		if f.Target == target && f.Status.Gap() {
			severity = max(severity, f.Severity)
			if text := string(f.Status) + " " + string(f.Cause) + ": " + f.Why; !slices.Contains(why, text) {
				why = append(why, text)
			}
		}
	}
	return severity, why
}

// TestServiceControlPolicies checks what `audit` reports about a compliant account in an
// organization.
func TestServiceControlPolicies(t *testing.T) {
	t.Parallel()
	const office = `{"Sid":"Office","Effect":"Deny","Action":"*","Resource":"*","Condition":{` +
		`"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:ViaAWSService":"false"}}}`
	const blanket = `{"Sid":"NoLambda","Effect":"Deny","Action":"lambda:*","Resource":"*"}`
	const maybe = "denied scp: renders may fail: a service control policy (SCP) denies the action " +
		"under the assumed context, in which the network is that of Lambda"
	tests := []struct {
		name, scp string
		args      []string // SCP stands for the file
		caller    policies.Severity
		callerWhy string
		role      policies.Severity
		roleWhy   string
	}{
		{"an unknown policy about the office", office, nil, policies.Medium,
			"conditional scp: a service control policy (SCP) denies the action under the assumed " +
				"context, but not with other values of aws:SourceIp, ", policies.Critical, maybe},
		{"an unknown policy about the office, and a network outside", office,
			[]string{"--assumed-context", "aws:SourceIp=192.0.2.7"}, policies.Critical,
			"denied scp: a service control policy (SCP) denies the action in the context that " +
				"ASSUMED_CONTEXT gives", policies.Critical, maybe},
		{"an unknown policy about the office, and the office", office,
			[]string{"--assumed-context", "aws:SourceIp=203.0.113.7"}, 0, "", policies.Critical, maybe},
		{"a known policy about the office", office, []string{"--scp", "SCP"}, policies.Medium,
			"conditional scp: statement 2 (Sid Office) of service control policy scp.json denies the " +
				"action under the condition NotIpAddress aws:SourceIp=203.0.113.0/24: the value of " +
				"aws:SourceIp is unknown", policies.Critical,
			"denied scp: statement 2 (Sid Office) of service control policy scp.json denies the action"},
		{"an unknown policy that denies a service", blanket, nil, policies.Critical,
			"denied scp: requests of Remotion may fail: a service control policy (SCP) denies the " +
				"action under the assumed context. If it has a condition on network or device, give it " +
				"with ASSUMED_CONTEXT (for example aws:SourceIp=203.0.113.7) or the SCP with --scp",
			policies.Critical, maybe},
		{"a known policy that denies a service", blanket, []string{"--scp", "SCP"}, policies.Critical,
			"denied scp: statement 2 (Sid NoLambda) of service control policy scp.json denies the action",
			policies.Critical,
			"denied scp: statement 2 (Sid NoLambda) of service control policy scp.json denies the action"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			account, scp := inOrganization(t, test.scp)
			args := []string{"--callers", "user/remotion-user", "--format", "json"}
			for _, arg := range test.args {
				if arg == "SCP" {
					arg = scp
				}
				args = append(args, arg)
			}
			exit, out := auditWith(t, serve(t, "--account", account), args...)
			if exit != 1 {
				t.Fatalf("exit %d: %s", exit, out)
			}
			for target, want := range map[string]struct {
				severity policies.Severity
				why      string
			}{"user/remotion-user": {test.caller, test.callerWhy},
				"role/remotion-lambda-role": {test.role, test.roleWhy}} {
				severity, why := worst(t, out, target)
				if severity != want.severity || (why == nil) != (want.why == "") ||
					slices.ContainsFunc(why, func(w string) bool { return !strings.HasPrefix(w, want.why) }) {
					t.Errorf("%s: %s %q, want %s %q", target, severity, why, want.severity, want.why)
				}
			}
		})
	}
	t.Run("a policy about buckets of other organizations denies nothing", func(t *testing.T) {
		t.Parallel()
		account, _ := inOrganization(t, `{"Effect":"Deny","Action":"s3:*",`+
			`"Resource":"arn:aws:s3:::remotionlambda-*","Condition":{"StringNotEqualsIfExists":`+
			`{"aws:ResourceOrgID":"${aws:PrincipalOrgID}"}}}`)
		exit, out := auditWith(t, serve(t, "--account", account), "--callers", "user/remotion-user",
			"--verbose")
		if exit != 0 || !strings.Contains(out,
			"user/remotion-user: aws:PrincipalOrgID=o-r3m0t10n4u\n") {
			t.Errorf("exit %d: %s", exit, out)
		}
	})
	t.Run("a faulty file is an error", func(t *testing.T) {
		t.Parallel()
		account, _ := inOrganization(t, blanket)
		env := serve(t, "--account", account)
		exit, out := auditWith(t, env, "--callers", "none", "--scp", account+",none.json")
		if exit != 2 || out != "" {
			t.Errorf("exit %d: %s", exit, out)
		}
	})
}

// TestAuditAsRemotionsOwnUser checks the first audit of a user with nothing but Remotion's user
// policy, which may simulate but not read.
func TestAuditAsRemotionsOwnUser(t *testing.T) {
	t.Parallel()
	env := append(serve(t, "--account", "../../examples/compliant/account.yaml", "--enforce-iam"),
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	exit, out := auditWith(t, env)
	if exit != 2 {
		t.Errorf("exit %d, want 2", exit)
	}
	for _, want := range []string{
		"Audit incomplete: 46 of 46 requirements unverified",
		"AWS simulator allows all 31 requirements of user/remotion-user that the audit simulates",
		"AWS simulator allows all 14 requirements of role/remotion-lambda-role that the audit simulates",
		"Not read      role/remotion-lambda-role: the role",
		`"Effect":"Allow","Action":["iam:GetUser",`,
		"`remotion-audit policies auditor --account 123456789012`",
		"`remotion-audit audit --callers user/remotion-user`",
	} {
		// The report breaks lines within commands.
		if want := strings.Join(strings.Fields(want), " "); !strings.Contains(
			strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}

	// The statement is enough: with it, the same audit is complete.
	_, statement, _ := strings.Cut(out, `"Statement":[`)
	statement, _, _ = strings.Cut(statement, "]}\n")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/compliant")); err != nil {
		t.Fatal(err)
	}
	account := filepath.Join(dir, "account.yaml")
	text, err := os.ReadFile(account)
	if err != nil {
		t.Fatal(err)
	}
	const inline = "      remotion-user-policy: {file: user-policy.json}\n"
	changed := strings.Replace(string(text), inline, "      remotion-user-policy: {file: "+
		"user-policy.json}\n    managed: [read]\n", 1) + "policies:\n  read: '{\"Version\":\"2012-10-17\"," +
		"\"Statement\":[" + statement + "]}'\n"
	if err := os.WriteFile(account, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	env = append(serve(t, "--account", account, "--enforce-iam"),
		"AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE")
	if exit, out := auditWith(t, env); exit != 0 {
		t.Errorf("with the statement: exit %d\n%s", exit, out)
	}
}

// TestConditionsOfARoleAreNamed checks that the gaps of a role with a condition on a region name
// the key, the wanted value and the value of the request.
func TestConditionsOfARoleAreNamed(t *testing.T) {
	t.Parallel()
	env := serve(t, "--account", "testdata/github-role/account.yaml")
	exit, out := auditWith(t, env, "--callers", "role/gha-deploy=deploy", "--format", "json")
	if exit != 1 {
		t.Fatalf("exit %d: %s", exit, out)
	}
	var r audit.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	gaps := 0
	for _, f := range r.Findings {
		if f.Target != "role/gha-deploy" {
			if f.Status.Gap() {
				t.Errorf("%s of %s is %s", f.Action, f.Target, f.Status)
			}
			continue
		}
		gaps++
		if f.Status != audit.Missing || f.Cause != audit.Condition || !strings.HasSuffix(f.Why,
			"grants the action only under the condition StringEquals aws:RequestedRegion=eu-west-1, "+
				"but the request has aws:RequestedRegion=us-east-1") ||
			!strings.Contains(f.Why, "(Sid "+f.Sid+")") {
			t.Errorf("%s is %s %s: %s", f.Action, f.Status, f.Cause, f.Why)
		}
	}
	if gaps == 0 {
		t.Error("the role has no gaps")
	}
	// In the region of the condition, only IAM's requests, which go to us-east-1, are denied.
	exit, out = auditWith(t, env, "--callers", "role/gha-deploy=deploy", "--regions", "eu-west-1",
		"--format", "json")
	_, why := worst(t, out, "role/gha-deploy")
	if exit != 1 || len(why) != 2 {
		t.Errorf("exit %d, %q", exit, why)
	}
	for i, sid := range []string{"PermissionValidation", "LambdaInvokation"} {
		if i < len(why) && (!strings.Contains(why[i], "(Sid "+sid+")") ||
			!strings.HasSuffix(why[i], "but the request has aws:RequestedRegion=us-east-1")) {
			t.Errorf("%q is not about %s", why[i], sid)
		}
	}
}
