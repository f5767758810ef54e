package check

import (
	"cmp"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// Scope returns the scope of the target. Without an account or regions, it stands for all of them.
func (t Target) Scope(release policies.Release) needs.Scope {
	scope := needs.Scope{Partition: release.Partition, Account: cmp.Or(t.Account, "*"),
		Regions: t.regions(), Caller: t.Principal}
	t.setNamed(&scope)
	if scope.Caller == "" {
		scope.Caller = arn.IAM(scope.Partition, scope.Account, "user/"+userName)
	}
	scope.RenderRole = cmp.Or(t.RenderRole,
		arn.IAM(scope.Partition, scope.Account, "role/"+policies.RoleName))
	return scope
}

// RequestContext returns the context of a request of the target. It has no region if the region is
// unknown.
func (t Target) RequestContext(q needs.SimulationRequest) iampolicy.Context {
	context := audit.AssumedContext(q, t.context())
	if q.RequestedRegion() == needs.AnyRegion {
		delete(context, "aws:RequestedRegion")
	}
	return context
}
