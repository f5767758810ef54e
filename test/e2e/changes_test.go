package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
)

const (
	managedPolicy = "arn:aws:iam::123456789012:policy/RemotionUser"
	ciIdentity    = `{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE",` +
		`"arn":"arn:aws:iam::123456789012:user/ci-deployer","accountId":"123456789012",` +
		`"accessKeyId":"AKIAI44QH8DHBEXAMPLE","userName":"ci-deployer"}`
)

// An iamChange is a call to IAM. A test can make the call in the account, or create its CloudTrail
// event.
type iamChange struct {
	event      string
	parameters map[string]string
}

// eventJSON returns the EventBridge event of the change.
func (c iamChange) eventJSON(id string) string {
	parameters := map[string]string{}
	for key, value := range c.parameters {
		parameters[strings.ToLower(key[:1])+key[1:]] = value
	}
	text, _ := json.Marshal(parameters)
	return fmt.Sprintf(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",`+
		`"detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"123456789012",`+
		`"time":"2026-11-16T08:57:12Z","region":"us-east-1","resources":[],`+
		`"detail":{"eventVersion":"1.11","userIdentity":%s,"eventTime":"2026-11-16T08:57:12Z",`+
		`"eventSource":"iam.amazonaws.com","eventName":%q,"awsRegion":"us-east-1",`+
		`"sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.31.9",`+
		`"requestParameters":%s,"responseElements":null,`+
		`"requestID":"5f2c1d0e-7a51-4a8e-9b60-0f4e0d1c2b3a","eventID":%q,"readOnly":false,`+
		`"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012"}}`,
		ciIdentity, c.event, text, id)
}

// applyChange makes a change in the account, and returns a batch of messages with the event of the
// change.
func (w *deployment) applyChange(c iamChange) (batch string) {
	w.t.Helper()
	form := url.Values{"Action": {c.event}, "Version": {"2010-05-08"}}
	for key, value := range c.parameters {
		form.Set(key, value)
	}
	w.queryRequest("iam", form.Encode())
	return queueBatch(c.eventJSON(c.event))
}

// queueBatch returns the event that Lambda creates from messages in a queue.
func queueBatch(bodies ...string) string {
	var records []any
	for i, body := range bodies {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m", i), "receiptHandle": "AQEB",
			"body": body, "attributes": map[string]string{"ApproximateReceiveCount": "1"},
			"messageAttributes": map[string]string{},
			"md5OfBody":         "0", "eventSource": "aws:sqs",
			"eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:remotion-audit-changes",
			"awsRegion":      "us-east-1"})
	}
	text, _ := json.Marshal(map[string]any{"Records": records})
	return string(text)
}

// runOn runs the function with an event.
func (w *deployment) runOn(event string) outcome {
	w.t.Helper()
	w.invocation.event = event
	return w.run()
}

// accountWithManagedPolicy returns the compliant example, with the caller's policy as a managed
// policy. The policy is attached to the caller, or to the caller's group if byGroup is true.
func accountWithManagedPolicy(t *testing.T, byGroup bool) *awsemu.Account {
	a := account(t, "compliant")
	user := a.Users["remotion-user"]
	a.Policies = map[string]awsemu.ManagedPolicy{
		"RemotionUser": {Document: user.Inline["remotion-user-policy"]},
	}
	user.Inline = nil
	if byGroup {
		a.Groups = map[string]awsemu.Group{"renderers": {Managed: []string{"RemotionUser"}}}
		user.Groups = []string{"renderers"}
	} else {
		user.Managed = []string{"RemotionUser"}
	}
	a.Users["remotion-user"] = user
	a.Users["other"] = awsemu.User{Managed: []string{"RemotionUser"}}
	a.Roles["other"] = awsemu.Role{}
	a.Groups = withGroup(a.Groups, "others")
	return a
}

// withGroup returns the groups and an additional empty group.
func withGroup(groups map[string]awsemu.Group, added string) map[string]awsemu.Group {
	all := map[string]awsemu.Group{added: {}}
	for name, g := range groups {
		all[name] = g
	}
	return all
}

// assertChangeInMessage fails the test unless a run sent one message that names the change in the
// mail, the card and the JSON.
func assertChangeInMessage(t *testing.T, o outcome, want string) {
	t.Helper()
	if len(o.messages) != 1 {
		t.Errorf("%d messages, want 1\n%s", len(o.messages), o.Logs)
		return
	}
	m := o.messages[0]
	mail := strings.Join(strings.Fields(m.Body("email")), " ")
	if !strings.Contains(mail,
		"Changed by: user/ci-deployer from 203.0.113.7: "+want+
			", Mon 16 Nov 2026 08:57 UTC (CloudTrail)") {
		t.Errorf("the mail does not mention %q\n%s", want, m.Body("email"))
	}
	if card := m.Body("https"); !strings.Contains(card,
		"Change by `user/ci-deployer` from `203.0.113.7`: `"+strings.Split(want, ", affects")[0]+"`") {
		t.Errorf("the card does not mention %q\n%s", want, card)
	}
	var d struct {
		Changes []struct{ Actor, Text string }
		Report  audit.Report
	}
	if err := json.Unmarshal([]byte(m.Body("default")), &d); err != nil || len(d.Changes) != 1 ||
		d.Changes[0].Actor != "user/ci-deployer" || !strings.Contains(d.Changes[0].Text, want) ||
		d.Report.Run.Trigger.By != audit.TriggeredByChanges {
		t.Errorf("%v: the JSON has the changes %+v", err, d.Changes)
	}
	if strings.Contains(m.Body("sms"), "ci-deployer") || strings.Contains(m.Subject, "ci-deployer") {
		t.Errorf("the subject or the SMS names the actor: %s\n%s", m.Subject, m.Body("sms"))
	}
}

func TestAMessageNamesTheActorOfAChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		byGroup bool
		breaks  iamChange
		want    string
		repairs iamChange
	}{
		{"a policy is detached from the user", false,
			iamChange{"DetachUserPolicy", map[string]string{"UserName": "remotion-user",
				"PolicyArn": managedPolicy}},
			"DetachUserPolicy on user/remotion-user (policy RemotionUser)",
			iamChange{"AttachUserPolicy", map[string]string{"UserName": "remotion-user",
				"PolicyArn": managedPolicy}}},
		{"a policy is detached from the user's group", true,
			iamChange{"DetachGroupPolicy",
				map[string]string{"GroupName": "renderers", "PolicyArn": managedPolicy}},
			"DetachGroupPolicy on group/renderers (policy RemotionUser), affects user/remotion-user",
			iamChange{"AttachGroupPolicy",
				map[string]string{"GroupName": "renderers", "PolicyArn": managedPolicy}}},
		{"the user leaves the group", true,
			iamChange{"RemoveUserFromGroup",
				map[string]string{"GroupName": "renderers", "UserName": "remotion-user"}},
			"RemoveUserFromGroup on user/remotion-user (group renderers)",
			iamChange{"AddUserToGroup",
				map[string]string{"GroupName": "renderers", "UserName": "remotion-user"}}},
		{"a policy gets another default version", true,
			iamChange{"CreatePolicyVersion", map[string]string{"PolicyArn": managedPolicy,
				"PolicyDocument": `{"Version":"2012-10-17","Statement":{` +
					`"Effect":"Deny","Action":"iam:*","Resource":"*"}}`, "SetAsDefault": "true"}},
			"CreatePolicyVersion on policy/RemotionUser, affects user/remotion-user",
			iamChange{"SetDefaultPolicyVersion", map[string]string{"PolicyArn": managedPolicy,
				"VersionId": "v1"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newDeployment(t, accountWithManagedPolicy(t, test.byGroup))
			w.wantSubjects("before the change", w.run(), "")
			batch := w.applyChange(test.breaks)
			o := w.runOn(batch)
			subject := "Renders will fail: remotion-user has no policy"
			if test.breaks.event == "CreatePolicyVersion" { // the policy is still attached
				subject = "Renders will fail: remotion-user lacks 28 permissions +1 more"
			}
			w.wantSubjects("after the change", o, subject)
			assertChangeInMessage(t, o, test.want)
			if o.puts != 1 || o.answer.Changes == nil ||
				*o.answer.Changes != (app.ChangeCounts{Relevant: 1}) ||
				!strings.Contains(o.Logs, `"trigger":"changes","changes":1`) {
				t.Errorf("%d puts, %+v\n%s", o.puts, o.answer, o.Logs)
			}
			w.wantSubjects("the same batch again", w.runOn(batch), "")
			w.wantSubjects("a scheduled run", w.runOn("scheduler.json"), "")
			o = w.runOn(w.applyChange(test.repairs))
			if len(o.messages) != 1 || o.messages[0].Attributes["events"].Value != `["recovered"]` ||
				!strings.Contains(o.messages[0].Body("email"), test.repairs.event+" on ") {
				t.Errorf("after the repair: %q\n%s", o.subjects(), o.Logs)
			}
			w.wantSubjects("a scheduled run after the repair", w.runOn("scheduler.json"), "")

			by := map[audit.TriggerKind]int{}
			for key, raw := range w.server.Objects(bucket) {
				if strings.HasPrefix(key, "reports/") {
					var r audit.Report
					if err := json.Unmarshal(raw, &r); err != nil {
						t.Fatal(err)
					}
					by[r.Run.Trigger.By]++
				}
			}
			if by[audit.TriggeredByChanges] != 3 || by[audit.TriggeredBySchedule] != 3 {
				t.Errorf("reports by trigger: %v", by)
			}
			if s := string(w.state().JSON()); strings.Contains(s, "ci-deployer") {
				t.Errorf("the state contains the actor: %s", s)
			}
		})
	}
}

// TestIrrelevantChangesAreDropped checks that a change that affects no audited principal causes few
// calls, and no audit, metrics or message.
func TestIrrelevantChangesAreDropped(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, accountWithManagedPolicy(t, true))
	w.invocation.env = map[string]string{"REGIONS": "us-east-1,eu-west-1"}
	w.run()
	for _, test := range []struct {
		name  string
		event string
		calls []string
	}{
		{"a change to another user",
			w.applyChange(iamChange{"DetachUserPolicy",
				map[string]string{"UserName": "other", "PolicyArn": managedPolicy}}), nil},
		{"a change to another group",
			w.applyChange(iamChange{"AttachGroupPolicy",
				map[string]string{"GroupName": "others", "PolicyArn": managedPolicy}}),
			[]string{"ListGroupsForUser"}},
		{"a change to another role",
			w.applyChange(iamChange{"PutRolePolicy",
				map[string]string{"RoleName": "other", "PolicyName": "p",
					"PolicyDocument": `{"Version":"2012-10-17",` +
						`"Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`}}),
			[]string{"ListFunctions", "ListFunctions"}},
		{"a change in another account",
			queueBatch(strings.Replace(iamChange{"DeleteUser",
				map[string]string{"UserName": "remotion-user"}}.eventJSON("1"),
				`"recipientAccountId":"123456789012"`, `"recipientAccountId":"210987654321"`, 1)), nil},
		{"a call that failed",
			queueBatch(strings.Replace(iamChange{"DeleteUser",
				map[string]string{"UserName": "remotion-user"}}.eventJSON("1"), `"eventVersion"`,
				`"errorCode":"DeleteConflictException","errorMessage":"no","eventVersion"`, 1)), nil},
		{"a call that reads",
			iamChange{"GetUser", map[string]string{"UserName": "remotion-user"}}.eventJSON("1"),
			nil},
	} {
		o := w.runOn(test.event)
		var calls []string
		for _, c := range w.server.Calls() {
			calls = append(calls, strings.TrimSuffix(c.Operation, "20150331"))
		}
		if o.FunctionError != "" || o.answer.Status != "" || o.puts != 0 || len(o.messages) != 0 ||
			*o.answer.Changes != (app.ChangeCounts{Dropped: 1}) || !slices.Equal(calls, test.calls) {
			t.Errorf("%s: %s %+v, calls %q\n%s", test.name, o.ErrorMessage, o.answer, calls, o.Logs)
		}
		if n := strings.Count(o.Logs, `"level":"`); n != 1 ||
			!strings.Contains(o.Logs, "IAM changes without effect on an audited principal") {
			t.Errorf("%s: %d log lines, want 1\n%s", test.name, n, o.Logs)
		}
	}
}

// TestABatchFailsIfTheAuditIsNotAnnounced checks that a batch fails if the audit could not be
// announced. Then the queue delivers the batch again. An unreadable message does not fail the
// batch.
func TestABatchFailsIfTheAuditIsNotAnnounced(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, accountWithManagedPolicy(t, false))
	w.run()
	detach := iamChange{"DetachUserPolicy", map[string]string{"UserName": "remotion-user",
		"PolicyArn": managedPolicy}}
	w.applyChange(detach)
	w.server.SetFaults(awsemu.Fault{Operation: "sns:Publish", Deny: true})
	batch := queueBatch("this is no event", detach.eventJSON("1"), detach.eventJSON("1"))
	if o := w.runOn(batch); o.FunctionError == "" ||
		!strings.Contains(o.ErrorMessage, "grant the function sns:Publish") {
		t.Errorf("%q %+v", o.ErrorMessage, o.answer)
	}
	w.server.SetFaults()
	o := w.runOn(batch)
	w.wantSubjects("the second delivery", o, "Renders will fail: remotion-user has no policy")
	assertChangeInMessage(t, o, "DetachUserPolicy on user/remotion-user (policy RemotionUser)")
	if *o.answer.Changes != (app.ChangeCounts{Relevant: 1, Dropped: 1, Unreadable: 1}) ||
		!strings.Contains(o.Logs, `"messageId":"m0","error":"not a JSON object"`) {
		t.Errorf("%+v\n%s", o.answer.Changes, o.Logs)
	}
	w.wantSubjects("the third delivery", w.runOn(batch), "")
	if o := w.runOn(`{"Records":[{"eventSource":"aws:s3"}]}`); !strings.Contains(o.ErrorMessage,
		`must have eventSource "aws:sqs", got "aws:s3"`) {
		t.Errorf("records of another service: %q", o.ErrorMessage)
	}
}

// TestAChangeWhileAWSHangs checks a run in which AWS does not answer. The function cannot find the
// principals of a changed policy in time. So it starts an audit, and ends with an error before its
// timeout.
func TestAChangeWhileAWSHangs(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, accountWithManagedPolicy(t, true))
	w.server.SetFaults(awsemu.Fault{Operation: "*", Delay: time.Minute})
	w.invocation.timeout = hangingRun
	o := w.runOn(queueBatch(iamChange{"SetDefaultPolicyVersion",
		map[string]string{"PolicyArn": managedPolicy,
			"VersionId": "v1"}}.eventJSON("1")))
	if o.TimedOut || !strings.Contains(o.ErrorMessage, "alert to") ||
		!strings.Contains(o.ErrorMessage, "metrics to") ||
		!strings.Contains(o.Logs, "resolving affected principals failed") {
		t.Errorf("timed out %v, %q\n%s", o.TimedOut, o.ErrorMessage, o.Logs)
	}
}

// TestATakenOverMessageNamesTheChange checks that a claimed message contains the change and the
// actor. If a run claims the message and dies, a scheduled run publishes the same message.
func TestATakenOverMessageNamesTheChange(t *testing.T) {
	t.Parallel()
	w := newDeployment(t, accountWithManagedPolicy(t, false))
	w.run()
	before := w.state()
	o := w.runOn(w.applyChange(iamChange{"DetachUserPolicy",
		map[string]string{"UserName": "remotion-user",
			"PolicyArn": managedPolicy}}))
	if len(o.messages) != 1 {
		t.Fatalf("%q\n%s", o.subjects(), o.Logs)
	}
	// Build the state between the claim and the publication.
	m := alert.Message{Subject: o.messages[0].Subject, Bodies: map[string]string{}}
	for _, protocol := range []string{"default", "email", "sms", "https"} {
		m.Bodies[protocol] = o.messages[0].Body(protocol)
	}
	for name, attribute := range o.messages[0].Attributes {
		m.Attributes = append(m.Attributes, alert.Attribute{Name: name, Type: attribute.Type,
			Value: attribute.Value})
	}
	before.Pending = &alert.Pending{ID: "gone", DedupKey: o.messages[0].Attributes["dedupKey"].Value,
		Message: m, Next: w.state(), Owner: "gone", Until: time.Now().Add(-time.Minute)}

	a := accountWithManagedPolicy(t, false)
	user := a.Users["remotion-user"]
	user.Managed = nil
	a.Users["remotion-user"] = user
	a.Buckets[bucket] = awsemu.Bucket{Objects: map[string]string{evidence.StateKey("123456789012",
		"remotion-audit"): string(before.JSON())}}
	w = newDeployment(t, a)
	o = w.runOn("scheduler.json")
	assertChangeInMessage(t, o, "DetachUserPolicy on user/remotion-user (policy RemotionUser)")
	w.wantSubjects("the next run", w.run(), "")
}

// TestLocalPrintsTheActorOfAChange checks that local mode accepts the changes in events/ and prints
// the actor, and that the auditor's role permits all calls of such a run.
func TestLocalPrintsTheActorOfAChange(t *testing.T) {
	t.Parallel()
	local := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(command, append([]string{"local"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		return strings.Join(strings.Fields(string(out)), " ")
	}
	// local joins the words of the output with single spaces.
	const kim = "Changed by: role/AWSReservedSSO_Administrator_0123456789abcdef (session " +
		"kim@example.com) from 203.0.113.7: PutRolePolicy on role/remotion-lambda-role"
	if out := local("--event", "../../events/iam-change.json"); !strings.Contains(out, kim) ||
		strings.Contains(out, "ci-deployer from") {
		t.Errorf("%s", out)
	}
	if out := local("--event", "../../events/iam-changes-sqs.json"); !strings.Contains(out, kim) ||
		!strings.Contains(out,
			"Changed by: user/ci-deployer from 198.51.100.23: PutUserPolicy on user/remotion-user") ||
		!strings.Contains(out, `"changes":{"touching":2,"dropped":1,"unreadable":0}`) {
		t.Errorf("%s", out)
	}
	file := filepath.Join(t.TempDir(), "event.json")
	unused := iamChange{"SetDefaultPolicyVersion",
		map[string]string{"PolicyArn": "arn:aws:iam::123456789012:policy/Unused", "VersionId": "v1"}}
	if err := os.WriteFile(file, []byte(queueBatch(unused.eventJSON("1"))), 0o666); err != nil {
		t.Fatal(err)
	}
	out := local("--event", file, "--enforce-iam", "--account",
		accountWithAuditorRole(t, func(policy string) string { return policy }, ""))
	if strings.Contains(out, "resolving affected principals failed") ||
		strings.Contains(out, "Report of a second audit") ||
		!strings.Contains(out, `"changes":{"touching":0,"dropped":1,"unreadable":0}`) ||
		!strings.Contains(out, "no alert was sent") {
		t.Errorf("%s", out)
	}
}
