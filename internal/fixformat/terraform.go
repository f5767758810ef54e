package fixformat

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeTerraform writes resources of the AWS provider of Terraform and OpenTofu.
func writeTerraform(w io.Writer, h Handover, v Variant) error {
	if h.Fix.Owner.Fixed() {
		return errors.New(h.Fix.Owner.Text() + " --format json prints the document")
	}
	edits, err := h.Edits(v)
	if err != nil {
		return err
	}
	t := &source{comments: "#"}
	t.preface(h, edits, v, "If the configuration has the policy already, replace its document. Else "+
		"import the policy first: Terraform then changes it in place.")
	names := namer{}
	for _, e := range edits {
		if err := t.terraform(names, e); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, t.b.String())
	return err
}

// A source collects lines of a configuration language.
type source struct {
	b        strings.Builder
	comments string
}

func (s *source) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

// comment writes a comment, wrapped and without control characters.
func (s *source) comment(text string) {
	for _, l := range textfmt.Wrap(textfmt.OneLine(text), 90) {
		s.line("%s", strings.TrimRight(s.comments+" "+l, " "))
	}
}

// preface writes what a reader has to know before the resources.
func (s *source) preface(h Handover, edits []remedy.Edit, v Variant, how string) {
	s.comment(h.summary(v))
	for _, warning := range h.warnings(edits, v) {
		s.comment("")
		s.comment(warning)
	}
	s.comment("")
	s.comment(how)
}

// terraform writes the resources for one document.
func (s *source) terraform(names namer, e remedy.Edit) error {
	l := e.Location
	kind, name := holder(l)
	s.line("")
	s.comment(sentence(title(e)) + ": " + sizeText(e) + ".")
	for _, c := range e.Changes {
		s.comment(sentence(c.Text))
	}
	// resource starts a resource whose import has the given id; empty for a new one.
	resource := func(kind, label, id string) string {
		label = names.unique(label, "_")
		if id != "" {
			// One line, so that the command can be copied.
			s.line("# Import: terraform import %s", textfmt.ShellWords(kind+"."+label, id))
		}
		s.line("resource %s %s {", hclString(kind), hclString(label))
		return label
	}
	existing := func(id string) string {
		if e.Before == nil {
			return ""
		}
		return id
	}
	label := labelOf(l.Name)
	switch {
	case l.Kind == iampolicy.InlineLocation && commandNames[kind]:
		resource("aws_iam_"+kind+"_policy", label, existing(name+":"+l.Name))
		s.line("  %-*s = %s", max(len(kind), len("name")), "name", hclString(l.Name))
		s.line("  %-*s = %s", max(len(kind), len("name")), kind, hclString(name))
		s.policy("policy", e.After)
	case l.Kind == iampolicy.ManagedLocation || l.Kind == iampolicy.BoundaryLocation:
		policyName, path := nameAndPath(l)
		label = resource("aws_iam_policy", labelOf(policyName), existing(l.ARN))
		s.line("  name = %s", hclString(policyName))
		if path != "/" {
			s.line("  path = %s", hclString(path))
		}
		s.policy("policy", e.After)
		if e.Before == nil && commandNames[kind] {
			s.line("")
			resource("aws_iam_"+kind+"_policy_attachment", label, "")
			s.line("  %-10s = %s", kind, hclString(name))
			s.line("  policy_arn = aws_iam_policy.%s.arn", label)
			s.line("}")
		}
	case l.Kind == iampolicy.TrustLocation && kind == "role":
		resource("aws_iam_role", labelOf(name), existing(name))
		s.line("  name = %s", hclString(name))
		s.policy("assume_role_policy", e.After)
	case l.Kind == iampolicy.SCPLocation:
		id := l.ARN[strings.LastIndexByte(l.ARN, '/')+1:]
		resource("aws_organizations_policy", label, existing(id))
		s.line("  name = %s", hclString(l.Name))
		s.line("  type = \"SERVICE_CONTROL_POLICY\"")
		s.policy("content", e.After)
	default:
		return fmt.Errorf("it is unknown where %s is stored: --format json prints the document",
			title(e))
	}
	return nil
}

// nameAndPath returns the name and the path of a managed policy.
func nameAndPath(l iampolicy.Location) (name, path string) {
	a, ok := arn.Parse(l.ARN)
	rest, isPolicy := strings.CutPrefix(a.Resource, "policy/")
	if !ok || !isPolicy {
		return l.Name, "/"
	}
	at := strings.LastIndexByte("/"+rest, '/')
	return rest[at:], ("/" + rest)[:at+1]
}

// policy writes an argument with a document, and ends the resource.
func (s *source) policy(argument string, d *iampolicy.Document) {
	s.line("")
	s.b.WriteString("  " + argument + " = jsonencode(")
	s.hcl(valueOf(d), "  ")
	s.line(")")
	s.line("}")
}

// hcl writes a value as an expression. A list of one short text stays on its line.
func (s *source) hcl(v value, indent string) {
	inner := indent + "  "
	switch v.kind {
	case textValue:
		s.b.WriteString(hclString(v.text))
	case listValue:
		if len(v.list) == 0 {
			s.b.WriteString("[]")
			return
		}
		s.b.WriteString("[\n")
		for _, e := range v.list {
			s.b.WriteString(inner)
			s.hcl(e, inner)
			s.b.WriteString(",\n")
		}
		s.b.WriteString(indent + "]")
	case mapValue:
		s.b.WriteString("{\n")
		for i, m := range v.members {
			fmt.Fprintf(&s.b, "%s%-*s = ", inner, keyWidth(v.members, i), hclKey(m.key))
			s.hcl(m.value, inner)
			s.b.WriteByte('\n')
		}
		s.b.WriteString(indent + "}")
	}
}

// keyWidth returns the width of a key as `terraform fmt` aligns it: with the keys before and after
// it whose values take one line.
func keyWidth(members []member, i int) int {
	width := utf8.RuneCountInString(hclKey(members[i].key))
	if members[i].value.kind != textValue {
		return width
	}
	for _, direction := range []int{-1, 1} {
		for j := i + direction; j >= 0 && j < len(members) &&
			members[j].value.kind == textValue; j += direction {
			width = max(width, utf8.RuneCountInString(hclKey(members[j].key)))
		}
	}
	return width
}

// hclKey returns the key of an object. Only a key of ASCII letters needs no quotes.
func hclKey(key string) string {
	if key != "" && strings.IndexFunc(key, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 && !hclWords[key] {
		return key
	}
	return hclString(key)
}

// hclWords are words that HCL does not take as the name of a key.
var hclWords = map[string]bool{"for": true, "null": true, "true": true, "false": true, "if": true}

// hclString quotes a text as a string without templates. ${ and %{ start a template, so they are
// escaped: IAM's own variables have the same form.
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md#quoted-template-expressions
func hclString(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	list := []rune(text)
	for i, r := range list {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case (r == '$' || r == '%') && i+1 < len(list) && list[i+1] == '{':
			if i > 0 && list[i-1] == r {
				// After the same character, a doubled one is not recognized.
				b.WriteString(longEscape(r))
			} else {
				b.WriteRune(r)
				b.WriteRune(r)
			}
		case !unicode.IsPrint(r):
			b.WriteString(longEscape(r))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// labelOf returns the label of a resource: letters, digits, '_' and '-', not starting with a digit.
func labelOf(name string) string {
	label := strings.ReplaceAll(slug(name), "-", "_")
	if label == "" || label[0] >= '0' && label[0] <= '9' {
		label = "policy_" + label
	}
	return strings.TrimSuffix(label, "_")
}
