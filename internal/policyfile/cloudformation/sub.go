package cloudformation

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// sub returns the value of an Fn::Sub: a text with variables, or a list of such a text and the
// values of some variables.
func (r *resolver) sub(at tree.Place, argument *tree.Value) (tree.Value, error) {
	parts := argument.Elements()
	if len(parts) == 0 || len(parts) > 2 || parts[0].Kind != tree.String || parts[0].Tag != "" {
		return tree.Value{}, errorAt(at, "Fn::Sub needs a text, or a list of a text and a mapping")
	}
	own := map[string]tree.Value{}
	if len(parts) == 2 {
		if parts[1].Kind != tree.Map {
			return tree.Value{}, errorAt(parts[1].Place, "Fn::Sub needs a mapping, got %v", parts[1].Kind)
		}
		for i := range parts[1].Members {
			m := &parts[1].Members[i]
			v, err := r.scalar(&m.Value)
			if err != nil {
				return v, err
			}
			own[m.Key] = v
		}
	}
	return r.substitute(at, parts[0].Text, own)
}

// substitute replaces ${Name} and ${Name.Attribute} by their values. ${!Name} becomes ${Name}.
func (r *resolver) substitute(at tree.Place, text string, own map[string]tree.Value) (
	tree.Value, error) {
	var parts []tree.Part
	for {
		before, rest, found := strings.Cut(text, "${")
		parts = append(parts, tree.Part{Text: before})
		if !found {
			return r.newString(at, parts)
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return tree.Value{}, errorAt(at, "Fn::Sub: %.100q has no closing brace", "${"+rest)
		}
		text = after
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			parts = append(parts, tree.Part{Text: "${" + literal + "}"})
			continue
		}
		v, ok := own[name]
		if !ok {
			var err error
			if v, err = r.variable(at, name); err != nil {
				return v, err
			}
		}
		parts = append(parts, v.StringParts()...)
	}
}

// variable returns the value of ${name} in the text of an Fn::Sub.
func (r *resolver) variable(at tree.Place, name string) (v tree.Value, err error) {
	name = strings.TrimSpace(name)
	switch id, attribute, dotted := strings.Cut(name, "."); {
	case dotted:
		v, err = r.attribute(at, id, attribute)
	case strings.Contains(name, ":") && !strings.HasPrefix(name, "AWS::"):
		return v, errorAt(at, "Fn::Sub: ${%.100s} is no variable of CloudFormation: write "+
			"${!%.100s} for a policy variable", name, name)
	default:
		v, err = r.reference(at, name)
	}
	if err == nil && !isScalar(&v) && v.Kind != tree.Unknown {
		return v, errorAt(at, "Fn::Sub: ${%.100s} is %v, expected a text", name, v.Kind)
	}
	return v, err
}
