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
// constraints of each parameter, and Rules. It joins all errors, each with the parameter or rule
// and the template's description of a valid value.
//
// A pattern must match the whole value, and each element of a list; an empty list has one empty
// element. CloudFormation uses Java's patterns, Check uses Go's. Of Java's additional syntax, Check
// supports (?!…) at the beginning; the rest is an error.
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
			standard, ok := p["Default"]
			if !ok {
				return s, fmt.Errorf("parameter %s: has no default and no value", name)
			}
			var err error
			if value, err = asText(standard); err != nil {
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
	refused := func(why string, args ...any) error {
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
			return refused("must be one of %v", allowed)
		}
	}
	if pattern, ok := p["AllowedPattern"].(string); ok {
		matches, err := matchWhole(pattern, value)
		if err != nil {
			return fmt.Errorf("AllowedPattern: %w", err)
		}
		if !matches {
			return refused("must match pattern %s", pattern)
		}
	}
	measured, what, limits := float64(utf8.RuneCountInString(value)), " characters",
		[2]string{"MinLength", "MaxLength"}
	if kind == "Number" || kind == "List<Number>" {
		number, err := strconv.ParseFloat(value, 64)
		if err != nil || !decimal.MatchString(value) {
			return fmt.Errorf("%q must be a number", value)
		}
		measured, what, limits = number, "", [2]string{"MinValue", "MaxValue"}
	}
	for i, limit := range limits {
		if p[limit] == nil {
			continue
		}
		written, err := asText(p[limit])
		bound, parseErr := strconv.ParseFloat(written, 64)
		if err != nil || parseErr != nil {
			return fmt.Errorf("%s is %v, want a number", limit, p[limit])
		}
		if i == 0 && measured < bound {
			return refused("must have at least %v%s", bound, what)
		}
		if i == 1 && measured > bound {
			return refused("must have at most %v%s", bound, what)
		}
	}
	return nil
}

// matchWhole reports whether a Java pattern matches the whole value.
func matchWhole(pattern, value string) (bool, error) {
	if ahead, ok := strings.CutPrefix(strings.TrimPrefix(pattern, "^"), "(?!"); ok {
		// A lookahead with parentheses is cut at the first one and does not compile.
		refused, rest, _ := strings.Cut(ahead, ")")
		begins, err := regexp.Compile("^(?:" + refused + ")")
		if err != nil {
			return false, err
		}
		if begins.MatchString(value) {
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
