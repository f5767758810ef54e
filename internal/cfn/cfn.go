// Package cfn reads CloudFormation templates, as people write them and as CDK does, into one
// form, so that tests can compare the two and look things up in either.
//
//	template, err := cfn.Parse(data) // YAML with !Ref and its like, or JSON
//	parameters := map[string]string{"Callers": "user/render"}
//	err = template.Check(parameters) // what CloudFormation refuses before it creates anything
//	resources, err := template.Resources(parameters)
//	outputs, err := template.Outputs(parameters)
//	// SAM's function as CloudFormation's:
//	plain, err := cfn.Expand(template, cfn.Code{Bucket: "code", Key: "function.zip"})
//
// # Limits
//
// It knows the functions that this project's templates use: Ref, GetAtt, Sub, Join, Split, Select,
// FindInMap, If and the conditions, and in Rules those about lists. Any other is an error. Of SAM
// it knows what Expand says. A parameter that is looked up in Parameter Store is its name.
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

// An Output is one output of a template, with its functions resolved.
type Output struct {
	Description string
	Value       string
	Export      string // the name it is exported under; empty if it is not
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

// Resources returns the resources that a stack with these parameters has, by logical id. Parameters
// left out have their defaults; a pseudo parameter, such as AWS::Region, may be given as well.
// Functions are resolved: a parameter to its value, which is a list where its type says so, and
// what only AWS knows to ${Name} or ${Name.Attribute}, as Sub spells it. AWS::NoValue takes a
// property, or an element of a list, away. It is an error to refer to a resource that such a stack
// does not have.
func (t Template) Resources(parameters map[string]string) (map[string]Resource, error) {
	s, err := t.scope(parameters)
	if err != nil {
		return nil, err
	}
	return s.resources()
}

// Outputs returns the outputs that a stack with these parameters has, resolved as Resources does
// it.
func (t Template) Outputs(parameters map[string]string) (map[string]Output, error) {
	s, err := t.scope(parameters)
	if err != nil {
		return nil, err
	}
	resources, err := s.resources()
	if err != nil {
		return nil, err
	}
	outputs := map[string]Output{}
	for _, name := range slices.Sorted(maps.Keys(t.Section("Outputs"))) {
		clear(s.needs)
		output, present, err := s.output(t.Section("Outputs")[name])
		if err == nil && present {
			outputs[name], err = output, s.unmet(resources)
		}
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
	}
	return outputs, nil
}

func (s scope) resources() (map[string]Resource, error) {
	resources, needs := map[string]Resource{}, map[string]map[string]bool{}
	section := s.template.Section("Resources")
	for _, id := range slices.Sorted(maps.Keys(section)) {
		clear(s.needs)
		r, present, err := s.resource(section[id])
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		if present {
			resources[id], needs[id] = r, maps.Clone(s.needs)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(needs)) {
		s.needs = needs[id]
		if err := s.unmet(resources); err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
	}
	return resources, nil
}

func (s scope) resource(v any) (r Resource, present bool, err error) {
	written, ok := v.(map[string]any)
	if !ok {
		return r, false, fmt.Errorf("is a %T, want a mapping", v)
	}
	if present, err = s.present(written); err != nil || !present {
		return r, false, err
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

func (s scope) output(v any) (o Output, present bool, err error) {
	written, ok := v.(map[string]any)
	if !ok {
		return o, false, fmt.Errorf("is a %T, want a mapping", v)
	}
	if present, err = s.present(written); err != nil || !present {
		return o, false, err
	}
	if o.Value, err = s.text(written["Value"]); err != nil {
		return o, false, fmt.Errorf("its value: %w", err)
	}
	if export, ok := written["Export"].(map[string]any); ok {
		if o.Export, err = s.text(export["Name"]); err != nil {
			return o, false, fmt.Errorf("its export: %w", err)
		}
	}
	o.Description, _ = written["Description"].(string)
	return o, true, nil
}

// present reports whether the condition of a resource or output holds, if it has one.
func (s scope) present(written map[string]any) (bool, error) {
	if written["Condition"] == nil {
		return true, nil
	}
	return s.named(written["Condition"])
}

// unmet is an error if something referred to a resource that is not there.
func (s scope) unmet(resources map[string]Resource) error {
	for _, id := range slices.Sorted(maps.Keys(s.needs)) {
		if _, ok := resources[id]; !ok {
			return fmt.Errorf("refers to %s, which a stack with these parameters does not have", id)
		}
	}
	return nil
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
