package cfn

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// rules is an error for each assertion of Rules that does not hold.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html
func (s scope) rules() error {
	var problems []error
	section := s.template.Section("Rules")
	for _, name := range slices.Sorted(maps.Keys(section)) {
		if err := s.rule(section[name]); err != nil {
			problems = append(problems, fmt.Errorf("rule %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

func (s scope) rule(v any) error {
	written, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("is a %T, want a mapping", v)
	}
	if condition := written["RuleCondition"]; condition != nil {
		if holds, err := s.asserted(condition); err != nil || !holds {
			return err
		}
	}
	assertions := List(written["Assertions"])
	if len(assertions) == 0 {
		return errors.New("asserts nothing")
	}
	var problems []error
	for _, v := range assertions {
		assertion, _ := v.(map[string]any)
		holds, err := s.asserted(assertion["Assert"])
		if err == nil && !holds {
			err = fmt.Errorf("does not hold: %v", assertion["AssertDescription"])
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// asserted evaluates a condition of Rules, which knows less than those of Conditions and more:
// nothing but parameters can be referred to, and lists can be asked about.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
func (s scope) asserted(v any) (bool, error) {
	m, _ := v.(map[string]any)
	name, argument, _ := function(m)
	parts := List(argument)
	if holds, ok, err := combine(name, parts, s.asserted); ok {
		return holds, err
	}
	if len(parts) != 2 {
		return false, fmt.Errorf("%v: not a condition that a rule can have", v)
	}
	var values [2]any
	for i, part := range parts {
		var err error
		if values[i], err = s.parameter(part); err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
	list, isList := values[0].([]any)
	text, isText := values[1].(string)
	among, isAmong := values[1].([]any)
	switch {
	case name == "Fn::Equals":
		return reflect.DeepEqual(values[0], values[1]), nil
	case name == "Fn::Contains" && isList && isText:
		return slices.Contains(list, any(text)), nil
	case name == "Fn::EachMemberEquals" && isList && isText:
		return !slices.ContainsFunc(list, func(member any) bool { return member != text }), nil
	case name == "Fn::EachMemberIn" && isList && isAmong:
		return !slices.ContainsFunc(list, func(member any) bool {
			return !slices.Contains(among, member)
		}), nil
	}
	return false, fmt.Errorf("%v: not a condition that a rule can have", v)
}

// parameter is a value in a rule: the parameter of a Ref, or what is written, numbers as text; a
// string or a list of strings.
func (s scope) parameter(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		name, argument, _ := function(v)
		id, _ := argument.(string)
		value, ok := s.values[id]
		if name != "Ref" || !ok {
			return nil, fmt.Errorf("%v: a rule can refer to nothing but parameters", v)
		}
		return value, nil
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			value, err := s.parameter(element)
			if err != nil {
				return nil, err
			}
			if list[i], err = asText(value); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return asText(v)
}
