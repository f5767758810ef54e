package bench_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus"
	"github.com/remotion-audit/remotion-audit/internal/testing/corpus/oracle"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// BenchmarkOracle evaluates one request for Remotion's user policy with this project's evaluator,
// and with @cloud-copilot/iam-simulate in a separate process. The time of the other evaluator
// excludes the start of Node and a warm-up with the same number of evaluations. The other evaluator
// takes a document of parsed JSON (runUnsafeSimulation) and reads it for each evaluation. This
// project's evaluator takes a compiled document; ours-with-parsing also parses its text for each
// evaluation.
func BenchmarkOracle(b *testing.B) {
	pkg := oracle.Package{Dir: "../../internal/testing/corpus/oracle"}
	if err := pkg.Ready(); err != nil {
		// Without -v, a skipped benchmark prints nothing.
		fmt.Fprintln(os.Stderr, "SKIPPED, NOT MEASURED: the oracle's evaluation:", err)
		b.Skip(err)
	}
	text := policies.Latest().Document(policies.User)
	timed := oracle.Timed(text)
	if got, err := pkg.Decide(b.Context(), []corpus.Case{timed}); err != nil || got[0] != "allowed" {
		b.Fatalf("the oracle returns %v, %v, want allowed", got, err)
	}
	doc := policytest.Parse(b, text)
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "user", Document: doc}}}
	request := iampolicy.Request{Action: timed.Action, Resource: timed.Resource,
		Context: iampolicy.Context{}}
	for key, v := range timed.Context {
		request.Context[key] = v.Elements
	}
	const times = 5_000
	var ours, parsed, theirs []time.Duration
	for b.Loop() {
		for range 3 { // alternating, so that a temporarily busy machine slows both
			took, err := pkg.Time(b.Context(), timed, times)
			if err != nil {
				b.Fatal(err)
			}
			theirs = append(theirs, took)
			started := time.Now()
			for range 10 * times {
				if r := grants.Evaluate(request); r.Decision != iampolicy.Allowed {
					b.Fatalf("%s on %s: %v, want allowed", request.Action, request.Resource, r.Decision)
				}
			}
			ours = append(ours, time.Since(started)/(10*times))
			started = time.Now()
			for range times / 5 {
				doc, err := iampolicy.Parse(text)
				if err != nil {
					b.Fatal(err)
				}
				anew := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "user", Document: doc}}}
				if r := anew.Evaluate(request); r.Decision != iampolicy.Allowed {
					b.Fatalf("%s on %s: %v, want allowed", request.Action, request.Resource, r.Decision)
				}
			}
			parsed = append(parsed, time.Since(started)/(times/5))
		}
	}
	nanoseconds := func(d time.Duration) float64 { return float64(d) }
	b.ReportMetric(median(theirs, nanoseconds), "ns/op")
	b.ReportMetric(median(ours, nanoseconds), "ours-ns")
	b.ReportMetric(median(parsed, nanoseconds), "ours-with-parsing-ns")
	b.ReportMetric(median(theirs, nanoseconds)/median(ours, nanoseconds), "x-ours")
	b.ReportMetric(median(theirs, nanoseconds)/median(parsed, nanoseconds), "x-ours-with-parsing")
}
