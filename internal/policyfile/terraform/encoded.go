package terraform

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// written returns the document that jsonencode writes for an attribute that Terraform knows after
// apply. What is no constant in the source is unknown. ok is false if the attribute has another
// expression, or if the plan is of another version of the sources.
func (l *location) written(p *Plan, r *resource, attribute string) (v tree.Value, ok bool) {
	if l.encoded == nil || !sameReferences(references(r.expression(attribute)), l.encoded) {
		return tree.Value{}, false
	}
	e := encoder{plan: p, module: r.module, text: l.block.text,
		suffix: " in " + r.address + "." + attribute}
	v = e.value(l.encoded)
	return v, v.Kind == tree.Map
}

// sameReferences reports whether an expression of the sources has the references that the plan has
// of it.
func sameReferences(planned []string, e hclsyntax.Expression) bool {
	var written []string
	for _, t := range e.Variables() {
		written = textfmt.AppendNew(written, traversalText(t))
	}
	// Terraform lists each reference up to the attribute, and the sources may have more after it.
	found := func(list []string, ref string) bool {
		return slices.ContainsFunc(list, func(other string) bool {
			return strings.HasPrefix(other, ref) || strings.HasPrefix(ref, other)
		})
	}
	return len(planned) > 0 &&
		!slices.ContainsFunc(planned, func(ref string) bool { return !found(written, ref) }) &&
		!slices.ContainsFunc(written, func(ref string) bool { return !found(planned, ref) })
}

// traversalText returns the names of a traversal up to the first key.
func traversalText(t hcl.Traversal) string {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		default:
			return strings.Join(names, ".")
		}
	}
	return strings.Join(names, ".")
}

// An encoder turns expressions into values.
type encoder struct {
	plan   *Plan
	module string // the instance of the module with the expression
	text   []byte // of the file
	suffix string // of the names of unknown parts
}

// name returns the name of an unknown part: the text of the expression.
func (c *encoder) name(at hcl.Range) string {
	if !at.CanSliceBytes(c.text) {
		return "an expression" + c.suffix
	}
	return textfmt.Truncate(strings.Join(strings.Fields(string(at.SliceBytes(c.text))), " "), 100) +
		c.suffix
}

func (c *encoder) value(e hclsyntax.Expression) tree.Value {
	e = unwrap(e)
	at := placeOf("", e.Range()).Place
	switch e := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return constant(at, e.Val)
	case *hclsyntax.TemplateExpr:
		return c.template(at, e)
	case *hclsyntax.TupleConsExpr:
		list := tree.Value{Kind: tree.List, Place: at, Items: []tree.Value{}}
		for _, item := range e.Exprs {
			list.Items = append(list.Items, c.value(item))
		}
		return list
	case *hclsyntax.ObjectConsExpr:
		if object, ok := c.object(at, e); ok {
			return object
		}
	case *hclsyntax.TemplateWrapExpr:
		return c.value(e.Wrapped)
	case *hclsyntax.ScopeTraversalExpr:
		if text, ok := c.planned(e.Traversal); ok {
			return tree.NewString(at, tree.Part{Text: text})
		}
	}
	return tree.NewUnknown(at, c.name(e.Range()))
}

// planned returns the text that the plan has for a variable of the root module, or for an attribute
// of a resource.
func (c *encoder) planned(t hcl.Traversal) (string, bool) {
	names := make([]segment, 0, len(t))
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, segment{name: step.Name})
		case hcl.TraverseAttr:
			names = append(names, segment{name: step.Name})
		default:
			return "", false
		}
	}
	if names[0].name == "var" && len(names) == 2 && c.module == "" {
		return c.plan.variable(names[1].name)
	}
	block, _, attribute, ok := resourceOf(names)
	instances := c.plan.instances[resourceKey(c.module, block)]
	if !ok || len(instances) != 1 || instances[0].key != "" ||
		len(names) != 3+strings.Count(block, "data.") {
		return "", false
	}
	text := instances[0].text(attribute)
	return text, text != ""
}

func (c *encoder) object(at tree.Place, e *hclsyntax.ObjectConsExpr) (tree.Value, bool) {
	object := tree.Value{Kind: tree.Map, Place: at, Members: []tree.Member{}}
	for _, item := range e.Items {
		key, ok := constantKey(item.KeyExpr)
		if !ok || object.Get(key) != nil {
			return tree.Value{}, false
		}
		object.Members = append(object.Members, tree.Member{Key: key,
			Place: placeOf("", item.KeyExpr.Range()).Place, Value: c.value(item.ValueExpr)})
	}
	return object, true
}

func (c *encoder) template(at tree.Place, e *hclsyntax.TemplateExpr) tree.Value {
	var parts []tree.Part
	for _, part := range e.Parts {
		switch value := c.value(part); {
		case value.Kind == tree.String && value.Known():
			parts = append(parts, tree.Part{Text: value.Text})
		default:
			parts = append(parts, tree.Part{Unknown: c.name(part.Range())})
		}
	}
	return tree.NewString(at, parts...)
}

// constant returns a value of a literal.
func constant(at tree.Place, v cty.Value) tree.Value {
	switch {
	case v.IsNull() || !v.IsKnown():
		return tree.Value{Place: at}
	case v.Type() == cty.String:
		return tree.NewString(at, tree.Part{Text: v.AsString()})
	case v.Type() == cty.Bool:
		text := "false"
		if v.True() {
			text = "true"
		}
		return tree.Value{Kind: tree.Bool, Place: at, Text: text}
	case v.Type() == cty.Number:
		return tree.Value{Kind: tree.Number, Place: at, Text: v.AsBigFloat().Text('f', -1)}
	}
	return tree.NewUnknown(at, "a constant")
}
