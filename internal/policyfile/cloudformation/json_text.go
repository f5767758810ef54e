package cloudformation

import (
	"errors"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policyfile/tree"
)

// documentLimits are those of a policy document that is JSON text in a template.
var documentLimits = tree.Limits{Bytes: iampolicy.MaxText, Values: 100_000, Depth: 50}

// parseDocument parses a policy document that is JSON text, perhaps with unknown parts. An unknown
// part that is not in a string of the JSON makes the whole document unknown.
func (b *builder) parseDocument(v *tree.Value) (tree.Value, error) {
	source, unknown, ok := encode(v.StringParts())
	if !ok {
		return tree.NewUnknown(v.Place, "a text with the character U+FDD0"), nil
	}
	text := jsonText{v.Place, strings.Split(source, "\n"), b.template.lines, unknown}
	document, err := tree.ParseJSON(source, documentLimits)
	if err == nil {
		err = b.spend(v.Place, len(source))
	}
	if err != nil {
		if len(unknown) > 0 {
			return tree.NewUnknown(v.Place, unknown[0]), nil
		}
		var syntax *tree.Error
		if errors.As(err, &syntax) {
			return document, errorAt(text.place(syntax.Place), "the policy document is a "+
				"text, and no JSON: %s", syntax.Msg)
		}
		return document, err
	}
	text.decode(&document)
	return document, nil
}

// A jsonText is a text of a template that is JSON.
type jsonText struct {
	start tree.Place
	// lines are those of the text, and file those of the template.
	lines, file []string
	unknown     []string
}

// place returns the place in the template of a place in the text. It is the start of the text
// unless the line of the template is that of the text, as in a block of YAML.
func (j *jsonText) place(in tree.Place) tree.Place {
	row := j.start.Line + in.Line
	if len(j.lines) == 1 || in.Line < 1 || in.Line > len(j.lines) || row > len(j.file) {
		return j.start
	}
	written, parsed := strings.TrimRight(j.file[row-1], " \t\r"),
		strings.TrimRight(j.lines[in.Line-1], " \t\r")
	indent, ok := strings.CutSuffix(written, parsed)
	if !ok || strings.Trim(indent, " ") != "" || parsed == "" {
		return j.start
	}
	return tree.Place{Line: row, Column: in.Column + len(indent)}
}

// decode sets the places of a parsed value to those in the template, and replaces the marks in its
// strings by unknown parts.
func (j *jsonText) decode(v *tree.Value) {
	v.Place = j.place(v.Place)
	if v.Kind == tree.String && strings.Contains(v.Text, mark) {
		*v = tree.NewString(v.Place, compact(decode(v.Text, j.unknown))...)
	}
	for i := range v.Items {
		j.decode(&v.Items[i])
	}
	for i := range v.Members {
		m := &v.Members[i]
		if strings.Contains(m.Key, mark) { // not even the meaning of the member is known
			*v = tree.NewUnknown(v.Place, j.unknown[0])
			return
		}
		m.Place = j.place(m.Place)
		j.decode(&m.Value)
	}
}
