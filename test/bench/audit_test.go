package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/remotion-audit/remotion-audit/events"
	"github.com/remotion-audit/remotion-audit/examples"
	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/account"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

const (
	// delay is the delay before every answer of AWS in a benchmark.
	delay = 40 * time.Millisecond
	// pageSize is the default page size of IAM.
	// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserPolicies.html
	pageSize = 100
	// maxCalls is the maximum number of calls of a run in an account with one caller and one render
	// role. It excludes the calls that list functions: one for every page of every region.
	maxCalls = 42
)

// A benchmarkCase is an account with the number of sequential round trips of a run: one to read the
// state, one to write the state, one for the metrics, and the rest for the audit. If rounds is
// zero, no test checks the number.
type benchmarkCase struct {
	name    string
	account func(testing.TB) *awsemu.Account
	regions string
	rounds  int
}

var benchmarkCases = []benchmarkCase{
	// The first run that finds all targets satisfied keeps their documents, in two further writes.
	{name: "inline-only", account: inlineOnly, rounds: 7},
	{name: "groups-and-managed", account: groupsAndManaged, rounds: 9},
	{name: "inline-only-all-regions", account: everyLayer, regions: "all"},
	{name: "2000-functions", account: manyFunctions},
}

// inlineOnly returns an account with one caller and the render role. The only policy of each is the
// documented policy, as an inline policy.
func inlineOnly(tb testing.TB) *awsemu.Account {
	tb.Helper()
	account, err := account.Load(examples.FS, "compliant/account.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	return account
}

// everyLayer returns the account of inlineOnly with an additional policy for the Lambda Insights
// layers. Remotion's policy does not grant the layers of four regions. With the additional policy,
// no region has a gap.
func everyLayer(tb testing.TB) *awsemu.Account {
	account := inlineOnly(tb)
	account.Users["remotion-user"].Inline["insights"] = `{"Version": "2012-10-17", "Statement": [{
		"Effect": "Allow", "Action": "lambda:GetLayerVersion",
		"Resource": "arn:aws:lambda:*:*:layer:LambdaInsightsExtension*"}]}`
	return account
}

// manyFunctions returns the account of everyLayer with 2,000 functions of ten releases: a hundred
// functions in each of twenty regions.
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

// groupsAndManaged returns an account with policies of every kind: inline and managed policies of
// the caller and of the caller's group, a permissions boundary of the caller, and a managed policy
// of the render role.
func groupsAndManaged(tb testing.TB) *awsemu.Account {
	account := inlineOnly(tb)
	list := `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}]}`
	all := `{"Version": "2012-10-17", "Statement": [
		{"Effect": "Allow", "Action": "*", "Resource": "*"}]}`
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

// A fixture is the function's handler with an embedded AWS.
type fixture struct {
	server *awsemu.Server
	url    string
	app    *app.App
	event  json.RawMessage
}

// newFixture starts an embedded AWS that waits before every answer, and creates the handler.
func (c benchmarkCase) newFixture(tb testing.TB, wait time.Duration) *fixture {
	tb.Helper()
	server := &awsemu.Server{Account: c.account(tb), PageSize: pageSize,
		Faults: []awsemu.Fault{{Operation: "*", Delay: wait}}}
	endpoint, err := server.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = endpoint.Close() })
	return c.fixtureOf(tb, server, aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR000", "local", ""),
	})
}

// newVirtualFixture creates the handler with an embedded AWS in virtual time, so that the calls and
// round trips of a run depend only on the code.
func (c benchmarkCase) newVirtualFixture(t *testing.T) *fixture {
	t.Helper()
	server := &awsemu.Server{Account: c.account(t), PageSize: pageSize}
	return c.fixtureOf(t, server, roundtrips.Config(t, server))
}

// fixtureOf creates the handler with clients that call server.
func (c benchmarkCase) fixtureOf(tb testing.TB, server *awsemu.Server,
	clients aws.Config) *fixture {
	tb.Helper()
	environment := server.Account.Function.Environment
	if c.regions != "" {
		environment["REGIONS"] = c.regions
	}
	config, err := app.ConfigFromEnv(func(name string) string { return environment[name] })
	if err != nil {
		tb.Fatal(err)
	}
	event, err := events.FS.ReadFile("scheduler.json")
	if err != nil {
		tb.Fatal(err)
	}
	return &fixture{server: server, url: *clients.BaseEndpoint, event: event, app: &app.App{
		Config: config, Clients: app.NewClients(clients),
		Log: slog.New(slog.DiscardHandler), Function: "remotion-audit",
	}}
}

// A run holds the duration and the calls of one audit.
type run struct {
	duration time.Duration
	calls    []awsemu.Call
}

// audit runs the handler. It fails the test if the account is not compliant, if the run publishes
// no metrics, or if it sends a message.
func (f *fixture) audit(tb testing.TB) run {
	tb.Helper()
	result, r := f.handle(tb)
	if result.Status != audit.StatusCompliant || !result.Measured || result.Announced {
		tb.Fatalf("result %+v, want a compliant account, metrics and no message", result)
	}
	return r
}

// handle runs the handler with the event of the fixture.
func (f *fixture) handle(tb testing.TB) (app.RunResult, run) {
	tb.Helper()
	f.server.Reset()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute) // Lambda sets a deadline too
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{
		AwsRequestID:       "bench",
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:remotion-audit",
	})
	started := time.Now()
	result, err := f.app.Handle(ctx, f.event)
	duration := time.Since(started)
	if err != nil {
		tb.Fatal(err)
	}
	return result, run{duration, f.server.Calls()}
}

// callCounts counts calls by their use, so that a reader can check the numbers against the account.
type callCounts struct {
	principals, lists, inline, managed int
	simulations                        map[string]int // by principal
	listings                           map[string]int // pages by region
	tags, checks                       int
	metrics, topic, evidence           int
}

func countCalls(tb testing.TB, calls []awsemu.Call) (b callCounts) {
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
		case "GetAccountSettings", "GetFunctionConfiguration", "GetFunctionConcurrency":
			b.checks++
		case "PutMetricData":
			b.metrics++
		case "ListSubscriptionsByTopic":
			b.topic++
		case "GetObject", "PutObject":
			b.evidence++
		default:
			tb.Errorf("unexpected call of %s:%s", c.Service, c.Operation)
		}
		// NoSuchKey is not a failure: a first run finds no state, and an account can have no mutes.
		if c.Code != "" && c.Code != "NoSuchKey" {
			tb.Errorf("%s:%s failed: %s", c.Service, c.Operation, c.Code)
		}
	}
	return b
}

func (b callCounts) simulated() (n int) {
	for _, count := range b.simulations {
		n += count
	}
	return n
}

func (b callCounts) listed() (n int) {
	for _, pages := range b.listings {
		n += pages
	}
	return n
}

func (b callCounts) reads() int { return b.principals + b.lists + b.inline + b.managed }

func (b callCounts) String() string {
	return fmt.Sprintf("%d calls = %d reads (%d principals + %d lists + %d inline policies + 2 x %d "+
		"managed policies) + "+
		"%d simulations (user %d, role %d) + %d ListFunctions (a page of 50 functions each, %d "+
		"regions) + %d ListTags + %d of checks + %d PutMetricData",
		b.reads()+b.simulated()+b.listed()+b.tags+b.checks+b.metrics, b.reads(), b.principals, b.lists,
		b.inline, b.managed/2,
		b.simulated(), b.simulations["user/remotion-user"], b.simulations["role/"+policies.RoleName],
		b.listed(), len(b.listings), b.tags, b.checks, b.metrics)
}

// BenchmarkHandler measures the handler from the event to the last metric.
func BenchmarkHandler(b *testing.B) {
	for _, c := range benchmarkCases {
		b.Run(c.name, func(b *testing.B) {
			f := c.newFixture(b, delay)
			f.audit(b) // opens the connections, as a function's first run does
			var runs []run
			for b.Loop() {
				runs = append(runs, f.audit(b))
			}
			reportMetrics(b, runs)
			b.Logf("%v", countCalls(b, runs[0].calls))
		})
	}
}

// reportMetrics adds the columns of this package. It reports medians, so that a single slow run
// does not change the result.
func reportMetrics(b *testing.B, runs []run) {
	b.ReportMetric(median(runs, func(r run) float64 { return float64(len(r.calls)) }), "calls")
	b.ReportMetric(median(runs, func(r run) float64 { return float64(roundtrips.Count(r.calls)) }),
		"round-trips")
	b.ReportMetric(median(runs, func(r run) float64 { return float64(r.duration) / float64(delay) }),
		"wall/40ms")
}

func median[T any](list []T, value func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, item := range list {
		values[i] = value(item)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// TestBounds checks the bounds on calls and on sequential round trips.
func TestBounds(t *testing.T) {
	for _, c := range benchmarkCases {
		if c.rounds == 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				calls := c.newVirtualFixture(t).audit(t).calls
				counts := countCalls(t, calls)
				if n := len(calls) - counts.listed(); n > maxCalls {
					t.Errorf("%d calls without ListFunctions, want at most %d: %v", n, maxCalls, counts)
				}
				if rounds := roundtrips.Count(calls); rounds != c.rounds {
					t.Errorf("%d sequential round trips, want %d: %v\n%s", rounds, c.rounds, counts,
						timeline(calls))
				}
				if counts.metrics != 1 {
					t.Errorf("%d calls of PutMetricData, want 1", counts.metrics)
				}
				t.Logf("%d round trips, %v", roundtrips.Count(calls), counts)
			})
		})
	}
}

// timeline lists the start and end of each call in milliseconds after the first start.
func timeline(calls []awsemu.Call) string {
	var b strings.Builder
	for _, c := range calls {
		from := calls[0].Started
		fmt.Fprintf(&b, "%4d to %4d ms  %s\n", c.Started.Sub(from).Milliseconds(),
			c.Ended.Sub(from).Milliseconds(), c.Operation)
	}
	return b.String()
}
