package account

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// addProblem adds a problem at the line of n. at is the path of the keys that lead to n.
func (l *loader) addProblem(n ast.Node, at, format string, args ...any) {
	line := 0
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		line = n.GetToken().Position.Line
	}
	l.addProblemAt(line, at, format, args...)
}

// maxProblems is the number of problems that Load reports. Further ones are often consequences.
const maxProblems = 100

// addProblemAt adds a problem, unless there are more than Load reports. Names in the file and its
// keys may have any characters, so that the text is made safe to print.
func (l *loader) addProblemAt(line int, at, format string, args ...any) {
	if l.hasTooManyProblems() {
		return
	}
	text := fmt.Sprintf(format, args...)
	if at != "" {
		text = at + ": " + text
	}
	text = textfmt.OneLine(fmt.Sprintf("%s:%d: %s", l.file, line, text))
	l.problems = append(l.problems, problem{line, at, errors.New(text)})
}

func (l *loader) hasTooManyProblems() bool { return len(l.problems) > maxProblems }

// hasProblem reports whether a problem was found at the path, or below it.
func (l *loader) hasProblem(at string) bool {
	return slices.ContainsFunc(l.problems, func(p problem) bool { return strings.HasPrefix(p.at, at) })
}

// cyclicAnchor returns an anchor whose value refers to the anchor itself, directly or through other
// anchors. It returns "" if there is none.
func (l *loader) cyclicAnchor() string {
	following := make(map[string]bool) // false: all anchors in the value were followed
	var follow func(name string) string
	follow = func(name string) string {
		if open, visited := following[name]; visited {
			if open {
				return name
			}
			return ""
		}
		following[name] = true
		var aliases aliasNames
		if value := l.anchors[name]; value != nil {
			ast.Walk(&aliases, value)
		}
		for _, alias := range aliases {
			if cyclic := follow(alias); cyclic != "" {
				return cyclic
			}
		}
		following[name] = false
		return ""
	}
	for _, name := range slices.Sorted(maps.Keys(l.anchors)) {
		if cyclic := follow(name); cyclic != "" {
			return cyclic
		}
	}
	return ""
}

// aliasNames lists the aliases in a node. It implements [ast.Visitor].
type aliasNames []string

// Visit adds the name of an alias.
func (a *aliasNames) Visit(n ast.Node) ast.Visitor {
	if alias, ok := n.(*ast.AliasNode); ok {
		*a = append(*a, alias.Value.GetToken().Value)
	}
	return a
}

// Visit implements [ast.Visitor]. It collects the anchors, and refuses a name that two anchors
// have: resolve would take the second one for an alias of the first, and the file that the limits
// measured would be another one. Visit removes the tags, which change nothing in this file: the
// library panics on some values with a tag.
func (l *loader) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case *ast.AnchorNode:
		n.Value = withoutTag(n.Value)
		name := n.Name.GetToken().Value
		if _, taken := l.anchors[name]; taken {
			l.addProblem(n, "", "duplicate anchor &%s: rename one", name)
		}
		l.anchors[name] = n.Value
	case *ast.MappingValueNode:
		n.Value = withoutTag(n.Value)
	case *ast.SequenceNode:
		for i := range n.Values {
			n.Values[i] = withoutTag(n.Values[i])
		}
	}
	return l
}

func withoutTag(n ast.Node) ast.Node {
	for {
		tag, is := n.(*ast.TagNode)
		if !is {
			return n
		}
		n = tag.Value
	}
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
	node  ast.MapKeyNode
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

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// inOrder returns the keys of a mapping at a path, in the order of the file.
func inOrder[T any](l *loader, m map[key]T, at string) []key {
	offset := func(k key) int {
		if n := l.keys[join(at, string(k))]; n != nil {
			return n.GetToken().Position.Offset
		}
		return 0
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b key) int {
		return cmp.Or(cmp.Compare(offset(a), offset(b)), cmp.Compare(a, b))
	})
}

// named converts the entries of a mapping. The keys must be IAM names of at most size characters.
func named[In, Out any](l *loader, m map[key]In, at string, size int,
	convert func(in In, at, name string) Out) map[string]Out {
	if m == nil {
		return nil
	}
	found := make(map[string]Out)
	folded := make(map[string]string)
	for _, k := range inOrder(l, m, at) {
		name := string(k)
		n := l.keys[join(at, name)]
		if !awsname.IsIAMName(name) || len(name) > size {
			l.addProblem(n, at, "%q is not an IAM name: use at most %d letters, digits and +=,.@_-",
				name, size)
			continue
		}
		lower := strings.ToLower(name)
		if twin, taken := folded[lower]; taken {
			l.addProblem(n, at, "%q and %q differ only in case, which IAM ignores: rename one",
				twin, name)
			continue
		}
		folded[lower] = name
		found[name] = convert(m[k], join(at, name), name)
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

// node returns the node of a value at a path, or nil if the value is absent. The library does not
// store the node of an empty value, and stores the node of the anchor for an alias.
func (l *loader) node(v value, at string) ast.Node {
	if n := l.nodes[at]; n != nil {
		return n
	}
	return v.node
}

// text reads a scalar as it is written in the file.
func (l *loader) text(v value, at string) string {
	n := l.node(v, at)
	switch v := l.resolve(n).(type) {
	case *ast.StringNode:
		return v.Value
	case *ast.LiteralNode:
		return v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value
	case *ast.NullNode, nil:
		return ""
	}
	l.addProblem(n, at, "expected a string")
	return ""
}

// scalars returns the values of a list of kind "plain". Their nodes come from items, which joins
// the scalars that the parser splits.
func (l *loader) scalars(list []value, at string) []value {
	joined := slices.Clone(list)
	for i := range joined {
		if n := l.item(at, i); n != nil {
			joined[i].node = n
		}
	}
	return joined
}

// item returns the node of an item of a list. It returns nil for a list under a duplicate key:
// check records the first list, and the library decodes the last.
func (l *loader) item(at string, i int) ast.Node {
	if i >= len(l.lists[at]) {
		return nil
	}
	return l.lists[at][i]
}

// texts reads a list of scalars.
func (l *loader) texts(list []value, at string) []string {
	var texts []string
	for i, v := range list {
		texts = append(texts, l.text(v, fmt.Sprintf("%s[%d]", at, i)))
	}
	return texts
}

// textsByKey reads a mapping of scalars.
func (l *loader) textsByKey(m map[key]value, at string) map[string]string {
	if m == nil {
		return nil
	}
	texts := make(map[string]string)
	for _, k := range inOrder(l, m, at) {
		texts[string(k)] = l.text(m[k], join(at, string(k)))
	}
	return texts
}

func (l *loader) oneOf(v value, at string, choices ...string) string {
	if l.node(v, at) == nil {
		return ""
	}
	text := l.text(v, at)
	if !slices.Contains(choices, text) {
		l.addProblem(l.node(v, at), at, "%q is not one of %s", text, strings.Join(choices, ", "))
	}
	return text
}

func (l *loader) number(v value, at string, least, most int) int {
	if l.node(v, at) == nil {
		return 0
	}
	text := l.text(v, at)
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		l.addProblem(l.node(v, at), at, "%q is not a number from %d to %d", text, least, most)
		return 0
	}
	return n
}

func (l *loader) flag(v value, at string) bool {
	if l.node(v, at) == nil {
		return false
	}
	b, ok := l.resolve(l.node(v, at)).(*ast.BoolNode)
	if !ok {
		l.addProblem(l.node(v, at), at, "expected true or false")
		return false
	}
	return b.Value
}

// duration reads 40ms, 1.5s, or a number of seconds.
func (l *loader) duration(v value, at string) time.Duration {
	if l.node(v, at) == nil {
		return 0
	}
	text := l.text(v, at)
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 && seconds < 1e6 {
		return time.Duration(seconds) * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		l.addProblem(l.node(v, at), at, "%q is not a duration: write 40ms, 30s or 2m", text)
		return 0
	}
	return d
}
