// Package e2e runs the real binaries: the function with the Runtime API, and the command.
package e2e

import (
	"context"
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
	accountfile "github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
)

// bootstrap and command are the paths of the function and of the command. TestMain builds both
// once.
var bootstrap, command string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "remotion-audit-e2e")
	if err == nil {
		bootstrap, command = filepath.Join(dir, "bootstrap"), filepath.Join(dir, "remotion-audit")
		err = gobuild.Function(context.Background(), "../../function", bootstrap)
	}
	if err == nil {
		err = gobuild.Program(context.Background(), "../../cmd/remotion-audit", command)
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

// account loads an example account.
func account(t testing.TB, name string) *awsemu.Account {
	t.Helper()
	a, err := accountfile.Load(examples.FS, name+"/account.yaml")
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
	const drifted = "[CRITICAL] Renders will fail: typo in remotion-lambda-role +1 more (123456789012)"
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
		{"drifted", "test-alert.json", "", "[TEST] Test message, no action needed (123456789012)", 0},
		{"compliant", "scheduler.json", audit.StatusCompliant, "", 1},
		{"narrowed", "scheduler.json", audit.StatusCompliant, "", 1},
		{"releases", "scheduler.json", audit.StatusGaps,
			"[CRITICAL] Some renders will fail: grant too narrow in clips +5 more (123456789012)", 1},
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
	if r.Run.ID != o.RequestID || len(r.Findings) != 9 || r.Summary != *o.answer.Summary {
		t.Errorf("run %s, want %s; %d findings; summary %+v in the message, %+v in the answer", r.Run.ID,
			o.RequestID, len(r.Findings), r.Summary, *o.answer.Summary)
	}
	want := map[string]float64{
		"Gaps": 9, "GapsCritical": 4, "GapsMuted": 0, "RequirementsTotal": 46,
		"RequirementsUnverified": 0, "CompliancePercent": 100 * 37.0 / 46,
		"OldestGapAge": 0, "AuditCompleted": 1, "AlertFailures": 0, "NoSubscribers": 0, "StateErrors": 0,
		"ThrottledCalls":          0,
		"Gaps user/remotion-user": 2, "GapsCritical user/remotion-user": 0,
		"RequirementsUnverified user/remotion-user": 0,
		"Gaps role/remotion-lambda-role":            7, "GapsCritical role/remotion-lambda-role": 4,
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
	if o.answer.Gaps != 9 || len(o.messages) != 1 || o.puts != 1 {
		t.Errorf("%s %+v\n%s", o.ErrorMessage, o.answer, o.Logs)
	}
}
