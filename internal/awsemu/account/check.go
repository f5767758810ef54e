package account

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decode decodes the body of the file. The library stops at the first mistake and does not name the
// valid keys, so check reports the mistakes of form: unknown and duplicate keys, lists in the place
// of mappings and so on. The library then decodes what is valid.
func (l *loader) decode(body ast.Node) file {
	var f file
	l.check(body, reflect.TypeFor[file](), "", "", true)
	body = l.resolve(body)
	if _, empty := body.(*ast.NullNode); empty || body == nil {
		return f
	}
	err := yaml.NodeToValue(body, &f, yaml.Strict(), yaml.AllowDuplicateMapKey())
	if err == nil || len(l.problems) > 0 {
		return f
	}
	if e := yaml.Error(nil); errors.As(err, &e) {
		l.addProblemAt(e.GetToken().Position.Line, "", "%s", e.GetMessage())
	} else {
		l.addProblem(body, "", "%v", err)
	}
	return f
}

// check compares a node with the type into which it is decoded, and records the nodes by their
// paths. The paths in a list of kind "plain" do not contain the indexes of the items, so that check
// does not record the list and the nodes in it.
func (l *loader) check(n ast.Node, t reflect.Type, at, kind string, record bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, is := reflect.Zero(t).Interface().(interface{ content() reflect.Type }); is {
		t = s.content()
	}
	switch {
	case t == reflect.TypeFor[value](), t == reflect.TypeFor[managedPolicy]() && l.isDocument(n):
		_, empty := l.resolve(n).(*ast.NullNode)
		if l.resolve(n) == nil || empty && !record {
			l.addProblem(n, at, "expected a string")
		}
	case t.Kind() == reflect.Struct:
		fields := make(map[string]reflect.StructField)
		for field := range t.Fields() {
			fields[field.Tag.Get("yaml")] = field
		}
		for _, kv := range l.pairs(n, at) {
			field, known := fields[kv.key]
			if !known {
				l.addProblem(kv.node, at, "unknown key %q: use one of %s", kv.key,
					strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
				continue
			}
			kind := field.Tag.Get("list")
			if record && kind != "plain" {
				l.nodes[join(at, kv.key)] = kv.value
			}
			l.check(kv.value, field.Type, join(at, kv.key), kind, record)
		}
	case t.Kind() == reflect.Map:
		for _, kv := range l.pairs(n, at) {
			path := join(at, kv.key)
			if kv.node.IsMergeKey() {
				l.addProblem(kv.node, at, "the key << would merge mappings: write the keys of both")
				continue
			}
			l.keys[path], l.nodes[path] = kv.node, kv.value
			l.check(kv.value, t.Elem(), path, "", record)
		}
	case t.Kind() == reflect.Slice:
		l.lists[at] = l.items(n, at)
		for i, item := range l.lists[at] {
			if kind == "plain" {
				l.check(item, t.Elem(), at, "", false)
				continue
			}
			path := fmt.Sprintf("%s[%d]", at, i)
			l.nodes[path] = item
			l.check(item, t.Elem(), path, "", record)
		}
	}
}
