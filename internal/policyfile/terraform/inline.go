package terraform

import (
	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

func (b *builder) addExclusive(r *resource, t attachmentType) {
	names := r.value(t.policy)
	for _, pr := range b.principals(r, t.kind, t.principal) {
		if names == nil {
			continue
		}
		pr.only, pr.onlyNames = true, map[string]bool{}
		for _, n := range names.Elements() {
			if n.Known() {
				pr.onlyNames[n.Text] = true
			}
		}
	}
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

// addInline adds an inline policy. IAM keeps the policy that is written last of those with one
// name, and the order is not known: each of them may not exist.
func (pr *principal) addInline(name string, d policyfile.Document) {
	if name != "" {
		if pr.inline == nil {
			pr.inline = map[string]*inlinePolicies{}
		}
		all := pr.inline[name]
		if all == nil {
			pr.inline[name] = &inlinePolicies{first: len(pr.Policies)}
		} else {
			why := textfmt.Truncate("which of the inline policies named "+textfmt.OneLine(name)+
				" is written last", maxName)
			if !all.several {
				all.several = true
				first := &pr.Policies[all.first]
				first.Bounds = first.Optional(why, first.At.Place)
			}
			d.Bounds = d.Optional(why, d.At.Place)
		}
	}
	if pr.only && name != "" && !pr.onlyNames[name] {
		d.Bounds = d.Optional(d.Name+", which aws_iam_*_policies_exclusive does not name", d.At.Place)
	}
	pr.Policies = append(pr.Policies, d)
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
		if pr.inline[n] != nil || b.removes(pr, inline.Get(name)) {
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
func inlineExpression(blocks *tfjson.Expression,
	nameKey, name, document string) *tfjson.Expression {
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
