package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// deadlineTest is a run of the handler in virtual time, with the default timeout of the function.
type deadlineTest struct {
	faults []awsemu.Fault
	// perNeed is the time that the judgement of each need takes.
	perNeed time.Duration
}

// timeout is the default timeout of the function.
const timeout = time.Minute

// run returns the result, the calls to AWS, the message and the time that was left.
func (d deadlineTest) run(t *testing.T) (result RunResult, calls map[string]int, message string,
	left time.Duration) {
	t.Helper()
	account, err := account.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	environment := account.Function.Environment
	environment["REGIONS"] = "all"
	config, err := ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	event, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		t.Fatal(err)
	}
	server := &awsemu.Server{Account: account, Faults: d.faults}
	a := App{Config: config, Clients: NewClients(roundtrips.Config(t, server)),
		Log: slog.New(slog.DiscardHandler), Function: "remotion-audit",
		beforeNeed: func() { time.Sleep(d.perNeed) }}
	deadline := time.Now().Add(timeout)
	ctx, stop := context.WithDeadline(t.Context(), deadline)
	defer stop()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "run",
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
	result, err = a.Handle(ctx, json.RawMessage(event))
	if err != nil {
		t.Fatal(err)
	}
	left = time.Until(deadline)
	calls = map[string]int{}
	for _, c := range server.Calls() {
		calls[c.Operation]++
	}
	for _, m := range server.Messages() {
		message += m.Body("email")
	}
	return result, calls, message, left
}

// TestJudgementThatTakesTooLong checks that an audit ends in time, says what it did not judge,
// and is not repeated, if the judgement of the documents takes longer than the function may run.
func TestJudgementThatTakesTooLong(t *testing.T) {
	for _, test := range []struct {
		name string
		deadlineTest
	}{
		{"every need takes a long time", deadlineTest{perNeed: time.Second}},
		{"one need takes four seconds", deadlineTest{perNeed: 4 * time.Second}},
		{"the simulator hangs, too", deadlineTest{perNeed: time.Second, faults: []awsemu.Fault{{
			Operation: "iam:SimulatePrincipalPolicy", Delay: time.Hour}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result, calls, message, left := test.run(t)
				if result.Status != audit.StatusUnverified && result.Status != audit.StatusGaps ||
					result.Unverified == 0 {
					t.Errorf("status %s, summary %+v; want unverified requirements", result.Status,
						result.Summary)
				}
				if !result.Announced || !result.Measured || left < 0 {
					t.Errorf("announced %v, measured %v, %s left", result.Announced, result.Measured, left)
				}
				if !strings.Contains(message, "not judged in time") {
					t.Errorf("the message does not say what was not judged:\n%s", message)
				}
				if calls["GetUser"] != 1 {
					t.Errorf("%d audits, want 1", calls["GetUser"])
				}
			})
		})
	}
}

// TestReadsEndBeforeTheJudgement checks that the results before a hang are judged.
func TestReadsEndBeforeTheJudgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result, _, message, left := deadlineTest{faults: []awsemu.Fault{{
			Operation: "iam:SimulatePrincipalPolicy", Target: "user/remotion-user",
			Delay: time.Hour}}}.run(t)
		if result.Satisfied != 15 || result.Unverified != 31 || left < 0 ||
			strings.Contains(message, "not judged in time") {
			t.Errorf("summary %+v, %s left:\n%s", result.Summary, left, message)
		}
	})
}
