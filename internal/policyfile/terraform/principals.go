package terraform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A principal is a principal with what is attached to it.
type principal struct {
	policyfile.Principal
	resource *resource // nil for a principal that the plan does not declare
	// inline are the inline policies by name, and attached the managed policies that are attached.
	inline   map[string]*inlinePolicies
	attached map[string]bool
	// groups are the groups of a user, and member has the same.
	groups []*principal
	member map[*principal]bool
	// only is true if the plan removes all inline policies without a name in inline or onlyNames.
	only      bool
	onlyNames map[string]bool
	// exclusive is the resource that detaches all managed policies but its own; nil for none.
	exclusive *resource
}

// inlinePolicies are the inline policies of a principal that have one name. first is the index of
// the first of them, and several is true if there are more.
type inlinePolicies struct {
	first   int
	several bool
}

// A builder joins the resources of a plan to principals.
type builder struct {
	*Plan
	order   []*principal
	byBlock map[*resource]*principal
	// byID are the principals by kind and by the value that names them in other resources.
	byID map[string][]*principal
	// policies are the managed policies, and byARN and byName the same by ARN and
	// name.
	policies map[*resource]*managedPolicy
	byARN    map[string]*managedPolicy
	byName   map[string]*managedPolicy
	// unjoined are the policies of each kind of principals for which the plan does not say which
	// principal gets them.
	unjoined map[policyfile.Kind]*unjoined
	external []string
}

// File returns the principals of the plan. The sources are the texts of the *.tf files by path, and
// root is the directory of the root module in these paths; nil for a plan without sources.
func (p *Plan) File(root string, sources map[string][]byte) policyfile.File {
	b := builder{Plan: p, byBlock: map[*resource]*principal{}, byID: map[string][]*principal{},
		policies: map[*resource]*managedPolicy{}, byARN: map[string]*managedPolicy{},
		byName:   map[string]*managedPolicy{},
		unjoined: map[policyfile.Kind]*unjoined{}}
	p.assumed = nil
	p.sources = newSources(root, sources)
	b.addDeclared()
	for _, r := range p.resources {
		b.addInline(r)
		if !isExclusive(r) {
			b.addAttachments(r)
		}
		b.addMembership(r)
		b.addBoundary(r)
	}
	for _, pr := range b.order {
		b.addOwnPolicies(pr)
	}
	b.addMissing()
	b.addUnjoined()
	return b.file()
}

func idKey(kind policyfile.Kind, id string) string { return string(kind) + " " + id }

// addDeclared adds the principals and managed policies that the plan declares.
func (b *builder) addDeclared() {
	for _, r := range b.resources {
		if t, ok := principalTypes[r.kind]; ok {
			pr := &principal{Principal: policyfile.Principal{Address: r.address, Kind: t.kind,
				Name: r.text(t.name), At: b.sources.place(r)}, resource: r}
			b.byBlock[r] = pr
			b.order = append(b.order, pr)
			if id := r.text(t.id); id != "" {
				b.byID[idKey(t.kind, id)] = append(b.byID[idKey(t.kind, id)], pr)
			}
		}
		if t, ok := policyTypes[r.kind]; ok {
			m := &managedPolicy{resource: r, document: b.policy(r, t.document, r.address)}
			m.document.ByAWS = policyfile.ManagedPolicy(r.text(t.arn), policyfile.Place{}).ByAWS
			b.policies[r] = m
			if arn := r.text(t.arn); arn != "" {
				b.byARN[arn] = m
			}
			if name := r.text(t.name); name != "" {
				b.byName[name] = m
			}
		}
	}
	for _, r := range b.resources {
		if t, ok := exclusiveTypes[r.kind]; ok {
			b.addExclusive(r, t)
		}
		// These come before the other attachments, which they confirm.
		if isExclusive(r) {
			b.addAttachments(r)
			for _, t := range attachmentTypes[r.kind] {
				for _, pr := range b.principals(r, t.kind, t.principal) {
					pr.exclusive = r
				}
			}
		}
	}
}

// isExclusive reports whether a resource detaches all managed policies that it does not name.
func isExclusive(r *resource) bool { return strings.HasSuffix(r.kind, "_attachments_exclusive") }

// addMembership adds users to groups.
func (b *builder) addMembership(r *resource) {
	t, ok := membershipTypes[r.kind]
	if !ok {
		return
	}
	users, allUsers := b.principalsOf(r, policyfile.User, t.user)
	groups, allGroups := b.principalsOf(r, policyfile.Group, t.group)
	if !allUsers {
		b.unjoin(policyfile.User, "the policies of the groups in "+r.address, denyAll(r))
	}
	for _, u := range users {
		if !allGroups {
			u.attach(b.open("the policies of the groups in "+r.address, b.sources.place(r), true))
		}
		for _, g := range groups {
			if !u.member[g] {
				if u.member == nil {
					u.member = map[*principal]bool{}
				}
				u.member[g] = true
				u.groups = append(u.groups, g)
			}
		}
	}
}

// own returns the value of an attribute that a principal sets itself; nil for none. An attribute
// that the configuration does not set can still be known after apply, because AWS then returns what
// others attached.
func (b *builder) own(r *resource, attribute string) *tree.Value {
	v := r.value(attribute)
	if v != nil && v.Kind == tree.Unknown && !b.sets(r, attribute) {
		return nil
	}
	return v
}

// sets reports whether the configuration sets an attribute. The configuration of a plan has no
// dynamic blocks, but the sources have them.
func (b *builder) sets(r *resource, attribute string) bool {
	return r.config == nil || r.config.Expressions[attribute] != nil || b.sources.sets(r, attribute)
}

// addOwnPolicies adds the policies and the boundary that a principal has in its own attributes.
func (b *builder) addOwnPolicies(pr *principal) {
	r := pr.resource
	if r == nil {
		return
	}
	switch r.kind {
	case "aws_iam_role":
		b.addInlineList(pr, "inline_policy", "name", "policy")
		b.addOwnAttachments(pr)
	case "awscc_iam_role", "awscc_iam_user", "awscc_iam_group":
		b.addInlineList(pr, "policies", "policy_name", "policy_document")
		b.addOwnAttachments(pr)
	}
	if b.own(r, "permissions_boundary") != nil {
		if list := b.managed(r, "permissions_boundary"); len(list) > 0 {
			pr.Boundary = &list[0]
		}
	}
}

// maxGroupPolicies is the maximum number of policies that all users together have from groups. The
// policies of further groups are open.
const maxGroupPolicies = 1_000_000

// file returns the principals and the policies that are attached to none.
func (b *builder) file() policyfile.File {
	f := policyfile.File{Format: policyfile.TerraformPlan}
	budget := maxGroupPolicies
	for _, pr := range b.order {
		f.Principals = append(f.Principals, pr.Principal)
		own := &f.Principals[len(f.Principals)-1]
		own.Policies = slices.Clip(own.Policies)
		for _, g := range pr.groups {
			budget -= len(g.Policies)
			switch {
			case g.resource == nil && len(g.Policies) == 0:
				own.Policies = append(own.Policies, b.open("the policies of group "+g.Name+
					", which the plan does not declare", own.At, true))
			case budget < 0:
				own.Policies = append(own.Policies, b.open("the policies of "+g.Address, own.At, true))
			default:
				own.Policies = append(own.Policies, g.Policies...)
			}
		}
	}
	f.Principals = slices.DeleteFunc(f.Principals, func(p policyfile.Principal) bool {
		return p.Kind == policyfile.Group && len(p.Policies) == 0
	})
	for _, r := range b.resources {
		if m := b.policies[r]; m != nil && !m.attached && !strings.HasPrefix(r.kind, "data.") {
			f.Principals = append(f.Principals, policyfile.Principal{Address: r.address,
				Kind: policyfile.Policy, Name: r.text(policyTypes[r.kind].name), At: m.document.At,
				Policies: []policyfile.Document{m.document}})
		}
	}
	f.Notes = slices.Clone(b.notes)
	if len(b.assumed) > 0 {
		f.Notes = append(f.Notes, fmt.Sprintf("%s %s taken to be unchanged the document that the "+
			"configuration refers to; give the sources to prove it", textfmt.Some(b.assumed, 3),
			textfmt.Verb(len(b.assumed), "is", "are")))
	}
	if len(b.external) > 0 {
		f.Notes = append(f.Notes, "the plan does not declare "+textfmt.Some(b.external, 3)+": other "+
			"policies of "+textfmt.Verb(len(b.external), "it", "them")+" are not considered")
	}
	return f
}
