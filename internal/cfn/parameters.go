package cfn

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Check validates parameters as CloudFormation does before it creates or updates a stack: the
// constraints of each parameter, and Rules. It returns the joined errors of all values and rules.
// If a parameter is not in the template, or has no value and no default, it returns only that
// error. Each error names the parameter or the rule, and contains the template's description of a
// valid value if there is one.
//
// A pattern must match the whole value, or each whole element of a list. An empty list has one
// empty element. CloudFormation uses Java's regular expressions, and Check uses Go's. Check also
// supports Java's (?!…) at the beginning of a pattern; other syntax that Go does not support is an
// error.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
func (t Template) Check(parameters map[string]string) error {
	s, err := t.scope(parameters)
	if err != nil {
		return err
	}
	var problems []error
	declared := t.Section("Parameters")
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		p, _ := declared[name].(map[string]any)
		for _, element := range List(s.values[name]) {
			if err := constraints(p, element.(string)); err != nil {
				problems = append(problems, fmt.Errorf("parameter %s: %w", name, err))
			}
		}
	}
	return errors.Join(append(problems, s.rules())...)
}

// scope returns a scope with the value of each parameter.
func (t Template) scope(parameters map[string]string) (scope, error) {
	s := scope{template: t, values: map[string]any{}, needs: map[string]bool{}}
	declared := t.Section("Parameters")
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		switch {
		case declared[name] != nil:
		case slices.Contains(pseudoParameters, name):
			s.values[name] = parameters[name]
		default:
			return s, fmt.Errorf("parameter %s: not in the template", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		p, _ := declared[name].(map[string]any)
		value, given := parameters[name]
		if !given {
			defaultValue, ok := p["Default"]
			if !ok {
				return s, fmt.Errorf("parameter %s: has no default and no value", name)
			}
			var err error
			if value, err = asText(defaultValue); err != nil {
				return s, fmt.Errorf("parameter %s: Default: %w", name, err)
			}
		}
		s.values[name] = value
		if isList(p) {
			var list []any
			for element := range strings.SplitSeq(value, ",") {
				list = append(list, strings.TrimSpace(element))
			}
			s.values[name] = list
		}
	}
	return s, nil
}

func isList(p map[string]any) bool {
	kind, _ := p["Type"].(string)
	return kind == "CommaDelimitedList" || strings.HasPrefix(kind, "List<")
}

var decimal = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// constraints returns an error if a value violates the constraints of the parameter p.
func constraints(p map[string]any, value string) error {
	kind, _ := p["Type"].(string)
	if strings.HasPrefix(kind, "AWS::") {
		return nil // AWS-specific and Parameter Store types: only AWS can check the value
	}
	violation := func(why string, args ...any) error {
		if description, ok := p["ConstraintDescription"].(string); ok {
			why, args = "%s", []any{description}
		}
		return fmt.Errorf("%q failed to satisfy constraint: "+why, append([]any{value}, args...)...)
	}
	if allowed := List(p["AllowedValues"]); allowed != nil {
		if !slices.ContainsFunc(allowed, func(v any) bool {
			text, err := asText(v)
			return err == nil &&
				text == value
		}) {
			return violation("must be one of %v", allowed)
		}
	}
	if pattern, ok := p["AllowedPattern"].(string); ok {
		matches, err := matchWhole(pattern, value)
		if err != nil {
			return fmt.Errorf("AllowedPattern: %w", err)
		}
		if !matches {
			return violation("must match pattern %s", pattern)
		}
	}
	measured, verb, unit := float64(utf8.RuneCountInString(value)), "have", " characters"
	limits := [2]string{"MinLength", "MaxLength"}
	if kind == "Number" || kind == "List<Number>" {
		number, err := strconv.ParseFloat(value, 64)
		if err != nil || !decimal.MatchString(value) {
			return fmt.Errorf("%q must be a number", value)
		}
		measured, verb, unit, limits = number, "be", "", [2]string{"MinValue", "MaxValue"}
	}
	for i, limit := range limits {
		if p[limit] == nil {
			continue
		}
		text, err := asText(p[limit])
		bound, parseErr := strconv.ParseFloat(text, 64)
		if err != nil || parseErr != nil {
			return fmt.Errorf("%s is %v, want a number", limit, p[limit])
		}
		if i == 0 && measured < bound {
			return violation("must %s at least %v%s", verb, bound, unit)
		}
		if i == 1 && measured > bound {
			return violation("must %s at most %v%s", verb, bound, unit)
		}
	}
	return nil
}

// matchWhole reports whether a Java pattern matches the whole value.
func matchWhole(pattern, value string) (bool, error) {
	if ahead, ok := strings.CutPrefix(strings.TrimPrefix(pattern, "^"), "(?!"); ok {
		// If the lookahead contains parentheses, Cut stops at the first closing parenthesis. The part
		// before it does not compile, so matchWhole returns an error.
		excluded, rest, _ := strings.Cut(ahead, ")")
		prefix, err := regexp.Compile("^(?:" + excluded + ")")
		if err != nil {
			return false, err
		}
		if prefix.MatchString(value) {
			return false, nil
		}
		pattern = rest
	}
	// Compile the pattern alone first: the group below could make an invalid pattern valid.
	if _, err := regexp.Compile(pattern); err != nil {
		return false, err
	}
	whole, err := regexp.Compile(`\A(?:` + pattern + `)\z`)
	return err == nil && whole.MatchString(value), err
}
