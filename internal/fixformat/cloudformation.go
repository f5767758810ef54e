package fixformat

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeCloudFormation writes a template with one resource for each document. It uses no function
// such as Fn::Sub, which would replace IAM's variables.
func writeCloudFormation(w io.Writer, h Handover, v Variant) error {
	if h.Fix.Owner.Fixed() {
		return errors.New(h.Fix.Owner.Text() + " --format json prints the document")
	}
	edits, err := h.Edits(v)
	if err != nil {
		return err
	}
	c := &source{comments: "#"}
	how := "If a stack has the policy already, replace the document in its template. A stack cannot " +
		"create a policy that exists: import the resource, or delete the policy first."
	if h.Fix.Owner.Tool == remedy.CDK {
		how = "In a CDK app, pass the document to PolicyDocument.fromJson. " + how
	}
	c.preface(h, edits, v, how)
	c.line(`AWSTemplateFormatVersion: "2010-09-09"`)
	c.line("Resources:")
	names := namer{}
	for _, e := range edits {
		if err := c.cloudFormation(names, e); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, c.b.String())
	return err
}

// cloudFormation writes the resource for one document.
func (s *source) cloudFormation(names namer, e remedy.Edit) error {
	l := e.Location
	kind, name := holder(l)
	var properties value
	resourceType, logical := "", l.Name
	document := "PolicyDocument"
	switch {
	case l.Kind == iampolicy.InlineLocation && commandNames[kind]:
		kind = textfmt.Capitalize(kind)
		resourceType = "AWS::IAM::" + kind + "Policy"
		properties.add(kind+"Name", textOf(name))
		properties.add("PolicyName", textOf(l.Name))
	case l.Kind == iampolicy.ManagedLocation || l.Kind == iampolicy.BoundaryLocation:
		policyName, path := nameAndPath(l)
		resourceType, logical = "AWS::IAM::ManagedPolicy", policyName
		properties.add("ManagedPolicyName", textOf(policyName))
		if path != "/" {
			properties.add("Path", textOf(path))
		}
		// For an existing policy, the property would list its principals, and remove the others.
		if e.Before == nil && commandNames[kind] {
			properties.add(textfmt.Capitalize(kind)+"s", textsOf([]string{name}))
		}
	case l.Kind == iampolicy.TrustLocation && kind == "role":
		resourceType, logical, document = "AWS::IAM::Role", name, "AssumeRolePolicyDocument"
		properties.add("RoleName", textOf(name))
	case l.Kind == iampolicy.SCPLocation:
		resourceType, document = "AWS::Organizations::Policy", "Content"
		properties.add("Name", textOf(l.Name))
		properties.add("Type", textOf("SERVICE_CONTROL_POLICY"))
	default:
		return fmt.Errorf("it is unknown where %s is stored: --format json prints the document",
			title(e))
	}
	properties.add(document, valueOf(e.After))
	s.comments = "  #"
	s.comment(sentence(title(e)) + ": " + sizeText(e) + ".")
	s.line("  %s:", names.unique(logicalID(logical), ""))
	s.line("    Type: %s", resourceType)
	s.line("    Properties:")
	s.yaml(properties, "      ")
	return nil
}

// yaml writes the members or elements of a value, each on lines of its own.
func (s *source) yaml(v value, indent string) {
	for _, m := range v.members {
		s.yamlEntry(indent+yamlKey(m.key)+":", m.value, indent+"  ")
	}
	for _, e := range v.list {
		if e.kind != mapValue {
			s.yamlEntry(indent+"-", e, indent+"  ")
			continue
		}
		for i, m := range e.members {
			mark := "- "
			if i > 0 {
				mark = "  "
			}
			s.yamlEntry(indent+mark+yamlKey(m.key)+":", m.value, indent+"    ")
		}
	}
}

// yamlEntry writes a value after its key or dash.
func (s *source) yamlEntry(start string, v value, indent string) {
	switch {
	case v.kind == textValue:
		s.line("%s %s", start, yamlString(v.text))
	case len(v.list)+len(v.members) == 0:
		s.line("%s []", start)
	default:
		s.line("%s", start)
		s.yaml(v, indent)
	}
}

// yamlKey returns the key of a mapping. Only a key of ASCII letters needs no quotes.
func yamlKey(key string) string {
	if key != "" && strings.IndexFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 && !yamlWords[strings.ToLower(key)] {
		return key
	}
	return yamlString(key)
}

// yamlWords are words that YAML 1.1 reads as something else than a text.
var yamlWords = map[string]bool{"null": true, "true": true, "false": true, "yes": true, "no": true,
	"on": true, "off": true, "y": true, "n": true}

// yamlString quotes a text. A text in double quotes is never a number, a date or a boolean.
func yamlString(text string) string {
	return escapeUnprintable(textfmt.JSON(text), longEscape)
}

// logicalID returns the logical id of a resource, which has letters and digits only.
func logicalID(name string) string {
	var b strings.Builder
	for _, word := range strings.FieldsFunc(slug(name), func(r rune) bool {
		return r == '-' || r == '_'
	}) {
		b.WriteString(textfmt.Capitalize(word))
	}
	if b.Len() == 0 || b.String()[0] >= '0' && b.String()[0] <= '9' {
		return "Policy" + b.String()
	}
	return b.String()
}
