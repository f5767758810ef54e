// Package e2e runs the real binaries: the function with the Runtime API, and the command.
package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
)

// bootstrap and command are the paths of the function and of the command. TestMain builds both
// once, with the flags of `make local`, so that packages in the build cache are not compiled again.
var bootstrap, command string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "remotion-audit-e2e")
	if err == nil {
		bootstrap, command = filepath.Join(dir, "bootstrap"), filepath.Join(dir, "remotion-audit")
		err = build(bootstrap, "../../function", "-ldflags", "-s -w")
	}
	if err == nil {
		err = build(command, "../../cmd/remotion-audit")
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir) // a left-over temporary directory is harmless
	os.Exit(code)
}

func build(out, pkg string, flags ...string) error {
	args := append([]string{"build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-o", out},
		flags...)
	if text, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// account loads an example account.
func account(t testing.TB, name string) *awsemu.Account {
	t.Helper()
	a, err := awsemu.Load(examples.FS, name+"/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// invocation is one run of the function.
type invocation struct {
	account *awsemu.Account
	event   string
	timeout time.Duration
	env     map[string]string
	binary  string
	wrapper []string
	// server and url belong to a running embedded AWS. If server is nil, run starts an embedded AWS
	// for account.
	server *awsemu.Server
	url    string
}

// outcome is the result of a run, with its effects on the embedded AWS.
type outcome struct {
	runtimeapi.Invocation
	answer   app.RunResult
	messages []awsemu.Message
	// metrics has the published values. A key is "Name" or "Name target".
	metrics map[string]float64
	// puts is the number of successful calls of PutMetricData.
	puts int
}

func (tr invocation) run(t *testing.T) outcome {
	t.Helper()
	server, url := tr.server, tr.url
	if server == nil {
		server = &awsemu.Server{Account: tr.account}
		endpoint, err := server.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = endpoint.Close() }()
		url = endpoint.URL
	}
	env := map[string]string{"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "AKIA",
		"AWS_SECRET_ACCESS_KEY": "secret"}
	for _, m := range []map[string]string{tr.account.Function.Environment, tr.env} {
		for k, v := range m {
			env[k] = v
		}
	}
	if tr.timeout == 0 {
		tr.timeout = time.Minute
	}
	if tr.binary == "" {
		tr.binary = bootstrap
	}
	rt, err := runtimeapi.New(runtimeapi.Config{Binary: tr.binary, Wrapper: tr.wrapper,
		Timeout: tr.timeout, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rt.Close() }() // always nil
	event := []byte(tr.event)
	if strings.HasSuffix(tr.event, ".json") {
		if event, err = os.ReadFile("../../events/" + tr.event); err != nil {
			t.Fatal(err)
		}
	}
	o := outcome{metrics: map[string]float64{}}
	if o.Invocation, err = rt.Invoke(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if o.FunctionError == "" {
		if err := json.Unmarshal(o.Payload, &o.answer); err != nil {
			t.Fatalf("answer %s: %v", o.Payload, err)
		}
	}
	o.messages = server.Messages()
	for _, d := range server.Metrics() {
		key := d.Name
		for _, dimension := range d.Dimensions {
			key += " " + dimension.Value
		}
		o.metrics[key] = *d.Value
	}
	for _, c := range server.Calls() {
		if c.Operation == "PutMetricData" && c.Code == "" {
			o.puts++
		}
	}
	return o
}

func (o outcome) subjects() (list []string) {
	for _, m := range o.messages {
		list = append(list, m.Subject)
	}
	return list
}

func TestEvents(t *testing.T) {
	const drifted = "[CRITICAL] Remotion IAM: first audit, 10 gaps | role/remotion-lambda-role +1 | " +
		"123456789012"
	tests := []struct {
		account, event string
		status         audit.ReportStatus
		subject        string
		puts           int
	}{
		{"drifted", "scheduler.json", audit.StatusGaps, drifted, 1},
		{"drifted", "scheduled-rule.json", audit.StatusGaps, drifted, 1},
		{"drifted", "audit.json", audit.StatusGaps, drifted, 1},
		{"drifted", "audit-dry-run.json", audit.StatusGaps, "", 0},
		{"drifted", "test-alert.json", "", "[TEST] Remotion IAM: test message | 123456789012", 0},
		{"compliant", "scheduler.json", audit.StatusCompliant, "", 1},
		{"narrowed", "scheduler.json", audit.StatusCompliant, "", 1},
		{"releases", "scheduler.json", audit.StatusGaps,
			"[CRITICAL] Remotion IAM: first audit, 14 gaps | user/remotion-user +1 | 123456789012", 1},
	}
	for _, test := range tests {
		t.Run(test.account+" "+test.event, func(t *testing.T) {
			t.Parallel()
			o := invocation{account: account(t, test.account), event: test.event}.run(t)
			if o.FunctionError != "" || o.answer.Status != test.status ||
				strings.Join(o.subjects(), "\n") != test.subject || o.puts != test.puts {
				t.Errorf("%s: status %q, subjects %q, %d puts; want %q, %q, %d\n%s", o.ErrorMessage,
					o.answer.Status, o.subjects(), o.puts, test.status, test.subject, test.puts, o.Logs)
			}
			if o.answer.Announced != (test.subject != "") || o.answer.Measured != (test.puts > 0) ||
				o.answer.DryRun != strings.Contains(test.event, "dry-run") {
				t.Errorf("answer %+v", o.answer)
			}
		})
	}
}

// TestMessageAndMetricsAgree checks that the report in the message, the answer and the metrics have
// the same numbers.
func TestMessageAndMetricsAgree(t *testing.T) {
	t.Parallel()
	o := invocation{account: account(t, "drifted"), event: "scheduler.json"}.run(t)
	if len(o.messages) != 1 {
		t.Fatalf("%d messages, want 1", len(o.messages))
	}
	r, err := render.ReportIn(o.messages[0].Body("default"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Run.ID != o.RequestID || len(r.Findings) != 10 || r.Summary != *o.answer.Summary {
		t.Errorf("run %s, want %s; %d findings; summary %+v in the message, %+v in the answer", r.Run.ID,
			o.RequestID, len(r.Findings), r.Summary, *o.answer.Summary)
	}
	want := map[string]float64{
		"Gaps": 10, "GapsCritical": 6, "GapsMuted": 0, "RequirementsTotal": 49,
		"RequirementsUnverified": 0, "CompliancePercent": 100 * 39.0 / 49,
		"OldestGapAge": 0, "AuditCompleted": 1, "AlertFailures": 0, "NoSubscribers": 0, "StateErrors": 0,
		"ThrottledCalls":          0,
		"Gaps user/remotion-user": 2, "GapsCritical user/remotion-user": 0,
		"RequirementsUnverified user/remotion-user": 0,
		"Gaps role/remotion-lambda-role":            8, "GapsCritical role/remotion-lambda-role": 6,
		"RequirementsUnverified role/remotion-lambda-role": 0,
	}
	if fmt.Sprint(o.metrics) != fmt.Sprint(want) {
		t.Errorf("metrics %v\nwant    %v", o.metrics, want)
	}
	if !strings.Contains(o.messages[0].Body("email"), "arn:aws:s3:::remotionlamda-*") {
		t.Error("the mail does not show the misspelled ARN of the policy")
	}
	if !strings.Contains(o.Logs, `"requestId":"`+o.RequestID+`"`) ||
		!strings.Contains(o.Logs, `"message":"audit done"`) {
		t.Errorf("logs %s", o.Logs)
	}
}

// hangingRun is the timeout of a run in which AWS does not answer. The run takes most of this time:
// even on a busy machine, its work needs only a fraction.
const hangingRun = 6 * time.Second

func TestFaults(t *testing.T) {
	failing := func(operation string, status int) awsemu.Fault {
		return awsemu.Fault{Operation: operation, Error: &awsemu.FaultError{Code: "InternalFailure",
			Message: "down", Status: status}}
	}
	tests := []struct {
		name    string
		account string
		faults  []awsemu.Fault
		env     map[string]string
		event   string
		timeout time.Duration
		check   func(*testing.T, outcome)
	}{
		{name: "SNS fails: metrics are published, and the run fails", account: "drifted",
			faults: []awsemu.Fault{failing("sns:Publish", 400)}, check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "alert to arn:aws:sns") ||
					o.metrics["AlertFailures"] != 1 || o.metrics["Gaps"] != 10 {
					t.Errorf("%q %v", o.ErrorMessage, o.metrics)
				}
			}},
		{name: "CloudWatch fails: the alert is sent, and the run fails", account: "drifted",
			faults: []awsemu.Fault{failing("cloudwatch:PutMetricData", 400)},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "metrics to namespace RemotionAudit") ||
					len(o.messages) != 1 {
					t.Errorf("%q %q", o.ErrorMessage, o.subjects())
				}
			}},
		{name: "SNS and CloudWatch fail: the error names both", account: "drifted",
			faults: []awsemu.Fault{failing("sns:Publish", 400), failing("cloudwatch:PutMetricData", 400)},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "alert to") ||
					!strings.Contains(o.ErrorMessage, "metrics to") {
					t.Errorf("%q", o.ErrorMessage)
				}
			}},
		{name: "simulation is denied: the audit is incomplete", account: "compliant",
			faults: []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Deny: true}},
			check: func(t *testing.T, o outcome) {
				_, gaps := o.metrics["Gaps"]
				_, percent := o.metrics["CompliancePercent"]
				if o.FunctionError != "" || o.answer.Status != audit.StatusUnverified || gaps || percent ||
					o.metrics["RequirementsUnverified"] != 48 || o.metrics["AuditCompleted"] != 1 {
					t.Errorf("%s %q %v", o.ErrorMessage, o.answer.Status, o.metrics)
				}
				if len(o.messages) != 1 || !strings.HasPrefix(o.messages[0].Subject, "[UNVERIFIED]") ||
					!strings.Contains(o.messages[0].Body("email"), "grant the auditor") {
					t.Errorf("%q", o.subjects())
				}
			}},
		{name: "throttling ends: only the metric shows it", account: "compliant",
			faults: []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true, Times: 2}},
			check: func(t *testing.T, o outcome) {
				if o.FunctionError != "" || o.answer.Status != audit.StatusCompliant ||
					o.metrics["ThrottledCalls"] != 2 || len(o.messages) != 0 {
					t.Errorf("%s %q %v %q", o.ErrorMessage, o.answer.Status, o.metrics, o.subjects())
				}
			}},
		{name: "throttling lasts: the audit is unverified and announced", account: "compliant",
			timeout: 6 * time.Second, faults: []awsemu.Fault{{Operation: "iam:*", Throttle: true}},
			check: func(t *testing.T, o outcome) {
				if o.FunctionError != "" || o.answer.Status != audit.StatusUnverified ||
					o.metrics["ThrottledCalls"] == 0 || o.puts != 1 || len(o.messages) != 1 {
					t.Errorf("%s %q %v %q", o.ErrorMessage, o.answer.Status, o.metrics, o.subjects())
				}
			}},
		{name: "answers are slow: collection stops early enough to send the alert", account: "drifted",
			timeout: hangingRun,
			faults:  []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Delay: time.Minute}},
			check: func(t *testing.T, o outcome) {
				if o.TimedOut || o.FunctionError != "" || o.metrics["AuditCompleted"] != 0 || o.puts != 1 ||
					len(o.messages) != 1 || !strings.Contains(o.messages[0].Body("email"),
					"the deadline ended the read") {
					t.Errorf("timed out %v, %s %v %q", o.TimedOut, o.ErrorMessage, o.metrics, o.subjects())
				}
			}},
		{name: "a slow topic leaves enough time for the metrics", account: "drifted",
			timeout: hangingRun, faults: []awsemu.Fault{{Operation: "sns:Publish", Delay: time.Minute}},
			check: func(t *testing.T, o outcome) {
				if o.TimedOut || !strings.Contains(o.ErrorMessage, "alert to") || o.puts != 1 ||
					o.metrics["AlertFailures"] != 1 {
					t.Errorf("timed out %v, %q %v", o.TimedOut, o.ErrorMessage, o.metrics)
				}
			}},
		{name: "AWS hangs: the run ends with an error before its timeout", account: "drifted",
			timeout: hangingRun,
			faults:  []awsemu.Fault{{Operation: "*", Delay: time.Minute}},
			check: func(t *testing.T, o outcome) {
				if o.TimedOut || !strings.Contains(o.ErrorMessage, "alert to") ||
					!strings.Contains(o.ErrorMessage, "metrics to") {
					t.Errorf("timed out %v, %q, answer %+v", o.TimedOut, o.ErrorMessage, o.answer)
				}
			}},
		{name: "a request is retried after a lost reply", account: "drifted",
			faults: []awsemu.Fault{{Operation: "iam:*", LoseReply: true, Times: 4}},
			check: func(t *testing.T, o outcome) {
				if o.answer.Status != audit.StatusGaps || o.answer.Gaps != 10 || o.answer.Unverified != 0 ||
					len(o.messages) != 1 {
					t.Errorf("%s %+v %q", o.ErrorMessage, o.answer, o.subjects())
				}
			}},
		{name: "a lost reply of the topic causes two messages with one key", account: "drifted",
			faults: []awsemu.Fault{{Operation: "sns:Publish", LoseReply: true, Times: 1}},
			check: func(t *testing.T, o outcome) {
				if o.FunctionError != "" || len(o.messages) != 2 ||
					o.messages[0].Attributes["dedupKey"].Value != o.messages[1].Attributes["dedupKey"].Value {
					t.Errorf("%s %q", o.ErrorMessage, o.subjects())
				}
			}},
		{name: "without a topic no message is sent", account: "drifted",
			env: map[string]string{"TOPIC_ARN": ""},
			check: func(t *testing.T, o outcome) {
				if o.FunctionError != "" || o.answer.Announced || o.puts != 1 ||
					!strings.Contains(o.Logs, `"alert not sent","reason":"TOPIC_ARN is not set"`) {
					t.Errorf("%s %+v %s", o.ErrorMessage, o.answer, o.Logs)
				}
			}},
		{name: "the error of a wrong configuration lists all problems", account: "drifted",
			env: map[string]string{"CALLERS": "user/x=y", "REGIONS": "here"},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "CALLERS: ") ||
					!strings.Contains(o.ErrorMessage, "REGIONS: ") || o.puts != 0 {
					t.Errorf("%q", o.ErrorMessage)
				}
			}},
		{name: "the gaps of an unsent alert are in the log", account: "drifted",
			faults: []awsemu.Fault{{Operation: "sns:Publish", Deny: true}},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "grant the function sns:Publish") ||
					strings.Count(o.Logs, `"message":"gap"`) != 2 ||
					!strings.Contains(o.Logs, `"actions":["s3:PutBucketPolicy","logs:PutRetentionPolicy"]`) {
					t.Errorf("%q\n%s", o.ErrorMessage, o.Logs)
				}
			}},
		{name: "throttling until the deadline: the mail names the throttling too", account: "compliant",
			timeout: 4 * time.Second,
			faults:  []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Throttle: true}},
			check: func(t *testing.T, o outcome) {
				if len(o.messages) != 1 ||
					!strings.Contains(strings.Join(strings.Fields(o.messages[0].Body("email")), " "),
						"after AWS had throttled") {
					t.Errorf("%s %q", o.ErrorMessage, o.subjects())
				}
			}},
		{name: "a temporary error is rechecked and not announced", account: "compliant",
			faults: []awsemu.Fault{{Operation: "iam:GetRolePolicy",
				Error: &awsemu.FaultError{Code: "InvalidInput", Status: 400}, Times: 1}},
			check: func(t *testing.T, o outcome) {
				if o.FunctionError != "" || o.answer.Status != audit.StatusCompliant || len(o.messages) != 0 {
					t.Errorf("%s %q %q", o.ErrorMessage, o.answer.Status, o.subjects())
				}
			}},
		{name: "S3 hangs: the alert is still sent", account: "drifted", timeout: hangingRun,
			faults: []awsemu.Fault{{Operation: "s3:*", Delay: time.Minute}},
			check: func(t *testing.T, o outcome) {
				if o.TimedOut || o.FunctionError != "" || len(o.messages) != 1 ||
					o.metrics["StateErrors"] == 0 || o.puts != 1 {
					t.Errorf("timed out %v, %s %q %v", o.TimedOut, o.ErrorMessage, o.subjects(), o.metrics)
				}
			}},
		{name: "an unknown event is an error", account: "drifted", event: `{"key1":"value1"}`,
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, `Send {"command":"audit"}`) || o.puts != 0 ||
					len(o.messages) != 0 {
					t.Errorf("%q", o.ErrorMessage)
				}
			}},
		{name: "an event cannot choose the topic", account: "drifted",
			event: `{"command":"audit","TOPIC_ARN":"arn:aws:sns:us-east-1:210987654321:mine"}`,
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, `unknown field "TOPIC_ARN"`) || len(o.messages) != 0 {
					t.Errorf("%q %q", o.ErrorMessage, o.subjects())
				}
			}},
		{name: "a caller of another account is an error", account: "drifted",
			env: map[string]string{"CALLERS": "arn:aws:iam::210987654321:user/x"},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "audit it with credentials of its account") {
					t.Errorf("%q", o.ErrorMessage)
				}
			}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() && test.timeout > 0 {
				t.Skip("takes several seconds: make test")
			}
			t.Parallel()
			a := account(t, test.account)
			a.Faults = test.faults
			event := test.event
			if event == "" {
				event = "scheduler.json"
			}
			test.check(t, invocation{account: a, event: event, env: test.env, timeout: test.timeout}.run(t))
		})
	}
}

// TestArm64UnderQemu runs the arm64 artifact for Lambda in QEMU, if QEMU is installed.
func TestArm64UnderQemu(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function for arm64")
	}
	qemu := ""
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if path, err := exec.LookPath(name); err == nil {
			qemu = path
			break
		}
	}
	if qemu == "" {
		t.Skip("qemu-aarch64-static is not installed: the arm64 artifact is not tested")
	}
	// SAM uses the same target of the Makefile. The target must work without git.
	dir := t.TempDir()
	build := exec.Command("make", "-C", "../..", "build-AuditFunction", "ARTIFACTS_DIR="+dir)
	build.Env = append(os.Environ(), "GIT_DIR="+os.DevNull)
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	binary := filepath.Join(dir, "bootstrap")
	o := invocation{account: account(t, "drifted"), event: "scheduler.json", binary: binary,
		wrapper: []string{qemu}}.run(t)
	if o.answer.Gaps != 10 || len(o.messages) != 1 || o.puts != 1 {
		t.Errorf("%s %+v\n%s", o.ErrorMessage, o.answer, o.Logs)
	}
}
