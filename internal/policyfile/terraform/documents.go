package terraform

import (
	"fmt"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

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
	if v.Kind == tree.Unknown {
		written, ok := at.written(b.Plan, r, attribute)
		if ok && !isSensitive(v) {
			v = written
		} else {
			v = b.dependency(r, attribute, e, v, &at)
			at.setPlaces(&v)
		}
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
		b.assumed = append(b.assumed, r.address+"."+attribute)
	}
	return b.documentOf(t.resource)
}
