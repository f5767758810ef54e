package cfn

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// rules returns an error for each assertion in Rules that is false.
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
	definition, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("is a %T, want a mapping", v)
	}
	if condition := definition["RuleCondition"]; condition != nil {
		if holds, err := s.ruleCondition(condition); err != nil || !holds {
			return err
		}
	}
	assertions := List(definition["Assertions"])
	if len(assertions) == 0 {
		return errors.New("has no assertions")
	}
	var problems []error
	for _, v := range assertions {
		assertion, _ := v.(map[string]any)
		holds, err := s.ruleCondition(assertion["Assert"])
		if err == nil && !holds {
			err = fmt.Errorf("does not hold: %v", assertion["AssertDescription"])
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// ruleCondition evaluates a condition in Rules. Unlike a condition in Conditions, it can refer only
// to parameters, and it can test lists.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
func (s scope) ruleCondition(v any) (bool, error) {
	m, _ := v.(map[string]any)
	name, argument, _ := function(m)
	parts := List(argument)
	if holds, ok, err := combine(name, parts, s.ruleCondition); ok {
		return holds, err
	}
	if len(parts) != 2 {
		return false, fmt.Errorf("%v: not a supported condition of a rule", v)
	}
	var values [2]any
	for i, part := range parts {
		var err error
		if values[i], err = s.ruleValue(part); err != nil {
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
	return false, fmt.Errorf("%v: not a supported condition of a rule", v)
}

// ruleValue resolves a value in a rule to a string or a list of strings. The value is a Ref of a
// parameter, or a literal; numbers become text.
func (s scope) ruleValue(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		name, argument, _ := function(v)
		id, _ := argument.(string)
		value, ok := s.values[id]
		if name != "Ref" || !ok {
			return nil, fmt.Errorf("%v: a rule can refer only to parameters", v)
		}
		return value, nil
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			value, err := s.ruleValue(element)
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
