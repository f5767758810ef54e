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
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
)

// A told is one call to IAM, as a test tells of it.
type told struct{ event, parameters, account, id string }

func (c told) json() string {
	if c.account == "" {
		c.account = "123456789012"
	}
	return fmt.Sprintf(`{"version":"0","id":"e","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","account":%q,"time":"2026-11-16T08:57:12Z","region":"us-east-1","resources":[],
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
		return told{event: "DetachUserPolicy",
			parameters: `{"userName":"` + name + `","policyArn":"arn:aws:iam::123456789012:policy/P"}`,
			id:         name}.json()
	}
	group := told{event: "DetachGroupPolicy",
		parameters: `{"groupName":"g","policyArn":"arn:aws:iam::123456789012:policy/P"}`, id: "g"}.json()
	role := told{event: "PutRolePolicy", parameters: `{"roleName":"other","policyName":"p"}`,
		id: "r"}.json()
	foreign := told{event: "DeleteUser", parameters: `{"userName":"remotion-user"}`,
		account: "210987654321", id: "f"}.json()
	failed := strings.Replace(user("remotion-user"), `"eventVersion"`,
		`"errorCode":"AccessDenied","eventVersion"`, 1)
	var many []string
	for i := range cloudtrail.MaxChanges + 7 {
		many = append(many, user(fmt.Sprint("u", i)))
	}
	var often []string
	for i := range maxReportedChanges + 5 {
		often = append(often,
			told{event: "PutUserPolicy", parameters: `{"userName":"remotion-user","policyName":"p"}`,
				id: fmt.Sprint("o", i)}.json())
	}
	for _, test := range []struct {
		name   string
		event  string
		faults []awsemu.Fault
		env    map[string]string
		// want is what the answer counts, calls how many there are if there is no audit; less than that
		// many are no audit, and more are one.
		want  ChangeCounts
		calls int
		log   string
	}{
		{name: "a change of the caller", event: user("remotion-user"), want: ChangeCounts{Touching: 1},
			log: `"message":"change","eventId":"remotion-user","at":"2026-11-16T08:57:12Z","who":"user/kim from 203.0.113.7"`},
		{name: "a change of somebody else", event: user("other"), want: ChangeCounts{Dropped: 1},
			log: `"message":"changes dropped: they touch nobody audited","dropped":1,"what":["DetachUserPolicy on user/other (policy P)"]`},
		{name: "of another account", event: foreign, want: ChangeCounts{Dropped: 1}},
		{name: "a call that failed", event: failed, want: ChangeCounts{Dropped: 1}, log: `"what":null`},
		{name: "a group without callers", event: group, want: ChangeCounts{Dropped: 1}, calls: 1},
		{name: "a group of nobody knows whom", event: group,
			faults: []awsemu.Fault{{Operation: "iam:ListGroupsForUser", Deny: true, Times: 1}},
			want:   ChangeCounts{Touching: 1},
			log:    `"message":"could not look up whom changes touch","target":"user/remotion-user","what":"the list of groups"`},
		{name: "a role of nobody", event: role, want: ChangeCounts{Dropped: 1}, calls: 1},
		{name: "a role, where nothing is looked for", event: role,
			env: map[string]string{"READ_SCOPE": "named"}, want: ChangeCounts{Dropped: 1}},
		{name: "a batch of all kinds", event: queue(user("other"), foreign, user("remotion-user"), failed,
			user("remotion-user"), group, `{"source":"aws.s3","detail-type":"x"}`),
			want: ChangeCounts{Touching: 1, Dropped: 6}},
		{name: "a batch of nothing", event: queue(user("other"), foreign, failed),
			want: ChangeCounts{Dropped: 3}},
		{name: "one message that cannot be read hides no other",
			event: queue("no JSON", user("remotion-user")), want: ChangeCounts{Touching: 1, Unreadable: 1},
			log: `"message":"a message of the queue cannot be read","messageId":"m0","error":"it is not a JSON object"`},
		{name: "nobody knows what a message that cannot be read told of",
			event: queue("no JSON", user("other")), want: ChangeCounts{Dropped: 1, Unreadable: 1}},
		{name: "more than can be kept", event: queue(many...),
			want: ChangeCounts{Touching: 7, Dropped: cloudtrail.MaxChanges}},
		{name: "more than is told", event: queue(often...),
			want: ChangeCounts{Touching: maxReportedChanges + 5}},
	} {
		t.Run(test.name, func(t *testing.T) {
			account, err := awsemu.Load(examples.FS, "compliant/account.yaml")
			if err != nil {
				t.Fatal(err)
			}
			server := &awsemu.Server{Account: account, Faults: test.faults}
			end, err := server.Listen("")
			if err != nil {
				t.Fatal(err)
			}
			defer end.Close()
			environment := account.Function.Environment
			environment["REGIONS"] = "us-east-1"
			maps.Copy(environment, test.env)
			cfg, err := ConfigFromEnv(func(name string) string { return environment[name] })
			if err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			replace := func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.MessageKey {
					a.Key = "message"
				}
				return a
			}
			a := App{Config: cfg, Clients: load(t, end.URL), Function: "remotion-audit",
				Log: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{ReplaceAttr: replace}))}
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "r1",
				InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
			result, err := a.Handle(ctx, json.RawMessage(test.event))
			if err != nil || result.Changes == nil || *result.Changes != test.want ||
				!strings.Contains(log.String(), test.log) {
				t.Errorf("%v, %+v; want %+v and %s in\n%s", err, result.Changes, test.want, test.log,
					log.String())
			}
			audited := test.want.Touching+test.want.Unreadable > 0
			if (result.Status != "") != audited || result.Measured != audited ||
				(len(server.Metrics()) > 0) != audited || len(server.Messages()) != 0 {
				t.Errorf("status %q, measured %v, %d messages", result.Status, result.Measured,
					len(server.Messages()))
			}
			var reports []audit.Report
			for key, raw := range server.Objects("remotion-audit-evidence") {
				if strings.HasPrefix(key, "reports/") {
					var r audit.Report
					if err := json.Unmarshal(raw, &r); err != nil {
						t.Error(err)
					}
					reports = append(reports, r)
				}
			}
			if !audited {
				if n := len(server.Calls()); n != test.calls || reports != nil ||
					strings.Count(log.String(), "\n") != 1 {
					t.Errorf("%d calls, want %d; %d reports\n%s", n, test.calls, len(reports), log.String())
				}
				return
			}
			if len(reports) != 1 || reports[0].Run.Trigger == nil {
				t.Fatalf("reports %+v", reports)
			}
			trigger := *reports[0].Run.Trigger
			if n := len(trigger.Changes); n > maxReportedChanges {
				t.Errorf("%d changes are kept", n)
			}
			if trigger.By != audit.TriggeredByChanges ||
				len(trigger.Changes)+trigger.More != test.want.Touching ||
				trigger.Unreadable != test.want.Unreadable {
				t.Errorf("triggered by %+v", trigger)
			}
			if !strings.Contains(log.String(), fmt.Sprintf(`"trigger":"changes","changes":%d,`,
				test.want.Touching)) {
				t.Errorf("no trigger in\n%s", log.String())
			}
			for _, c := range trigger.Changes {
				if !slices.Equal(c.Targets, []string{"user/remotion-user"}) || c.Actor != "user/kim" {
					t.Errorf("change %+v", c)
				}
			}
		})
	}
}
