package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/remotion-audit/remotion-audit/internal/awsemu/iam"
	"github.com/remotion-audit/remotion-audit/internal/awsemu/service"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// isDocument reports whether a node is a document rather than the settings of a managed policy.
func (l *loader) isDocument(n ast.Node) bool {
	switch v := l.resolve(n).(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return true
	case *ast.MappingNode:
		for _, kv := range v.Values {
			switch kv.Key.GetToken().Value {
			case "Statement", "Version", "file", "unchecked":
				return true
			}
		}
	}
	return false
}

func (l *loader) inline(m map[key]value, at string, k service.Kind) map[string]string {
	limit := iam.InlineQuota[k]
	total := 0
	found := named(l, m, at, 128, func(v value, at, _ string) string {
		text := l.document(v, at, 0)
		total += iam.PolicySize(text)
		return text
	})
	if total > limit {
		l.addProblem(l.nodes[at], at,
			"the inline policies have %d characters without white space, and a %s may have %d: move some "+
				"to managed policies", total, k, limit)
	}
	return found
}

// document reads a policy document. limit is the maximum number of characters without white space;
// 0 is no limit.
func (l *loader) document(v value, at string, limit int) string {
	return l.checkedDocument(l.node(v, at), at, limit, func(text string) error {
		_, err := iampolicy.Parse(text)
		return err
	})
}

// trust reads a trust policy, or the service that may assume the role.
func (l *loader) trust(v value, at string) string {
	n := l.node(v, at)
	if n == nil {
		return ""
	}
	switch l.resolve(n).(type) {
	case *ast.StringNode, *ast.LiteralNode:
		if text := strings.TrimSpace(l.text(v, at)); iam.IsServiceName(text) {
			return text
		}
	}
	return l.checkedDocument(n, at, 0, func(text string) error {
		_, err := iampolicy.ParseTrust(text)
		return err
	})
}

func (l *loader) checkedDocument(n ast.Node, at string, limit int,
	check func(string) error) string {
	const remedy = "correct the document, or store it unchecked with {unchecked: TEXT}"
	text, from, unchecked := l.documentText(n, at)
	if unchecked || text == "" {
		return text
	}
	if size := iam.PolicySize(text); len(text) > iam.MaxDocument || limit > 0 && size > limit {
		l.addProblem(n, at,
			"the document has %d characters without white space and %d with white space: IAM accepts "+
				"fewer", size,
			len(text))
	}
	err := check(text)
	syntax := (*iampolicy.SyntaxError)(nil)
	switch {
	case err == nil:
	case !errors.As(err, &syntax):
		l.addProblem(n, at, "%v: %s", err, remedy)
	case from != "":
		l.addProblem(n, at, "%s:%d:%d: %s: %s", from, syntax.Line, syntax.Column, syntax.Msg, remedy)
	default:
		if literal, ok := l.resolve(n).(*ast.LiteralNode); ok && literal.Start.Value[0] == '|' {
			// The text begins on the line after the bar.
			l.addProblemAt(literal.GetToken().Position.Line+syntax.Line, at, "%s: %s", syntax.Msg, remedy)
			return text
		}
		l.addProblem(n, at, "%s: %s", syntax.Msg, remedy)
	}
	return text
}

// documentText returns a document's text, the name of its file if the text is in a separate file,
// and whether the document is unchecked.
func (l *loader) documentText(n ast.Node, at string) (text, from string, unchecked bool) {
	switch l.resolve(n).(type) {
	case *ast.StringNode, *ast.LiteralNode:
		text = l.text(value{n}, at)
		if strings.TrimSpace(text) == "" {
			l.addProblem(n, at, "the document is empty: give its JSON")
		}
		return text, "", false
	case *ast.NullNode, nil:
		l.addProblem(n, at, "the document is empty: give its JSON")
		return "", "", false
	}
	pairs := l.pairs(n, at)
	if len(pairs) == 1 {
		switch kv := pairs[0]; kv.key {
		case "unchecked":
			return l.text(value{kv.value}, join(at, kv.key)), "", true
		case "file":
			text, name := l.readFile(kv.value, join(at, kv.key))
			return text, name, false
		}
	}
	var buf bytes.Buffer
	if len(pairs) == 0 || !l.toJSON(&buf, n, at) {
		if len(pairs) == 0 {
			l.addProblem(n, at,
				"the document is empty: give its JSON, or a mapping with Version and Statement")
		}
		return "", "", false
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, buf.Bytes(), "", "  "); err != nil {
		l.addProblem(n, at, "%v", err)
		return "", "", false
	}
	return indented.String(), "", false
}

// readFile reads the file that n names, relative to the folder of the account's file.
func (l *loader) readFile(n ast.Node, at string) (text, name string) {
	name = l.text(value{n}, at)
	file := path.Join(path.Dir(l.file), name)
	// A pipe would block, and a device has no end.
	info, err := fs.Stat(l.fsys, file)
	var raw []byte
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", file)
	default:
		raw, err = readFile(l.fsys, file, maxFile)
	}
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = fmt.Errorf("%s: %w", file, path.Err)
	}
	if err != nil {
		l.addProblem(n, at, "%v: name a file in the folder of %s or below it", err, l.file)
		return "", name
	}
	if l.bytes += len(raw); l.bytes > maxFiles {
		l.addProblem(n, at, "the files that %s names must have at most %d bytes", l.file, maxFiles)
		return "", name
	}
	return string(raw), name
}

// toJSON writes a YAML value as JSON and keeps the order of the keys. If the value cannot be part
// of a document, toJSON adds a problem and returns false.
func (l *loader) toJSON(buf *bytes.Buffer, n ast.Node, at string) bool {
	if buf.Len() > iam.MaxDocument { // nested aliases can expand to any amount of text
		l.addProblem(n, at, "the document has more than %d characters", iam.MaxDocument)
		return false
	}
	switch v := l.resolve(n).(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		buf.WriteByte('{')
		for i, kv := range l.pairs(v, at) {
			if i > 0 {
				buf.WriteByte(',')
			}
			buf.WriteString(textfmt.JSON(kv.key))
			buf.WriteByte(':')
			if !l.toJSON(buf, kv.value, join(at, kv.key)) {
				return false
			}
		}
		buf.WriteByte('}')
	case *ast.SequenceNode:
		buf.WriteByte('[')
		for i, item := range l.items(v, at) {
			if i > 0 {
				buf.WriteByte(',')
			}
			if !l.toJSON(buf, item, at) {
				return false
			}
		}
		buf.WriteByte(']')
	case *ast.IntegerNode, *ast.FloatNode:
		text := v.GetToken().Value
		if !json.Valid([]byte(text)) { // 0x1F or 1_000 becomes a string
			buf.WriteString(textfmt.JSON(text))
			break
		}
		buf.WriteString(text)
	case *ast.BoolNode:
		if v.Value {
			buf.WriteString("true")
		} else {
			buf.WriteString("false")
		}
	case *ast.StringNode, *ast.LiteralNode:
		buf.WriteString(textfmt.JSON(l.text(value{v}, at)))
	default:
		l.addProblem(n, at, "expected a string, a list or a mapping: quote it if it is a string")
		return false
	}
	return true
}
