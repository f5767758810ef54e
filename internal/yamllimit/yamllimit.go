// Package yamllimit parses YAML that this program did not write: mutes.yaml, and the account of the
// embedded AWS. It bounds memory and time by the size of the text, and then the size of what the
// text describes, so that no consumer expands more than it allows.
//
// It uses go.yaml.in/yaml/v3, because its memory grows with the length of the text: at most about
// 200 bytes for each byte. The parser of goccy/go-yaml stores the path of each node, and takes
// memory that grows with the square of the text for nested nodes and for tags.
package yamllimit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits are the limits of one kind of file.
type Limits struct {
	// Bytes is the maximum length of the text. It also bounds the memory of the parser.
	Bytes int
	// Nodes is the maximum number of keys, values, lists and mappings, where each alias counts as the
	// value that it stands for.
	Nodes int
	// Depth is the maximum number of lists and mappings around a value.
	Depth int
	// Tags is the maximum number of exclamation marks that may begin a tag, such as !!str. They count
	// in comments and texts, too, so that the limit holds before the text is parsed.
	Tags int
	// Keys is the maximum number of keys of one mapping.
	Keys int
}

// An Error is why a text was refused. Line counts from 1. It is 0 if the error has no line.
type Error struct {
	Line int
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Text)
}

// Parse returns the bodies of the documents in a text. It leaves out documents without a body. A
// text that is not YAML or exceeds a limit is an error.
func Parse(text []byte, limits Limits) (docs []*yaml.Node, refused *Error) {
	if len(text) > limits.Bytes {
		return nil, &Error{Text: fmt.Sprintf("the file must have at most %d bytes", limits.Bytes)}
	}
	// The library would decode UTF-16. The limit of tags, and other parsers, read the bytes.
	if !utf8.Valid(text) {
		return nil, &Error{Line: 1 + bytes.Count(validPrefix(text), []byte("\n")),
			Text: "the file is not UTF-8: save it as UTF-8"}
	}
	if all := tag.FindAllIndex(text, limits.Tags+1); len(all) > limits.Tags {
		return nil, &Error{Line: 1 + bytes.Count(text[:all[limits.Tags][1]], []byte("\n")),
			Text: fmt.Sprintf("the file must have at most %d tags, such as !!str", limits.Tags)}
	}
	defer func() { // a defect of the library must not end the process
		if recover() != nil {
			docs, refused = nil, &Error{Text: "invalid YAML"}
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	m := meter{limits: limits, sizes: map[*yaml.Node]size{}}
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, syntaxError(err)
		}
		for _, body := range doc.Content {
			if refused := m.add(body); refused != nil {
				return nil, refused
			}
			docs = append(docs, body)
		}
	}
}

// validPrefix returns the start of a text up to the first byte that is not UTF-8.
func validPrefix(text []byte) []byte {
	at := 0
	for at < len(text) {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return text[:at]
}

var (
	// tag is the begin of a tag.
	tag = regexp.MustCompile(`(?:^|[\s\[\]{},:?-])!`)
	// errorText is the form of the library's errors.
	errorText = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	// fromParser are the errors for which the library counts lines from 0 (v3.0.6). For the errors of
	// its scanner it counts from 1.
	fromParser = regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key|',' or)`)
)

func syntaxError(err error) *Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	parts := errorText.FindStringSubmatch(text)
	if parts == nil {
		return &Error{Text: "invalid YAML: " + text}
	}
	line, _ := strconv.Atoi(parts[1])
	if parts[1] != "" && fromParser.MatchString(parts[2]) {
		line++
	}
	return &Error{Line: line, Text: "invalid YAML: " + parts[2]}
}

// A size is the number of nodes and levels of a value with its aliases replaced by their values.
type size struct{ nodes, depth int }

// A meter measures the documents of one text.
type meter struct {
	limits Limits
	nodes  int
	// sizes holds the sizes of the values with an anchor. A value that is still being measured has
	// the size {0, -1}.
	sizes map[*yaml.Node]size
}

// add measures a document. It returns an error if the text now exceeds a limit.
func (m *meter) add(doc *yaml.Node) *Error {
	total, refused := m.measure(doc, 0)
	if m.nodes += total.nodes; refused == nil && m.nodes > m.limits.Nodes {
		refused = m.tooMany(doc)
	}
	return refused
}

func (m *meter) tooMany(at *yaml.Node) *Error {
	return &Error{Line: at.Line, Text: fmt.Sprintf("the file must have at most %d keys and values, "+
		"with each alias replaced by its value", m.limits.Nodes)}
}

// measure returns the size of a value at a depth. It visits each node of the text once.
func (m *meter) measure(n *yaml.Node, depth int) (total size, refused *Error) {
	if depth > m.limits.Depth {
		return total, &Error{Line: n.Line, Text: fmt.Sprintf(
			"at most %d lists and mappings may be nested", m.limits.Depth)}
	}
	if n.Kind == yaml.AliasNode {
		total = m.sizes[n.Alias]
		switch {
		case total.depth < 0:
			return total, &Error{Line: n.Alias.Line, Text: fmt.Sprintf(
				"the anchor &%s contains itself: write the value out", n.Value)}
		case depth+total.depth > m.limits.Depth:
			return total, &Error{Line: n.Line, Text: fmt.Sprintf(
				"at most %d lists and mappings may be nested", m.limits.Depth)}
		}
		return total, nil
	}
	if n.Anchor != "" {
		m.sizes[n] = size{depth: -1}
	}
	total.nodes = 1
	if n.Kind == yaml.MappingNode && len(n.Content) > 2*m.limits.Keys {
		return total, &Error{Line: n.Content[2*m.limits.Keys].Line, Text: fmt.Sprintf(
			"a mapping must have at most %d keys", m.limits.Keys)}
	}
	for _, child := range n.Content {
		part, refused := m.measure(child, depth+1)
		if refused != nil {
			return total, refused
		}
		total.nodes += part.nodes
		total.depth = max(total.depth, part.depth+1)
		if total.nodes > m.limits.Nodes {
			return total, m.tooMany(child)
		}
	}
	if n.Anchor != "" {
		m.sizes[n] = total
	}
	return total, nil
}
