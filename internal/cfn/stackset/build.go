package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/cfn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The maximum size of a template in bytes: in a call, and in a bucket.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStackSet.html
const (
	maxBody     = 51_200
	maxTemplate = 1 << 20
)

// The parameters for the location of the code. Lambda needs a bucket in its own region, so the
// bucket's name ends in the region.
const (
	paramPrefix = "CodeBucketPrefix"
	paramKey    = "CodeKey"
)

// build returns the expanded template, which takes the code from a bucket in each region. key is
// the default of the parameter CodeKey. CodeBucketPrefix has no default: another account could
// create a bucket with the default name and would then control the code.
func build(source cfn.Template, key string) (cfn.Template, error) {
	template, err := cfn.Expand(source, cfn.Code{
		Bucket: map[string]any{"Fn::Sub": "${" + paramPrefix + "}-${AWS::Region}"},
		Key:    map[string]any{"Ref": paramKey},
	})
	if err != nil {
		return nil, err
	}
	parameters := maps.Clone(template.Section("Parameters"))
	for name, parameter := range map[string]any{
		paramPrefix: map[string]any{
			"Type": "String",
			"Description": "Prefix of the names of the buckets with the function's code; a hyphen and " +
				"the region follow. You must own the buckets, and the accounts of the organization must " +
				"have read access.",
			// The maximum length of a bucket name is 63: a prefix of 48 characters, a hyphen and 14
			// characters for the longest region name.
			"AllowedPattern":        "^[a-z0-9][a-z0-9-]{1,46}[a-z0-9]$",
			"ConstraintDescription": "3 to 48 lower-case letters, digits and hyphens, without the region.",
		},
		paramKey: map[string]any{
			"Type":    "String",
			"Default": key,
			"Description": "Key of the function's code in the buckets of CodeBucketPrefix. New code needs " +
				"a new key, because CloudFormation compares only names.",
			"AllowedPattern":        `^[A-Za-z0-9_][A-Za-z0-9_./=+-]*\.zip$`,
			"MaxLength":             1024.0, // float64, as encoding/json decodes numbers
			"ConstraintDescription": "the key of an object, which ends in .zip.",
		},
	} {
		if parameters == nil {
			parameters = map[string]any{}
		}
		if parameters[name] != nil {
			return nil, fmt.Errorf("parameter %s: the template already declares it", name)
		}
		parameters[name] = parameter
	}
	template["Parameters"] = parameters
	template["Metadata"] = withCodeGroup(template.Section("Metadata"))
	return template, nil
}

// withCodeGroup returns a copy of metadata in which the console's parameter groups include a group
// for the two parameters of the code. Without settings for the console, it returns metadata
// unchanged.
func withCodeGroup(metadata map[string]any) map[string]any {
	const key = "AWS::CloudFormation::Interface"
	console, ok := metadata[key].(map[string]any)
	if !ok {
		return metadata
	}
	console, metadata = maps.Clone(console), maps.Clone(metadata)
	groups := slices.Clone(cfn.List(console["ParameterGroups"]))
	console["ParameterGroups"] = append(groups, map[string]any{
		"Label":      map[string]any{"default": "Code"},
		"Parameters": []any{paramPrefix, paramKey},
	})
	labels, _ := console["ParameterLabels"].(map[string]any)
	if labels = maps.Clone(labels); labels == nil {
		labels = map[string]any{}
	}
	labels[paramPrefix] = map[string]any{"default": "Buckets of the code"}
	labels[paramKey] = map[string]any{"default": "Key of the code"}
	console["ParameterLabels"] = labels
	metadata[key] = console
	return metadata
}

// encode returns the template as compact JSON with one line for each entry of a section, so that
// two templates can be compared.
func encode(template cfn.Template) ([]byte, error) {
	var b bytes.Buffer
	line := func(before, key string, v any) error {
		b.WriteString(before)
		if err := textfmt.AppendJSON(&b, key); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := textfmt.AppendJSON(&b, v); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
	before := "{\n"
	for _, section := range slices.Sorted(maps.Keys(template)) {
		entries, ok := template[section].(map[string]any)
		if !ok || len(entries) == 0 {
			if err := line(before, section, template[section]); err != nil {
				return nil, err
			}
			before = ",\n"
			continue
		}
		fmt.Fprintf(&b, "%s%q:{", before, section)
		between := "\n"
		for _, name := range slices.Sorted(maps.Keys(entries)) {
			if err := line(between, name, entries[name]); err != nil {
				return nil, err
			}
			between = ",\n"
		}
		b.WriteString("\n}")
		before = ",\n"
	}
	b.WriteString("\n}\n")
	return b.Bytes(), nil
}
