package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
)

// A faultTest is a run of the function with faults of AWS, or with an invalid configuration or
// event.
type faultTest struct {
	name    string
	account string
	faults  []awsemu.Fault
	env     map[string]string
	event   string
	timeout time.Duration
	check   func(*testing.T, outcome)
}

// hangingRun is the timeout of a run in which AWS does not answer. The run takes most of this time:
// even on a busy machine, its work needs only a fraction.
const hangingRun = 6 * time.Second

// runFaultTests runs the tests in parallel to one another only, because their timeouts are short.
func runFaultTests(t *testing.T, tests []faultTest) {
	t.Helper()
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

// failing returns a fault that answers an operation with an error.
func failing(operation string) awsemu.Fault {
	return awsemu.Fault{Operation: operation, Error: &awsemu.FaultError{Code: "InternalFailure",
		Message: "down", Status: 400}}
}

// TestFailingSinks checks that each sink is tried and that a failed sink fails the run.
func TestFailingSinks(t *testing.T) {
	runFaultTests(t, []faultTest{
		{name: "SNS fails: metrics are published, and the run fails", account: "drifted",
			faults: []awsemu.Fault{failing("sns:Publish")}, check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "alert to arn:aws:sns") ||
					o.metrics["AlertFailures"] != 1 || o.metrics["Gaps"] != 9 {
					t.Errorf("%q %v", o.ErrorMessage, o.metrics)
				}
			}},
		{name: "CloudWatch fails: the alert is sent, and the run fails", account: "drifted",
			faults: []awsemu.Fault{failing("cloudwatch:PutMetricData")},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "metrics to namespace RemotionAudit") ||
					len(o.messages) != 1 {
					t.Errorf("%q %q", o.ErrorMessage, o.subjects())
				}
			}},
		{name: "SNS and CloudWatch fail: the error names both", account: "drifted",
			faults: []awsemu.Fault{failing("sns:Publish"), failing("cloudwatch:PutMetricData")},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "alert to") ||
					!strings.Contains(o.ErrorMessage, "metrics to") {
					t.Errorf("%q", o.ErrorMessage)
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
		{name: "the gaps of an unsent alert are in the log", account: "drifted",
			faults: []awsemu.Fault{{Operation: "sns:Publish", Deny: true}},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "grant the function sns:Publish") ||
					strings.Count(o.Logs, `"message":"gap"`) != 2 ||
					!strings.Contains(o.Logs, `"actions":["s3:PutBucketPolicy","logs:PutRetentionPolicy"]`) {
					t.Errorf("%q\n%s", o.ErrorMessage, o.Logs)
				}
			}},
	})
}

// TestIncompleteReads checks that only a read that fails twice makes the audit incomplete.
func TestIncompleteReads(t *testing.T) {
	runFaultTests(t, []faultTest{
		{name: "simulation is denied: the audit is incomplete", account: "compliant",
			faults: []awsemu.Fault{{Operation: "iam:SimulatePrincipalPolicy", Deny: true}},
			check: func(t *testing.T, o outcome) {
				_, gaps := o.metrics["Gaps"]
				_, percent := o.metrics["CompliancePercent"]
				if o.FunctionError != "" || o.answer.Status != audit.StatusUnverified || gaps || percent ||
					o.metrics["RequirementsUnverified"] != 45 || o.metrics["AuditCompleted"] != 1 {
					t.Errorf("%s %q %v", o.ErrorMessage, o.answer.Status, o.metrics)
				}
				if len(o.messages) != 1 || !strings.HasPrefix(o.messages[0].Subject, "[UNVERIFIED]") ||
					!strings.Contains(o.messages[0].Body("email"), "iam:SimulatePrincipalPolicy") {
					t.Errorf("%q", o.subjects())
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
	})
}

// TestThrottling checks that throttling is counted, and announced only if it hides results.
func TestThrottling(t *testing.T) {
	runFaultTests(t, []faultTest{
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
	})
}

// TestSlowAnswers checks that a service that hangs does not use up the time of the sinks.
func TestSlowAnswers(t *testing.T) {
	runFaultTests(t, []faultTest{
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
		{name: "S3 hangs: the alert is still sent", account: "drifted", timeout: hangingRun,
			faults: []awsemu.Fault{{Operation: "s3:*", Delay: time.Minute}},
			check: func(t *testing.T, o outcome) {
				if o.TimedOut || o.FunctionError != "" || len(o.messages) != 1 ||
					o.metrics["StateErrors"] == 0 || o.puts != 1 {
					t.Errorf("timed out %v, %s %q %v", o.TimedOut, o.ErrorMessage, o.subjects(), o.metrics)
				}
			}},
	})
}

// TestLostReplies checks that requests are retried and that a message sent twice has one key.
func TestLostReplies(t *testing.T) {
	runFaultTests(t, []faultTest{
		{name: "a request is retried after a lost reply", account: "drifted",
			faults: []awsemu.Fault{{Operation: "iam:*", LoseReply: true, Times: 4}},
			check: func(t *testing.T, o outcome) {
				if o.answer.Status != audit.StatusGaps || o.answer.Gaps != 9 || o.answer.Unverified != 0 ||
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
	})
}

// TestRefusedRuns checks that a run with an invalid configuration or event is an error.
func TestRefusedRuns(t *testing.T) {
	runFaultTests(t, []faultTest{
		{name: "the error of a wrong configuration lists all problems", account: "drifted",
			env: map[string]string{"CALLERS": "user/x=y", "REGIONS": "here"},
			check: func(t *testing.T, o outcome) {
				if !strings.Contains(o.ErrorMessage, "CALLERS: ") ||
					!strings.Contains(o.ErrorMessage, "REGIONS: ") || o.puts != 0 {
					t.Errorf("%q", o.ErrorMessage)
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
	})
}
