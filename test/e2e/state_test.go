package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/testing/emutest"
)

const (
	bucket   = "remotion-audit-evidence"
	topicARN = "arn:aws:sns:us-east-1:123456789012:remotion-audit"
)

// A deployment is a function in an account. A test can run the function several times.
type deployment struct {
	t          *testing.T
	server     *awsemu.Server
	invocation invocation
}

func newDeployment(t *testing.T, a *awsemu.Account) *deployment {
	t.Helper()
	server := &awsemu.Server{Account: a}
	endpoint, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	return &deployment{t: t, server: server,
		invocation: invocation{account: a, event: "scheduler.json",
			server: server, url: endpoint.URL}}
}

// run runs the function. The outcome contains only the messages and metrics of this run.
func (w *deployment) run() outcome {
	w.t.Helper()
	w.server.Reset()
	return w.invocation.run(w.t)
}

// wantSubjects fails the test unless a run succeeded and sent exactly the messages with the
// subjects in want, joined by "; ". If want is empty, the run must send no message. wantSubjects
// compares the part of each subject between the label and the account.
func (w *deployment) wantSubjects(what string, o outcome, want string) {
	w.t.Helper()
	var got []string
	for _, s := range o.subjects() {
		_, s, _ = strings.Cut(s, "] ")
		got = append(got, strings.TrimSuffix(s, " (123456789012)"))
	}
	if text := strings.Join(got, "; "); o.FunctionError != "" || text != want ||
		o.answer.Announced != (want != "") {
		w.t.Errorf("%s: subjects %q, want %q; %s %+v\n%s", what, text, want, o.ErrorMessage, o.answer,
			o.Logs)
	}
}

func (w *deployment) state() alert.State {
	w.t.Helper()
	s, err := alert.ParseState(w.server.Objects(bucket)[evidence.StateKey("123456789012",
		"remotion-audit")])
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// putRolePolicy replaces an inline policy of the render role.
func (w *deployment) putRolePolicy(document string) {
	w.t.Helper()
	w.queryRequest("iam",
		"Action=PutRolePolicy&Version=2010-05-08&RoleName=remotion-lambda-role&"+
			"PolicyName=remotion-lambda-role-policy&PolicyDocument="+url.QueryEscape(document))
}

// queryRequest sends a request of the Query protocol as the administrator of the account.
func (w *deployment) queryRequest(service, form string) {
	w.t.Helper()
	response, text := emutest.Do(w.t, http.MethodPost, w.invocation.url, map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Authorization": emutest.Authorization(emutest.AnyKey, "us-east-1", service)}, form)
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", form, text)
	}
}

// command runs remotion-audit in the account and returns the output. It fails the test if the exit
// status is not exit.
func (w *deployment) command(exit int, args ...string) string {
	w.t.Helper()
	cmd := exec.Command(command, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_ENDPOINT_URL=" + w.invocation.url,
		"AWS_ACCESS_KEY_ID=AKIA", "AWS_SECRET_ACCESS_KEY=x", "AWS_REGION=us-east-1"}
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != exit {
		w.t.Fatalf("%q: exit %d, want %d\n%s", args, got, exit, out)
	}
	return string(out)
}

func TestRunsCompareWithTheState(t *testing.T) {
	t.Parallel()
	a := account(t, "compliant")
	complete := a.Roles["remotion-lambda-role"].Inline["remotion-lambda-role-policy"]
	w := newDeployment(t, a)

	w.wantSubjects("a first run without gaps", w.run(), "")
	w.putRolePolicy(strings.Replace(complete, `"lambda:InvokeFunction"`, `"lambda:InvokeAsync"`, 1))
	o := w.run()
	w.wantSubjects("a permission is removed", o, "Renders will fail: remotion-lambda-role lacks lambda:InvokeFunction")
	if m := o.messages[0]; m.Attributes["events"].Value != `["opened"]` ||
		!strings.Contains(m.Body("email"), "remotion-audit mute --evidence-bucket "+bucket) {
		t.Errorf("%+v\n%s", m.Attributes, m.Body("email"))
	}
	o = w.run()
	w.wantSubjects("no change", o, "")
	if age, ok := o.metrics["OldestGapAge"]; !ok || o.metrics["Gaps"] != 1 || age < 0 {
		t.Errorf("metrics %v", o.metrics)
	}
	w.putRolePolicy(complete)
	o = w.run()
	if len(o.messages) != 1 || o.messages[0].Attributes["events"].Value != `["recovered"]` ||
		!strings.Contains(o.messages[0].Subject, "[OK] Recovered after") {
		t.Errorf("after the repair %q\n%s", o.subjects(), o.Logs)
	}
	w.wantSubjects("a run without gaps", w.run(), "")

	// Each run stored its report.
	reports := 0
	for key, body := range w.server.Objects(bucket) {
		if strings.HasPrefix(key, "reports/") {
			var r audit.Report
			if err := json.Unmarshal(body, &r); err != nil || !strings.HasSuffix(key, "/"+r.Run.ID+".json") {
				t.Errorf("%s: %v", key, err)
			}
			reports++
		}
	}
	if reports != 5 {
		t.Errorf("%d stored reports, want 5", reports)
	}
}

func TestAFirstRunIsOneBaseline(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "drifted"))
	o := w.run()
	w.wantSubjects("the first run", o, "Renders will fail: typo in remotion-lambda-role +1 more")
	if o.messages[0].Attributes["events"].Value != `["baseline"]` ||
		!slices.Contains(o.answer.Reasons, alert.ReasonBaseline) {
		t.Errorf("%+v", o.messages[0].Attributes)
	}
	w.wantSubjects("the second run", w.run(), "")
}

func TestTheNextRunAnnouncesAnUnsentMessage(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "drifted"))
	w.server.SetFaults(awsemu.Fault{Operation: "sns:Publish",
		Error: &awsemu.FaultError{Code: "InternalFailure", Status: 400}})
	if o := w.run(); !strings.Contains(o.ErrorMessage, "alert to arn:aws:sns") ||
		o.metrics["AlertFailures"] != 1 || o.metrics["StateErrors"] != 0 {
		t.Errorf("%q %v", o.ErrorMessage, o.metrics)
	}
	if s := w.state(); s.Pending != nil || !s.Baseline.IsZero() {
		t.Errorf("the unsent message is stored as announced: %+v", s)
	}
	w.server.SetFaults()
	w.wantSubjects("the next run", w.run(), "Renders will fail: typo in remotion-lambda-role +1 more")
}

func TestATopicWithoutAConfirmedSubscription(t *testing.T) {
	t.Parallel()
	a := account(t, "drifted")
	a.Subscriptions[0].Pending = true
	w := newDeployment(t, a)
	for range 2 {
		o := w.run()
		w.wantSubjects("the subscription is pending", o, "")
		if o.metrics["NoSubscribers"] != 1 || o.metrics["Gaps"] != 9 ||
			!strings.Contains(o.Logs, "the topic has no confirmed subscription") {
			t.Errorf("%v\n%s", o.metrics, o.Logs)
		}
	}
	since := w.state().Gaps[0].Since
	w.queryRequest("sns", "Action=ConfirmSubscription&Version=2010-03-31&TopicArn="+topicARN+
		"&Token=ops@example.com")
	o := w.run()
	w.wantSubjects("the subscription is confirmed", o, "Renders will fail: typo in remotion-lambda-role +1 more")
	if o.metrics["NoSubscribers"] != 0 || !w.state().Gaps[0].Since.Equal(since) {
		t.Errorf("%v, open since %s and then since %s", o.metrics, since, w.state().Gaps[0].Since)
	}
	w.wantSubjects("the next run", w.run(), "")
}

func TestMessagesAreSentIfListingSubscriptionsIsDenied(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "drifted"))
	w.server.SetFaults(awsemu.Fault{Operation: "sns:ListSubscriptionsByTopic", Deny: true})
	o := w.run()
	w.wantSubjects("the list of subscriptions is denied", o, "Renders will fail: typo in remotion-lambda-role +1 more")
	if _, known := o.metrics["NoSubscribers"]; known ||
		!strings.Contains(o.Logs, "grant the auditor sns:ListSubscriptionsByTopic") {
		t.Errorf("%v\n%s", o.metrics, o.Logs)
	}
}

func TestMessagesAreSentDespiteErrorsOfTheBucket(t *testing.T) {
	t.Parallel()
	stateKey := evidence.StateKey("123456789012", "remotion-audit")
	put := func(text string) func(*awsemu.Account) {
		return func(a *awsemu.Account) {
			a.Buckets[bucket] = awsemu.Bucket{Objects: map[string]string{stateKey: text}}
		}
	}
	for _, tt := range []struct {
		name    string
		change  func(*awsemu.Account)
		env     map[string]string
		errors  float64
		second  bool // true if the second run also sends a message
		objects func(map[string][]byte) bool
	}{
		{"S3 is denied", func(a *awsemu.Account) {
			a.Faults = []awsemu.Fault{{Operation: "s3:*", Deny: true}}
		}, nil, 3, true, nil},
		{"another account owns the bucket", func(a *awsemu.Account) {
			a.Buckets[bucket] = awsemu.Bucket{Owner: "999999999999"}
		}, nil, 3, true,
			func(o map[string][]byte) bool { return len(o) == 0 }},
		{"the state can only be read", func(a *awsemu.Account) {
			a.Faults = []awsemu.Fault{{Operation: "s3:PutObject", Deny: true}}
		}, nil, 2, true, nil},
		{"the state is damaged", put("{"), nil, 1, false, func(o map[string][]byte) bool {
			for key, body := range o {
				if strings.HasPrefix(key, "state/123456789012/remotion-audit.broken-") {
					return string(body) == "{"
				}
			}
			return false
		}},
		{"a newer release wrote the state", put(`{"schemaVersion":"99"}`), nil, 1, true,
			func(o map[string][]byte) bool { return string(o[stateKey]) == `{"schemaVersion":"99"}` }},
		{"there is no bucket", func(*awsemu.Account) {}, map[string]string{"EVIDENCE_BUCKET": ""}, 0,
			true, func(o map[string][]byte) bool { return len(o) == 0 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := account(t, "drifted")
			tt.change(a)
			w := newDeployment(t, a)
			w.invocation.env = tt.env
			o := w.run()
			_, aged := o.metrics["OldestGapAge"]
			if len(o.messages) != 1 || o.FunctionError != "" || o.metrics["StateErrors"] != tt.errors ||
				o.metrics["Gaps"] != 9 {
				t.Errorf("%s %q %v\n%s", o.ErrorMessage, o.subjects(), o.metrics, o.Logs)
			}
			if want := !tt.second || tt.name == "the state can only be read"; aged != want {
				t.Errorf("OldestGapAge is published: %v, want %v", aged, want)
			}
			if tt.objects != nil && !tt.objects(w.server.Objects(bucket)) {
				t.Errorf("the bucket contains %q", w.server.Objects(bucket))
			}
			again := w.run().subjects()
			if len(again) == 1 != tt.second && !strings.Contains(strings.Join(again, ""), "verified again") {
				t.Errorf("subjects of the second run: %q", again)
			}
		})
	}
}

func TestConcurrentRunsSendOneMessage(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, account(t, "drifted"))
	outcomes := make([]outcome, 3)
	var wg sync.WaitGroup
	for i := range outcomes {
		wg.Go(func() { outcomes[i] = w.invocation.run(t) })
	}
	wg.Wait()
	announced := 0
	for _, o := range outcomes {
		if o.FunctionError != "" || o.answer.StateErrors != 0 {
			t.Errorf("%s %+v\n%s", o.ErrorMessage, o.answer, o.Logs)
		}
		if o.answer.Announced {
			announced++
		}
	}
	if n := len(w.server.Messages()); n != 1 || announced != 1 {
		t.Errorf("%d messages, and %d runs with an announced message; want 1 and 1", n, announced)
	}
	w.wantSubjects("the next run", w.run(), "")
}

func TestMutedGapsAreSilentAndCounted(t *testing.T) {
	t.Parallel()
	a := account(t, "drifted")
	w := newDeployment(t, a)
	w.wantSubjects("before the mute", w.run(), "Renders will fail: typo in remotion-lambda-role +1 more")
	out := w.command(0, "mute", "--bucket", bucket, "--target", "role/remotion-lambda-role", "--for",
		"24h", "--reason", "it's being looked into", "--owner", "ann")
	for _, want := range []string{"7 open gaps", "s3:ListBucket", "next run"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	o := w.run()
	if o.metrics["GapsMuted"] != 7 || o.metrics["Gaps"] != 2 || len(o.messages) != 1 ||
		o.messages[0].Attributes["events"].Value != `["notice"]` {
		t.Errorf("%v %q\n%s", o.metrics, o.subjects(), o.Logs)
	}
	if !strings.Contains(o.messages[0].Body("email"), "ann") {
		t.Errorf("the mail does not name the owner of the mute\n%s", o.messages[0].Body("email"))
	}
	o = w.run()
	w.wantSubjects("the run after the notice", o, "")
	if o.metrics["GapsMuted"] != 7 || o.answer.GapsMuted != 7 {
		t.Errorf("%v %+v", o.metrics, o.answer)
	}
	// The command reads the mutes and the state of the function.
	out = w.command(1, "audit", "--callers", "user/remotion-user", "--evidence-bucket", bucket)
	for _, want := range []string{"2 gaps (", "7 gaps muted", "ann", "OPEN SINCE"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestATestAlertListsTheSubscriptions(t *testing.T) {
	t.Parallel()
	a := account(t, "compliant")
	a.Subscriptions = append(a.Subscriptions,
		awsemu.Subscription{Topic: "remotion-audit", Protocol: "https",
			Endpoint: "https://example.com/hook", Pending: true})
	w := newDeployment(t, a)
	w.invocation.event = "test-alert.json"
	want := []alert.Subscription{{Protocol: "email", Endpoint: "ops@example.com", Confirmed: true},
		{Protocol: "https", Endpoint: "https://example.com/..."}}
	o := w.run()
	w.wantSubjects("the test event", o, "Test message, no action needed")
	if !slices.Equal(o.answer.Subscriptions, want) || !strings.Contains(o.messages[0].Body("email"),
		"email  ops@example.com") || o.messages[0].Attributes["events"].Value != `["test"]` {
		t.Errorf("%+v\n%s", o.answer, o.messages[0].Body("email"))
	}
	w.invocation.event = `{"command":"test-alert","dryRun":true}`
	o = w.run()
	w.wantSubjects("a dry run", o, "")
	if !slices.Equal(o.answer.Subscriptions, want) {
		t.Errorf("%+v", o.answer)
	}
	w.server.Reset()
	out := w.command(0, "test-alert", "--topic-arn", topicARN)
	for _, part := range []string{"sent to " + topicARN, "email ops@example.com  confirmed",
		"https https://example.com/...  not confirmed"} {
		if !strings.Contains(out, part) {
			t.Errorf("no %q in\n%s", part, out)
		}
	}
	if m := w.server.Messages(); len(m) != 1 ||
		!strings.Contains(m[0].Body("email"), "the command remotion-audit for account 123456789012") {
		t.Errorf("messages %+v", m)
	}

	// If the subscriptions cannot be listed, the function still sends the message, but fails. The
	// command fails if the topic does not exist or has no confirmed subscription.
	w.server.SetFaults(awsemu.Fault{Operation: "sns:ListSubscriptionsByTopic", Deny: true})
	w.invocation.event = "test-alert.json"
	if o := w.run(); !strings.Contains(o.ErrorMessage,
		"grant the auditor sns:ListSubscriptionsByTopic") || len(o.messages) != 1 ||
		!strings.Contains(o.messages[0].Body("email"), "listing the subscriptions of the topic failed") {
		t.Errorf("%q %q", o.ErrorMessage, o.subjects())
	}
	w.server.SetFaults()
	list := w.command(2, "test-alert", "--topic-arn",
		strings.Replace(topicARN, "remotion-audit", "none", 1))
	if !strings.Contains(list, "NotFound") {
		t.Errorf("an unknown topic: %s", list)
	}
	withoutSubscriptions := account(t, "compliant")
	withoutSubscriptions.Subscriptions = nil
	if out := newDeployment(t, withoutSubscriptions).command(2, "test-alert", "--topic-arn",
		topicARN); !strings.Contains(out, "has no confirmed subscription") {
		t.Errorf("%s", out)
	}
}

func TestMuteRefuses(t *testing.T) {
	t.Parallel()
	a := account(t, "compliant")
	a.Buckets["foreign"] = awsemu.Bucket{Owner: "999999999999"}
	a.Buckets["broken"] = awsemu.Bucket{Objects: map[string]string{"mutes.yaml": "mutes: {"}}
	w := newDeployment(t, a)
	good := []string{"--bucket", bucket, "--target", "user/x", "--reason", "r", "--owner", "o"}
	for want, args := range map[string][]string{
		"--reason is required":                 {"--bucket", bucket, "--target", "user/x", "--owner", "o"},
		"--owner is required":                  {"--bucket", bucket, "--target", "user/x", "--reason", "r"},
		"--evidence-bucket is required":        {"--target", "user/x", "--reason", "r", "--owner", "o"},
		"set the findings to mute":             {"--bucket", bucket, "--reason", "r", "--owner", "o"},
		"--until must be a day":                append(slices.Clone(good), "--until", "tomorrow"),
		"--until must be in the future":        append(slices.Clone(good), "--until", "2020-01-01"),
		"at most one year":                     append(slices.Clone(good), "--for", "10000h"),
		`got "bad-luck"`:                       append(slices.Clone(good), "--cause", "bad-luck"),
		"check that account 123456789012 owns": append(slices.Clone(good), "--bucket", "foreign"),
		"correct it first":                     append(slices.Clone(good), "--bucket", "broken"),
		"create it, or correct its name":       append(slices.Clone(good), "--bucket", "none"),
		"--for and --until exclude each other": append(slices.Clone(good), "--for", "1h", "--until", "2030-01-01"),
	} {
		if out := w.command(2, append([]string{"mute"}, args...)...); !strings.Contains(out, want) {
			t.Errorf("%q: no %q in %s", args, want, out)
		}
	}
	if objects := w.server.Objects(bucket); len(objects) != 0 {
		t.Errorf("the refused commands wrote %q", objects)
	}
	// After a concurrent write of the file, the command reads it again.
	w.server.SetFaults(awsemu.Fault{Operation: "s3:PutObject",
		Error: &awsemu.FaultError{Code: "ConditionalRequestConflict", Status: 409}, Times: 1})
	if out := w.command(0, append([]string{"mute"}, good...)...); !strings.Contains(out,
		"the mute matches no open gap") {
		t.Errorf("%s", out)
	}
	if text := string(w.server.Objects(bucket)["mutes.yaml"]); strings.Count(text, "- target:") != 1 {
		t.Errorf("mutes.yaml is %s", text)
	}
}
