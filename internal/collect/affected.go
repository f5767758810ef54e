package collect

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
)

// AffectedBy returns the changes that affect an audited principal, each with the names of the
// affected principals. It reads only what the changes do not show: the groups of a user, the
// policies of a principal, the roles of functions. AffectedBy also returns a change that it cannot
// resolve, because an unnecessary audit is better than a missed one. Each failed read adds a
// problem.
//
// Names and policy ARNs are compared without regard to case: CloudTrail records them as typed, and
// names in an account are unique without regard to case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (c Collector) AffectedBy(ctx context.Context, plan Plan,
	changes []cloudtrail.IAMChange) ([]cloudtrail.IAMChange, []audit.Problem) {
	t := &affectedSearch{run: &run{iam: c.IAM, lambda: c.Lambda, sts: c.STS, plan: plan,
		rolesOnly: true},
		changes: slices.Clone(changes)}
	for _, caller := range plan.Callers {
		t.add(caller.Name)
	}
	for _, role := range plan.RenderRoles {
		t.add("role/" + role)
	}
	t.matchNames()
	t.resolve(ctx)
	return slices.DeleteFunc(t.changes, func(c cloudtrail.IAMChange) bool {
		return c.Targets == nil &&
			!c.Unsure
	}), t.problems
}

// affectedSearch holds the state of one call of AffectedBy.
type affectedSearch struct {
	*run
	changes    []cloudtrail.IAMChange
	principals []*principalRef
	// roles, groups and policies are true if a change that names no audited principal names a role, a
	// group or a policy.
	roles, groups, policies bool
	// unlisted is true if some functions could not be listed, so some roles of functions are unknown.
	unlisted bool
	// attached maps the name of a group to its managed policies.
	attached map[string]*memberships
	problems []audit.Problem
}

// principalRef is an audited principal with the groups and policies through which a change can
// affect it.
type principalRef struct {
	// name is user/NAME, role/NAME or sso/PERMISSION-SET. roleName is role/NAME of the role of a
	// permission set; empty until readMemberships finds that role.
	name, roleName string
	// permissionSet matches the role names of a permission set. It is nil for other principals.
	permissionSet *regexp.Regexp
	groups        memberships
	policies      memberships
}

// memberships holds names of groups or ARNs of policies, and the problems of reading them.
type memberships struct {
	names    []string
	problems []audit.Problem
	existence
}

func (h *memberships) has(name string) bool {
	return slices.ContainsFunc(h.names, func(s string) bool { return strings.EqualFold(s, name) })
}

func (t *affectedSearch) add(name string) {
	p := &principalRef{name: name}
	if kind, set := entity(name); kind == "sso" {
		p.permissionSet = regexp.MustCompile("(?i)" + permissionSetRole(set))
	}
	t.principals = append(t.principals, p)
}

// is reports whether the principal is the user or role with that name. A permission set matches
// every name that its role can have.
func (p *principalRef) is(kind cloudtrail.EntityKind, name string) bool {
	if p.permissionSet != nil {
		return kind == cloudtrail.Role && p.permissionSet.MatchString(name)
	}
	own, last := entity(p.name)
	return own == string(kind) && strings.EqualFold(last, name)
}

// names returns the names that a report can use for the principal.
func (p *principalRef) names() []string {
	if p.roleName != "" {
		return []string{p.roleName, p.name}
	}
	return []string{p.name}
}

// matchNames resolves the changes that name an audited principal and records which reads the other
// changes need.
func (t *affectedSearch) matchNames() {
	for i := range t.changes {
		c := &t.changes[i]
		kind, name := c.Entity()
		c.Targets, c.Unsure = nil, name == ""
		for _, p := range t.principals {
			if name == "" || !p.is(kind, name) && !p.is(kind, c.NewUserName) {
				continue
			}
			if p.permissionSet != nil {
				c.Targets = append(c.Targets, "role/"+name)
			}
			c.Targets = append(c.Targets, p.name)
		}
		if c.Targets == nil && !c.Unsure {
			t.roles = t.roles || kind == cloudtrail.Role
			t.groups = t.groups || kind == cloudtrail.Group
			t.policies = t.policies || kind == cloudtrail.Policy
		}
	}
}

// resolve makes the reads that the remaining changes need and resolves these changes.
func (t *affectedSearch) resolve(ctx context.Context) {
	var listing sync.WaitGroup
	var roles []string
	if t.roles || t.policies {
		listing.Go(func() { roles = t.functionRoles(ctx) })
	}
	forEachParallel(t.principals, func(p *principalRef) { t.readMemberships(ctx, p) })
	listing.Wait()
	configured := len(t.principals)
	for _, name := range roles {
		if !slices.ContainsFunc(t.principals, func(p *principalRef) bool {
			return p.is(cloudtrail.Role, name)
		}) {
			t.add("role/" + name)
		}
	}
	forEachParallel(t.principals[configured:], func(p *principalRef) { t.readMemberships(ctx, p) })
	t.readGroups(ctx)
	for _, p := range t.principals {
		t.problems = slices.Concat(t.problems, p.groups.problems, p.policies.problems)
	}
	for i := range t.changes {
		if c := &t.changes[i]; c.Targets == nil && !c.Unsure {
			t.resolveChange(c)
		}
	}
}

// resolveChange finds the principals that are affected by a change that names none of them.
func (t *affectedSearch) resolveChange(c *cloudtrail.IAMChange) {
	kind, name := c.Entity()
	var groups []string
	if kind == cloudtrail.Group {
		groups = t.groupNames(name)
	}
	for _, p := range t.principals {
		applies, unknown := p.is(kind, name), false
		switch kind {
		case cloudtrail.Group:
			applies, unknown = slices.ContainsFunc(groups, p.groups.has), p.groups.problems != nil
		case cloudtrail.Policy:
			applies, unknown = t.attachedTo(p, name)
		}
		if applies || unknown {
			c.Targets = append(c.Targets, p.names()...)
		}
		c.Unsure = c.Unsure || unknown
	}
	switch {
	case c.Targets != nil || !t.unlisted:
	case kind == cloudtrail.Role:
		c.Targets, c.Unsure = []string{"role/" + name}, true // the role has this name if it is audited
	case kind == cloudtrail.Policy:
		c.Unsure = true
	}
}

// groupNames returns the name of a group in a change, and the names that other changes give to the
// group. IAM returns only the current name.
func (t *affectedSearch) groupNames(name string) []string {
	names := []string{name}
	for _, c := range t.changes { // the changes are usually in the order of the calls
		if kind, old := c.Entity(); kind == cloudtrail.Group && c.NewGroupName != "" &&
			slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, old) }) {
			names = append(names, c.NewGroupName)
		}
	}
	return names
}

// attachedTo reports whether a policy applies to a principal. unknown is true if a failed read
// leaves the answer open.
func (t *affectedSearch) attachedTo(p *principalRef, arn string) (applies, unknown bool) {
	applies, unknown = p.policies.has(arn), p.policies.problems != nil || p.groups.problems != nil
	for _, group := range p.groups.names {
		g := t.attached[group]
		applies, unknown = applies || g.has(arn), unknown || g.problems != nil
	}
	return applies, unknown && !applies
}

// functionRoles returns the names of the roles that only functions use, at most maxRoles, as in an
// audit.
func (t *affectedSearch) functionRoles(ctx context.Context) (names []string) {
	regions := slices.Concat(t.plan.Regions, t.plan.Further)
	for i, l := range t.listFunctions(ctx) {
		t.unlisted = t.unlisted || l.problems != nil || l.forbidden && t.suspicion(regions[i]) != ""
		t.problems = append(t.problems, l.problems...)
		for _, f := range l.functions {
			name, ok := t.roleName(f.Role)
			if ok && !slices.Contains(t.plan.RenderRoles, name) && !slices.Contains(names, name) &&
				len(names) < maxRoles {
				names = append(names, name)
			}
		}
	}
	t.problems = mergeRegions(t.problems)
	return names
}

// readMemberships reads the groups of a user if a change names a group or a policy, and the
// policies that apply to the principal if a change names a policy. A principal that does not exist
// has no groups and no policies.
func (t *affectedSearch) readMemberships(ctx context.Context, p *principalRef) {
	name := p.name
	if p.permissionSet != nil && t.policies {
		set := &target{facts: audit.TargetFacts{Name: name}}
		t.findPermissionSet(ctx, set)
		if set.facts.Name == name {
			p.policies.problems = withTarget(name, set.lookup)
			return
		}
		p.roleName, name = set.facts.Name, set.facts.Name
	}
	kind, last := entity(name)
	self := &target{facts: audit.TargetFacts{Name: name}}
	var reads sync.WaitGroup
	if kind == "user" && (t.groups || t.policies) {
		reads.Go(func() {
			groups, err := t.groupsOf(ctx, last)
			for _, g := range groups {
				p.groups.names = append(p.groups.names, aws.ToString(g.GroupName))
			}
			p.groups.finish(ctx, name, "the list of groups", "iam:ListGroupsForUser", err)
		})
	}
	if t.policies {
		h := t.role(last)
		if kind == "user" {
			h = t.user(last)
		}
		reads.Go(func() { t.readTarget(ctx, self) })
		p.policies = t.policiesHeldBy(ctx, h, name)
	}
	reads.Wait()
	all := p.groups.existence
	all.merge(p.policies.existence)
	if all.missed != nil && !t.policies {
		t.readTarget(ctx, self)
	}
	all.merge(self.lookup.existence)
	p.policies.problems = append(p.policies.problems, withTarget(name, self.lookup)...)
	if all.contradicts() {
		problems := withTarget(name, snapshot{problems: []audit.Problem{all.problem(name)}})
		p.policies.problems = append(p.policies.problems, problems...)
		if p.groups.missed != nil {
			p.groups.problems = append(p.groups.problems, problems...)
		}
	}
	if self.boundaryARN != "" {
		p.policies.names = append(p.policies.names, self.boundaryARN)
	}
}

// finish adds the result of the read of the memberships of a target.
func (h *memberships) finish(ctx context.Context, target, what, action string, err error) {
	if err == nil {
		h.found = append(h.found, action)
		return
	}
	failed := listFailed(ctx, what, action, err)
	h.merge(failed.existence)
	h.problems = append(h.problems, withTarget(target, failed)...)
}

// readGroups reads the policies that are attached to the groups of the audited users.
func (t *affectedSearch) readGroups(ctx context.Context) {
	if !t.policies {
		return
	}
	t.attached = map[string]*memberships{}
	memberOf := map[string]string{} // an audited user in each group, the target of its problems
	for _, p := range t.principals {
		for _, group := range p.groups.names {
			t.attached[group], memberOf[group] = &memberships{}, p.name
		}
	}
	groups := slices.Sorted(maps.Keys(t.attached))
	forEachParallel(groups, func(group string) {
		held := t.policiesHeldBy(ctx, t.group(group), memberOf[group])
		if held.missed != nil { // IAM listed the group a moment before
			held.problems = withTarget(memberOf[group], snapshot{problems: []audit.Problem{{
				What:   fmt.Sprintf("group %q", group),
				Why:    "IAM lists the group, but does not find it",
				Remedy: contradictionRemedy}}})
		}
		*t.attached[group] = held
	})
	for _, group := range groups {
		t.problems = append(t.problems, t.attached[group].problems...)
	}
}

// policiesHeldBy returns the managed policies of an entity. Inline policies are not needed, because
// a change of an inline policy names its entity.
func (t *affectedSearch) policiesHeldBy(ctx context.Context, h policyHolder,
	target string) (all memberships) {
	attached, err := h.attached(ctx)
	for _, policy := range attached {
		all.names = append(all.names, aws.ToString(policy.PolicyArn))
	}
	kind := map[string]string{"user": "User", "group": "Group", "role": "Role"}[h.kind]
	all.finish(ctx, target, "the list of attached policies"+h.suffix,
		"iam:ListAttached"+kind+"Policies", err)
	return all
}

// withTarget sets the target of the problems and returns them.
func withTarget(target string, r snapshot) []audit.Problem {
	for i := range r.problems {
		r.problems[i].Target = target
	}
	return r.problems
}
