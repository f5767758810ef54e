package check

import (
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// fixable is what the repair of policies needs to know besides the requirements of a release.
type fixable struct {
	target  Target
	release policies.Release
}

// FindFix sets Fix: the edits of the policy files that close gaps, proved with the engine. It sets
// nothing without gaps, and for the requirements of a file, because the context of those can be one
// that no principal has. The fix has no exception from a Deny, a boundary, a service control policy
// or a condition: those are for an audit, which knows the principal. It edits no document with an
// unknown part. The error is that of ctx, if ctx ends first.
func (r *Verdict) FindFix(ctx context.Context, bounds Bounds, required Required,
	extra iampolicy.Context) error {
	if required.fixable == nil || r.Gaps == 0 {
		return ctx.Err()
	}
	t := required.fixable.target
	target := remedy.Target{Name: "role/" + policies.RoleName, Account: t.Account, Kind: t.Kind,
		Grants: bounds.AtLeast, Documented: required.fixable.release.Requirements(t.Kind),
		Context: func(q needs.SimulationRequest) iampolicy.Context {
			return audit.Overridden(t.RequestContext(q), extra)
		}}
	if t.Kind == policies.User {
		target.Name = "user/" + userName
	}
	// What closes a gap of AtLeast closes it in any case, because the policies grant no less.
	target.Grants.Identity = slices.Clone(bounds.AtLeast.Identity)
	for i := range target.Grants.Identity {
		p := &target.Grants.Identity[i]
		p.ByAWS = p.ByAWS || bounds.leavesOpen(p.ID) // then it is not edited
	}
	var gaps []remedy.Gap
	for i, f := range r.Findings {
		req := required.Requirements[i]
		switch {
		case req.remotion == nil:
		case f.Status == iampolicy.Satisfied:
			target.Satisfied = append(target.Satisfied, req.needs()...)
		case f.Status.Gap():
			gap := remedy.Gap{Requirement: *req.remotion, Needs: req.needs(), Why: f.Why}
			gap.Sid, gap.Resource = f.Sid, f.Resource
			gaps = append(gaps, gap)
		}
	}
	budget := iampolicy.NewBudget(ctx, maxWork*iampolicy.UnitOfWork)
	fix := remedy.Repair(budget, target, gaps)
	fix.Number = 1
	fix.Wider, fix.Undo = nil, nil
	for _, g := range fix.Guards {
		for _, n := range g.Blocks {
			fix.Remaining = append(fix.Remaining, remedy.Remaining{Need: n, Granted: true,
				Why: g.Policy + " blocks it, and a check proposes no exception"})
		}
	}
	fix.Guards = nil
	if len(fix.Closes) == 0 && len(bounds.Open) > 0 {
		fix = remedy.Withheld(fix.Target, fix.Policy, fix.Gaps, "the edit cannot be proved, because the "+
			"file leaves open "+namesOf(bounds.Open))
	}
	r.Fix = &fix
	r.placeFix(bounds)
	return ctx.Err()
}

// leavesOpen reports whether a part of a policy is unknown.
func (b *Bounds) leavesOpen(policy string) bool {
	return slices.ContainsFunc(b.Open, func(o Open) bool { return o.Policy == policy })
}

// placeFix sets At of each gap that no statement decides to what the fix changes.
func (r *Verdict) placeFix(bounds Bounds) {
	for _, edit := range r.Fix.Edits {
		for _, c := range edit.Changes {
			at := bounds.statementOf(edit.Policy, c.Statement)
			for i := range r.Findings {
				f := &r.Findings[i]
				if at != nil && len(f.Statements)+len(f.Covering) == 0 && slices.Contains(c.Closes,
					remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource}) {
					own := *at
					f.At = &own
				}
			}
		}
	}
}

// needs returns the needs of a requirement of a release.
func (r Requirement) needs() (list []needs.Need) {
	for _, d := range r.demands {
		list = append(list, d.need)
	}
	return list
}
