package bench_test

import (
	"fmt"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// BenchmarkParse parses the documents that Remotion prints.
func BenchmarkParse(b *testing.B) {
	for _, kind := range policies.Kinds {
		b.Run(string(kind), func(b *testing.B) {
			text := policies.Latest().Document(kind)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := iampolicy.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGrantsEvaluate evaluates one request for a principal that has one or ten copies of the
// documented policy.
func BenchmarkGrantsEvaluate(b *testing.B) {
	doc := policytest.Parse(b, policies.Latest().Document(policies.User))
	request := iampolicy.Request{
		Action: "lambda:CreateFunction",
		Resource: "arn:aws:lambda:us-east-1:123456789012:function:" +
			"remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
		Context: iampolicy.Context{"aws:RequestedRegion": {"us-east-1"},
			"aws:SecureTransport": {"true"}},
	}
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("policies=%d", n), func(b *testing.B) {
			var grants iampolicy.Grants
			for i := range n {
				grants.Identity = append(grants.Identity, iampolicy.Policy{ID: fmt.Sprint("policy ", i),
					Document: doc})
			}
			for b.Loop() {
				if r := grants.Evaluate(request); r.Decision != iampolicy.Allowed {
					b.Fatalf("%s on %s: %v, want allowed", request.Action, request.Resource, r.Decision)
				}
			}
		})
	}
}

// BenchmarkEvaluate evaluates the facts of a whole account: 49 requirements of the caller and the
// render role, in one region or in all regions that Remotion supports.
func BenchmarkEvaluate(b *testing.B) {
	for _, c := range benchmarkCases {
		b.Run(c.name, func(b *testing.B) {
			f := c.newFixture(b, 0)
			plan, err := f.app.Config.Plan(app.Location{Account: "123456789012", Partition: "aws",
				Region: "us-east-1"})
			if err != nil {
				b.Fatal(err)
			}
			facts, targets := collect.Collector{IAM: f.app.IAM, Lambda: f.app.Lambda}.Collect(b.Context(),
				plan)
			for _, t := range targets {
				facts.Targets = append(facts.Targets, t)
			}
			simulations := 0
			for _, t := range facts.Targets {
				simulations += len(t.Answers)
			}
			for b.Loop() {
				if r := audit.Evaluate(facts); r.Status != audit.StatusCompliant {
					b.Fatalf("%+v, want compliant", r.Summary)
				}
			}
			b.ReportMetric(float64(simulations), "simulations")
		})
	}
}
