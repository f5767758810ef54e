package bench_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// unjudged returns the report of an audit that had no time for any of its callers: the report with
// the most errors to plan and to render.
func unjudged(callers int) audit.Report {
	scope := needs.Scope{Partition: "aws", Account: "123456789012",
		Regions:    policies.Regions(policies.AWS),
		RenderRole: "arn:aws:iam::123456789012:role/remotion-lambda-role"}
	judge := audit.NewJudge(audit.Facts{Account: scope.Account, Partition: scope.Partition,
		Regions: scope.Regions, Release: policies.Latest(), Requested: "auto"},
		func() bool { return true })
	for i := range callers {
		scope.Caller = fmt.Sprintf("arn:aws:iam::123456789012:user/render-%03d", i)
		judge.Add(i, audit.TargetFacts{Kind: audit.Caller, Name: fmt.Sprintf("user/render-%03d", i),
			ARN: scope.Caller, Purpose: policies.All, Presence: audit.Present, Scope: scope})
	}
	r := judge.Report()
	r.Run = audit.Run{ID: "bench", At: time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)}
	return r
}

// BenchmarkNotify measures what runs in the time that is reserved after the audit: the judgement of
// what is left, the plan, the message and the JSON of the report. It must take less than the 10 s
// of the reserve on the seventh of a processor that 256 MB give.
func BenchmarkNotify(b *testing.B) {
	for _, callers := range []int{10, 200} {
		b.Run(fmt.Sprintf("%d-callers", callers), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := unjudged(callers)
				plan := alert.Plan(alert.State{}, r, nil, r.Run.At, alert.Options{})
				if plan.Digest == nil {
					b.Fatal("no digest")
				}
				message := render.Message(*plan.Digest, render.Sender{Function: "remotion-audit"})
				if message.Zero() {
					b.Fatal("no message")
				}
				if err := report.JSON(io.Discard, plan.Report); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestNotifyIsLinear checks that the work after the audit grows with the number of findings, not
// with its square: it counts allocations. A message has a maximum size.
func TestNotifyIsLinear(t *testing.T) {
	perCaller := func(callers int) float64 {
		return testing.AllocsPerRun(1, func() {
			r := unjudged(callers)
			plan := alert.Plan(alert.State{}, r, nil, r.Run.At, alert.Options{})
			_ = render.Message(*plan.Digest, render.Sender{Function: "remotion-audit"})
			if err := report.JSON(io.Discard, plan.Report); err != nil {
				t.Error(err)
			}
		}) / float64(callers)
	}
	if few, many := perCaller(50), perCaller(200); many > 1.5*few {
		t.Errorf("%.0f allocations for each of 50 callers, %.0f for each of 200", few, many)
	} else {
		t.Logf("%.0f allocations for each of 50 callers, %.0f for each of 200", few, many)
	}
}
