package awsemu

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
)

// addProblem adds a problem at the line of n. at is the path of the keys that lead to n.
func (l *loader) addProblem(n ast.Node, at, format string, args ...any) {
	line := 0
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		line = n.GetToken().Position.Line
	}
	l.addProblemAt(line, at, format, args...)
}

func (l *loader) addProblemAt(line int, at, format string, args ...any) {
	where := fmt.Sprintf("%s:%d: ", l.file, line)
	if at != "" {
		where += at + ": "
	}
	l.problems = append(l.problems, problem{line, fmt.Errorf(where+format, args...)})
}

// Visit implements [ast.Visitor]. It collects the anchors.
func (l *loader) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok {
		l.anchors[anchor.Name.GetToken().Value] = anchor.Value
	}
	return l
}

// maxAliases bounds a chain of aliases, so that a cycle ends.
const maxAliases = 20

// resolve follows anchors, aliases and tags to the value. It returns nil for an alias without an
// anchor.
func (l *loader) resolve(n ast.Node) ast.Node {
	for range maxAliases {
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			n = l.anchors[v.Value.GetToken().Value]
		case *ast.TagNode:
			n = v.Value
		default:
			return n
		}
	}
	return nil
}

type pair struct {
	key   string
	node  ast.Node // the node of the key
	value ast.Node
}

// pairs returns the pairs of a mapping. An absent value counts as an empty mapping.
func (l *loader) pairs(n ast.Node, at string) []pair {
	var values []*ast.MappingValueNode
	switch m := l.resolve(n).(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	case *ast.NullNode:
		return nil
	default:
		l.addProblem(n, at, "expected a mapping of keys to values")
		return nil
	}
	var found []pair
	seen := make(map[string]bool)
	for _, v := range values {
		key := v.Key.GetToken().Value
		if text, is := splitScalar(v); is {
			l.addProblem(v.Key, at,
				"%q: put a space after the key's colon, and quote a key that contains a colon", text)
			continue
		}
		if seen[key] {
			l.addProblem(v.Key, at, "duplicate key %q: remove one", key)
			continue
		}
		seen[key] = true
		found = append(found, pair{key, v.Key, v.Value})
	}
	return found
}

// section reads a mapping. It calls the function in keys for each key, and adds a problem for an
// unknown key.
func (l *loader) section(n ast.Node, at string, keys map[string]func(ast.Node, string)) {
	for _, kv := range l.pairs(n, at) {
		read, known := keys[kv.key]
		if !known {
			l.addProblem(kv.node, at, "unknown key %q: use one of %s", kv.key,
				strings.Join(slices.Sorted(maps.Keys(keys)), ", "))
			continue
		}
		read(kv.value, join(at, kv.key))
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// readNamed reads a mapping. The keys must be IAM names of at most size characters.
func readNamed[T any](l *loader, n ast.Node, at string, size int,
	read func(n ast.Node, at, name string) T) map[string]T {
	found := make(map[string]T)
	folded := make(map[string]string)
	for _, kv := range l.pairs(n, at) {
		if !awsname.IsIAMName(kv.key) || len(kv.key) > size {
			l.addProblem(kv.node, at, "%q is not an IAM name: use at most %d letters, digits and +=,.@_-",
				kv.key, size)
			continue
		}
		lower := strings.ToLower(kv.key)
		if twin, taken := folded[lower]; taken {
			l.addProblem(kv.node, at, "%q and %q differ only in case, which IAM ignores: rename one",
				twin, kv.key)
			continue
		}
		folded[lower] = kv.key
		found[kv.key] = read(kv.value, join(at, kv.key), kv.key)
	}
	return found
}

// splitScalar reports whether a key and its value are a single text in YAML, and returns that text.
// Inside brackets and braces the parser splits s3:GetObject into a key and a value, although YAML
// requires a space after the colon for that.
func splitScalar(v *ast.MappingValueNode) (string, bool) {
	key, value := v.Key.GetToken(), v.Value.GetToken()
	switch v.Value.(type) {
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
	default:
		return "", false
	}
	if v.Start == nil || key == nil || value == nil || key.Type == token.DoubleQuoteType ||
		key.Type == token.SingleQuoteType {
		return "", false
	}
	at := v.Start.Position
	return key.Value + ":" + value.Value, value.Position.Line == at.Line &&
		value.Position.Column == at.Column+1
}

func (l *loader) items(n ast.Node, at string) []ast.Node {
	switch s := l.resolve(n).(type) {
	case *ast.SequenceNode:
		items := slices.Clone(s.Values)
		for i, item := range items {
			if m, ok := item.(*ast.MappingNode); ok && len(m.Values) == 1 {
				if text, is := splitScalar(m.Values[0]); is {
					items[i] = &ast.StringNode{BaseNode: &ast.BaseNode{}, Token: m.Values[0].Key.GetToken(),
						Value: text}
				}
			}
		}
		return items
	case *ast.NullNode:
		return nil
	default:
		l.addProblem(n, at, "expected a list")
		return nil
	}
}

// text reads a scalar as it is written in the file.
func (l *loader) text(n ast.Node, at string) string {
	switch v := l.resolve(n).(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value
	case *ast.NullNode:
		return ""
	default:
		l.addProblem(n, at, "expected a string")
		return ""
	}
}

func (l *loader) texts(n ast.Node, at string) []string {
	var texts []string
	for i, item := range l.items(n, at) {
		texts = append(texts, l.text(item, fmt.Sprintf("%s[%d]", at, i)))
	}
	return texts
}

func (l *loader) oneOf(n ast.Node, at string, choices ...string) string {
	text := l.text(n, at)
	if !slices.Contains(choices, text) {
		l.addProblem(n, at, "%q is not one of %s", text, strings.Join(choices, ", "))
	}
	return text
}

func (l *loader) number(n ast.Node, at string, least, most int) int {
	text := l.text(n, at)
	v, err := strconv.Atoi(text)
	if err != nil || v < least || v > most {
		l.addProblem(n, at, "%q is not a number from %d to %d", text, least, most)
		return 0
	}
	return v
}

func (l *loader) flag(n ast.Node, at string) bool {
	v, ok := l.resolve(n).(*ast.BoolNode)
	if !ok {
		l.addProblem(n, at, "expected true or false")
		return false
	}
	return v.Value
}

// duration reads 40ms, 1.5s, or a number of seconds.
func (l *loader) duration(n ast.Node, at string) time.Duration {
	text := l.text(n, at)
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 1e6 {
		return time.Duration(seconds) * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		l.addProblem(n, at, "%q is not a duration: write 40ms, 30s or 2m", text)
		return 0
	}
	return d
}
