package cloudformation

import (
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// permissionSet reads a permission set of IAM Identity Center, which creates a role with its
// policies in each account.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sso-permissionset.html
func (b *builder) permissionSet(index int, id string, resource *tree.Value,
	condition string) error {
	p := b.add(index, id, resource, policyfile.Role, condition)
	inline, err := b.property(resource, "InlinePolicy")
	if err != nil {
		return err
	}
	for _, o := range options(inline, "") {
		d, err := b.document(&o.value, "inline policy of "+p.Address)
		if err != nil {
			return err
		}
		if err := b.give(p, optional(d, o)); err != nil {
			return err
		}
	}
	if p.managedARNs, err = b.property(resource, "ManagedPolicies"); err != nil {
		return err
	}
	references, err := b.property(resource, "CustomerManagedPolicyReferences")
	if err != nil {
		return err
	}
	for _, o := range options(references, "") {
		if err := b.give(p, optional(customerPolicy(&o.value), o)); err != nil {
			return err
		}
	}
	boundary, err := b.property(resource, "PermissionsBoundary")
	if err != nil || boundary == nil {
		return err
	}
	if p.boundary = boundary.Get("ManagedPolicyArn"); p.boundary == nil {
		d := customerPolicy(boundary.Get("CustomerManagedPolicyReference"))
		d.At = at(boundary.Place)
		p.Boundary = &d
	}
	return nil
}

// customerPolicy returns the managed policy of the account that a permission set names. Each
// account has its own policy with the name.
func customerPolicy(reference *tree.Value) policyfile.Document {
	name, place := "managed policy of the account", tree.Place{}
	if reference != nil {
		place = reference.Place
		if n := reference.Get("Name"); n != nil && (isScalar(n) || n.Kind == tree.Unknown) {
			name = shorten("managed policy " + display(n) + " of the account")
		}
	}
	return policyfile.Document{Name: name, At: at(place),
		Bounds: policyfile.OpenBounds(name, place, true)}
}
