package bench_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/testing/roundtrips"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

// BenchmarkRemotionsOwnCheck runs Remotion's own check and the handler on the same endpoint.
// Remotion's check only simulates the caller, statement by statement. The handler also simulates
// the render role, reads the policies of the caller and the role, and publishes metrics. The time
// of Remotion's check excludes the start of Node and the loading of the package.
func BenchmarkRemotionsOwnCheck(b *testing.B) {
	pkg := remotion.Package{Dir: "../e2e/remotion"}
	if err := pkg.Ready(); err != nil {
		// Without -v, a skipped benchmark prints nothing.
		fmt.Fprintln(os.Stderr, "SKIPPED, NOT MEASURED: Remotion's own check:", err)
		b.Skip(err)
	}
	f := benchmarkCases[0].newFixture(b, delay)
	f.audit(b)
	var ours, theirs []run
	for range 10 {
		ours = append(ours, f.audit(b))
	}
	for b.Loop() {
		// By default, b.Loop ends after one second, and Node takes longer to start. So every iteration
		// measures five checks.
		for range 5 {
			f.server.Reset()
			check, err := pkg.Simulate(b.Context(), f.url, "AKIAIOSFODNN7EXAMPLE")
			if err != nil {
				b.Fatal(err)
			}
			theirs = append(theirs, run{time.Duration(check.Milliseconds * float64(time.Millisecond)),
				f.server.Calls()})
		}
	}
	duration := func(r run) float64 { return float64(r.duration) }
	reportMetrics(b, theirs)
	b.ReportMetric(median(theirs, duration), "ns/op")
	b.ReportMetric(median(theirs, duration)/median(ours, duration), "x-ours")
	counts := map[string]int{}
	for _, c := range theirs[0].calls {
		counts[c.Operation]++
	}
	b.Logf("Remotion %s: %d calls = %d GetCallerIdentity + %d simulations of the caller; %d round "+
		"trips, %v",
		remotion.Version, len(theirs[0].calls), counts["GetCallerIdentity"],
		counts["SimulatePrincipalPolicy"],
		roundtrips.Count(theirs[0].calls), theirs[0].duration.Round(time.Millisecond))
	b.Logf("this handler: %v; %d round trips, %v", countCalls(b, ours[0].calls),
		roundtrips.Count(ours[0].calls), ours[0].duration.Round(time.Millisecond))
}
