// Package cfn reads CloudFormation templates, as people write them and as CDK does, into one
// form, so that tests can compare the two and look things up in either.
//
//	template, err := cfn.Parse(data) // YAML with !Ref and its like, or JSON
//	resources, err := template.Resources(map[string]string{"Callers": "user/render"})
//
// # Limits
//
// It knows the functions that this project's templates use: Ref, GetAtt, Sub, Join and the
// condition functions. Any other is an error. Transforms are not run, rules not applied.
package cfn

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A Template is a template as written: maps, lists and scalars as encoding/json decodes them,
// with functions in their long form, {"Fn::Sub": "…"}.
type Template map[string]any

// A Resource is one resource of a template, with its functions resolved.
type Resource struct {
	Type                string
	DependsOn           []string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          map[string]any
}

// Parse reads a template in YAML or JSON.
func Parse(data []byte) (Template, error) {
	if strings.HasPrefix(strings.TrimSpace(string(data)), "{") {
		var t Template
		err := json.Unmarshal(data, &t)
		return t, err
	}
	v, err := parseYAML(data)
	if err != nil {
		return nil, err
	}
	t, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("template is a %T, want a mapping", v)
	}
	return t, nil
}

// Section is a section of the template, such as Parameters, or an empty map.
func (t Template) Section(name string) map[string]any {
	section, _ := t[name].(map[string]any)
	return section
}

// Resources returns the resources that a stack with these parameters has, by logical id.
// Parameters left out have their defaults. Functions are resolved to strings: a parameter to its
// value, and what only AWS knows to ${Name} or ${Name.Attribute}, as Sub spells it.
func (t Template) Resources(parameters map[string]string) (map[string]Resource, error) {
	s := scope{template: t, values: maps.Clone(parameters)}
	if s.values == nil {
		s.values = map[string]string{}
	}
	declared := t.Section("Parameters")
	for name := range s.values {
		if declared[name] == nil {
			return nil, fmt.Errorf("parameter %s: not in the template", name)
		}
	}
	for name, p := range declared {
		if _, given := s.values[name]; given {
			continue
		}
		value, ok := p.(map[string]any)["Default"]
		if !ok {
			return nil, fmt.Errorf("parameter %s: has no default and no value", name)
		}
		s.values[name] = fmt.Sprint(value)
	}
	resources := map[string]Resource{}
	for _, id := range slices.Sorted(maps.Keys(t.Section("Resources"))) {
		written, ok := t.Section("Resources")[id].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("resource %s: want a mapping", id)
		}
		r, present, err := s.resource(written)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		if present {
			resources[id] = r
		}
	}
	return resources, nil
}

// A scope is what functions are resolved in.
type scope struct {
	template Template
	values   map[string]string // of the parameters
}

func (s scope) resource(written map[string]any) (r Resource, present bool, err error) {
	if name, ok := written["Condition"].(string); ok {
		if holds, err := s.condition(s.template.Section("Conditions")[name]); err != nil || !holds {
			return r, false, err
		}
	}
	properties, err := s.resolve(written["Properties"])
	if err != nil {
		return r, false, err
	}
	r.Properties, _ = properties.(map[string]any)
	r.Type, _ = written["Type"].(string)
	r.DeletionPolicy, _ = written["DeletionPolicy"].(string)
	r.UpdateReplacePolicy, _ = written["UpdateReplacePolicy"].(string)
	for _, id := range List(written["DependsOn"]) {
		r.DependsOn = append(r.DependsOn, fmt.Sprint(id))
	}
	return r, true, nil
}

// resolve replaces every function in v by its value.
func (s scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i, element := range v {
			var err error
			if list[i], err = s.resolve(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]any:
		if name, argument, ok := function(v); ok {
			return s.call(name, argument)
		}
		m := make(map[string]any, len(v))
		for key, value := range v {
			var err error
			if m[key], err = s.resolve(value); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		return m, nil
	}
	return v, nil
}

// function reports whether m is a function and its argument, rather than a mapping.
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
	switch name {
	case "Ref":
		return s.lookup(fmt.Sprint(argument)), nil
	case "Fn::GetAtt":
		parts := List(argument)
		if len(parts) == 1 {
			return "${" + fmt.Sprint(parts[0]) + "}", nil
		}
		if len(parts) == 2 {
			return fmt.Sprintf("${%v.%v}", parts[0], parts[1]), nil
		}
	case "Fn::Sub":
		if text, ok := argument.(string); ok {
			return s.substitute(text), nil
		}
		parts := List(argument)
		if len(parts) != 2 {
			break
		}
		own, err := s.resolve(parts[1])
		if err != nil {
			return nil, err
		}
		with := scope{s.template, maps.Clone(s.values)}
		variables, _ := own.(map[string]any)
		for name, value := range variables {
			with.values[name] = fmt.Sprint(value)
		}
		return with.substitute(fmt.Sprint(parts[0])), nil
	case "Fn::If":
		parts := List(argument)
		if len(parts) != 3 {
			break
		}
		holds, err := s.condition(s.template.Section("Conditions")[fmt.Sprint(parts[0])])
		if err != nil {
			return nil, err
		}
		if holds {
			return s.resolve(parts[1])
		}
		return s.resolve(parts[2])
	case "Fn::Join":
		parts := List(argument)
		if len(parts) != 2 {
			break
		}
		elements, err := s.resolve(parts[1])
		if err != nil {
			return nil, err
		}
		var texts []string
		for _, element := range List(elements) {
			texts = append(texts, fmt.Sprint(element))
		}
		return strings.Join(texts, fmt.Sprint(parts[0])), nil
	default:
		return nil, fmt.Errorf("%s: not a function this package knows", name)
	}
	return nil, fmt.Errorf("%s: cannot read its argument %v", name, argument)
}

// lookup is what a name stands for.
func (s scope) lookup(name string) string {
	if value, ok := s.values[name]; ok {
		return value
	}
	return "${" + name + "}"
}

// substitute replaces the parameters in text, and leaves the other ${…} as they are.
func (s scope) substitute(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("${" + rest)
			return b.String()
		}
		b.WriteString(s.lookup(name))
		text = after
	}
}

// condition evaluates an entry of Conditions.
func (s scope) condition(v any) (bool, error) {
	m, _ := v.(map[string]any)
	name, argument, ok := function(m)
	parts := List(argument)
	switch {
	case !ok:
	case name == "Fn::Equals" && len(parts) == 2:
		resolved, err := s.resolve(parts)
		if err != nil {
			return false, err
		}
		both := List(resolved)
		return fmt.Sprint(both[0]) == fmt.Sprint(both[1]), nil
	case name == "Fn::Not" && len(parts) == 1:
		holds, err := s.condition(parts[0])
		return !holds, err
	}
	return false, fmt.Errorf("condition %v: not one this package knows", v)
}

// List is v as a list: CloudFormation and IAM take one thing where they take several. Nil is empty.
func List(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}
