package cloudformation

import (
	"cmp"
	"fmt"
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

// A membership is a group of a user.
type membership struct {
	group tree.Value
	// condition names an open condition under which the user is in the group; empty if it is.
	condition string
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

// optional returns a document that exists only if an option does.
func optional(d policyfile.Document, o option) policyfile.Document {
	if o.open != "" {
		d.Bounds = d.Optional(o.open, o.value.Place)
	}
	return d
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

// firstOpen returns the first name of an unknown part.
func firstOpen(open string, values ...*tree.Value) string {
	for _, v := range values {
		if open == "" {
			open = firstUnknown(v)
		}
	}
	return open
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
