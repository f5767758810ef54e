package cloudformation

import (
	"cmp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A builder collects the principals of a template.
type builder struct {
	*resolver
	template   *Template
	principals []*principal
	// managed are the managed policies of the template.
	managed []*managedPolicy
	notes   []string
}

// build collects the principals.
func (b *builder) build() error {
	kinds := map[string]func(index int, id string, resource *tree.Value, condition string) error{
		"AWS::IAM::Role": b.role, "AWS::IAM::User": b.role, "AWS::IAM::Group": b.role,
		"AWS::SSO::PermissionSet":       b.permissionSet,
		"AWS::Serverless::Function":     b.serverless,
		"AWS::Serverless::StateMachine": b.serverless,
	}
	attachments := map[string]func(index int, id string, resource *tree.Value, condition string) error{
		"AWS::IAM::Policy": b.policy, "AWS::IAM::ManagedPolicy": b.policy,
		"AWS::IAM::RolePolicy": b.policy, "AWS::IAM::UserPolicy": b.policy,
		"AWS::IAM::GroupPolicy": b.policy, "AWS::IAM::UserToGroupAddition": b.addition,
	}
	// The principals come first, because a policy can stand in front of its principal.
	for _, readers := range []map[string]func(int, string, *tree.Value, string) error{
		kinds, attachments} {
		for i, id := range b.order {
			resource := b.resources[id]
			read := readers[text(resource.Get("Type"))]
			if read == nil {
				continue
			}
			condition, exists, err := b.exists(resource)
			if err != nil {
				return within(id, err)
			}
			if !exists {
				continue
			}
			if err := read(i, id, resource, condition); err != nil {
				return within(id, err)
			}
		}
	}
	return b.attach()
}

// exists reports whether a resource exists. condition names its condition if that is open.
func (b *builder) exists(resource *tree.Value) (condition string, exists bool, err error) {
	c := resource.Get("Condition")
	if c == nil {
		return "", true, nil
	}
	if text(c) == "" {
		return "", false, errorAt(c.Place, "Condition needs the name of a condition, got %v", c.Kind)
	}
	d, err := b.namedCondition(c.Place, c.Text)
	if err != nil || d.open == "" {
		return "", d.holds, err
	}
	return openCondition(c.Text, d), true, nil
}

// result returns the principals in the order of the file.
func (b *builder) result() (list []policyfile.Principal) {
	slices.SortStableFunc(b.principals, func(x, y *principal) int {
		return cmp.Compare(x.index, y.index)
	})
	for _, p := range b.principals {
		if p.name.Kind == tree.String && p.name.Known() {
			p.Name = p.name.Text
		}
		list = append(list, p.Principal)
	}
	return list
}

// add adds a principal for a resource.
func (b *builder) add(index int, id string, resource *tree.Value, kind policyfile.Kind,
	condition string) *principal {
	p := &principal{id: id, index: index}
	p.Kind, p.At = kind, at(resource.Place)
	if source := b.construct(id).At; source.File != "" {
		p.At = source
	}
	p.Address, p.Aliases = b.address(id)
	b.principals = append(b.principals, p)
	if condition != "" {
		b.notes = append(b.notes, p.Address+" exists only under "+condition+
			": it is judged as if it exists")
	}
	return p
}

// construct returns the construct of CDK behind a resource.
func (b *builder) construct(id string) Construct {
	path := text(b.resources[id].At("Metadata", "aws:cdk:path"))
	c := Construct{Path: path}
	if b.template.Constructs != nil {
		c = b.template.Constructs(id, path)
	}
	c.Path = strings.TrimSuffix(strings.TrimPrefix(c.Path, "/"), "/Resource")
	return c
}

// address returns the path of CDK as the address and the logical id as an alias, or the logical id
// without a path of CDK.
func (b *builder) address(id string) (string, []string) {
	if path := b.construct(id).Path; path != "" {
		return path, []string{id}
	}
	return id, nil
}

// sourced returns a document at the place where the program creates the construct of a resource, if
// that is known.
func (b *builder) sourced(id string, d policyfile.Document) policyfile.Document {
	if at := b.construct(id).At; at.File != "" && d.At.File == "" {
		return d.MovedTo(at)
	}
	return d
}

func at(place tree.Place) policyfile.Place { return policyfile.Place{Place: place} }

// property returns a property of a resource without functions; nil if it is not set.
func (b *builder) property(resource *tree.Value, name string) (*tree.Value, error) {
	properties := resource.Get("Properties")
	if properties == nil {
		return nil, nil
	}
	if functionSets(properties) {
		open := tree.NewUnknown(properties.Place, "Properties, which a function sets")
		return &open, nil
	}
	if properties.Kind != tree.Map {
		return nil, errorAt(properties.Place, "Properties must be a mapping, got %v", properties.Kind)
	}
	v := properties.Get(name)
	if v == nil {
		return nil, nil
	}
	resolved, err := b.resolveFinal(v)
	if err != nil || resolved.Kind == tree.Null {
		return nil, err
	}
	return &resolved, nil
}

// An option is one of the values that a list has or may have.
type option struct {
	value tree.Value
	// open names the unknown part on which the value depends; empty if the list has the value.
	open string
}

// options returns the elements of a list. An unknown value without alternatives is itself an
// option.
func options(v *tree.Value, open string) (list []option) {
	if v == nil {
		return nil
	}
	for _, e := range v.Elements() {
		if e.Kind != tree.Unknown || len(e.Items) == 0 {
			list = append(list, option{e, open})
			continue
		}
		for i := range e.Items {
			list = append(list, options(&e.Items[i], e.Text)...)
		}
	}
	return list
}

// statementSize is what a statement of a policy costs.
const statementSize = 512

// comparisonSize is what the comparison of two names costs.
const comparisonSize = 8

// compared counts the comparison of a name with all principals, or with all managed policies.
func (b *builder) compared(at tree.Place) error {
	return b.spend(at, comparisonSize*max(len(b.principals), len(b.managed)))
}

// give adds a policy to a principal.
func (b *builder) give(p *principal, d policyfile.Document) error {
	p.Policies = append(p.Policies, b.sourced(p.id, d))
	return b.spend(d.At.Place, statementSize*(1+len(d.AtLeast.Statements)+len(d.AtMost.Statements)))
}

// optional returns a document that exists only if an option does.
func optional(d policyfile.Document, o option) policyfile.Document {
	if o.open != "" {
		d.Bounds = d.Optional(o.open, o.value.Place)
	}
	return d
}

// firstOpen returns the first name of an unknown part.
func firstOpen(open string, values ...*tree.Value) string {
	for _, v := range values {
		if open == "" {
			open = firstUnknown(v)
		}
	}
	return open
}
