package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// maxRoles is the maximum number of audited roles that functions use but the configuration does not
// name. An account usually has one or two such roles; the bound limits the cost of an unusual
// account.
const maxRoles = 20

// adoptFunctionRoles assigns the functions to their render roles and returns new targets for roles
// that are not configured.
func (r *run) adoptFunctionRoles(s *survey) (found []*target) {
	var skipped []string
	for _, f := range s.functions {
		name, ok := r.roleName(f.Role)
		if !ok {
			s.problems = append(s.problems, audit.Problem{What: "the role of function " + f.String(),
				Why: fmt.Sprintf("%.200q is not a role of this account", f.Role)})
			continue
		}
		sameRole := func(t *target) bool {
			return t.facts.Kind == audit.RenderRole && t.facts.Name == "role/"+name
		}
		i := slices.IndexFunc(r.targets, sameRole)
		switch {
		case i < 0 && len(found) < maxRoles:
			t := &target{facts: audit.TargetFacts{Kind: audit.RenderRole, Name: "role/" + name, ARN: f.Role,
				Purpose: policies.Render}, fromFunction: true}
			i = len(r.targets)
			r.targets, found = append(r.targets, t), append(found, t)
		case i < 0:
			if !slices.Contains(skipped, name) {
				skipped = append(skipped, name)
			}
			continue
		}
		t := r.targets[i]
		if t.facts.Presence != audit.Present {
			t.facts.ARN = f.Role
		}
		t.facts.Functions = append(t.facts.Functions, f)
	}
	if skipped != nil {
		s.problems = append(s.problems,
			audit.Problem{What: fmt.Sprintf("%d roles of functions", len(skipped)),
				Why:    fmt.Sprintf("at most %d are audited in addition to RENDER_ROLE", maxRoles),
				Remedy: "audit fewer regions at a time (REGIONS)"})
	}
	return found
}

// roleName returns the name in a role's ARN, without the path. ok is false if the ARN is not a role
// of the account.
func (r *run) roleName(role string) (name string, ok bool) {
	path, ok := strings.CutPrefix(role, r.arn("role/"))
	name = arn.Name(path)
	return name, ok && name != "" && !strings.ContainsAny(name, "*?$")
}

// resolveTargets sets the scope of each target: all deployed functions for a caller, its own
// functions for a render role. For a role that is not configured, the scope has only the regions of
// its functions.
func (r *run) resolveTargets(s survey) {
	renderRole, guessed := r.renderRole()
	byRegion := func(functions []audit.Function) map[string][]string {
		names := map[string][]string{}
		for _, f := range functions {
			names[f.Region] = append(names[f.Region], f.Name)
		}
		return names
	}
	var roles []string
	for _, t := range r.targets {
		if len(t.facts.Functions) > 0 && t.facts.Presence != audit.Absent {
			roles = append(roles, t.facts.ARN)
		}
	}
	anyRole := !slices.ContainsFunc(r.targets, func(t *target) bool {
		return t.facts.Kind == audit.RenderRole && !t.fromFunction
	})
	functions := byRegion(s.functions)
	ownLayers, withoutRemotionLayers := layersByRegion(s.functions)
	for _, t := range r.targets {
		t.facts.Scope = needs.Scope{
			Partition: r.plan.Partition, Account: r.plan.Account, Regions: s.regions,
			Caller: t.facts.ARN, RenderRole: renderRole, FunctionRoles: roles,
			Functions: functions, Buckets: r.plan.Buckets, OwnLayers: ownLayers,
			WithoutRemotionLayers: withoutRemotionLayers, VPC: networks(s.functions),
			InsightsRegions: insightsRegions(s.functions),
		}
		if t.facts.Kind == audit.RenderRole {
			own := byRegion(t.facts.Functions)
			t.facts.Scope.Functions, t.facts.Scope.VPC = own, networks(t.facts.Functions)
			if r.plan.Requested == autoRelease {
				t.facts.Releases = r.roleReleases(t, anyRole)
			}
			if t.fromFunction {
				t.facts.Scope.Regions = slices.DeleteFunc(slices.Clone(s.regions), func(region string) bool {
					return own[region] == nil
				})
			}
		}
		if guessed {
			t.facts.Guessed = append(t.facts.Guessed, renderRole)
		}
		if t.facts.Presence == audit.PresenceUnknown {
			t.facts.Guessed = append(t.facts.Guessed, t.facts.ARN)
		}
	}
}

// renderRole returns the ARN of the role that callers pass to new functions. guessed is true if the
// role could not be read and no function uses it, so that the ARN can lack the path.
func (r *run) renderRole() (role string, guessed bool) {
	for _, t := range r.targets {
		if t.facts.Kind == audit.RenderRole {
			return t.facts.ARN, t.facts.Presence == audit.PresenceUnknown && len(t.facts.Functions) == 0
		}
	}
	return r.arn("role/" + policies.RoleName), false
}

// dropMissingDefaultRole removes the default render role from the targets if the role does not
// exist and all deployed functions use other roles. It reports whether it removed the role. It
// waits for all reads of the role, because one of them can contradict the others.
func (r *run) dropMissingDefaultRole(ctx context.Context, s survey) bool {
	if len(s.functions) == 0 {
		return false
	}
	n := len(r.targets)
	r.targets = slices.DeleteFunc(r.targets, func(t *target) bool {
		if t.facts.Kind != audit.RenderRole || t.facts.Name != "role/"+policies.RoleName ||
			t.facts.Presence != audit.Absent || len(t.facts.Functions) > 0 {
			return false
		}
		r.readDocuments(ctx, t)
		<-t.read
		return t.documents.found == nil && t.lookup.found == nil
	})
	return len(r.targets) < n
}
