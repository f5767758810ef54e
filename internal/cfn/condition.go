package cfn

import (
	"fmt"
	"slices"
	"strings"
)

// namedCondition evaluates the entry of Conditions with the name v.
func (s scope) namedCondition(v any) (bool, error) {
	name, _ := v.(string)
	definition, ok := s.template.Section("Conditions")[name]
	if !ok {
		return false, fmt.Errorf("condition %v: not in the template", v)
	}
	if slices.Contains(s.evaluating, name) {
		return false, fmt.Errorf("condition %s: depends on itself", name)
	}
	s.evaluating = append(slices.Clone(s.evaluating), name)
	holds, err := s.condition(definition)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	return holds, nil
}

// condition evaluates v: a reference to a named condition, or the function Equals, Not, And or Or.
func (s scope) condition(v any) (bool, error) {
	m, _ := v.(map[string]any)
	if name, ok := m["Condition"]; ok && len(m) == 1 {
		return s.namedCondition(name)
	}
	name, argument, _ := function(m)
	if holds, ok, err := combine(name, List(argument), s.condition); ok {
		return holds, err
	}
	if parts := List(argument); name == "Fn::Equals" && len(parts) == 2 {
		return s.equal(parts)
	}
	return false, fmt.Errorf("%v: not a supported condition", v)
}

// combine evaluates Not, And and Or; holds evaluates each of the combined conditions. ok is false
// for another function or a wrong number of conditions: CloudFormation accepts one condition in
// Not, and two to ten in And and Or.
func combine(name string, parts []any, holds func(any) (bool, error)) (result, ok bool, err error) {
	switch {
	case name == "Fn::Not" && len(parts) == 1:
		value, err := holds(parts[0])
		return !value, true, err
	case (name == "Fn::And" || name == "Fn::Or") && len(parts) >= 2 && len(parts) <= 10:
		result = name == "Fn::And"
		for _, part := range parts {
			// Evaluate all conditions, so that an invalid condition is always an error.
			value, err := holds(part)
			if err != nil {
				return false, true, err
			}
			if name == "Fn::And" {
				result = result && value
			} else {
				result = result || value
			}
		}
		return result, true, nil
	}
	return false, false, nil
}

func (s scope) equal(parts []any) (bool, error) {
	var texts [2]string
	for i := range texts {
		var err error
		if texts[i], err = s.text(parts[i]); err != nil {
			return false, err
		}
	}
	for _, text := range texts {
		if strings.Contains(text, "${") && texts[0] != texts[1] {
			return false, fmt.Errorf("%s is known only to AWS: set it in the parameters", text)
		}
	}
	return texts[0] == texts[1], nil
}
