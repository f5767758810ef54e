package main

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/settings"
)

// templateParameters returns the layout of the console and the parameters in template.yaml. Lists
// and labels are in YAML's flow style, because the template's size is limited.
func templateParameters(all []settings.Setting) string {
	var b strings.Builder
	b.WriteString("  AWS::CloudFormation::Interface:\n    ParameterGroups:\n")
	for _, group := range settings.Groups {
		var names []string
		for _, s := range all {
			if s.Parameter != "" && s.Group == group {
				names = append(names, s.Parameter)
			}
		}
		fmt.Fprintf(&b, "      - Label: {default: %s}\n", group)
		b.WriteString(yamlList("        ", "Parameters", names))
	}
	b.WriteString("    ParameterLabels:\n")
	for _, s := range all {
		if s.Parameter != "" {
			fmt.Fprintf(&b, "      %s: {default: %s}\n", s.Parameter, s.Label)
		}
	}
	b.WriteString("\nParameters:\n")
	for _, s := range all {
		if s.Parameter != "" {
			b.WriteString(templateParameter(s))
		}
	}
	return b.String()
}

func templateParameter(s settings.Setting) string {
	var b strings.Builder
	write := func(key, value string) { fmt.Fprintf(&b, "    %s: %s\n", key, value) }
	fmt.Fprintf(&b, "  %s:\n", s.Parameter)
	if s.Kind == settings.Number {
		write("Type", "Number")
	} else {
		write("Type", "String")
	}
	switch {
	case s.Required:
	case s.Default == "" || s.Kind == settings.YesNo: // YAML reads yes and no as booleans
		write("Default", `"`+s.Default+`"`)
	default:
		write("Default", s.Default)
	}
	b.WriteString(yamlText("    ", "Description", s.Help))
	switch {
	case s.Pattern != "":
		pattern := s.Pattern
		if s.ReservedPrefix != "" { // CloudFormation uses Java's patterns
			pattern = "^(?!" + s.ReservedPrefix + ")" + strings.TrimPrefix(pattern, "^")
		}
		write("AllowedPattern", `"`+strings.ReplaceAll(pattern, `\`, `\\`)+`"`)
	case s.Values != nil:
		b.WriteString(yamlList("    ", "AllowedValues", s.Values))
	default:
		write("MinValue", fmt.Sprint(s.Min))
		write("MaxValue", fmt.Sprint(s.Max))
	}
	b.WriteString(yamlText("    ", "ConstraintDescription", s.Constraint))
	return b.String()
}

// yamlList returns a line with a key and a list in flow style, or several lines if the list is
// long.
func yamlList(indent, key string, values []string) string {
	list := "[" + strings.Join(values, ", ") + "]"
	if line := indent + key + ": " + list; len(line) <= 100 {
		return line + "\n"
	}
	return indent + key + ":\n" + wrap(indent+"  ", list)
}

// yamlText returns a line with a key and a text, or several folded lines if the text is long.
func yamlText(indent, key, text string) string {
	scalar := text
	if strings.HasPrefix(text, `"`) || strings.Contains(text, ": ") || strings.Contains(text, " #") {
		scalar = "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	if line := indent + key + ": " + scalar; len([]rune(line)) <= 100 {
		return line + "\n"
	}
	return indent + key + ": >-\n" + wrap(indent+"  ", text)
}

// templateEnvironment returns the environment of the function in template.yaml.
func templateEnvironment(all []settings.Setting) string {
	var b strings.Builder
	for _, s := range all {
		switch {
		case s.Variable == "":
		case s.Reference != "":
			fmt.Fprintf(&b, "          %s: %s\n", s.Variable, s.Reference)
		default:
			fmt.Fprintf(&b, "          %s: !Ref %s\n", s.Variable, s.Parameter)
		}
	}
	return b.String()
}
