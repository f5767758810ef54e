package bench_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/e2e/remotion"
)

// Remotion's own check, on the endpoint the handler has just run on. It asks about the caller
// alone, statement by statement; the handler asks about the render role too, reads the documents of
// both, and publishes metrics. Starting Node and loading the package are left out.
func BenchmarkRemotionsOwnCheck(b *testing.B) {
	pkg := remotion.Package{Dir: "../e2e/remotion"}
	if err := pkg.Ready(); err != nil {
		// Without -v, a benchmark that skips says nothing.
		fmt.Fprintln(os.Stderr, "SKIPPED, NOT MEASURED: Remotion's own check:", err)
		b.Skip(err)
	}
	stage := scenes[0].open(b, delay)
	stage.audit(b)
	var ours, theirs []run
	for range 10 {
		ours = append(ours, stage.audit(b))
	}
	for b.Loop() {
		for range 5 { // Node takes longer to start than a benchmark runs by default
			stage.server.Reset()
			check, err := pkg.Simulate(b.Context(), stage.url, "AKIAIOSFODNN7EXAMPLE")
			if err != nil {
				b.Fatal(err)
			}
			theirs = append(theirs, run{time.Duration(check.Milliseconds * float64(time.Millisecond)),
				stage.server.Calls()})
		}
	}
	took := func(r run) float64 { return float64(r.took) }
	report(b, theirs)
	b.ReportMetric(median(theirs, took), "ns/op")
	b.ReportMetric(median(theirs, took)/median(ours, took), "x-ours")
	asked := map[string]int{}
	for _, c := range theirs[0].calls {
		asked[c.Operation]++
	}
	b.Logf("Remotion %s: %d calls = %d GetCallerIdentity + %d simulations, about the caller; %d "+
		"round trips, %v",
		remotion.Version, len(theirs[0].calls), asked["GetCallerIdentity"],
		asked["SimulatePrincipalPolicy"],
		awsemu.Rounds(theirs[0].calls), theirs[0].took.Round(time.Millisecond))
	b.Logf("this handler: %v; %d round trips, %v",
		itemize(b, ours[0].calls), awsemu.Rounds(ours[0].calls), ours[0].took.Round(time.Millisecond))
}
