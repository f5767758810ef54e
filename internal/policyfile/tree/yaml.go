package tree

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

// ParseYAML parses a YAML text with one document. An alias stands for a copy of its value. Values
// keep their local tags. The error is an *Error.
func ParseYAML(text string, limits Limits) (Value, error) {
	docs, refused := yamllimit.Parse([]byte(text), yamllimit.Limits{Bytes: limits.Bytes,
		Nodes: limits.Values, Depth: limits.Depth, Tags: limits.Values, Keys: limits.Values})
	switch {
	case refused != nil:
		return Value{}, &Error{Place{refused.Line, min(refused.Line, 1)}, refused.Text}
	case len(docs) == 0:
		return Value{}, &Error{Msg: "the file is empty"}
	case len(docs) > 1:
		return Value{}, &Error{Place{docs[1].Line, docs[1].Column},
			"the file has several documents: keep one"}
	}
	return fromYAML(docs[0])
}

func fromYAML(n *yaml.Node) (Value, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	v := Value{Place: Place{n.Line, n.Column}, Text: n.Value}
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		v.Tag = n.Tag[1:]
	}
	switch n.Kind {
	case yaml.ScalarNode:
		switch n.ShortTag() {
		case "!!null":
			v.Kind, v.Text = Null, ""
		case "!!bool":
			v.Kind = Bool
		case "!!int", "!!float":
			v.Kind = Number
		default:
			v.Kind = String
		}
	case yaml.SequenceNode:
		v.Kind, v.Items = List, []Value{}
		for _, item := range n.Content {
			i, err := fromYAML(item)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, i)
		}
	case yaml.MappingNode:
		v.Kind, v.Members = Map, []Member{}
		seen := map[string]bool{}
		var merged []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			at := Place{key.Line, key.Column}
			if key.Kind == yaml.AliasNode {
				key = key.Alias
			}
			if key.ShortTag() == "!!merge" {
				merged = append(merged, n.Content[i+1])
				continue
			}
			switch {
			case key.Kind != yaml.ScalarNode:
				return v, &Error{at, "a key is a list or a mapping: use a text"}
			case seen[key.Value]:
				return v, &Error{at, fmt.Sprintf("duplicate key %q", key.Value)}
			}
			seen[key.Value] = true
			member, err := fromYAML(n.Content[i+1])
			if err != nil {
				return v, err
			}
			v.Members = append(v.Members, Member{key.Value, at, member})
		}
		for _, from := range merged {
			if err := v.merge(from, seen); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}

// merge adds the members of another mapping whose keys are not seen, or those of a list of
// mappings. That is what the key << stands for: the AWS CLI writes the merged template.
// https://yaml.org/type/merge.html
func (v *Value) merge(n *yaml.Node, seen map[string]bool) error {
	from, err := fromYAML(n)
	if err != nil {
		return err
	}
	for _, source := range from.Elements() {
		if source.Kind != Map || source.Tag != "" || from.Tag != "" {
			return &Error{Place{n.Line, n.Column},
				"<< needs a mapping without a function: write its keys out"}
		}
		for _, m := range source.Members {
			if !seen[m.Key] {
				seen[m.Key] = true
				v.Members = append(v.Members, m)
			}
		}
	}
	return nil
}
