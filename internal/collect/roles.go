package collect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// maxRoles is how many roles are audited because functions have them. A Remotion account has one or
// two; the bound is for an account that is not what it seems.
const maxRoles = 20

// adoptFunctionRoles gives each render role the functions that run under it, and returns targets
// for the roles that are no targets yet.
func (r *run) adoptFunctionRoles(s *survey) (found []*target) {
	var left []string
	for _, f := range s.functions {
		name, ok := r.roleName(f.Role)
		if !ok {
			s.problems = append(s.problems, audit.Problem{What: "the role of function " + f.String(),
				Why: fmt.Sprintf("%.200q is no role of this account", f.Role)})
			continue
		}
		is := func(t *target) bool {
			return t.facts.Kind == audit.RenderRole && t.facts.Name == "role/"+name
		}
		i := slices.IndexFunc(r.targets, is)
		switch {
		case i < 0 && len(found) < maxRoles:
			t := &target{facts: audit.TargetFacts{Kind: audit.RenderRole, Name: "role/" + name, ARN: f.Role,
				Purpose: policies.Render}, adopted: true}
			i = len(r.targets)
			r.targets, found = append(r.targets, t), append(found, t)
		case i < 0:
			if !slices.Contains(left, name) {
				left = append(left, name)
			}
			continue
		}
		t := r.targets[i]
		if t.facts.Presence != audit.Present {
			t.facts.ARN = f.Role
		}
		t.facts.Functions = append(t.facts.Functions, f)
	}
	if left != nil {
		s.problems = append(s.problems,
			audit.Problem{What: fmt.Sprintf("%d roles of functions", len(left)),
				Why:    fmt.Sprintf("at most %d are audited beside RENDER_ROLE", maxRoles),
				Remedy: "audit fewer regions at a time (REGIONS)"})
	}
	return found
}

// roleName is the name in a role's ARN, without its path.
func (r *run) roleName(arn string) (string, bool) {
	path, ok := strings.CutPrefix(arn, r.arn("role/"))
	name := path[strings.LastIndexByte(path, '/')+1:]
	return name, ok && name != "" && !strings.ContainsAny(name, "*?$")
}

// resolveTargets narrows what is needed to each target: callers to all that is deployed, a render
// role to the functions that run under it. A role that is audited only because functions have it
// has nothing to do elsewhere.
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
	for _, t := range r.targets {
		t.facts.Place = policies.Scope{
			Partition: r.plan.Partition, Account: r.plan.Account, Regions: s.regions,
			Caller: t.facts.ARN, RenderRole: renderRole, FunctionRoles: roles,
			Functions: byRegion(s.functions), Buckets: r.plan.Buckets,
		}
		if t.facts.Kind == audit.RenderRole {
			own := byRegion(t.facts.Functions)
			t.facts.Place.Functions = own
			if r.plan.Requested == auto {
				t.facts.Releases = r.releases(t.facts.Functions)
			}
			if t.adopted {
				t.facts.Place.Regions = slices.DeleteFunc(slices.Clone(s.regions), func(region string) bool {
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

// renderRole is the ARN callers pass to Lambda: the real one where the role was found, or where a
// function has it. Where nobody could tell whether it exists, its path is a guess.
func (r *run) renderRole() (arn string, guessed bool) {
	for _, t := range r.targets {
		if t.facts.Kind == audit.RenderRole {
			return t.facts.ARN, t.facts.Presence == audit.PresenceUnknown && len(t.facts.Functions) == 0
		}
	}
	return r.arn("role/" + policies.RoleName), false
}

// dropDefaultRole takes the default render role off the targets when nobody has it and the deployed
// functions have others: nothing is missing then. It reports whether it did.
func (r *run) dropDefaultRole(s survey) bool {
	if len(s.functions) == 0 {
		return false
	}
	n := len(r.targets)
	r.targets = slices.DeleteFunc(r.targets, func(t *target) bool {
		return t.facts.Kind == audit.RenderRole && t.facts.Name == "role/"+policies.RoleName &&
			t.facts.Presence == audit.Absent && len(t.facts.Functions) == 0
	})
	return len(r.targets) < n
}
