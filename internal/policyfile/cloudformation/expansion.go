package cloudformation

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// knownTransforms are the transforms that add no policies, or only those that this package reads.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-reference.html
var knownTransforms = []string{"AWS::Serverless-2016-10-31", "AWS::LanguageExtensions",
	"AWS::CodeDeployBlueGreen", "AWS::CodeStar", "AWS::SecretsManager-2020-07-23",
	"AWS::SecretsManager-2024-09-16"}

// expansions returns documents for the parts of the template that can add policies to any
// principal, and that only AWS expands: macros, loops with policies and connectors of SAM.
func (b *builder) expansions() (list []policyfile.Document) {
	add := func(name string, at tree.Place, mayDeny bool) {
		d := openAllow(shorten(name), at)
		d.Bounds = policyfile.OpenBounds(d.Name, at, mayDeny)
		list = append(list, d)
	}
	for _, section := range []string{"Transform", "Fn::Transform"} {
		for _, t := range b.template.root.Get(section).Elements() {
			name := t
			if n := t.Get("Name"); n != nil {
				name = *n
			}
			if !slices.Contains(knownTransforms, name.Text) {
				add("transform "+name.Text, t.Place, true)
			}
		}
	}
	for _, id := range b.order {
		resource := b.resources[id]
		switch {
		case id == "Fn::Transform":
			add(id, resource.Place, true)
		case strings.HasPrefix(id, "Fn::"):
			if mentionsIAM(resource) {
				add(id, resource.Place, true)
			}
		case text(resource.Get("Type")) == "AWS::Serverless::Connector":
			add("connector "+id, resource.Place, false)
		case setsPolicies(resource) && hasFunction(resource):
			add("transform of "+id, resource.Place, true)
		case resource.Get("Connectors") != nil:
			add("connectors of "+id, resource.Get("Connectors").Place, false)
		}
	}
	return list
}

// setsPolicies reports whether a resource can set policies by its type. A transform can set a type
// that is absent.
func setsPolicies(resource *tree.Value) bool {
	kind := text(resource.Get("Type"))
	return kind == "" || slices.ContainsFunc([]string{"AWS::IAM::", "AWS::SSO::",
		"AWS::Serverless::"}, func(prefix string) bool { return strings.HasPrefix(kind, prefix) })
}

// hasFunction reports whether a key of a mapping is a function, which can set other keys.
func hasFunction(v *tree.Value) bool {
	return v.Kind == tree.Map && slices.ContainsFunc(v.Members, func(m tree.Member) bool {
		return strings.HasPrefix(m.Key, "Fn::")
	})
}

// functionSets reports whether a function sets the properties of a resource, or some of them.
func functionSets(properties *tree.Value) bool {
	return properties.Tag != "" || hasFunction(properties)
}

// mentionsIAM reports whether a value has a type of IAM, or a type that is not a plain text.
func mentionsIAM(v *tree.Value) bool {
	return slices.ContainsFunc(v.Items, func(item tree.Value) bool { return mentionsIAM(&item) }) ||
		slices.ContainsFunc(v.Members, func(m tree.Member) bool {
			if m.Key == "Type" {
				kind := text(&m.Value)
				return kind == "" || strings.Contains(kind, "$") || strings.HasPrefix(kind, "AWS::IAM::")
			}
			return mentionsIAM(&m.Value)
		})
}
