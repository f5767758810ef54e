package terraform

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

type managedPolicy struct {
	resource *resource
	document policyfile.Document
	attached bool
}

// addBoundary sets the permissions boundary of a permission set.
func (b *builder) addBoundary(r *resource) {
	const attribute = "permissions_boundary"
	if r.kind != "aws_ssoadmin_permissions_boundary_attachment" {
		return
	}
	list, all := b.principalsOf(r, policyfile.Role, "permission_set_arn")
	at := b.sources.place(r)
	d := b.open(r.address+" is known after apply", at, true)
	for _, block := range r.value(attribute).Elements() {
		if arn := textOf(block.Get("managed_policy_arn")); arn != "" {
			d = b.withARN(arn, at)
		}
		for _, ref := range block.Get(customerManaged).Elements() {
			d = b.customerManaged(r, &ref, at)
		}
	}
	if !all {
		b.unjoin(policyfile.Role, r.address, denyAll(r))
	}
	for _, pr := range list {
		pr.Boundary = &d
	}
}

// addAttachments adds the managed policies that a resource attaches.
func (b *builder) addAttachments(r *resource) {
	for _, t := range attachmentTypes[r.kind] {
		list, all := b.principalsOf(r, t.kind, t.principal)
		documents := b.managed(r, t.policy)
		if !all {
			b.unjoin(t.kind, r.address, documents...)
		}
		for _, pr := range list {
			for _, d := range documents {
				if pr.exclusive != nil {
					d.Bounds = d.Optional(d.Name+", which "+pr.exclusive.address+" may detach", d.At.Place)
				}
				pr.attach(d)
			}
		}
	}
}

// attach adds a managed policy. Each is attached once.
func (pr *principal) attach(d policyfile.Document) {
	if pr.attached[d.Name] {
		return
	}
	if pr.attached == nil {
		pr.attached = map[string]bool{}
	}
	pr.attached[d.Name] = true
	pr.Policies = append(pr.Policies, d)
}

// managed returns the managed policies that an attribute names: an ARN, a list of ARNs, or a
// reference by name.
func (b *builder) managed(r *resource, attribute string) (documents []policyfile.Document) {
	at := b.sources.place(r)
	v := r.value(attribute)
	if attribute == customerManaged {
		for _, ref := range v.Elements() {
			documents = append(documents, b.customerManaged(r, &ref, at))
		}
		return documents
	}
	var unknown []tree.Value
	for _, e := range v.Elements() {
		if e.Kind == tree.String && e.Known() {
			if e.Text != "" {
				documents = append(documents, b.withARN(e.Text, at))
			}
		} else {
			unknown = append(unknown, e)
		}
	}
	if len(unknown) == 0 {
		return documents
	}
	targets, all := b.targets(r, r.expression(attribute))
	var referred []*managedPolicy
	for _, t := range targets {
		if m := b.policies[t.resource]; m != nil && !slices.Contains(referred, m) {
			referred = append(referred, m)
		} else {
			all = false
		}
	}
	if all && (v.Kind != tree.Unknown && len(referred) == len(unknown) ||
		v.Kind == tree.Unknown && len(referred) == 1) {
		for _, m := range referred {
			m.attached = true
			documents = append(documents, m.document)
		}
		return documents
	}
	for _, m := range referred {
		m.attached = true
	}
	for _, u := range unknown {
		documents = append(documents, b.open(u.Text, at, true))
	}
	return documents
}

// withARN returns the managed policy with an ARN.
func (b *builder) withARN(policyARN string, at policyfile.Place) policyfile.Document {
	if m := b.byARN[policyARN]; m != nil {
		m.attached = true
		return m.document
	}
	return policyfile.ManagedPolicy(policyARN, at)
}

// customerManaged returns the managed policy that a permission set names.
func (b *builder) customerManaged(r *resource, ref *tree.Value,
	at policyfile.Place) policyfile.Document {
	if name := ref.Get("name"); name != nil && name.Known() {
		if m := b.byName[name.Text]; m != nil {
			m.attached = true
			return m.document
		}
		return b.open("managed policy "+name.Text+" of each account", at, true)
	}
	return b.open(r.address+"."+customerManaged+" is known after apply", at, true)
}

// addOwnAttachments adds the managed policies that a role names itself. A role that does not set
// them has those of the last refresh, of which the plan can detach some.
func (b *builder) addOwnAttachments(pr *principal) {
	const attribute = "managed_policy_arns"
	v := b.own(pr.resource, attribute)
	switch {
	case v == nil:
	case b.sets(pr.resource, attribute) || v.Kind != tree.List:
		for _, d := range b.managed(pr.resource, attribute) {
			pr.attach(d)
		}
	default:
		for _, e := range v.Items {
			if e.Kind == tree.String && !b.superseded[superseded{pr.Kind, pr.Name, "arn " + e.Text}] {
				pr.attach(b.withARN(e.Text, pr.At))
			}
		}
	}
}
