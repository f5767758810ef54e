package cloudformation

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A membership is a group of a user.
type membership struct {
	group tree.Value
	// condition names an open condition under which the user is in the group; empty if it is.
	condition string
}

// attachTo adds a document to the principals that a name names. attached is false if it names none
// of the template in any case. inline is the name of an inline policy; nil for a managed policy.
// exists is false if the document may not exist.
func (b *builder) attachTo(kind policyfile.Kind, o option, d policyfile.Document,
	inline *tree.Value, exists bool) (attached bool, err error) {
	if !isScalar(&o.value) && o.value.Kind != tree.Unknown {
		return false, errorAt(o.value.Place, "expected the name of a %s, got %v", kind, o.value.Kind)
	}
	if err := b.compared(o.value.Place); err != nil {
		return false, err
	}
	for _, p := range b.principals {
		switch certain, possible := p.named(kind, &o.value); {
		case certain:
			err = b.give(p, optional(d, o))
			p.addInline(inline, exists && o.open == "")
			attached = true
		case possible:
			open := d
			open.Bounds = d.Optional(firstOpen(o.open, &o.value, &p.name), o.value.Place)
			err = b.give(p, open)
			p.addInline(inline, false)
		}
		if err != nil {
			return attached, err
		}
	}
	return attached, nil
}

// named reports whether a name is that of a principal of a kind. A name that CloudFormation
// generates equals no other name.
func (p *principal) named(kind policyfile.Kind, name *tree.Value) (certain, possible bool) {
	if p.Kind != kind || p.name.Kind == tree.Null {
		return false, false
	}
	if same(&p.name, name) {
		return true, true
	}
	generated := strings.HasPrefix(firstUnknown(&p.name), generatedName) ||
		strings.HasPrefix(firstUnknown(name), generatedName)
	return false, !generated && mayBeSame(&p.name, name)
}

// addition reads users that are added to a group.
func (b *builder) addition(_ int, _ string, resource *tree.Value, condition string) error {
	group, err := b.property(resource, "GroupName")
	if err != nil {
		return err
	}
	users, err := b.property(resource, "Users")
	if err != nil {
		return err
	}
	if group == nil {
		return errorAt(resource.Place, "the addition has no GroupName")
	}
	for _, o := range options(users, "") {
		if err := b.compared(o.value.Place); err != nil {
			return err
		}
		for _, p := range b.principals {
			certain, possible := p.named(policyfile.User, &o.value)
			open := condition
			if open == "" {
				open = o.open
			}
			if possible && !certain {
				open = firstOpen(open, &o.value, &p.name)
			}
			if possible {
				p.groups = append(p.groups, membership{*group, open})
			}
		}
	}
	return nil
}

// attach adds the policies that principals name themselves: managed policies, boundaries and those
// of groups. Policies that no principal has become principals.
func (b *builder) attach() error {
	for _, p := range b.principals {
		for _, o := range options(p.managedARNs, "") {
			d, err := b.managedBy(&o.value)
			if err != nil {
				return within(p.id, err)
			}
			if err := b.give(p, optional(d, o)); err != nil {
				return within(p.id, err)
			}
		}
		if p.boundary == nil {
			continue
		}
		d, err := b.boundary(p.boundary)
		if err != nil {
			return within(p.id, err)
		}
		if d != nil {
			sourced := b.sourced(p.id, *d)
			p.Boundary = &sourced
		}
	}
	for _, user := range b.principals {
		for _, m := range user.groups {
			if err := b.join(user, m); err != nil {
				return within(user.id, err)
			}
		}
	}
	expansions := b.expansions()
	for _, m := range b.managed {
		if m.attached {
			continue
		}
		p := b.add(m.index, m.id, b.resources[m.id], policyfile.Policy, "")
		_, p.Name, _ = strings.Cut(m.document.Name, " policy ")
		p.Policies = []policyfile.Document{m.document}
	}
	for _, p := range b.principals {
		for _, d := range expansions {
			if err := b.give(p, d); err != nil {
				return err
			}
		}
	}
	return b.attachNested()
}

// attachNested adds an open policy to the principals whose names nested stacks get as parameters:
// the templates of these stacks can attach policies to them.
func (b *builder) attachNested() error {
	for _, id := range b.order {
		resource := b.resources[id]
		parameters := resource.At("Properties", "Parameters")
		kind := text(resource.Get("Type"))
		if kind != nestedStack && kind != nestedApplication || parameters == nil {
			continue
		}
		for i := range parameters.Members {
			v, err := b.resolveFinal(&parameters.Members[i].Value)
			if err == nil {
				err = b.compared(v.Place)
			}
			if err != nil {
				return within(id, err)
			}
			for _, p := range b.principals {
				if certain, _ := p.named(p.Kind, &v); !certain {
					continue
				}
				name := shorten("policies of the nested stack " + id + " for " + p.Address)
				d := policyfile.Document{Name: name, At: at(resource.Place),
					Bounds: policyfile.OpenBounds(name, resource.Place, true)}
				if err := b.give(p, d); err != nil {
					return within(id, err)
				}
			}
		}
	}
	return nil
}

// join adds the policies of a group to a user.
func (b *builder) join(user *principal, m membership) error {
	if err := b.compared(m.group.Place); err != nil {
		return err
	}
	found := false
	for _, group := range b.principals {
		certain, possible := group.named(policyfile.Group, &m.group)
		found = found || certain
		if !possible {
			continue
		}
		for _, d := range group.Policies {
			open := m.condition
			if !certain {
				open = firstOpen(open, &m.group, &group.name)
			}
			if open != "" {
				d.Bounds = d.Optional(open, m.group.Place)
			}
			if err := b.give(user, d); err != nil {
				return err
			}
		}
	}
	if !found {
		name := shorten("policies of the group " + display(&m.group))
		d := policyfile.Document{Name: name, At: at(m.group.Place)}
		d.Bounds = policyfile.OpenBounds(name, m.group.Place, true)
		return b.give(user, d)
	}
	return nil
}
