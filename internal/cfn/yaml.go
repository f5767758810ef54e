package cfn

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parseYAML decodes a YAML document. Short tags become functions: !Sub x becomes {"Fn::Sub": x}.
func parseYAML(data []byte) (any, error) {
	file, err := parser.ParseBytes(data, 0)
	if err != nil {
		return nil, err
	}
	if len(file.Docs) != 1 {
		return nil, fmt.Errorf("template has %d documents, want one", len(file.Docs))
	}
	return decode(file.Docs[0].Body)
}

func decode(n ast.Node) (any, error) {
	switch n := n.(type) {
	case *ast.NullNode:
		return nil, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode: // float64, as encoding/json decodes numbers
		switch i := n.Value.(type) {
		case int64:
			return float64(i), nil
		case uint64:
			return float64(i), nil
		}
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, element := range n.Values {
			var err error
			if list[i], err = decode(element); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *ast.MappingValueNode:
		return decodeMapping([]*ast.MappingValueNode{n})
	case *ast.MappingNode:
		return decodeMapping(n.Values)
	case *ast.TagNode:
		return decodeTag(n)
	}
	return nil, fmt.Errorf("line %d: %v is not supported", n.GetToken().Position.Line, n.Type())
}

func decodeMapping(entries []*ast.MappingValueNode) (any, error) {
	m := make(map[string]any, len(entries))
	for _, entry := range entries {
		key := entry.Key.String()
		switch n := entry.Key.(type) {
		case *ast.StringNode:
			key = n.Value
		case *ast.TagNode: // the parser's result for a colon in braces: {A: [!Ref AWS::Region]}
			return nil, fmt.Errorf("line %d: %s is a key: put values with colons in quotes",
				n.GetToken().Position.Line, key)
		}
		value, err := decode(entry.Value)
		if err != nil {
			return nil, err
		}
		m[key] = value
	}
	return m, nil
}

func decodeTag(n *ast.TagNode) (any, error) {
	value, err := decode(n.Value)
	if err != nil {
		return nil, err
	}
	name := strings.TrimPrefix(n.Start.Value, "!")
	switch name {
	case "Ref", "Condition":
	case "GetAtt": // the short form is a dotted string, but the long form is a list
		if s, ok := value.(string); ok {
			if id, attribute, dotted := strings.Cut(s, "."); dotted {
				value = []any{id, attribute}
			}
		}
		name = "Fn::GetAtt"
	default:
		name = "Fn::" + name
	}
	return map[string]any{name: value}, nil
}
