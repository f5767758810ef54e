package collect

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
)

// AffectedBy returns the changes that affect an audited principal, with the names of these
// principals. It reads only what the changes do not show: the groups of a user, the policies of a
// principal, the roles of functions. A change that cannot be resolved counts as affecting and adds
// a problem, because an unnecessary audit is better than a missed one.
//
// Names and policy ARNs are compared without regard to case: CloudTrail records them as typed, and
// names in an account are unique without regard to case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
func (c Collector) AffectedBy(ctx context.Context, plan Plan,
	changes []cloudtrail.IAMChange) ([]cloudtrail.IAMChange, []audit.Problem) {
	t := &affectedSearch{run: &run{iam: c.IAM, lambda: c.Lambda, plan: plan, rolesOnly: true},
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

// affectedSearch is one call of AffectedBy.
type affectedSearch struct {
	*run
	changes    []cloudtrail.IAMChange
	principals []*principalRef
	// roles, groups and policies say that changes name roles, groups or policies that are not audited
	// principals by name.
	roles, groups, policies bool
	// unlisted says that not all functions could be listed, so the roles of functions are unknown.
	unlisted bool
	// attached holds the policies of the groups.
	attached map[string]*memberships
	problems []audit.Problem
}

// principalRef is an audited principal with the groups and policies through which a change can
// affect it.
type principalRef struct {
	// name is as configured, found the role that a permission set has, known once it was looked up.
	name, roleName string
	// permissionSet matches the role names of a permission set; nil for other principals.
	permissionSet *regexp.Regexp
	groups        memberships
	policies      memberships
}

// memberships holds names of groups or ARNs of policies, and the problems of reading them.
type memberships struct {
	names    []string
	problems []audit.Problem
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

// is reports whether the principal is the user or role with a name.
func (p *principalRef) is(kind cloudtrail.EntityKind, name string) bool {
	if p.permissionSet != nil {
		return kind == cloudtrail.Role && p.permissionSet.MatchString(name)
	}
	own, last := entity(p.name)
	return own == string(kind) && strings.EqualFold(last, name)
}

// names returns the names that a report can have for the principal.
func (p *principalRef) names() []string {
	if p.roleName != "" {
		return []string{p.roleName, p.name}
	}
	return []string{p.name}
}

// matchNames resolves the changes that name an audited principal and records which reads the others
// need.
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

// resolve reads what the remaining changes need and resolves them.
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

// resolveChange finds the principals that a change affects if it names none of them.
func (t *affectedSearch) resolveChange(c *cloudtrail.IAMChange) {
	kind, name := c.Entity()
	var groups []string
	if kind == cloudtrail.Group {
		groups = t.groupNames(name)
	}
	for _, p := range t.principals {
		has, unknown := p.is(kind, name), false
		switch kind {
		case cloudtrail.Group:
			has, unknown = slices.ContainsFunc(groups, p.groups.has), p.groups.problems != nil
		case cloudtrail.Policy:
			has, unknown = t.attachedTo(p, name)
		}
		if has || unknown {
			c.Targets = append(c.Targets, p.names()...)
		}
		c.Unsure = c.Unsure || unknown
	}
	switch {
	case c.Targets != nil || !t.unlisted:
	case kind == cloudtrail.Role:
		c.Targets, c.Unsure = []string{"role/" + name}, true // its name if it is audited
	case kind == cloudtrail.Policy:
		c.Unsure = true
	}
}

// groupNames returns the names that a group has had since a change. The group may have been
// renamed, and users are read with their current groups.
func (t *affectedSearch) groupNames(name string) []string {
	names := []string{name}
	for _, c := range t.changes { // usually in the order of the calls
		if kind, old := c.Entity(); kind == cloudtrail.Group && c.NewGroupName != "" &&
			slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, old) }) {
			names = append(names, c.NewGroupName)
		}
	}
	return names
}

// attachedTo reports whether a policy applies to a principal, or whether that is unknown.
func (t *affectedSearch) attachedTo(p *principalRef, arn string) (has, unknown bool) {
	has, unknown = p.policies.has(arn), p.policies.problems != nil || p.groups.problems != nil
	for _, group := range p.groups.names {
		g := t.attached[group]
		has, unknown = has || g.has(arn), unknown || g.problems != nil
	}
	return has, unknown && !has
}

// functionRoles returns the roles of functions, up to the number that an audit adds.
func (t *affectedSearch) functionRoles(ctx context.Context) (names []string) {
	for _, l := range t.listFunctions(ctx) {
		t.unlisted = t.unlisted || l.problems != nil
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

// readMemberships reads the groups of a user and, if changes name policies, the policies that apply
// to the principal. A principal that does not exist has none.
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
	var asking sync.WaitGroup
	if kind == "user" && (t.groups || t.policies) {
		asking.Go(func() {
			groups, err := t.groupsOf(ctx, last)
			for _, g := range groups {
				p.groups.names = append(p.groups.names, aws.ToString(g.GroupName))
			}
			if err != nil {
				p.groups.problems = withTarget(name,
					t.listFailed(ctx, "the list of groups", "iam:ListGroupsForUser",
						err))
			}
		})
	}
	if t.policies {
		h := t.role(last)
		if kind == "user" {
			h = t.user(last)
		}
		self := &target{facts: audit.TargetFacts{Name: name}}
		asking.Go(func() { t.readTarget(ctx, self) })
		p.policies = t.policiesHeldBy(ctx, h, name)
		asking.Wait()
		p.policies.problems = append(p.policies.problems, withTarget(name, self.lookup)...)
		if self.boundaryARN != "" {
			p.policies.names = append(p.policies.names, self.boundaryARN)
		}
	}
	asking.Wait()
}

// readGroups reads the policies that are attached to the groups of the audited users.
func (t *affectedSearch) readGroups(ctx context.Context) {
	if !t.policies {
		return
	}
	t.attached = map[string]*memberships{}
	of := map[string]string{} // a user in the group, for the problem
	for _, p := range t.principals {
		for _, group := range p.groups.names {
			t.attached[group], of[group] = &memberships{}, p.name
		}
	}
	groups := slices.Sorted(maps.Keys(t.attached))
	forEachParallel(groups, func(group string) {
		*t.attached[group] = t.policiesHeldBy(ctx, t.group(group), of[group])
	})
	for _, group := range groups {
		t.problems = append(t.problems, t.attached[group].problems...)
	}
}

// policiesHeldBy returns the managed policies of an entity. Changes of inline policies name the
// entity itself.
func (t *affectedSearch) policiesHeldBy(ctx context.Context, h policyHolder,
	target string) (all memberships) {
	attached, err := h.attached(ctx)
	for _, policy := range attached {
		all.names = append(all.names, aws.ToString(policy.PolicyArn))
	}
	if err != nil {
		kind := map[string]string{"user": "User", "group": "Group", "role": "Role"}[h.kind]
		all.problems = withTarget(target, t.listFailed(ctx, "the list of attached policies"+h.suffix,
			"iam:ListAttached"+kind+"Policies", err))
	}
	return all
}

// withTarget sets the target of problems.
func withTarget(target string, r snapshot) []audit.Problem {
	for i := range r.problems {
		r.problems[i].Target = target
	}
	return r.problems
}
