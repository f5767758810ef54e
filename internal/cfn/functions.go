package cfn

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// pseudoParameters are the parameters that AWS sets.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
var pseudoParameters = []string{
	"AWS::AccountId", "AWS::NoValue", "AWS::NotificationARNs", "AWS::Partition", "AWS::Region",
	"AWS::StackId", "AWS::StackName", "AWS::URLSuffix",
}

// scope is the context in which functions are evaluated.
type scope struct {
	template   Template
	values     map[string]any  // of the parameters: a string, or a list of strings
	own        map[string]any  // variables that an enclosing Sub defines
	evaluating []string        // names of the enclosing conditions, to detect a cycle
	needs      map[string]bool // logical ids of referenced resources
}

// noValue is the value of AWS::NoValue. resolve removes it from mappings and lists.
type noValue struct{}

// resolve returns v with every function replaced by its value.
func (s scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, 0, len(v))
		for _, element := range v {
			resolved, err := s.resolve(element)
			if err != nil {
				return nil, err
			}
			if resolved != (noValue{}) {
				list = append(list, resolved)
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := function(v); ok {
			resolved, err := s.call(name, argument)
			if err != nil && name != "Ref" {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			return resolved, err
		}
		m := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			resolved, err := s.resolve(v[key])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if resolved != (noValue{}) {
				m[key] = resolved
			}
		}
		return m, nil
	}
	return v, nil
}

// function returns the name and the argument of the function m; ok is false if m is not a function.
func function(m map[string]any) (name string, argument any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, argument = range m {
		ok = name == "Ref" || strings.HasPrefix(name, "Fn::")
	}
	return name, argument, ok
}

func (s scope) call(name string, argument any) (any, error) {
	parts := List(argument)
	switch name {
	case "Ref":
		id, ok := argument.(string)
		if !ok {
			return nil, fmt.Errorf("cannot read the argument %v of Ref", argument)
		}
		return s.lookup(id)
	case "Fn::GetAtt":
		return s.callGetAtt(argument)
	case "Fn::Sub":
		return s.callSub(argument)
	case "Fn::If":
		if len(parts) == 3 {
			holds, err := s.namedCondition(parts[0])
			if err != nil {
				return nil, err
			}
			if holds {
				return s.resolve(parts[1])
			}
			return s.resolve(parts[2])
		}
	case "Fn::FindInMap":
		if len(parts) == 3 {
			return s.findInMap(parts)
		}
	case "Fn::Join":
		if delimiter, ok := at(parts, 0).(string); ok && len(parts) == 2 {
			return s.join(delimiter, parts[1])
		}
	case "Fn::Split":
		if delimiter, ok := at(parts, 0).(string); ok && delimiter != "" && len(parts) == 2 {
			source, err := s.text(parts[1])
			if err != nil {
				return nil, err
			}
			return split(delimiter, source)
		}
	case "Fn::Select":
		if len(parts) == 2 {
			return s.choose(parts[0], parts[1])
		}
	default:
		return nil, fmt.Errorf("not a supported function")
	}
	return nil, argumentError(argument)
}

func argumentError(argument any) error {
	return fmt.Errorf("cannot read the argument %v", argument)
}

// callGetAtt returns the value of a GetAtt. The argument is "Resource.Attribute", or a list of the
// resource and the attribute.
func (s scope) callGetAtt(argument any) (any, error) {
	if dotted, ok := argument.(string); ok {
		return s.attribute(dotted)
	}
	parts := List(argument)
	id, ok := at(parts, 0).(string)
	if !ok || len(parts) != 2 {
		return nil, argumentError(argument)
	}
	attribute, err := s.text(parts[1])
	if err != nil {
		return nil, err
	}
	return s.attribute(id + "." + attribute)
}

// callSub returns the value of a Sub. The argument is a text, or a list of a text and a mapping of
// variables.
func (s scope) callSub(argument any) (any, error) {
	if text, ok := argument.(string); ok {
		return s.substitute(text)
	}
	parts := List(argument)
	text, ok := at(parts, 0).(string)
	if !ok || len(parts) != 2 {
		return nil, argumentError(argument)
	}
	own, err := s.resolve(parts[1])
	if err != nil {
		return nil, err
	}
	s.own, _ = own.(map[string]any)
	return s.substitute(text)
}

// at returns element i of a list, or nil if the list is shorter.
func at(list []any, i int) any {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// text resolves v to a string. It writes numbers and booleans as CloudFormation does.
func (s scope) text(v any) (string, error) {
	resolved, err := s.resolve(v)
	if err != nil {
		return "", err
	}
	return asText(resolved)
}

func asText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case noValue:
		return "", fmt.Errorf("AWS::NoValue is not a string")
	}
	return "", fmt.Errorf("%v is not a string", v)
}

// lookup returns the value of a Ref: a parameter's value, or ${name} for a value that only AWS
// knows.
func (s scope) lookup(name string) (any, error) {
	if value, ok := s.values[name]; ok {
		return value, nil
	}
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if !slices.Contains(pseudoParameters, name) {
		if _, ok := s.template.Section("Resources")[name]; !ok {
			return nil, fmt.Errorf("%s is neither a parameter nor a resource in the template", name)
		}
		s.needs[name] = true
	}
	return "${" + name + "}", nil
}

// attribute returns ${dotted} for an attribute such as Topic.TopicArn, because only AWS knows the
// value. The attribute must belong to a resource of the template.
func (s scope) attribute(dotted string) (any, error) {
	id, attribute, _ := strings.Cut(dotted, ".")
	if _, ok := s.template.Section("Resources")[id]; !ok || attribute == "" {
		return nil, fmt.Errorf("%s is not an attribute of a resource in the template", dotted)
	}
	s.needs[id] = true
	return "${" + dotted + "}", nil
}

// substitute replaces ${Name} and ${Name.Attribute} in text with their values. ${!Name} becomes the
// text ${Name}.
func (s scope) substitute(text string) (any, error) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("%q has no }", "${"+rest)
		}
		value, err := s.variable(name)
		if err != nil {
			return nil, err
		}
		b.WriteString(value)
		text = after
	}
}

// variable returns the value of ${name} in the text of a Sub.
func (s scope) variable(name string) (string, error) {
	if literal, ok := strings.CutPrefix(name, "!"); ok {
		return "${" + literal + "}", nil
	}
	value, ok := s.own[name]
	var err error
	switch {
	case ok:
	case strings.Contains(name, "."):
		value, err = s.attribute(name)
	default:
		value, err = s.lookup(name)
	}
	if err != nil {
		return "", err
	}
	text, err := asText(value)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

func (s scope) findInMap(parts []any) (any, error) {
	var v any = s.template.Section("Mappings")
	var path []string
	for _, part := range parts {
		key, err := s.text(part)
		if err != nil {
			return nil, err
		}
		path = append(path, key)
		m, _ := v.(map[string]any)
		if v = m[key]; v == nil {
			return nil, fmt.Errorf("no %s in Mappings", strings.Join(path, "."))
		}
	}
	return v, nil
}

func (s scope) join(delimiter string, list any) (any, error) {
	resolved, err := s.resolve(list)
	if err != nil {
		return nil, err
	}
	elements, ok := resolved.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a list", resolved)
	}
	var texts []string
	for _, element := range elements {
		text, err := asText(element)
		if err != nil {
			return nil, err
		}
		texts = append(texts, text)
	}
	return strings.Join(texts, delimiter), nil
}

// split splits source at every delimiter. The value of a ${…} is unknown, so split keeps the ${…}
// whole; it returns an error if the unknown value could contain the delimiter.
func split(delimiter, source string) (any, error) {
	parts := []any{""}
	add := func(text string) { parts[len(parts)-1] = parts[len(parts)-1].(string) + text }
	for source != "" {
		if rest, ok := strings.CutPrefix(source, delimiter); ok {
			parts, source = append(parts, ""), rest
			continue
		}
		name, rest, ok := strings.Cut(source, "}")
		if !ok || !strings.HasPrefix(source, "${") {
			add(source[:1])
			source = source[1:]
			continue
		}
		// The values of these three consist of letters, digits and hyphens.
		plain := slices.Contains([]string{"${AWS::AccountId", "${AWS::Partition", "${AWS::Region"}, name)
		if !plain || strings.Trim(delimiter, ":/, ") != "" {
			return nil, fmt.Errorf("cannot split %s}, which is known only to AWS", name)
		}
		add(name + "}")
		source = rest
	}
	return parts, nil
}

func (s scope) choose(index, from any) (any, error) {
	position, err := s.text(index)
	if err != nil {
		return nil, err
	}
	resolved, err := s.resolve(from)
	if err != nil {
		return nil, err
	}
	list, ok := resolved.([]any)
	if !ok {
		return nil, fmt.Errorf("%v is not a list", resolved)
	}
	i, err := strconv.Atoi(position)
	if err != nil || i < 0 || i >= len(list) {
		return nil, fmt.Errorf("index %s is not in a list of %d", position, len(list))
	}
	return list[i], nil
}
