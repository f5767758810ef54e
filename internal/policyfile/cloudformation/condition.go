package cloudformation

import (
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// A decision is the value of a condition. The zero value is false.
type decision struct {
	holds bool
	// open names the first unknown part that the value depends on; empty if the value is known.
	open string
}

// maxConditions is the maximum number of conditions that refer to one another in a chain.
const maxConditions = 100

// namedCondition returns the value of an entry of Conditions.
func (r *resolver) namedCondition(at tree.Place, name string) (decision, error) {
	if d, ok := r.decided[name]; ok {
		return d, nil
	}
	definition := r.conditions[name]
	switch {
	case definition == nil && r.includes:
		return decision{open: "the transform that declares it"}, nil
	case definition == nil:
		return decision{}, errorAt(at, "condition %.100q is not in Conditions", name)
	case r.deciding[name]:
		return decision{}, errorAt(definition.Place, "condition %.100q depends on itself", name)
	case len(r.deciding) >= maxConditions:
		return decision{}, errorAt(definition.Place,
			"more than %d conditions depend on one another", maxConditions)
	}
	r.deciding[name] = true
	d, err := r.condition(definition)
	delete(r.deciding, name)
	if err != nil {
		return decision{}, err
	}
	r.decided[name] = d
	return d, nil
}

// condition returns the value of a reference to a condition, or of Equals, Not, And or Or.
func (r *resolver) condition(v *tree.Value) (decision, error) {
	name, argument, ok := function(v)
	if c := v.Get("Condition"); !ok && c != nil && len(v.Members) == 1 {
		name, argument, ok = "Condition", *c, true
	}
	if !ok {
		return decision{}, errorAt(v.Place, "a condition must be Fn::Equals, Fn::Not, Fn::And, Fn::Or "+
			"or Condition, got %v", v.Kind)
	}
	parts := argument.Elements()
	switch {
	case name == "Condition":
		if text(&argument) == "" {
			return decision{}, errorAt(argument.Place, "Condition needs the name of a condition, got %v",
				argument.Kind)
		}
		return r.namedCondition(argument.Place, argument.Text)
	case name == "Fn::Equals" && len(parts) == 2:
		return r.equals(&parts[0], &parts[1])
	case name == "Fn::Not" && len(parts) == 1:
		d, err := r.condition(&parts[0])
		d.holds = !d.holds
		return d, err
	case (name == "Fn::And" || name == "Fn::Or") && len(parts) > 0:
		// One false condition decides an And, and one true condition an Or.
		decisive, result := name == "Fn::Or", decision{holds: name == "Fn::And"}
		for i := range parts {
			d, err := r.condition(&parts[i])
			switch {
			case err != nil:
				return decision{}, err
			case d.open == "" && d.holds == decisive:
				return d, nil
			case d.open != "" && result.open == "":
				result.open = d.open
			}
		}
		return result, nil
	}
	return decision{}, errorAt(v.Place, "cannot read the condition %.100s with %d arguments", name,
		len(parts))
}

// equals compares two values. Two values with unknown parts are open even if they look the same.
func (r *resolver) equals(a, b *tree.Value) (decision, error) {
	var texts [2]string
	for i, v := range []*tree.Value{a, b} {
		value, err := r.resolveFinal(v)
		if err != nil {
			return decision{}, err
		}
		// A list parameter equals another list with the same elements.
		for _, e := range value.Elements() {
			if open := firstUnknown(&e); open != "" {
				return decision{open: open}, nil
			}
			if !isScalar(&e) {
				return decision{}, errorAt(v.Place, "Fn::Equals needs texts, got %v", e.Kind)
			}
			texts[i] += "\x00" + e.Text
		}
	}
	return decision{holds: texts[0] == texts[1]}, nil
}

// firstUnknown returns the name of the first unknown part of a scalar, or an empty text.
func firstUnknown(v *tree.Value) string {
	for _, p := range v.StringParts() {
		if p.Unknown != "" {
			return p.Unknown
		}
	}
	return ""
}
