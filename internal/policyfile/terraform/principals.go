package terraform

import (
	"fmt"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A principal is a principal with what is attached to it.
type principal struct {
	policyfile.Principal
	resource *resource // nil for a principal that the plan does not declare
	// inline are the names of the inline policies, and attached the ARNs of the managed policies.
	inline, attached map[string]bool
	// groups are the groups of a user.
	groups []*principal
	// only is true if the plan removes all inline policies without a name in inline or onlyNames.
	only      bool
	onlyNames map[string]bool
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

type managedPolicy struct {
	resource *resource
	document policyfile.Document
	attached bool
}

type unjoined struct {
	addresses []string
	mayDeny   bool
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
		b.addAttachments(r)
		b.addMembership(r)
		b.addBoundary(r)
	}
	for _, pr := range b.order {
		b.addOwnPolicies(pr)
	}
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
	}
}

func (b *builder) addExclusive(r *resource, t attachmentType) {
	names := r.value(t.policy)
	for _, pr := range b.principals(r, t.kind, t.principal) {
		if names == nil || slices.ContainsFunc(names.Elements(), func(v tree.Value) bool {
			return !v.Known()
		}) {
			continue
		}
		pr.only, pr.onlyNames = true, map[string]bool{}
		for _, n := range names.Elements() {
			pr.onlyNames[n.Text] = true
		}
	}
}

// open returns a policy of which only the name is known.
func (b *builder) open(name string, at policyfile.Place, mayDeny bool) policyfile.Document {
	return policyfile.Document{Name: name, At: at,
		Bounds: policyfile.OpenBounds(name, at.Place, mayDeny)}
}

// policy returns the policy in an attribute of a resource.
func (b *builder) policy(r *resource, attribute, name string) policyfile.Document {
	v := r.value(attribute)
	at := b.sources.document(r, attribute)
	if v == nil {
		return b.open(r.address+"."+attribute+" is absent", at.place, true)
	}
	return b.document(r, attribute, r.expression(attribute), *v, name)
}

// document returns the policy in a value of an attribute with an expression; nil for none.
func (b *builder) document(r *resource, attribute string, e *tfjson.Expression, v tree.Value,
	name string) policyfile.Document {
	at := b.sources.document(r, attribute)
	if written, ok := at.written(r, attribute); ok && v.Kind == tree.Unknown && !isSensitive(v) {
		v = written
	} else if v.Kind == tree.Unknown {
		v = b.dependency(r, attribute, e, v, &at)
		at.setPlaces(&v)
	} else if parsed, err := policyfile.ParseText(v.Text, tree.Place{}); err == nil {
		v = parsed
		at.setPlaces(&v)
	}
	bounds, err := policyfile.BoundsOf(v)
	if err != nil {
		invalid := textfmt.Truncate(fmt.Sprintf("%s.%s is no policy that IAM accepts: %s", r.address,
			attribute, err), maxName)
		return b.open(invalid, at.place, true)
	}
	return policyfile.Document{Name: name, At: at.place, Bounds: bounds}
}

// dependency returns the document that is the only value that an unknown attribute depends on. The
// configuration does not say whether a function changes it, but the sources do.
func (b *builder) dependency(r *resource, attribute string, e *tfjson.Expression, v tree.Value,
	at *location) tree.Value {
	targets, all := b.targets(r, e)
	if !all || len(targets) != 1 || at.computed || isSensitive(v) {
		return v
	}
	t := targets[0]
	// Terraform 0.12 lists references without the attribute.
	if t.resource.kind != policyDocument ||
		!slices.Contains([]string{"json", "minified_json", ""}, t.attribute) {
		return v
	}
	if !at.read {
		b.assumed = textfmt.AppendNew(b.assumed, r.address+"."+attribute)
	}
	return b.documentOf(t.resource)
}

// principals returns the principals that an attribute of a resource names: a value, or a list. It
// adds a principal that the plan does not declare. A principal that is not known is left out, and
// counted by the caller.
func (b *builder) principals(r *resource, kind policyfile.Kind, attribute string) []*principal {
	list, _ := b.principalsOf(r, kind, attribute)
	return list
}

// principalsOf returns the principals that an attribute names, and whether these are all.
func (b *builder) principalsOf(r *resource, kind policyfile.Kind,
	attribute string) (list []*principal, all bool) {
	v := r.value(attribute)
	if v == nil {
		return nil, true
	}
	var unknown int
	for _, e := range v.Elements() {
		if e.Kind != tree.String || !e.Known() {
			unknown++
			continue
		}
		if e.Text == "" {
			continue
		}
		list = append(list, b.named(r, kind, attribute, e.Text))
	}
	if unknown == 0 {
		return list, true
	}
	targets, all := b.targets(r, r.expression(attribute))
	var referred []*principal
	for _, t := range targets {
		pr := b.byBlock[t.resource]
		if pr == nil || pr.Kind != kind {
			return list, false
		}
		if !slices.Contains(list, pr) && !slices.Contains(referred, pr) {
			referred = append(referred, pr)
		}
	}
	if !all || v.Kind != tree.Unknown && len(referred) != unknown ||
		v.Kind == tree.Unknown && len(referred) != 1 {
		return list, false
	}
	return append(list, referred...), true
}

// named returns the principal with a name or ARN. Two of the same name are in different accounts,
// and the configuration says which one a resource means.
func (b *builder) named(r *resource, kind policyfile.Kind, attribute, id string) *principal {
	key := idKey(kind, id)
	switch list := b.byID[key]; {
	case len(list) == 1:
		return list[0]
	case len(list) > 1:
		if targets, all := b.targets(r, r.expression(attribute)); all && len(targets) == 1 {
			if pr := b.byBlock[targets[0].resource]; pr != nil {
				return pr
			}
		}
		return list[0]
	}
	pr := &principal{Principal: policyfile.Principal{Address: r.address, Kind: kind, Name: id,
		At: b.sources.place(r)}}
	b.byID[key] = []*principal{pr}
	b.order = append(b.order, pr)
	b.external = append(b.external, string(kind)+" "+textfmt.OneLine(textfmt.Truncate(id, 100)))
	return pr
}

// addInline adds the inline policy of a resource to its principal.
func (b *builder) addInline(r *resource) {
	t, ok := inlineTypes[r.kind]
	if !ok {
		return
	}
	d := b.policy(r, t.document, r.address)
	list, all := b.principalsOf(r, t.kind, t.principal)
	if !all {
		b.unjoin(t.kind, r.address, d)
		return
	}
	for _, pr := range list {
		pr.addInline(r.text(t.name), d)
	}
}

// addInline adds an inline policy. A name is unique for a principal.
func (pr *principal) addInline(name string, d policyfile.Document) {
	if name != "" {
		if pr.inline[name] {
			return
		}
		if pr.inline == nil {
			pr.inline = map[string]bool{}
		}
		pr.inline[name] = true
	}
	if pr.only && name != "" && !pr.onlyNames[name] {
		d.Bounds = d.Optional(d.Name+", which aws_iam_*_policies_exclusive does not name", d.At.Place)
	}
	pr.Policies = append(pr.Policies, d)
}

// unjoin adds a policy that any principal of a kind may have.
func (b *builder) unjoin(kind policyfile.Kind, address string, documents ...policyfile.Document) {
	u := b.unjoined[kind]
	if u == nil {
		u = &unjoined{}
		b.unjoined[kind] = u
	}
	u.addresses = append(u.addresses, address)
	for _, d := range documents {
		u.mayDeny = u.mayDeny || slices.ContainsFunc(d.AtLeast.Statements,
			func(s iampolicy.Statement) bool {
				return s.Effect == iampolicy.Deny && !policyfile.MatchesNothing(&s)
			})
	}
}

// addUnjoined adds the policies of which the principal is not known to each principal of the kind,
// as one open policy, so that the size of the result does not grow with their product.
func (b *builder) addUnjoined() {
	for _, kind := range []policyfile.Kind{policyfile.Role, policyfile.User, policyfile.Group} {
		u := b.unjoined[kind]
		if u == nil {
			continue
		}
		name := textfmt.Truncate(fmt.Sprintf("%s, of which the %s is known after apply,",
			textfmt.Some(u.addresses, 3), kind), maxName)
		d := b.open(name, policyfile.Place{}, u.mayDeny)
		if !slices.ContainsFunc(b.order, func(pr *principal) bool { return pr.Kind == kind }) {
			b.notes = textfmt.AppendNew(b.notes, name+" are not judged: the plan declares no "+string(kind))
		}
		for _, pr := range b.order {
			if pr.Kind == kind {
				pr.Policies = append(pr.Policies, d)
			}
		}
	}
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
			if !slices.Contains(u.groups, g) {
				u.groups = append(u.groups, g)
			}
		}
	}
}

// denyAll is a policy that may deny anything.
func denyAll(r *resource) policyfile.Document {
	return policyfile.Document{Bounds: policyfile.OpenBounds(r.address, tree.Place{}, true)}
}

// own returns the value of an attribute that a principal sets itself; nil for none. An attribute that
// the configuration does not set can still be known after apply, because AWS then returns what
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

// addInlineList adds the inline policies in a list of a principal.
func (b *builder) addInlineList(pr *principal, attribute, name, document string) {
	list := b.own(pr.resource, attribute)
	for _, inline := range list.Elements() {
		if inline.Kind != tree.Map {
			pr.Policies = append(pr.Policies, b.open(inline.Text, pr.At, true))
			continue
		}
		n := textOf(inline.Get(name))
		if pr.inline[n] || b.removes(pr, inline.Get(name)) {
			continue
		}
		full := "inline policy " + n + " of " + pr.Address
		v := inline.Get(document)
		if v == nil || v.Known() && v.Text == "" {
			if inline.Get(name) != nil && textOf(inline.Get(name)) != "" {
				pr.addInline(n, b.open(full+" has no document", pr.At, true))
			}
			continue // an empty block stands for no inline policies
		}
		e := inlineExpression(pr.resource.expression(attribute), name, n, document)
		pr.addInline(n, b.document(pr.resource, attribute, e, *v, full))
	}
}

// inlineExpression returns the expression of the document in the block with a name; nil for none.
func inlineExpression(blocks *tfjson.Expression, nameKey, name, document string) *tfjson.Expression {
	if blocks == nil || blocks.ExpressionData == nil {
		return nil
	}
	for _, block := range blocks.NestedBlocks {
		n := block[nameKey]
		if n != nil && n.ExpressionData != nil && n.ConstantValue == name {
			return block[document]
		}
	}
	return nil
}

func textOf(v *tree.Value) string {
	if v == nil || !v.Known() {
		return ""
	}
	return v.Text
}

// removes reports whether the plan removes an inline policy from a principal, or replaces it.
func (b *builder) removes(pr *principal, name *tree.Value) bool {
	n := textOf(name)
	return n != "" && (pr.only && !pr.onlyNames[n] ||
		b.superseded[superseded{pr.Kind, pr.Name, "name " + n}])
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
