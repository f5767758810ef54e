package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/testing/schematest"
)

// lastRelease is the directory with an account, and with the state, the mutes and a report that the
// last release wrote after audits of it.
const lastRelease = "../alert/testdata/state/2026-11-account"

const (
	upgradeBucket = "remotion-audit-evidence"
	upgradeState  = "state/123456789012/remotion-audit.json"
)

// An upgraded is the account of lastRelease, in which this release continues.
type upgraded struct {
	t      *testing.T
	server *awsemu.Server
	url    string
	now    time.Time
	before alert.State
}

func upgrade(t *testing.T, change func(*awsemu.Account)) *upgraded {
	t.Helper()
	a, err := account.Load(os.DirFS(lastRelease), "account.yaml")
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(lastRelease + "/state.json")
	if err != nil {
		t.Fatal(err)
	}
	a.Buckets[upgradeBucket].Objects[upgradeState] = string(state)
	change(a)
	u := &upgraded{t: t, server: &awsemu.Server{Account: a}}
	if u.before, err = alert.ParseState(state); err != nil {
		t.Fatal(err)
	}
	u.now = u.before.Run.At
	endpoint, err := u.server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = endpoint.Close() })
	u.url = endpoint.URL
	return u
}

// An announced is one announcement of a message.
type announced struct{ Event, Target, Action, Text, Reclassified string }

// run runs the function an hour later. It returns the announcements of the message, and the
// message, or nothing if there is none.
func (u *upgraded) run(id string) ([]announced, awsemu.Message) {
	u.t.Helper()
	u.server.Reset()
	u.now = u.now.Add(time.Hour)
	cfg, err := ConfigFromEnv(func(name string) string {
		return u.server.Account.Function.Environment[name]
	})
	if err != nil {
		u.t.Fatal(err)
	}
	app := &App{Config: cfg, Clients: load(u.t, u.url), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return u.now }, Function: "remotion-audit"}
	ctx, cancel := context.WithTimeout(u.t.Context(), time.Minute)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id,
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit"})
	event, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		u.t.Fatal(err)
	}
	if _, err := app.Handle(ctx, event); err != nil {
		u.t.Fatal(err)
	}
	messages := u.server.Messages()
	if len(messages) > 1 {
		u.t.Errorf("%d messages, want at most one", len(messages))
	}
	if len(messages) == 0 {
		return nil, awsemu.Message{}
	}
	var body struct{ Announcements []announced }
	if err := json.Unmarshal([]byte(messages[0].Body("default")), &body); err != nil {
		u.t.Fatal(err)
	}
	return body.Announcements, messages[0]
}

// report returns the report that a run stored.
func (u *upgraded) report(id string) (r audit.Report) {
	u.t.Helper()
	text := u.server.Objects(upgradeBucket)[evidence.ReportKey(u.now, id)]
	if err := json.Unmarshal(text, &r); err != nil {
		u.t.Fatal(err)
	}
	return r
}

// unchangedEvents are the events that an upgrade may send about an account that did not change.
var unchangedEvents = []string{string(alert.ReasonReclassified), string(alert.ReasonNotice)}

// TestUpgradeOfAnUnchangedAccount checks that the first run of this release announces in one
// message what it judges otherwise than the last release, and that the second run is silent.
func TestUpgradeOfAnUnchangedAccount(t *testing.T) {
	t.Parallel()
	u := upgrade(t, func(*awsemu.Account) {})
	list, message := u.run("first")
	for _, a := range list {
		if !slices.Contains(unchangedEvents, a.Event) {
			t.Errorf("announced %+v", a)
		}
	}
	reclassified := slices.DeleteFunc(slices.Clone(list), func(a announced) bool {
		return a.Event != string(alert.ReasonReclassified)
	})
	// No release calls these actions.
	for _, action := range []string{"lambda:InvokeAsync", "s3:DeleteBucket"} {
		if !slices.ContainsFunc(reclassified, func(a announced) bool {
			return a.Target == "user/ci" && a.Action == action && a.Reclassified == "not-required"
		}) {
			t.Errorf("%s is not announced as no longer required: %+v", action, reclassified)
		}
	}
	if !strings.HasPrefix(message.Subject, "[NOTICE] Judgement changed, 25 reclassified; "+
		"still open: some renders will fail (") ||
		!strings.HasPrefix(message.Body("email"), "Judgement changed with auditor ") {
		t.Errorf("subject %q\n%s", message.Subject, message.Body("email"))
	}
	for schema, text := range map[string][]byte{
		"state.schema.json":   u.server.Objects(upgradeBucket)[upgradeState],
		"message.schema.json": withoutReport(t, message.Body("default")),
	} {
		if err := schematest.Validate(t, schematest.Compile(t, schema), text); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
	}
	if list, message := u.run("second"); list != nil {
		t.Errorf("the second run announces %q: %+v", message.Subject, list)
	}
}

// withoutReport returns a message without its report, which has a schema and tests of its own.
func withoutReport(t *testing.T, message string) []byte {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(message), &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "report")
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestUpgradeAndAChange checks that a permission which was removed between the last run of the last
// release and the first of this one is announced as new.
func TestUpgradeAndAChange(t *testing.T) {
	t.Parallel()
	u := upgrade(t, func(a *awsemu.Account) {
		role := a.Roles["remotion-lambda-role"]
		role.Inline["remotion"] = strings.Replace(role.Inline["remotion"], `"lambda:InvokeFunction"`,
			`"lambda:GetFunction"`, 1)
	})
	list, message := u.run("first")
	for _, a := range list {
		isNew := a.Target == "role/remotion-lambda-role" && a.Action == "lambda:InvokeFunction"
		if isNew != (a.Event == string(alert.ReasonOpened)) ||
			!isNew && !slices.Contains(unchangedEvents, a.Event) {
			t.Errorf("announced %+v", a)
		}
	}
	if !strings.HasPrefix(message.Subject, "[CRITICAL] ") {
		t.Errorf("subject %q", message.Subject)
	}
}

// TestUpgradeKeepsMutes checks that a mute hides what it hid, or that the message says why not.
func TestUpgradeKeepsMutes(t *testing.T) {
	t.Parallel()
	u := upgrade(t, func(*awsemu.Account) {})
	list, _ := u.run("first")
	muted := 0
	for _, g := range u.before.Gaps {
		if !g.Muted {
			continue
		}
		muted++
		for _, f := range u.report("first").Findings {
			if alert.IdentityOf(f) == g.Identity && f.Gap() &&
				!slices.ContainsFunc(list, func(a announced) bool {
					return a.Target == g.Target && a.Action == g.Action && a.Reclassified == "not-muted"
				}) {
				t.Errorf("%+v was muted, and is now %s with cause %s", g.Identity, f.Status, f.Cause)
			}
		}
	}
	if muted == 0 {
		t.Error("the state has no muted gap")
	}
}

// TestUpgradeWithoutSubscription checks that the judgement of this release is stored only after its
// message was sent.
func TestUpgradeWithoutSubscription(t *testing.T) {
	t.Parallel()
	u := upgrade(t, func(a *awsemu.Account) { a.Subscriptions = nil })
	if list, _ := u.run("first"); list != nil {
		t.Errorf("announced without a subscription: %+v", list)
	}
	if got := u.server.Objects(upgradeBucket)[upgradeState]; strings.Contains(string(got),
		`"judgement"`) {
		t.Errorf("the state has a judgement that was not announced:\n%s", got)
	}
}

// TestUpgradeReadsReports checks that this release reads a report of the last one.
func TestUpgradeReadsReports(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(lastRelease + "/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var r audit.Report
	if err := json.Unmarshal(text, &r); err != nil || r.Summary.Requirements == 0 {
		t.Errorf("%v, %+v", err, r.Summary)
	}
}

// TestUpgradeSeesMore checks that a requirement of a fact which the last release did not read, such
// as a function in a VPC, is announced as a new requirement and not as a new gap.
func TestUpgradeSeesMore(t *testing.T) {
	t.Parallel()
	u := upgrade(t, func(a *awsemu.Account) {
		a.Functions[0].Subnets, a.Functions[0].SecurityGroups = []string{"subnet-1"}, []string{"sg-1"}
	})
	list, _ := u.run("first")
	found := false
	for _, a := range list {
		found = found || a.Action == "ec2:CreateNetworkInterface" && a.Reclassified == "required"
		if !slices.Contains(unchangedEvents, a.Event) {
			t.Errorf("announced %+v", a)
		}
	}
	if !found {
		t.Errorf("the requirement is not announced: %+v", list)
	}
}
