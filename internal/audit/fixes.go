package audit

import (
	"context"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// fixUnits is the work that the repair of one target may take, in units of iampolicy.UnitOfWork.
const fixUnits = 64

// fixOf returns the fix for the gaps of a target; nil if the target has no gaps. findings are those
// of the requirements, in the same order, and perhaps one about the trust policy before them.
func (j *Judge) fixOf(t TargetFacts, findings []Finding,
	required []policies.Requirement) *remedy.Fix {
	if !slices.ContainsFunc(findings, Finding.Gap) {
		return nil
	}
	withheld := func(why string) *remedy.Fix {
		fix := remedy.Withheld(t.Name, t.Kind.Policy(), count(findings, 0).Gaps, why)
		return &fix
	}
	switch {
	case j.stopped():
		return withheld(NotInTime)
	case t.Presence == Absent:
		return withheld("the account has no " + t.entity() + " of this name")
	case t.Presence == PresenceUnknown || len(t.Unread) > 0:
		return withheld("not all policies of the principal could be read, and another one may decide")
	}
	// Resource control policies that deny nothing do not take part in the proofs.
	if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Cause == RCP }) {
		t = t.withoutResourceControl()
	} else if t.OrganizationID == "" {
		t.OrganizationID = t.MemberOf
	}
	r := remedy.Target{Name: t.Name, ARN: t.ARN, Account: t.Scope.Account, Kind: t.Kind.Policy(),
		Grants: t.Grants, Trust: t.Trust, Context: t.context, Resources: t.resources()}
	if j.Known != nil {
		r.Known = j.Known(t)
	}
	for _, release := range t.judgedBy(j.facts.judgedBy()) {
		r.Documented = append(r.Documented, release.Requirements(t.Kind.Policy())...)
	}
	var gaps []remedy.Gap
	first := len(findings) - len(required)
	for i, f := range findings {
		switch {
		case i < first && f.Status.Gap():
			r.TrustGap = &remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource}
			r.TrustWhy = f.Why
		case i < first:
		case f.Status == Satisfied:
			r.Satisfied = append(r.Satisfied, t.Scope.Needed(required[i-first])...)
		case f.Status.Gap():
			gaps = append(gaps, t.gapOf(f, required[i-first]))
		}
	}
	fix := remedy.Repair(iampolicy.NewBudget(j.context(), fixUnits*iampolicy.UnitOfWork), r, gaps)
	if fix.Withheld != "" && j.stopped() {
		return withheld(NotInTime)
	}
	fix.Owner = remedy.OwnerOf(t.origin(fix, j.Changes))
	return &fix
}

// A judgeContext ends when the judge has no time left, so that the repair of a target does not take
// the time that is reserved for the alert.
type judgeContext struct {
	context.Context
	judge *Judge
}

// Err returns an error when the time is over.
func (c judgeContext) Err() error {
	if c.judge.stopped() {
		return context.DeadlineExceeded
	}
	return nil
}

// context returns the context of the judge's budgets.
func (j *Judge) context() context.Context { return judgeContext{context.Background(), j} }

// origin returns what is known about where the documents that a fix edits come from.
func (t TargetFacts) origin(fix remedy.Fix, changes []IAMChange) remedy.Origin {
	o := remedy.Origin{Target: t.Name, ARN: t.ARN, Tags: t.Tags, Changes: changes}
	edits := slices.Clone(fix.Edits)
	for _, g := range fix.Guards {
		edits = append(edits, g.Edits...)
	}
	for _, e := range edits {
		o.Locations = append(o.Locations, e.Location)
	}
	return o
}

// gapOf describes a gap for the repair. If the documents grant a need that AWS denies, the layer
// that AWS names denies it.
func (t TargetFacts) gapOf(f Finding, r policies.Requirement) remedy.Gap {
	g := remedy.Gap{Requirement: r, Needs: t.Scope.Needed(r), Why: f.Why}
	for _, n := range g.Needs {
		if t.resourceControl(n).status.Gap() {
			continue // the fix names the statement
		}
		answer, ok := t.Answers[n.SimulationRequest]
		if !ok || answer.Decision == iampolicy.Allowed {
			continue
		}
		if answer.OrganizationDenies && !t.organizationShows(n) {
			g.Layer = SCP
		}
		if answer.BoundaryDenies && t.Grants.Boundary == nil {
			g.Layer = PermissionsBoundary
		}
	}
	return g
}

// organizationShows reports whether the given service control policies explain that AWS denies a
// need.
func (t TargetFacts) organizationShows(n needs.Need) bool {
	return t.Grants.Organization != nil && t.organization(n).status.Gap()
}

// resources lists the resources of the account that are known to exist.
func (t TargetFacts) resources() []string {
	var list []string
	for _, region := range t.Scope.Regions {
		for _, name := range t.Scope.Functions[region] {
			list = append(list, t.Scope.FunctionARN(region, name))
		}
	}
	for _, b := range t.Scope.Buckets {
		list = append(list, t.Scope.BucketARN(b.Name), t.Scope.BucketARN(b.Name)+"/object")
	}
	return append(append(list, t.Scope.FunctionRoles...), t.ARN)
}

// FixRequests returns the requests of the gaps that the edits of a fix close, which AWS denied. For
// a gap about many resources, these are the requests that the audit simulated.
func (f Facts) FixRequests(t TargetFacts, fix remedy.Fix) (list []needs.SimulationRequest) {
	if len(fix.Edits) == 0 {
		return nil
	}
	for _, r := range t.Scope.Requirements(t.judgedBy(f.judgedBy()), t.Kind.Policy(), t.Purpose) {
		if !slices.Contains(fix.Closes, remedy.Need{Sid: r.Sid, Action: r.Action,
			Resource: r.Resource}) {
			continue
		}
		for _, n := range t.Scope.Needed(r) {
			answer, ok := t.Answers[n.SimulationRequest]
			if ok && answer.Decision != iampolicy.Allowed &&
				!slices.Contains(list, n.SimulationRequest) {
				list = append(list, n.SimulationRequest)
			}
		}
	}
	return list
}
