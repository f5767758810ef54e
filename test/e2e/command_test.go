package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
)

// serve runs local --serve until the test ends, and returns the environment that the command
// prints.
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
		{"gaps cause exit status 1", drifted, []string{"--callers", "user/remotion-user"}, 1,
			"Renders will fail\n9 gaps",
			""},
		{"the caller is audited by default", asUser, nil, 1,
			"user/remotion-user (caller): 29 of 31 satisfied", ""},
		{"a compliant account causes exit status 0", compliant,
			[]string{"--callers", "user/remotion-user"}, 0,
			"No missing permission found\nAll 46 requirements satisfied.\n", ""},
		{"--format json prints JSON", compliant, []string{"--callers", "none", "--format", "json"}, 0,
			`"status": "compliant"`, ""},
		{"critical gaps cause exit status 1 with --fail-on critical", drifted,
			[]string{"--callers", "user/remotion-user", "--render-role", "remotion-lambda-role", "--fail-on",
				"critical"}, 1, "Renders will fail\n", ""},
		{"critical gaps of the default role cause exit status 1 with --fail-on critical", drifted,
			[]string{"--callers", "user/remotion-user", "--format", "json", "--fail-on", "critical",
				"--remotion-version", "4.0.240"}, 1, "", ""},
		{"an output that cannot be written is an error before the audit", drifted,
			[]string{"--output", filepath.Join(t.TempDir(), "no", "report")}, 2, "", "--output: open "},
		{"a timeout of zero is an error", drifted, []string{"--timeout", "0s"}, 2, "",
			"--timeout must be greater than 0, got 0s"},
		{"an unknown flag is an error", drifted, []string{"--nope"}, 2, "", "unknown flag --nope"},
		{"an unknown severity is an error", drifted, []string{"--fail-on", "bad"}, 2, "",
			`--fail-on must be critical, high, medium or low, got "bad"`},
		{"--upgrade-to reports the gaps after an upgrade", drifted,
			[]string{"--callers", "user/remotion-user", "--remotion-version", "4.0.240", "--upgrade-to",
				"4.0.527"}, 1,
			"AFTER AN UPGRADE to Remotion 4.0.527\n  HIGH  user/remotion-user (caller)\n  Missing       " +
				"s3:PutBucketPolicy\n", ""},
		{"an upgrade to the latest release names the release", compliant,
			[]string{"--callers", "user/remotion-user", "--upgrade-to", "latest"}, 0,
			"AFTER AN UPGRADE to Remotion 4.0.527\n  The upgrade needs no further permissions.\n", ""},
		{"an upgrade to a newer release is known in part", compliant,
			[]string{"--callers", "user/remotion-user", "--upgrade-to", "4.9.0"}, 0,
			" requirements satisfied, as far as 4.0.527 tells.\n", ""},
		{"an upgrade to an unknown major version is unverified", compliant,
			[]string{"--callers", "user/remotion-user", "--upgrade-to", "5.0.0"}, 2,
			"AFTER AN UPGRADE to Remotion 5.0.0\n  Unverified    Remotion 5.0.0 is of a newer major version " +
				"than", ""},
		{"a configured release of an unknown major version is unverified", compliant,
			[]string{"--callers", "user/remotion-user", "--remotion-version", "5.0.0"}, 2,
			"Audit incomplete: 1 problem; no gap in the ", ""},
		{"an upgrade to an unknown release is an error", drifted, []string{"--upgrade-to", "next"}, 2, "",
			`--upgrade-to: "next" is not a Remotion release`},
		{"an unknown format is an error", drifted, []string{"--format", "xml"}, 2, "",
			`got "xml": did you mean junit?`},
		{"the error of a wrong setting names its flag", drifted,
			[]string{"--callers", "x", "--regions", "y"}, 2, "",
			"--callers: "},
		{"missing credentials are an error",
			[]string{"PATH=" + os.Getenv("PATH"), "AWS_EC2_METADATA_DISABLED=true",
				"HOME=" + t.TempDir()}, nil, 2, "", "no AWS credentials found"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(command, append([]string{"audit"}, test.args...)...)
			cmd.Env = test.env
			var out, errs strings.Builder
			cmd.Stdout, cmd.Stderr = &out, &errs
			_ = cmd.Run()
			if got := cmd.ProcessState.ExitCode(); got != test.exit ||
				!strings.Contains(out.String(), test.out) || !strings.Contains(errs.String(), test.err) {
				t.Errorf("exit %d, want %d\nstdout %s\nstderr %s", got, test.exit, out.String(), errs.String())
			}
		})
	}
}

func TestLocalCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	failingMetrics := filepath.Join(dir, "account.yaml")
	yaml := "account: \"123456789012\"\nfaults: [{operation: \"cloudwatch:*\", deny: " +
		"true}]\nfunction: {environment: {CALLERS: none}}\n"
	if err := os.WriteFile(failingMetrics, []byte(yaml), 0o666); err != nil {
		t.Fatal(err)
	}
	noCallers := filepath.Join(dir, "no-callers.yaml")
	if err := os.WriteFile(noCallers, []byte("account: \"123456789012\"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		exit int
		want []string
	}{
		{"the default is the drifted example", nil, 0,
			[]string{"\n== Report ", "Renders will fail\n9 gaps",
				"== Alert, as a mail", "Subject: [CRITICAL]", "== Metrics", "CompliancePercent",
				"== Answer of the function", `"announced":true`}},
		{"--account and --event replace the example",
			[]string{"--account", "../../examples/compliant/account.yaml",
				"--event", "../../events/audit.json"}, 0, []string{"== Report =", "no alert was sent",
				`"status":"compliant"`}},
		{"a failing sink causes exit status 2", []string{"--account", failingMetrics}, 2,
			[]string{"the function failed", "metrics to namespace", `"level":"ERROR"`}},
		{"a missing account file is an error", []string{"--account", filepath.Join(dir, "none.yaml")}, 2,
			[]string{"none.yaml"}},
		{"a dry run shows the report",
			[]string{"--event", "../../events/audit-dry-run.json"}, 0,
			[]string{"no alert was sent", "no metrics were published", "== Report of a second audit",
				"Renders will fail\n9 gaps"}},
		{"--all lists what is satisfied", []string{"--all"}, 0,
			[]string{"\n    granted by statement ", "\n      iam:PassRole on arn:aws:iam::*:role/"}},
		{"--verbose shows the event and the logs", []string{"--verbose"}, 0,
			[]string{"== Event, events/scheduler.json", "ASSUMPTIONS", `"level":"INFO"`}},
		{"an account file without CALLERS is an error", []string{"--account", noCallers}, 2,
			[]string{"has no callers to audit"}},
		{"an event that is not JSON is an error", []string{"--event", noCallers}, 2,
			[]string{"--event: ", "is not JSON", "at byte"}},
		{"--listen without --serve is an error", []string{"--listen", "127.0.0.1:0"}, 2,
			[]string{"--listen requires --serve"}},
		{"a public address is an error", []string{"--serve", "--listen", "0.0.0.0:0"}, 2,
			[]string{"loopback"}},
		{"a missing function is an error", []string{"--function", filepath.Join(dir, "none")}, 2,
			[]string{"none"}},
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

func TestPoliciesCommandRefuses(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`unknown command "usr": did you mean user?`:                        {"policies", "usr"},
		`--account must be an account number with twelve digits, got "12"`: {"policies", "auditor", "--account", "12"},
		`--remotion-version: "4" is not`:                                   {"policies", "user", "--remotion-version", "4"},
		`Available Commands`:                                               {"policies"},
	} {
		cmd := exec.Command(command, args...)
		var out, errs strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run()
		if cmd.ProcessState.ExitCode() != 2 || out.String() != "" ||
			!strings.Contains(errs.String(), want) {
			t.Errorf("%q: exit %d\nstdout %s\nstderr %s", args, cmd.ProcessState.ExitCode(), out.String(),
				errs.String())
		}
	}
}

// TestOutputIsReplaced checks that --output replaces the whole file, even if the new report is
// shorter.
func TestOutputIsReplaced(t *testing.T) {
	t.Parallel()
	env := serve(t, "--account", "../../examples/compliant/account.yaml")
	file := filepath.Join(t.TempDir(), "report")
	if err := os.WriteFile(file, []byte(strings.Repeat("old ", 10000)), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command, "audit", "--callers", "none", "--output", file)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got, err := os.ReadFile(file); err != nil || strings.Contains(string(got), "old ") ||
		!strings.HasPrefix(string(got), "No missing permission") {
		t.Errorf("%v %.200s", err, got)
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
		{[]string{"policies", "auditor", "--account", "123456789012"},
			`"arn:aws:iam::123456789012:role/*"`},
		{[]string{"version"}, "Remotion 3.0.0 to "},
	} {
		out, err := exec.Command(command, test.args...).Output()
		if err != nil || !strings.Contains(string(out), test.want) {
			t.Errorf("%q: %v\n%s", test.args, err, out)
		}
	}
}

// TestReadmeShowsARealReport checks that README.md shows the report that `make run` prints, up to
// its second card. The test does not run in parallel, because TestDocumentedCommands also writes
// README.md with -update.
func TestReadmeShowsARealReport(t *testing.T) {
	const file, fence = "../../README.md", "```text\n"
	readme, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(readme), fence)
	block, after, found := strings.Cut(rest, "```")
	out, err := exec.Command(command, "local").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, report, _ := strings.Cut(string(out), "\n== Report ")
	_, report, _ = strings.Cut(report, "\n\n")
	report, _, _ = strings.Cut(report, "\n\n== ")
	report, _, _ = strings.Cut(report, "\n\nHIGH ") // the page has no space for all of it
	report += "\n\n…\n"
	if block == report {
		return
	}
	if !golden.Update() || !found {
		t.Errorf("README.md shows\n%s\nbut the command prints\n%s", block, report)
		return
	}
	golden.Write(t, file, []byte(before+fence+report+"```"+after))
}

// runLine matches the line of a report about its run.
var runLine = regexp.MustCompile(`(?m)^( *Run +)\S+ \S+ by `)

// exampleRun replaces the time and the ID of the run in a report, which differ in each run.
func exampleRun(report string) string {
	return runLine.ReplaceAllString(report, "${1}2026-11-16T09:00:00Z 1f0c9e52 by ")
}

// TestTheCommandInTheMailRepeatsTheAudit checks that the command in the mail, pasted into a shell,
// repeats the audit of the function.
func TestTheCommandInTheMailRepeatsTheAudit(t *testing.T) {
	t.Parallel()
	a := account(t, "compliant")
	a.Roles["video"] = awsemu.Role{Path: "/teams/", Inline: a.Roles["remotion-lambda-role"].Inline}
	a.ServiceControlPolicies = awsemu.Organization{{awsemu.FullAWSAccess,
		`{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Action":"s3:*","Resource":"*",
		"Condition":{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}}]}`}}
	for name, value := range map[string]string{"CALLERS": "user/remotion-user=render",
		"RENDER_ROLE": "video", "REGIONS": "us-east-1,eu-central-1",
		"REMOTION_VERSION": "4.0.100", "BUCKETS": "my-sites",
		"ASSUMED_CONTEXT": "aws:PrincipalTag/team=it's video"} {
		a.Function.Environment[name] = value
	}
	server := &awsemu.Server{Account: a}
	endpoint, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = endpoint.Close() }()
	o := invocation{account: a, event: "scheduler.json", server: server, url: endpoint.URL}.run(t)
	if len(o.messages) != 1 {
		t.Fatalf("%d messages, want 1; %s", len(o.messages), o.ErrorMessage)
	}
	mail := o.messages[0].Body("email")
	_, line, found := strings.Cut(mail, "\n  remotion-audit audit ")
	line, _, _ = strings.Cut(line, "\n")
	if !found {
		t.Fatalf("no command in\n%s", mail)
	}
	cmd := exec.Command("sh", "-c", command+" audit "+line)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL=" + endpoint.URL,
		"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=eu-west-3"}
	out, _ := cmd.CombinedOutput()
	counts := regexp.MustCompile(`\d+ gaps? \([^)]*\); \d+ of \d+ requirements satisfied`)
	headline := counts.FindString(string(out))
	if o.answer.Gaps == 0 || headline == "" || !strings.Contains(mail, headline) {
		t.Errorf("%s\nthe function reports\n%s\nbut the command prints\n%s", line, mail, out)
	}
}
