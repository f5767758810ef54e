// Package cloudformation reads the principals of templates of CloudFormation and SAM, in YAML or
// JSON, also of templates that CDK wrote.
//
//	file, err := cloudformation.Read(text, cloudformation.Values{Account: "123456789012"})
//
// # What is known
//
// The reader evaluates the intrinsic functions with the given values and with the defaults of
// parameters. What only AWS knows is open, such as an import or a generated name: see
// policyfile.Bounds. A condition that cannot be decided leaves both values of an Fn::If possible.
//
// The package is apart from internal/cfn, which reads the templates of this project for tests and
// for make stackset. That reader is strict, has no positions and no unknown values, and supports
// only the functions that this project uses.
package cloudformation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// Values are what the user knows about the stack. All are optional.
type Values struct {
	// Account has twelve digits.
	Account string
	Region  string
	// Partition is that of the region if it is empty, and aws without a region.
	Partition string
	// Parameters are the values of the template's parameters, with commas in lists. Names that the
	// template does not declare have no effect.
	Parameters map[string]string
}

// limits are those of a template. CloudFormation accepts 1 MB.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
var limits = tree.Limits{Bytes: 4 << 20, Values: 400_000, Depth: 100}

// Read returns the principals of a template. The error is a *tree.Error.
func Read(text string, values Values) (policyfile.File, error) {
	t, err := Parse(text)
	if err != nil {
		return policyfile.File{}, err
	}
	return t.File(values)
}

// A Template is a parsed template.
type Template struct {
	// Constructs returns the construct behind a resource, from its logical id and its path of CDK,
	// which is empty if the template does not have it. It is nil for a template without constructs.
	Constructs func(logicalID, path string) Construct

	root  tree.Value
	lines []string
}

// A Construct is a construct of CDK.
type Construct struct {
	// Path is the path in the tree of constructs, such as Stack/Role/Resource; empty if unknown.
	Path string
	// At is where the program creates the construct. File is empty if that is unknown.
	At policyfile.Place
}

// Parse parses a template. The error is a *tree.Error.
func Parse(text string) (*Template, error) {
	parse := tree.ParseYAML
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		parse = tree.ParseJSON
	}
	root, err := parse(text, limits)
	if err != nil {
		return nil, err
	}
	if err := checkRoot(&root); err != nil {
		return nil, err
	}
	if isFragment(&root) {
		root = tree.Value{Kind: tree.Map, Place: root.Place, Members: []tree.Member{
			{Key: "Resources", Place: root.Place, Value: root},
			// What includes the fragment can declare what the fragment refers to.
			{Key: "Transform", Place: root.Place, Value: tree.Value{Kind: tree.List}}}}
	}
	return &Template{root: root, lines: strings.Split(text, "\n")}, nil
}

// isFragment reports whether a file is only the content of Resources, which other tools include.
func isFragment(root *tree.Value) bool {
	return root.Get("Resources") == nil && len(root.Members) > 0 &&
		!slices.ContainsFunc(root.Members, func(m tree.Member) bool {
			return !strings.Contains(text(m.Value.Get("Type")), "::")
		})
}

// IsTemplate reports whether a value looks like a template: it has resources with types of
// CloudFormation, or is the content of Resources.
func IsTemplate(root *tree.Value) bool {
	if isFragment(root) {
		return true
	}
	resources := root.Get("Resources")
	if resources == nil || resources.Kind != tree.Map {
		return false
	}
	for i := range resources.Members {
		m := &resources.Members[i]
		kind := m.Value.Get("Type")
		if kind != nil && strings.Contains(kind.Text, "::") || strings.HasPrefix(m.Key, "Fn::") {
			return true
		}
	}
	return len(resources.Members) == 0 && root.Get("AWSTemplateFormatVersion") != nil
}

// checkRoot returns an error for a file that is no template. It names the formats of other tools
// whose files are often taken for templates.
func checkRoot(root *tree.Value) error {
	has := func(keys ...string) bool {
		for _, key := range keys {
			if root.Get(key) == nil {
				return false
			}
		}
		return true
	}
	var msg string
	switch {
	case IsTemplate(root):
		return nil
	case has("service", "provider"), root.At("service", "provider") != nil:
		msg = "this is a serverless.yml: run \"serverless package\" and check " +
			".serverless/cloudformation-template-update-stack.json"
	case has("name", "runtime"):
		msg = "this is a Pulumi project, which holds no policies: check the policy documents as JSON"
	case root.Kind != tree.Map:
		msg = fmt.Sprintf("a CloudFormation template is a mapping, got %v", root.Kind)
	case has("Resources"):
		msg = "no resource under Resources has a type of CloudFormation, such as AWS::IAM::Role"
	default:
		msg = "this is no CloudFormation template: it has no Resources"
	}
	return &tree.Error{Place: root.Place, Msg: msg}
}

// File returns the principals of the template. The error is a *tree.Error.
func (t *Template) File(values Values) (policyfile.File, error) {
	r := newResolver(t, values)
	b := builder{resolver: r, template: t}
	if err := b.build(); err != nil {
		return policyfile.File{}, err
	}
	if t.Constructs == nil { // package cdk reads the nested stacks itself
		for _, id := range r.order {
			switch text(r.resources[id].Get("Type")) {
			case nestedStack, nestedApplication:
				b.notes = append(b.notes, "the nested stack "+id+" has a template of its own: check it, too")
			}
		}
	}
	return policyfile.File{Format: policyfile.CloudFormation, Principals: b.result(),
		Parameters: slices.Sorted(maps.Keys(r.parameters)),
		Notes:      append(b.notes, r.assumptions()...)}, nil
}

// The types of nested stacks: of CloudFormation, and of SAM.
const (
	nestedStack       = "AWS::CloudFormation::Stack"
	nestedApplication = "AWS::Serverless::Application"
)

// A NestedStack is a stack that a template declares as a resource.
type NestedStack struct {
	LogicalID string
	// Path is the path of CDK; empty without one.
	Path string
	// TemplateFile is the name of the template in the directory that CDK wrote; empty if the template
	// does not name it.
	TemplateFile string
	// Parameters are the values that the template knows.
	Parameters map[string]string
}

// NestedStacks returns the nested stacks. The error is a *tree.Error.
func (t *Template) NestedStacks(values Values) (list []NestedStack, err error) {
	r := newResolver(t, values)
	for _, id := range r.order {
		resource := r.resources[id]
		if text(resource.Get("Type")) != nestedStack {
			continue
		}
		nested := NestedStack{LogicalID: id, Path: text(resource.At("Metadata", "aws:cdk:path")),
			Parameters: map[string]string{}}
		if text(resource.At("Metadata", "aws:asset:property")) == "TemplateURL" {
			nested.TemplateFile = text(resource.At("Metadata", "aws:asset:path"))
		}
		if p := resource.At("Properties", "Parameters"); p != nil && p.Kind == tree.Map {
			for i := range p.Members {
				value, err := r.resolveFinal(&p.Members[i].Value)
				if err != nil {
					return nil, err
				}
				if isScalar(&value) && value.Known() {
					nested.Parameters[p.Members[i].Key] = value.Text
				}
			}
		}
		list = append(list, nested)
	}
	return list, nil
}

// errorAt returns an error with a place.
func errorAt(at tree.Place, format string, args ...any) error {
	return &tree.Error{Place: at, Msg: fmt.Sprintf(format, args...)}
}

// within returns an error with the name of the resource in front of its message.
func within(resource string, err error) error {
	var at *tree.Error
	if !errors.As(err, &at) {
		return err
	}
	return &tree.Error{Place: at.Place, Msg: "resource " + resource + ": " + at.Msg}
}

// text returns the text of a known string, or an empty text.
func text(v *tree.Value) string {
	if v == nil || v.Kind != tree.String || v.Tag != "" {
		return ""
	}
	return v.Text
}

func isScalar(v *tree.Value) bool {
	return v.Kind == tree.String || v.Kind == tree.Number || v.Kind == tree.Bool
}
