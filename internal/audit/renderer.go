package audit

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// limitRendererGaps lowers the severity of a caller's gap that is about invoking one deployed
// function, while the caller may invoke another one in that region. The former can be a function
// that only the option rendererFunctionName names: the function that starts the render invokes it,
// with the render role, and the caller does not. No fact shows which functions these are.
func (t TargetFacts) limitRendererGaps(findings []Finding) {
	if t.Kind != Caller || len(t.Unread) > 0 {
		return
	}
	for i := range findings {
		f := &findings[i]
		if f.Action != "lambda:InvokeFunction" || f.Status != Partial || !t.invokesAnother(*f) {
			continue
		}
		f.Severity = min(f.Severity, policies.Medium)
		f.Impact = "renders cannot be started with this function; if only rendererFunctionName names " +
			"it, nothing fails, because the render role invokes it"
	}
}

// invokesAnother reports whether the documents allow the caller to invoke a deployed function in
// the region of the finding, other than its example.
func (t TargetFacts) invokesAnother(f Finding) bool {
	return slices.ContainsFunc(t.Scope.Functions[f.Region], func(name string) bool {
		function := arn.ARN{Partition: t.Scope.Partition, Service: "lambda", Region: f.Region,
			Account: t.Scope.Account, Resource: "function:" + name}.String()
		q := needs.SimulationRequest{Action: f.Action, Resource: function, Region: f.Region}
		return function != f.ExampleARN && t.grants(q, function)
	})
}
