package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
)

// iamCall is one call to IAM in a test's event.
type iamCall struct{ event, parameters, account, id string }

func (c iamCall) json() string {
	if c.account == "" {
		c.account = "123456789012"
	}
	return fmt.Sprintf(
		`{"version":"0","id":"e","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":%q,"time":"2026-11-16T08:57:12Z","region":"us-east-1","resources":[],
		"detail":{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"kim","accountId":%[1]q},"eventTime":"2026-11-16T08:57:12Z","eventSource":"iam.amazonaws.com","eventName":%q,
		"sourceIPAddress":"203.0.113.7","requestParameters":%s,"eventID":%q,"recipientAccountId":%[1]q}}`,
		c.account, c.event, c.parameters, c.id)
}

func queue(bodies ...string) string {
	var records []string
	for i, body := range bodies {
		text, _ := json.Marshal(body)
		records = append(records, fmt.Sprintf(`{"messageId":"m%d","body":%s,"eventSource":"aws:sqs"}`, i,
			text))
	}
	return `{"Records":[` + strings.Join(records, ",") + `]}`
}

func TestHandleChanges(t *testing.T) {
	t.Setenv("AWS_CA_BUNDLE", "")
	user := func(name string) string {
		return iamCall{event: "DetachUserPolicy",
			parameters: `{"userName":"` + name + `","policyArn":"arn:aws:iam::123456789012:policy/P"}`,
			id:         name}.json()
	}
	group := iamCall{event: "DetachGroupPolicy",
		parameters: `{"groupName":"g","policyArn":"arn:aws:iam::123456789012:policy/P"}`, id: "g"}.json()
	role := iamCall{event: "PutRolePolicy", parameters: `{"roleName":"other","policyName":"p"}`,
		id: "r"}.json()
	foreign := iamCall{event: "DeleteUser", parameters: `{"userName":"remotion-user"}`,
		account: "210987654321", id: "f"}.json()
	failed := strings.Replace(user("remotion-user"), `"eventVersion"`,
		`"errorCode":"AccessDenied","eventVersion"`, 1)
	var unrelated []string
	for i := range cloudtrail.MaxChanges + 7 {
		unrelated = append(unrelated, user(fmt.Sprint("u", i)))
	}
	var relevant []string
	for i := range maxReportedChanges + 5 {
		relevant = append(relevant,
			iamCall{event: "PutUserPolicy", parameters: `{"userName":"remotion-user","policyName":"p"}`,
				id: fmt.Sprint("o", i)}.json())
	}
	for _, test := range []struct {
		name   string
		event  string
		faults []awsemu.Fault
		env    map[string]string
		// want are the counts in the answer. calls is the number of calls to AWS if the event starts no
		// audit.
		want  ChangeCounts
		calls int
		log   string
	}{
		{name: "a change of the caller", event: user("remotion-user"), want: ChangeCounts{Relevant: 1},
			log: `"message":"change","eventId":"remotion-user","at":"2026-11-16T08:57:12Z","who":"user/kim from 203.0.113.7"`},
		{name: "a change of another user", event: user("other"), want: ChangeCounts{Dropped: 1},
			log: `"message":"IAM changes without effect on an audited principal","dropped":1,"what":["DetachUserPolicy on user/other (policy P)"]`},
		{name: "a change in another account", event: foreign, want: ChangeCounts{Dropped: 1}},
		{name: "a failed call", event: failed, want: ChangeCounts{Dropped: 1}, log: `"what":null`},
		{name: "a change of a group without callers", event: group,
			want: ChangeCounts{Dropped: 1}, calls: 1},
		{name: "a change of a group if the caller's groups cannot be read", event: group,
			faults: []awsemu.Fault{{Operation: "iam:ListGroupsForUser", Deny: true, Times: 1}},
			want:   ChangeCounts{Relevant: 1},
			log:    `"message":"resolving affected principals failed","target":"user/remotion-user","what":"the list of groups"`},
		{name: "a change of a role that is not audited", event: role,
			want: ChangeCounts{Dropped: 1}, calls: 1},
		{name: "a change of a role that is not audited, without discovery", event: role,
			env: map[string]string{"READ_SCOPE": "named"}, want: ChangeCounts{Dropped: 1}},
		{name: "a batch of all kinds", event: queue(user("other"), foreign, user("remotion-user"), failed,
			user("remotion-user"), group, `{"source":"aws.s3","detail-type":"x"}`),
			want: ChangeCounts{Relevant: 1, Dropped: 6}},
		{name: "a batch without a relevant change", event: queue(user("other"), foreign, failed),
			want: ChangeCounts{Dropped: 3}},
		{name: "an unreadable message hides no other message",
			event: queue("no JSON", user("remotion-user")), want: ChangeCounts{Relevant: 1, Unreadable: 1},
			log: `"message":"unreadable message in the queue of IAM changes","messageId":"m0","error":"not a JSON object"`},
		{name: "an unreadable message alone starts an audit",
			event: queue("no JSON", user("other")), want: ChangeCounts{Dropped: 1, Unreadable: 1}},
		{name: "more changes than a batch holds", event: queue(unrelated...),
			want: ChangeCounts{Relevant: 7, Dropped: cloudtrail.MaxChanges}},
		{name: "more changes than a report holds", event: queue(relevant...),
			want: ChangeCounts{Relevant: maxReportedChanges + 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := handleEvent(t, test.event, test.faults, test.env)
			if h.result.Changes == nil || *h.result.Changes != test.want ||
				!strings.Contains(h.log, test.log) {
				t.Errorf("%+v; want %+v and %s in\n%s", h.result.Changes, test.want, test.log, h.log)
			}
			if test.want.Relevant+test.want.Unreadable > 0 {
				h.checkAudited(t, test.want)
			} else {
				h.checkNotAudited(t, test.calls)
			}
		})
	}
}

// handled is what happened when the function handled an event.
type handled struct {
	result RunResult
	log    string
	server *awsemu.Server
	// reports are the reports in the evidence bucket.
	reports []audit.Report
}

// handleEvent handles an event in the account compliant, with faults and environment variables.
func handleEvent(t *testing.T, event string, faults []awsemu.Fault,
	env map[string]string) handled {
	t.Helper()
	account, err := account.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	server := &awsemu.Server{Account: account, Faults: faults}
	end, err := server.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer end.Close()
	environment := account.Function.Environment
	environment["REGIONS"] = "us-east-1"
	maps.Copy(environment, env)
	cfg, err := ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a := App{Config: cfg, Clients: load(t, end.URL), Function: "remotion-audit",
		Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{ReplaceAttr: renameMessage}))}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r1",
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
	h := handled{server: server}
	if h.result, err = a.Handle(ctx, json.RawMessage(event)); err != nil {
		t.Error(err)
	}
	h.log = log.String()
	for key, raw := range server.Objects("remotion-audit-evidence") {
		if !strings.HasPrefix(key, "reports/") {
			continue
		}
		var r audit.Report
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Error(err)
		}
		h.reports = append(h.reports, r)
	}
	return h
}

// renameMessage renames the key of log messages as the function does.
func renameMessage(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.MessageKey {
		a.Key = "message"
	}
	return a
}

// checkNotAudited checks that the event started no audit: the function made the given number of
// calls and wrote one line to the log.
func (h handled) checkNotAudited(t *testing.T, calls int) {
	t.Helper()
	if h.result.Status != "" || h.result.Measured || len(h.server.Metrics()) > 0 ||
		len(h.server.Messages()) > 0 {
		t.Errorf("status %q, measured %v, %d messages", h.result.Status, h.result.Measured,
			len(h.server.Messages()))
	}
	if n := len(h.server.Calls()); n != calls || h.reports != nil ||
		strings.Count(h.log, "\n") != 1 {
		t.Errorf("%d calls, want %d; %d reports\n%s", n, calls, len(h.reports), h.log)
	}
}

// checkAudited checks that the event started an audit without a message, and that the report and
// the log contain the trigger.
func (h handled) checkAudited(t *testing.T, want ChangeCounts) {
	t.Helper()
	if h.result.Status == "" || !h.result.Measured || len(h.server.Metrics()) == 0 ||
		len(h.server.Messages()) > 0 {
		t.Errorf("status %q, measured %v, %d messages", h.result.Status, h.result.Measured,
			len(h.server.Messages()))
	}
	if line := fmt.Sprintf(`"trigger":"changes","changes":%d,`,
		want.Relevant); !strings.Contains(h.log, line) {
		t.Errorf("no %s in\n%s", line, h.log)
	}
	if len(h.reports) != 1 || h.reports[0].Run.Trigger == nil {
		t.Fatalf("reports %+v", h.reports)
	}
	checkTrigger(t, *h.reports[0].Run.Trigger, want)
}

// checkTrigger checks the trigger of a report: its counts, and that each change affects the caller.
func checkTrigger(t *testing.T, trigger audit.Trigger, want ChangeCounts) {
	t.Helper()
	if n := len(trigger.Changes); n > maxReportedChanges {
		t.Errorf("%d changes in the report, want at most %d", n, maxReportedChanges)
	}
	if trigger.By != audit.TriggeredByChanges ||
		len(trigger.Changes)+trigger.More != want.Relevant || trigger.Unreadable != want.Unreadable {
		t.Errorf("triggered by %+v", trigger)
	}
	for _, c := range trigger.Changes {
		if !slices.Equal(c.Targets, []string{"user/remotion-user"}) || c.Actor != "user/kim" {
			t.Errorf("change %+v", c)
		}
	}
}
