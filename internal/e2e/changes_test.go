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
	byCI          = `{"type":"IAMUser","principalId":"AIDACKCEVSQ6C2EXAMPLE","arn":"arn:aws:iam::123456789012:user/ci-deployer","accountId":"123456789012","accessKeyId":"AKIAI44QH8DHBEXAMPLE","userName":"ci-deployer"}`
)

// A change is a call to IAM: what is done in the account, and what CloudTrail tells of it.
type change struct {
	event      string
	parameters map[string]string
}

// tell is the EventBridge event of a change.
func (c change) tell(id string) string {
	parameters := map[string]string{}
	for key, value := range c.parameters {
		parameters[strings.ToLower(key[:1])+key[1:]] = value
	}
	text, _ := json.Marshal(parameters)
	return fmt.Sprintf(`{"version":"0","id":"53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":"123456789012","time":"2026-11-16T08:57:12Z","region":"us-east-1","resources":[],`+
		`"detail":{"eventVersion":"1.11","userIdentity":%s,"eventTime":"2026-11-16T08:57:12Z","eventSource":"iam.amazonaws.com","eventName":%q,"awsRegion":"us-east-1","sourceIPAddress":"203.0.113.7","userAgent":"aws-cli/2.31.9",`+
		`"requestParameters":%s,"responseElements":null,"requestID":"5f2c1d0e-7a51-4a8e-9b60-0f4e0d1c2b3a","eventID":%q,"readOnly":false,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"123456789012"}}`,
		byCI, c.event, text, id)
}

// happen makes a change in the account, and returns the batch of messages that tells of it.
func (w *watch) happen(c change) (batch string) {
	w.t.Helper()
	form := url.Values{"Action": {c.event}, "Version": {"2010-05-08"}}
	for key, value := range c.parameters {
		form.Set(key, value)
	}
	w.aws("iam", form.Encode())
	return batchOf(c.tell(c.event))
}

// batchOf is what Lambda makes of messages in a queue.
func batchOf(bodies ...string) string {
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

// on runs the function on an event.
func (w *watch) on(event string) outcome {
	w.t.Helper()
	w.trial.event = event
	return w.run()
}

// managed is the compliant example with the caller's policy as a managed one, which it gets by
// itself or from a group.
func managed(t *testing.T, byGroup bool) *awsemu.Account {
	a := account(t, "compliant")
	user := a.Users["remotion-user"]
	a.Policies = map[string]awsemu.ManagedPolicy{"RemotionUser": {Document: user.Inline["remotion-user-policy"]}}
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
	a.Groups = cloned(a.Groups, "others")
	return a
}

func cloned(groups map[string]awsemu.Group, more string) map[string]awsemu.Group {
	all := map[string]awsemu.Group{more: {}}
	for name, g := range groups {
		all[name] = g
	}
	return all
}

// told fails the test unless the one message of a run names the change in each of its texts.
func told(t *testing.T, o outcome, want string) {
	t.Helper()
	if len(o.messages) != 1 {
		t.Errorf("%d messages\n%s", len(o.messages), o.Logs)
		return
	}
	m := o.messages[0]
	mail := strings.Join(strings.Fields(m.Body("email")), " ")
	if !strings.Contains(mail,
		"CHANGED IN IAM, as CloudTrail reports it by user/ci-deployer from 203.0.113.7: "+want+
			", Mon 16 Nov 2026 08:57 UTC") {
		t.Errorf("the mail does not tell of %q\n%s", want, m.Body("email"))
	}
	if card := m.Body("https"); !strings.Contains(card,
		"by `user/ci-deployer` from `203.0.113.7`: `"+strings.Split(want, ", which")[0]+"`") {
		t.Errorf("the card does not tell of %q\n%s", want, card)
	}
	var d struct {
		Changes []struct{ Actor, Text string }
		Report  audit.Report
	}
	if err := json.Unmarshal([]byte(m.Body("default")), &d); err != nil || len(d.Changes) != 1 ||
		d.Changes[0].Actor != "user/ci-deployer" || !strings.Contains(d.Changes[0].Text, want) ||
		d.Report.Run.Trigger.By != audit.TriggeredByChanges {
		t.Errorf("%v: the JSON tells of %+v", err, d.Changes)
	}
	if strings.Contains(m.Body("sms"), "ci-deployer") || strings.Contains(m.Subject, "ci-deployer") {
		t.Errorf("%s\n%s", m.Subject, m.Body("sms"))
	}
}

func TestAChangeIsToldWithItsActor(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		byGroup bool
		away    change
		want    string
		back    change
	}{
		{"detached from the user", false,
			change{"DetachUserPolicy", map[string]string{"UserName": "remotion-user",
				"PolicyArn": managedPolicy}},
			"DetachUserPolicy on user/remotion-user (policy RemotionUser)",
			change{"AttachUserPolicy", map[string]string{"UserName": "remotion-user",
				"PolicyArn": managedPolicy}}},
		{"detached from the user's group", true,
			change{"DetachGroupPolicy",
				map[string]string{"GroupName": "renderers", "PolicyArn": managedPolicy}},
			"DetachGroupPolicy on group/renderers (policy RemotionUser), which reaches user/remotion-user",
			change{"AttachGroupPolicy",
				map[string]string{"GroupName": "renderers", "PolicyArn": managedPolicy}}},
		{"the user leaves the group", true,
			change{"RemoveUserFromGroup",
				map[string]string{"GroupName": "renderers", "UserName": "remotion-user"}},
			"RemoveUserFromGroup on user/remotion-user (group renderers)",
			change{"AddUserToGroup",
				map[string]string{"GroupName": "renderers", "UserName": "remotion-user"}}},
		{"another version of the policy", true,
			change{"CreatePolicyVersion", map[string]string{"PolicyArn": managedPolicy,
				"PolicyDocument": `{"Version":"2012-10-17","Statement":[]}`, "SetAsDefault": "true"}},
			"CreatePolicyVersion on policy/RemotionUser, which reaches user/remotion-user",
			change{"SetDefaultPolicyVersion", map[string]string{"PolicyArn": managedPolicy,
				"VersionId": "v1"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWatch(t, managed(t, test.byGroup))
			w.says("before", w.run(), "")
			batch := w.happen(test.away)
			o := w.on(batch)
			w.says("taken away", o, "33 new")
			told(t, o, test.want)
			if o.puts != 1 || o.answer.Changes == nil ||
				*o.answer.Changes != (app.ChangeCounts{Touching: 1}) ||
				!strings.Contains(o.Logs, `"trigger":"changes","changes":1`) {
				t.Errorf("%d puts, %+v\n%s", o.puts, o.answer, o.Logs)
			}
			w.says("told again", w.on(batch), "")
			w.says("by schedule", w.on("scheduler.json"), "")
			o = w.on(w.happen(test.back))
			if len(o.messages) != 1 || o.messages[0].Attributes["events"].Value != `["recovered"]` ||
				!strings.Contains(o.messages[0].Body("email"), test.back.event+" on ") {
				t.Errorf("given back: %q\n%s", o.subjects(), o.Logs)
			}
			w.says("afterwards", w.on("scheduler.json"), "")

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
				t.Errorf("the state remembers who: %s", s)
			}
		})
	}
}

// Who is not audited is nobody's business: nothing is audited, measured or said, and little is
// asked.
func TestChangesOfOthersAreSilent(t *testing.T) {
	t.Parallel()
	w := newWatch(t, managed(t, true))
	w.trial.env = map[string]string{"REGIONS": "us-east-1,eu-west-1"}
	w.run()
	for _, test := range []struct {
		name  string
		event string
		calls []string
	}{
		{"another user",
			w.happen(change{"DetachUserPolicy",
				map[string]string{"UserName": "other", "PolicyArn": managedPolicy}}), nil},
		{"another group",
			w.happen(change{"AttachGroupPolicy",
				map[string]string{"GroupName": "others", "PolicyArn": managedPolicy}}),
			[]string{"ListGroupsForUser"}},
		{"another role",
			w.happen(change{"PutRolePolicy", map[string]string{"RoleName": "other", "PolicyName": "p",
				"PolicyDocument": `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}`}}), []string{"ListFunctions", "ListFunctions"}},
		{"another account",
			batchOf(strings.Replace(change{"DeleteUser",
				map[string]string{"UserName": "remotion-user"}}.tell("1"),
				`"recipientAccountId":"123456789012"`, `"recipientAccountId":"210987654321"`, 1)), nil},
		{"a call that failed",
			batchOf(strings.Replace(change{"DeleteUser",
				map[string]string{"UserName": "remotion-user"}}.tell("1"), `"eventVersion"`,
				`"errorCode":"DeleteConflictException","errorMessage":"no","eventVersion"`, 1)), nil},
		{"a call that reads", change{"GetUser", map[string]string{"UserName": "remotion-user"}}.tell("1"),
			nil},
	} {
		o := w.on(test.event)
		var calls []string
		for _, c := range w.server.Calls() {
			calls = append(calls, strings.TrimSuffix(c.Operation, "20150331"))
		}
		if o.FunctionError != "" || o.answer.Status != "" || o.puts != 0 || len(o.messages) != 0 ||
			*o.answer.Changes != (app.ChangeCounts{Dropped: 1}) || !slices.Equal(calls, test.calls) {
			t.Errorf("%s: %s %+v by %q\n%s", test.name, o.ErrorMessage, o.answer, calls, o.Logs)
		}
		if n := strings.Count(o.Logs, `"level":"`); n != 1 ||
			!strings.Contains(o.Logs, "changes dropped: they touch nobody audited") {
			t.Errorf("%s: %d lines\n%s", test.name, n, o.Logs)
		}
	}
}

// What fails comes back from the queue: an audit that was not announced. What cannot be read does
// not.
func TestABatchThatFailsComesBack(t *testing.T) {
	t.Parallel()
	w := newWatch(t, managed(t, false))
	w.run()
	away := change{"DetachUserPolicy", map[string]string{"UserName": "remotion-user",
		"PolicyArn": managedPolicy}}
	w.happen(away)
	w.server.SetFaults(awsemu.Fault{Operation: "sns:Publish", Deny: true})
	batch := batchOf("this is no event", away.tell("1"), away.tell("1"))
	if o := w.on(batch); o.FunctionError == "" ||
		!strings.Contains(o.ErrorMessage, "grant the function sns:Publish") {
		t.Errorf("%q %+v", o.ErrorMessage, o.answer)
	}
	w.server.SetFaults()
	o := w.on(batch)
	w.says("once more", o, "33 new")
	told(t, o, "DetachUserPolicy on user/remotion-user (policy RemotionUser)")
	if *o.answer.Changes != (app.ChangeCounts{Touching: 1, Dropped: 1, Unreadable: 1}) ||
		!strings.Contains(o.Logs, `"messageId":"m0","error":"it is not a JSON object"`) {
		t.Errorf("%+v\n%s", o.answer.Changes, o.Logs)
	}
	w.says("and again", w.on(batch), "")
	if o := w.on(`{"Records":[{"eventSource":"aws:s3"}]}`); !strings.Contains(o.ErrorMessage,
		`eventSource "aws:s3"`) {
		t.Errorf("records of another service: %q", o.ErrorMessage)
	}
}

// Whom a policy reaches nobody can tell in time. That is audited for, and an error, and no kill.
func TestAChangeWhileEverythingHangs(t *testing.T) {
	t.Parallel()
	w := newWatch(t, managed(t, true))
	w.server.SetFaults(awsemu.Fault{Operation: "*", Delay: time.Minute})
	w.trial.timeout = 2 * time.Second
	o := w.on(batchOf(change{"SetDefaultPolicyVersion", map[string]string{"PolicyArn": managedPolicy,
		"VersionId": "v1"}}.tell("1")))
	if o.TimedOut || !strings.Contains(o.ErrorMessage, "alert to") ||
		!strings.Contains(o.ErrorMessage, "metrics to") ||
		!strings.Contains(o.Logs, "could not look up whom changes touch") {
		t.Errorf("timed out %v, %q\n%s", o.TimedOut, o.ErrorMessage, o.Logs)
	}
}

// Who claimed a message and died has told in it who changed what: whoever takes it over, on
// schedule, says so.
func TestAMessageThatIsTakenOverTellsTheChange(t *testing.T) {
	t.Parallel()
	w := newWatch(t, managed(t, false))
	w.run()
	before := w.state()
	o := w.on(w.happen(change{"DetachUserPolicy", map[string]string{"UserName": "remotion-user",
		"PolicyArn": managedPolicy}}))
	if len(o.messages) != 1 {
		t.Fatalf("%q\n%s", o.subjects(), o.Logs)
	}
	// As it is between the claim and the message.
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

	a := managed(t, false)
	user := a.Users["remotion-user"]
	user.Managed = nil
	a.Users["remotion-user"] = user
	a.Buckets[bucket] = awsemu.Bucket{Objects: map[string]string{evidence.StateKey("123456789012",
		"remotion-audit"): string(before.JSON())}}
	w = newWatch(t, a)
	o = w.on("scheduler.json")
	told(t, o, "DetachUserPolicy on user/remotion-user (policy RemotionUser)")
	w.says("and once only", w.run(), "")
}

// Local mode takes the files in events/, and what it prints tells who. All of it is within the
// auditor's role.
func TestLocalTellsTheChange(t *testing.T) {
	t.Parallel()
	local := func(args ...string) string {
		t.Helper()
		cmd := exec.Command(command, append([]string{"local"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	const kim = "by          role/AWSReservedSSO_Administrator_0123456789abcdef (session " +
		"kim@example.com) from\n              203.0.113.7: PutRolePolicy on role/remotion-lambda-role"
	if out := local("--event", "../../events/iam-change.json"); !strings.Contains(out, kim) ||
		strings.Contains(out, "ci-deployer from") {
		t.Errorf("%s", out)
	}
	if out := local("--event", "../../events/iam-changes-sqs.json"); !strings.Contains(out, kim) ||
		!strings.Contains(out,
			"by          user/ci-deployer from 198.51.100.23: PutUserPolicy on user/remotion-user") ||
		!strings.Contains(out, `"changes":{"touching":2,"dropped":1,"unreadable":0}`) {
		t.Errorf("%s", out)
	}
	file := filepath.Join(t.TempDir(), "event.json")
	unused := change{"SetDefaultPolicyVersion",
		map[string]string{"PolicyArn": "arn:aws:iam::123456789012:policy/Unused", "VersionId": "v1"}}
	if err := os.WriteFile(file, []byte(batchOf(unused.tell("1"))), 0o666); err != nil {
		t.Fatal(err)
	}
	out := local("--event", file, "--enforce-iam", "--account",
		auditing(t, func(policy string) string { return policy }, ""))
	if strings.Contains(out, "could not look up") || strings.Contains(out, "asked for anew") ||
		!strings.Contains(out, `"changes":{"touching":0,"dropped":1,"unreadable":0}`) ||
		!strings.Contains(out, "none was sent") {
		t.Errorf("%s", out)
	}
}
