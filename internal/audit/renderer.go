package audit

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// limitRendererGaps lowers the severity of a caller's gap that is about invoking one deployed
// function, while the caller may invoke another one in each region in which it may not invoke all.
// The former can be a function that only the option rendererFunctionName names: the function that
// starts the render invokes it, with the render role, and the caller does not. No fact shows which
// functions these are. A caller that deploys also invokes the functions that it finds, and those
// that it creates.
func (t TargetFacts) limitRendererGaps(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		if !t.mayOnlyRender(*f) {
			continue
		}
		severity, stops := policies.Medium, policies.Features
		impact := "renders cannot be started with this function; if only " +
			"rendererFunctionName names it, nothing fails, because the render role invokes it"
		switch name := functionName(f.ExampleARN); {
		case !slices.Contains(t.Scope.Functions[f.Region], name):
			severity, stops = policies.High, policies.SomeDeploys
			impact = "renders cannot be started with functions that the next " +
				"deploy creates, and a second deploy of these functions fails"
		case slices.Contains(f.Operations, policies.DeployOperation) && policies.NamedByRemotion(name):
			severity, stops = policies.High, policies.SomeDeploys
			impact = "a second deploy of this function fails; " + impact
		}
		f.Severity, f.Stops, f.Impact = min(f.Severity, severity), min(f.Stops, stops), impact
	}
}

// mayOnlyRender reports whether a gap is about a function that the caller may not have to invoke.
func (t TargetFacts) mayOnlyRender(f Finding) bool {
	return t.Kind == Caller && len(t.Unread) == 0 && f.Action == "lambda:InvokeFunction" &&
		f.Status == Partial && starts(f.Operations) && t.invokesAnother(f)
}

// starts reports whether an operation starts renders.
func starts(operations []policies.Operation) bool {
	return slices.ContainsFunc(operations, func(o policies.Operation) bool {
		return o == policies.RenderOperation || o == policies.Invoke || o == policies.Stills
	})
}

func functionName(function string) string {
	a, _ := arn.Parse(function)
	return strings.TrimPrefix(a.Resource, "function:")
}

// invokesAnother reports whether the documents allow the caller to invoke a function in each
// region.
func (t TargetFacts) invokesAnother(f Finding) bool {
	invokes := func(region, function string) bool {
		q := needs.SimulationRequest{Action: f.Action, Resource: function, Region: region}
		return t.grants(q, function)
	}
	for _, region := range t.Scope.Regions {
		names := t.Scope.Functions[region]
		if len(names) == 0 && !invokes(region, t.Scope.ExampleFunction(region)) {
			return false
		}
		if len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool {
			return invokes(region, arn.ARN{Partition: t.Scope.Partition, Service: "lambda",
				Region: region, Account: t.Scope.Account, Resource: "function:" + name}.String())
		}) {
			return false
		}
	}
	return true
}
