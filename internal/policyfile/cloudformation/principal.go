package cloudformation

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A principal is a principal with what attachments refer to.
type principal struct {
	policyfile.Principal
	id string
	// index is the position of the resource in the file.
	index int
	// name is the name in IAM, perhaps with unknown parts.
	name tree.Value
	// managedARNs are the managed policies that the principal attaches itself, and boundary its
	// permissions boundary; nil for none.
	managedARNs, boundary *tree.Value
	// groups are the groups of a user.
	groups []membership
	// inline are the inline policies by name.
	inline map[string]*inlinePolicies
}

// inlinePolicies are the inline policies of a principal that have one name.
type inlinePolicies struct {
	// certain is true if one of them exists in any case.
	certain bool
	// unmarked are the indexes of those that are not marked as policies that may not exist.
	unmarked []int
}

// A managedPolicy is a managed policy of the template.
type managedPolicy struct {
	id       string
	index    int
	document policyfile.Document
	arn      tree.Value
	// attached is true if a principal of the template has the policy.
	attached bool
}

// role reads a role, a user or a group.
func (b *builder) role(index int, id string, resource *tree.Value, condition string) error {
	kind := policyfile.Role
	switch text(resource.Get("Type")) {
	case "AWS::IAM::User":
		kind = policyfile.User
	case "AWS::IAM::Group":
		kind = policyfile.Group
	}
	identity, err := b.identity(id)
	if err != nil {
		return err
	}
	p := b.add(index, id, resource, kind, condition)
	p.name = identity.name
	policies, err := b.property(resource, "Policies")
	if err != nil {
		return err
	}
	for _, o := range options(policies, "") {
		d, err := b.inlinePolicy(&o.value, p.Address)
		if err != nil {
			return err
		}
		if err := b.give(p, optional(d, o)); err != nil {
			return err
		}
		p.addInline(o.value.Get("PolicyName"), o.open == "")
	}
	if p.managedARNs, err = b.property(resource, "ManagedPolicyArns"); err != nil {
		return err
	}
	if p.boundary, err = b.property(resource, "PermissionsBoundary"); err != nil {
		return err
	}
	if kind != policyfile.User {
		return nil
	}
	groups, err := b.property(resource, "Groups")
	for _, o := range options(groups, "") {
		p.groups = append(p.groups, membership{o.value, o.open})
	}
	return err
}

// addInline notes the name of the inline policy that was added last; nil for none. IAM keeps the
// policy that is written last of those with one name, and the order is not known: each of them may
// not exist.
func (p *principal) addInline(name *tree.Value, certain bool) {
	if name == nil || !isScalar(name) && name.Kind != tree.Unknown {
		return
	}
	if !same(name, name) {
		return // the names can differ
	}
	key := display(name)
	all := p.inline[key]
	if all == nil {
		if p.inline == nil {
			p.inline = map[string]*inlinePolicies{}
		}
		p.inline[key] = &inlinePolicies{certain, []int{len(p.Policies) - 1}}
		return
	}
	all.certain = all.certain || certain
	all.unmarked = append(all.unmarked, len(p.Policies)-1)
	if !all.certain {
		return // their conditions can exclude each other
	}
	why := shorten("which of the inline policies named " + key + " is written last")
	for _, i := range all.unmarked {
		d := &p.Policies[i]
		d.Bounds = d.Optional(why, d.At.Place)
	}
	all.unmarked = nil
}

// inlinePolicy reads an element of Policies: a name with a document.
func (b *builder) inlinePolicy(v *tree.Value, owner string) (policyfile.Document, error) {
	switch v.Kind {
	case tree.Unknown:
		d := policyfile.Document{Name: "inline policy of " + owner, At: at(v.Place)}
		d.Bounds = policyfile.OpenBounds(v.Text, v.Place, true)
		return d, nil
	case tree.Map:
	default:
		return policyfile.Document{}, errorAt(v.Place, "a policy must be a mapping, got %v", v.Kind)
	}
	name := "inline policy of " + owner
	if n := v.Get("PolicyName"); n != nil && (isScalar(n) || n.Kind == tree.Unknown) {
		name = shorten("inline policy " + display(n) + " of " + owner)
	}
	document := v.Get("PolicyDocument")
	if document == nil {
		return policyfile.Document{}, errorAt(v.Place, "the policy has no PolicyDocument")
	}
	return b.document(document, name)
}

// document returns the bounds of a policy document, which is a mapping or JSON text.
func (b *builder) document(v *tree.Value, name string) (policyfile.Document, error) {
	d := policyfile.Document{Name: name, At: at(v.Place)}
	document := *v
	if v.Kind == tree.String {
		var err error
		if document, err = b.parseDocument(v); err != nil {
			return d, err
		}
	}
	var err error
	d.Bounds, err = policyfile.BoundsOf(document)
	return d, err
}

// policy reads a policy that is a resource of its own: an inline policy or a managed policy.
func (b *builder) policy(index int, id string, resource *tree.Value, condition string) error {
	kind := text(resource.Get("Type"))
	document, err := b.property(resource, "PolicyDocument")
	if err != nil {
		return err
	}
	if document == nil {
		return errorAt(resource.Place, "the policy has no PolicyDocument")
	}
	word, nameProperty := "inline", "PolicyName"
	if kind == "AWS::IAM::ManagedPolicy" {
		word, nameProperty = "managed", "ManagedPolicyName"
	}
	name, _ := b.address(id)
	named, err := b.property(resource, nameProperty)
	if err != nil {
		return err
	}
	if named != nil && named.Kind == tree.String && named.Known() {
		name = named.Text
	}
	d, err := b.document(document, shorten(word+" policy "+name))
	if err != nil {
		return err
	}
	if condition != "" {
		d.Bounds = d.Optional(condition, resource.Place)
	}
	d = b.sourced(id, d)
	m := &managedPolicy{id: id, index: index, document: d}
	if word == "managed" {
		identity, err := b.identity(id)
		if err != nil {
			return err
		}
		m.arn = identity.ref
	}
	var elsewhere []string
	for _, target := range []struct {
		property string
		kind     policyfile.Kind
	}{{"Roles", policyfile.Role}, {"Users", policyfile.User}, {"Groups", policyfile.Group},
		{"RoleName", policyfile.Role}, {"UserName", policyfile.User},
		{"GroupName", policyfile.Group}} {
		names, err := b.property(resource, target.property)
		if err != nil {
			return err
		}
		for _, o := range options(names, "") {
			inline := named
			if word == "managed" {
				inline = nil
			}
			attached, err := b.attachTo(target.kind, o, d, inline, condition == "")
			if err != nil {
				return err
			}
			m.attached = m.attached || attached
			if !attached {
				elsewhere = append(elsewhere, string(target.kind)+" "+display(&o.value))
			}
		}
	}
	if len(elsewhere) > 0 {
		b.notes = append(b.notes, fmt.Sprintf("%s is also attached to %s, which the template does not "+
			"declare", d.Name, shorten(strings.Join(elsewhere, ", "))))
		if !m.attached {
			b.notes[len(b.notes)-1] = strings.Replace(b.notes[len(b.notes)-1], " also", "", 1) +
				": it is judged alone"
		}
	}
	b.managed = append(b.managed, m)
	return nil
}

// managedBy returns the managed policy of an ARN.
func (b *builder) managedBy(arn *tree.Value) (policyfile.Document, error) {
	if !isScalar(arn) && arn.Kind != tree.Unknown {
		return policyfile.Document{}, errorAt(arn.Place, "expected the ARN of a policy, got %v", arn.Kind)
	}
	if err := b.compared(arn.Place); err != nil {
		return policyfile.Document{}, err
	}
	var found []*managedPolicy
	for _, m := range b.managed {
		if m.arn.Kind != tree.Null && same(&m.arn, arn) {
			m.attached = true
			found = append(found, m)
		}
	}
	if len(found) == 1 {
		return found[0].document, nil
	}
	if len(found) > 1 { // their conditions can exclude each other
		d := found[0].document
		d.Bounds = policyfile.OpenBounds(shorten("which of the managed policies with the ARN "+
			display(arn)+" exists"), arn.Place, true)
		d.At = at(arn.Place)
		return d, nil
	}
	d := policyfile.ManagedPolicy(display(arn), at(arn.Place))
	d.Name = shorten(d.Name)
	if open := firstUnknown(arn); open != "" {
		d.Bounds = policyfile.OpenBounds(open, arn.Place, true)
	}
	return d, nil
}

// boundary returns a permissions boundary. A boundary that may not exist allows at most anything.
func (b *builder) boundary(v *tree.Value) (*policyfile.Document, error) {
	all := options(v, "")
	switch {
	case len(all) == 0:
		return nil, nil
	case len(all) == 1 && all[0].open == "":
		d, err := b.managedBy(&all[0].value)
		return &d, err
	}
	d := policyfile.Document{Name: "permissions boundary", At: at(v.Place)}
	d.Bounds = policyfile.OpenBounds(all[0].open, v.Place, true)
	if len(all) == 1 {
		named, err := b.managedBy(&all[0].value)
		if err != nil {
			return nil, err
		}
		d.Name, d.AtLeast = named.Name, named.AtLeast
		d.Open = append(d.Open, named.Open...)
	}
	return &d, nil
}
