package bench_test

import (
	"fmt"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Parsing the documents that Remotion prints.
func BenchmarkParse(b *testing.B) {
	for _, kind := range []policies.PolicyKind{policies.User, policies.Role} {
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

// One request against a principal that has the documented policy once, or in ten policies.
func BenchmarkGrantsEvaluate(b *testing.B) {
	doc, err := iampolicy.Parse(policies.Latest().Document(policies.User))
	if err != nil {
		b.Fatal(err)
	}
	request := iampolicy.Request{
		Action:   "lambda:CreateFunction",
		Resource: "arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec",
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

// Judging a whole account: the caller and the render role, 49 requirements, in one region and in
// all of Remotion's.
func BenchmarkEvaluate(b *testing.B) {
	for _, s := range scenes {
		b.Run(s.name, func(b *testing.B) {
			stage := s.open(b, 0)
			plan, err := stage.app.Config.Plan(app.Location{Account: "123456789012", Partition: "aws",
				Region: "us-east-1"})
			if err != nil {
				b.Fatal(err)
			}
			facts := collect.Collector{IAM: stage.app.IAM, Lambda: stage.app.Lambda}.Collect(b.Context(),
				plan)
			questions := 0
			for _, t := range facts.Targets {
				questions += len(t.Answers)
			}
			for b.Loop() {
				if r := audit.Evaluate(facts); r.Status != audit.StatusCompliant {
					b.Fatalf("%+v, want compliant", r.Summary)
				}
			}
			b.ReportMetric(float64(questions), "questions")
		})
	}
}
