package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

const (
	// delay is what every answer of AWS takes in a benchmark.
	delay = 40 * time.Millisecond
	// pageSize is IAM's when a client does not ask for less.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html
	pageSize = 100
	// maxCalls is how many calls a run may make in an account of one caller and one render role,
	// beside those that list functions: one for every page of every region.
	maxCalls = 40
)

// A scene is an account, and how many round trips a run in it may wait for: one to read the state,
// one to write it and one for the metrics, the rest for the audit. Zero is no bound.
type scene struct {
	name      string
	account   func(testing.TB) *awsemu.Account
	regions   string
	maxRounds int
}

var scenes = []scene{
	{name: "inline-only", account: inlineOnly, maxRounds: 5},
	{name: "groups-and-managed", account: groupsAndManaged, maxRounds: 7},
	{name: "inline-only-all-regions", account: everyLayer, regions: "all"},
	{name: "2000-functions", account: manyFunctions},
}

// inlineOnly has one caller and the render role, each with one inline policy: the documented one.
func inlineOnly(tb testing.TB) *awsemu.Account {
	tb.Helper()
	account, err := awsemu.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return account
}

// everyLayer grants what Remotion's document forgets, the layers of Lambda Insights in four
// regions, so that nothing is missing in any.
func everyLayer(tb testing.TB) *awsemu.Account {
	account := inlineOnly(tb)
	account.Users["remotion-user"].Inline["insights"] = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
		"Action": "lambda:GetLayerVersion", "Resource": "arn:aws:lambda:*:*:layer:LambdaInsightsExtension*"}]}`
	return account
}

// manyFunctions has 2,000 functions of ten releases in twenty regions, a hundred in each.
func manyFunctions(tb testing.TB) *awsemu.Account {
	account := everyLayer(tb)
	regions := policies.Regions(policies.AWS)[:20]
	for i := range 2000 {
		account.Functions = append(account.Functions, awsemu.LambdaFunction{
			Name:   fmt.Sprintf("remotion-render-4-0-%d-mem%dmb-disk2048mb-120sec", 418+i%10, 512+i),
			Region: regions[i%len(regions)], Role: policies.RoleName,
		})
	}
	return account
}

// groupsAndManaged has policies in every place they can be: in the caller, attached to it, in its
// group, attached to its group, as its boundary, and attached to the render role.
func groupsAndManaged(tb testing.TB) *awsemu.Account {
	account := inlineOnly(tb)
	list := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}`
	all := `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`
	account.Policies = map[string]awsemu.ManagedPolicy{
		"remotion-user": {Document: policies.Latest().Document(policies.User)},
		"remotion-role": {Document: policies.Latest().Document(policies.Role)},
		"list-buckets":  {Document: list},
		"limits":        {Document: all},
	}
	account.Groups = map[string]awsemu.Group{
		"renderers": {Inline: map[string]string{"list": list}, Managed: []string{"remotion-user"}},
	}
	user := account.Users["remotion-user"]
	user.Inline = map[string]string{"list": list}
	user.Managed, user.Groups, user.Boundary = []string{"list-buckets"}, []string{"renderers"},
		"limits"
	account.Users["remotion-user"] = user
	account.Roles[policies.RoleName] = awsemu.Role{Managed: []string{"remotion-role"}}
	return account
}

// A stage is the function's handler and the AWS it talks to.
type stage struct {
	server *awsemu.Server
	url    string
	app    *app.App
	event  json.RawMessage
}

func (s scene) open(tb testing.TB, wait time.Duration) *stage {
	tb.Helper()
	account := s.account(tb)
	server := &awsemu.Server{Account: account, PageSize: pageSize,
		Faults: []awsemu.Fault{{Operation: "*", Delay: wait}}}
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { endpoint.Close() })
	environment := account.Function.Environment
	if s.regions != "" {
		environment["REGIONS"] = s.regions
	}
	config, err := app.ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		tb.Fatal(err)
	}
	event, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		tb.Fatal(err)
	}
	return &stage{server: server, url: endpoint.URL, event: event, app: &app.App{
		Config: config,
		Clients: app.NewClients(aws.Config{
			Region: "us-east-1", BaseEndpoint: &endpoint.URL,
			Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR000", "local", ""),
		}),
		Log: slog.New(slog.DiscardHandler), Function: "remotion-audit",
	}}
}

// A run is what one audit took, and the calls it made.
type run struct {
	took  time.Duration
	calls []awsemu.Call
}

func (s *stage) audit(tb testing.TB) run {
	tb.Helper()
	result, r := s.handle(tb)
	if result.Status != audit.StatusCompliant || !result.Measured || result.Announced {
		tb.Fatalf("the run says %+v, want a compliant account, metrics and no alert", result)
	}
	return r
}

// handle runs the handler on the stage's event.
func (s *stage) handle(tb testing.TB) (app.RunResult, run) {
	tb.Helper()
	s.server.Reset()
	ctx, stop := context.WithTimeout(tb.Context(), time.Minute) // as Lambda gives one
	defer stop()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       "bench",
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit",
	})
	started := time.Now()
	result, err := s.app.Handle(ctx, s.event)
	took := time.Since(started)
	if err != nil {
		tb.Fatal(err)
	}
	return result, run{took, s.server.Calls()}
}

// bill says what the calls are for, so that a reader can check their number against the account.
type bill struct {
	principals, lists, inline, managed int
	simulations                        map[string]int // by principal
	listings                           map[string]int // pages by region
	tags                               int
	metrics, topic, evidence           int
}

func itemize(tb testing.TB, calls []awsemu.Call) (b bill) {
	tb.Helper()
	b.simulations, b.listings = map[string]int{}, map[string]int{}
	for _, c := range calls {
		switch c.Operation {
		case "GetUser", "GetRole":
			b.principals++
		case "ListUserPolicies", "ListAttachedUserPolicies", "ListGroupsForUser",
			"ListGroupPolicies", "ListAttachedGroupPolicies", "ListRolePolicies", "ListAttachedRolePolicies":
			b.lists++
		case "GetUserPolicy", "GetGroupPolicy", "GetRolePolicy":
			b.inline++
		case "GetPolicy", "GetPolicyVersion":
			b.managed++
		case "SimulatePrincipalPolicy":
			_, name, _ := strings.Cut(c.Params["PolicySourceArn"], "::123456789012:")
			b.simulations[name]++
		case "ListFunctions":
			b.listings[c.Region]++
		case "ListTags":
			b.tags++
		case "PutMetricData":
			b.metrics++
		case "ListSubscriptionsByTopic":
			b.topic++
		case "GetObject", "PutObject":
			b.evidence++
		default:
			tb.Errorf("the run calls %s:%s, which the formula does not have", c.Service, c.Operation)
		}
		// a first run has no state, and nobody need have muted anything
		if c.Code != "" && c.Code != "NoSuchKey" {
			tb.Errorf("%s:%s was refused: %s", c.Service, c.Operation, c.Code)
		}
	}
	return b
}

func (b bill) simulated() (n int) {
	for _, of := range b.simulations {
		n += of
	}
	return n
}

func (b bill) listed() (n int) {
	for _, pages := range b.listings {
		n += pages
	}
	return n
}

func (b bill) reads() int { return b.principals + b.lists + b.inline + b.managed }

func (b bill) String() string {
	return fmt.Sprintf("%d calls = %d reads (%d principals + %d lists + %d inline policies + 2 x %d "+
		"managed policies) + "+
		"%d simulations (user %d, role %d) + %d ListFunctions (a page of 50 functions each, %d "+
		"regions) + %d ListTags + %d PutMetricData",
		b.reads()+b.simulated()+b.listed()+b.tags+b.metrics, b.reads(), b.principals, b.lists, b.inline,
		b.managed/2,
		b.simulated(), b.simulations["user/remotion-user"], b.simulations["role/"+policies.RoleName],
		b.listed(), len(b.listings), b.tags, b.metrics)
}

// The handler, from the event to the last metric.
func BenchmarkHandler(b *testing.B) {
	for _, s := range scenes {
		b.Run(s.name, func(b *testing.B) {
			stage := s.open(b, delay)
			stage.audit(b) // opens the connections, as a function's first run does
			var runs []run
			for b.Loop() {
				runs = append(runs, stage.audit(b))
			}
			report(b, runs)
			b.Logf("%v", itemize(b, runs[0].calls))
		})
	}
}

// report adds the columns of this package. What stands there is the median: one run that the
// machine kept waiting says nothing about the code.
func report(b *testing.B, runs []run) {
	b.ReportMetric(median(runs, func(r run) float64 { return float64(len(r.calls)) }), "calls")
	b.ReportMetric(median(runs, func(r run) float64 { return float64(awsemu.Rounds(r.calls)) }),
		"round-trips")
	b.ReportMetric(median(runs, func(r run) float64 { return float64(r.took) / float64(delay) }),
		"wall/40ms")
}

func median[T any](list []T, of func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, item := range list {
		values[i] = of(item)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// The bounds on calls and on round trips are about the order of calls, not about time. A delay
// longer than a busy machine's hiccups keeps them apart.
func TestBounds(t *testing.T) {
	for _, s := range scenes {
		if s.maxRounds == 0 {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			calls := s.open(t, 250*time.Millisecond).audit(t).calls
			bill := itemize(t, calls)
			if n := len(calls) - bill.listed(); n > maxCalls {
				t.Errorf("%d calls beside the listing, want at most %d: %v", n, maxCalls, bill)
			}
			if rounds := awsemu.Rounds(calls); rounds > s.maxRounds {
				t.Errorf("waits for %d round trips, want at most %d: %v\n%s", rounds, s.maxRounds, bill,
					timeline(calls))
			}
			if bill.metrics != 1 {
				t.Errorf("%d calls of PutMetricData, want 1", bill.metrics)
			}
			t.Logf("%d round trips, %v", awsemu.Rounds(calls), bill)
		})
	}
}

// timeline shows when each call was under way.
func timeline(calls []awsemu.Call) string {
	var b strings.Builder
	for _, c := range calls {
		from := calls[0].Started
		fmt.Fprintf(&b, "%4d to %4d ms  %s\n", c.Started.Sub(from).Milliseconds(),
			c.Ended.Sub(from).Milliseconds(), c.Operation)
	}
	return b.String()
}
