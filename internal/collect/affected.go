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

// AffectedBy returns those of the changes that touch somebody whom the plan audits, and says whom.
// It asks only what the names in the changes do not tell: a user's groups, what is attached to a
// principal, which roles functions have. What cannot be looked up counts as touching, and is among
// the problems: an audit too many is better than one too few.
//
// Names are compared without regard to case, and so are the ARNs of policies: CloudTrail has them
// as they were typed, and no two users, groups, roles or policies of an account differ in case
// alone. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
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
	t.byName()
	t.resolve(ctx)
	return slices.DeleteFunc(t.changes, func(c cloudtrail.IAMChange) bool {
		return c.Targets == nil &&
			!c.Unsure
	}), t.problems
}

// affectedSearch is one Touching.
type affectedSearch struct {
	*run
	changes    []cloudtrail.IAMChange
	principals []*principalRef
	// roles, groups and policies say that some are named that are no audited principal by their names.
	roles, groups, policies bool
	// unlisted says that not all functions could be listed: whose role one is nobody knows.
	unlisted bool
	// attached are the policies of the groups.
	attached map[string]*memberships
	problems []audit.Problem
}

// A reachable is an audited principal, and what a change may reach it by.
type principalRef struct {
	// name is as configured, found the role that a permission set has, known once it was looked up.
	name, found string
	// permissionSet matches the names of its role. Nil is another principal.
	permissionSet *regexp.Regexp
	groups        memberships
	policies      memberships
}

// memberships are names of groups, or ARNs of policies, and what could not be learnt of them.
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

// is reports whether the principal is the user or the role of a name.
func (p *principalRef) is(kind cloudtrail.EntityKind, name string) bool {
	if p.permissionSet != nil {
		return kind == cloudtrail.Role && p.permissionSet.MatchString(name)
	}
	own, last := entity(p.name)
	return own == string(kind) && strings.EqualFold(last, name)
}

// names are those that a report may have for it.
func (p *principalRef) names() []string {
	if p.found != "" {
		return []string{p.found, p.name}
	}
	return []string{p.name}
}

// byName settles what the names in the changes tell, and notes what has to be asked.
func (t *affectedSearch) byName() {
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

// resolve asks what has to be asked, and settles the rest.
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

// resolveChange says whom a change touches that names no audited principal.
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
		c.Targets, c.Unsure = []string{"role/" + name}, true // should it be audited, then by this name
	case kind == cloudtrail.Policy:
		c.Unsure = true
	}
}

// groupNames are the names that a group has had since a change called it by one: the principals are
// asked for the groups that they are in now, and it may have been renamed.
func (t *affectedSearch) groupNames(name string) []string {
	names := []string{name}
	for _, c := range t.changes { // mostly in the order of the calls
		if kind, old := c.Entity(); kind == cloudtrail.Group && c.NewGroupName != "" &&
			slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, old) }) {
			names = append(names, c.NewGroupName)
		}
	}
	return names
}

// attachedTo reports whether a policy has a say about a principal, or whether nobody knows.
func (t *affectedSearch) attachedTo(p *principalRef, arn string) (has, unknown bool) {
	has, unknown = p.policies.has(arn), p.policies.problems != nil || p.groups.problems != nil
	for _, group := range p.groups.names {
		g := t.attached[group]
		has, unknown = has || g.has(arn), unknown || g.problems != nil
	}
	return has, unknown && !has
}

// functionRoles names the roles that functions have, as many as are audited beside those of the
// plan.
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
	t.problems = together(t.problems)
	return names
}

// readMemberships asks what a change may reach a principal by: the groups of a user and, if
// policies are named, those that have a say about it. What does not exist is reached by nothing.
func (t *affectedSearch) readMemberships(ctx context.Context, p *principalRef) {
	name := p.name
	if p.permissionSet != nil && t.policies {
		set := &target{facts: audit.TargetFacts{Name: name}}
		t.findPermissionSet(ctx, set)
		if set.facts.Name == name {
			p.policies.problems = about(name, set.lookup)
			return
		}
		p.found, name = set.facts.Name, set.facts.Name
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
				p.groups.problems = about(name, t.listFailed(ctx, "the list of groups", "iam:ListGroupsForUser",
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
		p.policies.problems = append(p.policies.problems, about(name, self.lookup)...)
		if self.boundaryARN != "" {
			p.policies.names = append(p.policies.names, self.boundaryARN)
		}
	}
	asking.Wait()
}

// readGroups asks what is attached to the groups of the audited users, each once.
func (t *affectedSearch) readGroups(ctx context.Context) {
	if !t.policies {
		return
	}
	t.attached = map[string]*memberships{}
	of := map[string]string{} // whose group it is, to name somebody
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

// policiesHeldBy are the managed policies of a holder. Inline ones have no ARN, and name who holds
// them.
func (t *affectedSearch) policiesHeldBy(ctx context.Context, h holder,
	target string) (all memberships) {
	attached, err := h.attached(ctx)
	for _, policy := range attached {
		all.names = append(all.names, aws.ToString(policy.PolicyArn))
	}
	if err != nil {
		kind := map[string]string{"user": "User", "group": "Group", "role": "Role"}[h.kind]
		all.problems = about(target, t.listFailed(ctx, "the list of attached policies"+h.of,
			"iam:ListAttached"+kind+"Policies", err))
	}
	return all
}

// about says whom problems are about.
func about(target string, r snapshot) []audit.Problem {
	for i := range r.problems {
		r.problems[i].Target = target
	}
	return r.problems
}
