package cfn

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const (
	samTransform = "AWS::Serverless-2016-10-31"
	samFunction  = "AWS::Serverless::Function"
)

// Code is the location of a function's code in S3, which replaces a local path. Each of Bucket and
// Key is a string or an intrinsic function, such as {"Ref": "CodeKey"}.
type Code struct{ Bucket, Key any }

// samAttributes and samProperties are the attributes and properties of a function that the
// transform copies unchanged.
// https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-resource-function.html
var (
	samAttributes = []string{"Condition", "DeletionPolicy", "DependsOn", "Metadata", "UpdatePolicy",
		"UpdateReplacePolicy"}
	samProperties = []string{
		"Architectures", "CodeSigningConfigArn", "Description", "Environment", "EphemeralStorage",
		"FileSystemConfigs", "FunctionName",
		"Handler", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "RecursiveLoop",
		"ReservedConcurrentExecutions", "Role", "Runtime",
		"RuntimeManagementConfig", "SnapStart", "Timeout", "VpcConfig",
	}
)

// Expand returns the template without the transform of AWS SAM: it replaces each
// AWS::Serverless::Function with the AWS::Lambda::Function that the transform would create. If
// a CodeUri is a local path, Expand replaces the path with code, as "sam package" does; without
// code, the path is an error. Any other feature of SAM is an error, such as Events, Policies,
// Globals or a function without a Role. The result shares all other resources with t.
func Expand(t Template, code Code) (Template, error) {
	if t["Globals"] != nil {
		return nil, errors.New("section Globals: the only supported part of SAM is the function")
	}
	transform, isTransform := t["Transform"]
	if isTransform && transform != samTransform {
		return nil, fmt.Errorf("transform %v: not supported, only %s", transform, samTransform)
	}
	expanded := maps.Clone(t)
	delete(expanded, "Transform")
	resources := maps.Clone(t.Section("Resources"))
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		definition, _ := resources[id].(map[string]any)
		kind, _ := definition["Type"].(string)
		if !strings.HasPrefix(kind, "AWS::Serverless::") {
			continue
		}
		if !isTransform {
			return nil, fmt.Errorf("resource %s: %s in a template without the transform %s", id, kind,
				samTransform)
		}
		if kind != samFunction {
			return nil, fmt.Errorf("resource %s: %s: the only supported part of SAM is the function", id,
				kind)
		}
		function, err := expandFunction(definition, code)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", id, err)
		}
		resources[id] = function
	}
	expanded["Resources"] = resources
	return expanded, nil
}

func expandFunction(definition map[string]any, code Code) (map[string]any, error) {
	expanded := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(definition)) {
		switch {
		case name == "Type" || name == "Properties":
		case slices.Contains(samAttributes, name):
			expanded[name] = definition[name]
		default:
			return nil, fmt.Errorf("%s: not a supported attribute of a SAM function", name)
		}
	}
	expanded["Type"] = "AWS::Lambda::Function"
	from, _ := definition["Properties"].(map[string]any)
	for _, needed := range []string{"Handler", "Role", "Runtime"} {
		if from[needed] == nil {
			return nil, fmt.Errorf("has no %s", needed)
		}
	}
	properties := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		switch {
		case name == "CodeUri" || name == "Tags":
		case slices.Contains(samProperties, name):
			properties[name] = from[name]
		default:
			return nil, fmt.Errorf("property %s: not a supported property of a SAM function", name)
		}
	}
	var err error
	if properties["Code"], err = expandCode(from["CodeUri"], code); err != nil {
		return nil, fmt.Errorf("property CodeUri: %w", err)
	}
	if properties["Tags"], err = expandTags(from["Tags"]); err != nil {
		return nil, fmt.Errorf("property Tags: %w", err)
	}
	expanded["Properties"] = properties
	return expanded, nil
}

// expandCode returns the property Code for a CodeUri. The CodeUri is {Bucket, Key, Version},
// s3://bucket/key?versionId=version, or a local path, which code replaces.
func expandCode(uri any, code Code) (any, error) {
	switch uri := uri.(type) {
	case map[string]any:
		if uri["Bucket"] == nil || uri["Key"] == nil {
			return nil, errors.New("has no Bucket and Key")
		}
		location := map[string]any{"S3Bucket": uri["Bucket"], "S3Key": uri["Key"]}
		if uri["Version"] != nil {
			location["S3ObjectVersion"] = uri["Version"]
		}
		return location, nil
	case string:
		if strings.HasPrefix(uri, "s3://") {
			parsed, err := url.Parse(uri)
			if err != nil {
				return nil, err
			}
			key := strings.TrimLeft(parsed.Path, "/")
			if parsed.Host == "" || key == "" {
				return nil, fmt.Errorf("%s is not s3://bucket/key", uri)
			}
			location := map[string]any{"S3Bucket": parsed.Host, "S3Key": key}
			if version := parsed.Query()["versionId"]; len(version) == 1 {
				location["S3ObjectVersion"] = version[0]
			}
			return location, nil
		}
		if code.Bucket == nil || code.Key == nil {
			return nil, fmt.Errorf("%s is a local path: CloudFormation needs a bucket and a key", uri)
		}
		return map[string]any{"S3Bucket": code.Bucket, "S3Key": code.Key}, nil
	}
	return nil, fmt.Errorf("is %v, want a path, s3://bucket/key, or Bucket and Key", uri)
}

// expandTags returns the property Tags: the tag that the transform adds to every function, then the
// tags in v.
func expandTags(v any) (any, error) {
	const createdBy = "lambda:createdBy"
	tags, ok := v.(map[string]any)
	if v != nil && !ok || tags[createdBy] != nil {
		return nil, fmt.Errorf("are %v, want a mapping without %s", v, createdBy)
	}
	list := []any{map[string]any{"Key": createdBy, "Value": "SAM"}}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value := tags[key]
		if value == nil {
			value = ""
		}
		list = append(list, map[string]any{"Key": key, "Value": value})
	}
	return list, nil
}
