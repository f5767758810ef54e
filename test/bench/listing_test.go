package bench_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
)

// A fleet is an account with functions in 25 regions. Remotion supports as many regions in all
// partitions together.
type fleet struct {
	name string
	// inFirst is the number of functions in the first region, and perRegion in each other region.
	perRegion, inFirst int
	// pages is the number of pages that list the functions of the first region.
	pages int
}

var fleets = []fleet{
	{"empty", 0, 0, 1},
	{"one-each", 1, 1, 1},
	{"two-thousand", 75, 200, 4},
}

// regions returns the regions of the fleet.
func (f fleet) regions() []string {
	return append(policies.Regions(policies.AWS), "me-south-1", "me-central-1")
}

// server returns an embedded AWS with the functions of the fleet.
func (f fleet) server(wait time.Duration) *awsemu.Server {
	account := &awsemu.Account{PageSize: pageSize}
	if wait > 0 {
		account.Faults = []awsemu.Fault{{Operation: "*", Delay: wait}}
	}
	for i, region := range f.regions() {
		n := f.perRegion
		if i == 0 {
			n = f.inFirst
		}
		for j := range n {
			account.Functions = append(account.Functions, awsemu.LambdaFunction{
				Name: fmt.Sprintf("remotion-render-4-0-418-mem%dmb-disk2048mb-120sec", 512+j), Region: region,
				Role: policies.RoleName,
			})
		}
	}
	return &awsemu.Server{Account: account}
}

// list collects the facts of the account, and returns them with the calls to Lambda.
func (f fleet) list(ctx context.Context, server *awsemu.Server,
	config aws.Config) (audit.Facts, []awsemu.Call) {
	clients, regions := app.NewClients(config), f.regions()
	facts, targets := collect.Collector{IAM: clients.IAM, Lambda: clients.Lambda}.Collect(ctx,
		collect.Plan{
			Account: "123456789012", Partition: "aws", Regions: regions[:1], Further: regions[1:],
			Release: policies.Latest(), Requested: "auto",
		})
	for range targets { // the simulations
	}
	var lists []awsemu.Call
	for _, c := range server.Calls() {
		if c.Service == "lambda" {
			lists = append(lists, c)
		}
	}
	return facts, lists
}

// calls returns the expected number of calls: one for every page of 50 functions in every region,
// and one for a region without functions.
func (f fleet) calls() int {
	pages := func(n int) int { return max(1, (n+49)/50) }
	return pages(f.inFirst) + 24*pages(f.perRegion)
}

// TestRegionsAreListedInParallel checks that the listing of 25 regions takes as many sequential
// round trips as the listing of the region with the most pages.
func TestRegionsAreListedInParallel(t *testing.T) {
	for _, f := range fleets {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := f.server(0)
				facts, calls := f.list(t.Context(), server, roundtrips.Config(t, server))
				if got, want := len(facts.Functions), f.inFirst+24*f.perRegion; got != want ||
					len(facts.Problems) > 0 {
					t.Errorf("%d functions, want %d; problems %v", got, want, facts.Problems)
				}
				if rounds := roundtrips.Count(calls); rounds != f.pages {
					t.Errorf("%d sequential round trips, want %d\n%s", rounds, f.pages, timeline(calls))
				}
				if len(calls) != f.calls() {
					t.Errorf("%d calls, want %d", len(calls), f.calls())
				}
				t.Logf("%d round trips, %d calls = the sum over 25 regions of max(1, functions/50 rounded up)",
					roundtrips.Count(calls), len(calls))
			})
		})
	}
}

// BenchmarkListing lists 25 regions of an account without audited principals.
func BenchmarkListing(b *testing.B) {
	for _, f := range fleets {
		b.Run(f.name, func(b *testing.B) {
			var calls []awsemu.Call
			for b.Loop() {
				server := f.server(delay)
				endpoint, err := server.Listen("127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				_, calls = f.list(b.Context(), server, aws.Config{Region: "us-east-1",
					BaseEndpoint: &endpoint.URL,
					Credentials: credentials.NewStaticCredentialsProvider("AKIAADMINISTRATOR000", "local",
						"")})
				_ = endpoint.Close()
			}
			b.ReportMetric(float64(len(calls)), "calls")
			b.ReportMetric(float64(roundtrips.Count(calls)), "round-trips")
		})
	}
}
