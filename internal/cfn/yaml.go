package cfn

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// parseYAML decodes a document in which short tags stand for functions: !Sub x for {"Fn::Sub": x}.
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
	case *ast.IntegerNode: // numbers are float64, as encoding/json has them
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
	return nil, fmt.Errorf("line %d: a %v, which templates here do not use",
		n.GetToken().Position.Line, n.Type())
}

func decodeMapping(entries []*ast.MappingValueNode) (any, error) {
	m := make(map[string]any, len(entries))
	for _, entry := range entries {
		key := entry.Key.String()
		switch n := entry.Key.(type) {
		case *ast.StringNode:
			key = n.Value
		case *ast.TagNode: // what the parser makes of a colon within braces: {A: [!Ref AWS::Region]}
			return nil, fmt.Errorf("line %d: %s as a key; put a value with colons in quotes",
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
	case "GetAtt": // a dotted string here, a list in the long form
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
