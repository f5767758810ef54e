// Package settingsfile reads remotion-audit.yaml, the settings of the command in a repository.
//
// The file comes with pull requests, so it is not trusted: it can say what is judged and which gaps
// are muted, but not whose credentials are used, where data goes, or which program starts.
// docs/ci.md describes it, and docs/remotion-audit.schema.json its form.
package settingsfile

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
	"github.com/remotion-audit/remotion-audit/internal/yamllimit"
)

// File is the content of a settings file.
type File struct {
	// Values are the values at the top of the file, in the order of the file.
	Values []Value
	// Checks say which files `check` judges if the command line names none.
	Checks []Check
	Mutes  mute.List
	// MuteLines are the lines of Mutes.
	MuteLines []int
}

// Value is the value of a key.
type Value struct {
	Key Key
	// Texts are the texts of the value. A value that is no list has one.
	Texts []string
	Line  int
}

// Check is an element of check: policy files that have the same requirements. Each file is the
// policy of one principal.
type Check struct {
	// Files are paths or patterns with slashes.
	Files []string
	// Target is the principal of the files in mutes: user/NAME or role/NAME; empty for none.
	Target string
	Values []Value
	Line   int
}

// Error is an error in a settings file. Line counts from 1; zero means the whole file.
type Error = yamllimit.Error

// MaxBytes is the size of the largest settings file, in bytes.
const MaxBytes = 256 << 10

// limits are the limits of a settings file. A mute is two levels below the top.
var limits = yamllimit.Limits{Bytes: MaxBytes, Nodes: 50_000, Depth: 10, Tags: 100, Keys: 1000}

// The limits of check: of its elements, and of the paths and patterns in an element. Each costs a
// search for files.
const (
	maxChecks = 100
	maxFiles  = 100
)

// The lengths of what an error quotes, and of a value, in characters.
const (
	maxQuoted = 100
	maxText   = 2048
)

// Parse reads a settings file. The error joins all errors of the file, each an *Error. An empty
// file has no settings. A mute must be valid at now; it can have ended.
func Parse(text []byte, now time.Time) (File, error) {
	docs, refused := yamllimit.Parse(text, limits)
	if refused != nil {
		return File{}, refused
	}
	r := reader{now: now}
	for i, doc := range docs {
		switch {
		case i > 0:
			r.fail(doc, "second YAML document: write one")
		case doc.Kind == yaml.ScalarNode && doc.ShortTag() == "!!null":
		default:
			r.top(doc)
		}
	}
	if r.errs != nil {
		return File{}, errors.Join(r.errs...)
	}
	return r.file, nil
}

// A reader reads one file and collects its errors.
type reader struct {
	now  time.Time
	file File
	errs []error
}

func (r *reader) fail(at *yaml.Node, format string, args ...any) {
	r.errs = append(r.errs, &Error{Line: at.Line, Text: fmt.Sprintf(format, args...)})
}

// entries calls read with the keys and values of a mapping.
func (r *reader) entries(n *yaml.Node, what string, read func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must have keys with values, such as %s", what, "regions: [us-east-1]")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if seen[key.Value] {
			r.fail(key, "duplicate key %s", textfmt.Quote(key.Value, maxQuoted))
			continue
		}
		seen[key.Value] = true
		read(key, value)
	}
}

func (r *reader) top(doc *yaml.Node) {
	r.entries(doc, "the file", func(key, value *yaml.Node) {
		switch k, known := findKey(key.Value); {
		case key.Value == schemaKey:
		case key.Value == checkKey:
			r.checks(value)
		case key.Value == mutesKey:
			r.mutes(value)
		case known && k.Commands != nil:
			r.file.Values = r.value(r.file.Values, k, key, value)
		case known:
			r.fail(key, "%s is a key of the elements of check: write it there", k.Name)
		default:
			r.unknown(key, topNames())
		}
	})
}

// unknown adds the error for a key that the file cannot have.
func (r *reader) unknown(key *yaml.Node, names []string) {
	name := textfmt.Quote(key.Value, maxQuoted)
	if why := refusedBecause(key.Value); why != "" {
		r.fail(key, "%s cannot be set in %s: %s", name, Name, why)
		return
	}
	near := textfmt.DidYouMean(strings.ReplaceAll(textfmt.Head(key.Value, maxQuoted), "_", "-"), "",
		names)
	if near == "" {
		near = ": use " + textfmt.Or(names)
	}
	r.fail(key, "unknown key %s%s", name, near)
}

func (r *reader) checks(list *yaml.Node) {
	if list.Kind != yaml.SequenceNode {
		r.fail(list, "check must be a list, such as [{files: [role.json], for: role}]")
		return
	}
	if len(list.Content) > maxChecks {
		r.fail(list.Content[maxChecks], "check must have at most %d elements: list several files or a "+
			"pattern in one", maxChecks)
		return
	}
	for _, element := range list.Content {
		r.check(element)
	}
}

func (r *reader) check(element *yaml.Node) {
	before := len(r.errs)
	c := Check{Line: element.Line}
	requirements := 0
	r.entries(element, "an element of check", func(key, value *yaml.Node) {
		switch k, known := findKey(key.Value); {
		case key.Value == filesKey:
			c.Files = r.paths(key, r.texts(key, value, true))
		case key.Value == targetKey:
			c.Target = r.target(key, value)
		case known && k.Check:
			if k.Name == "for" || k.Name == "required" {
				requirements++
			}
			c.Values = r.value(c.Values, k, key, value)
		case known:
			r.fail(key, "%s is a key at the top of the file: write it there", k.Name)
		default:
			r.unknown(key, checkNames())
		}
	})
	switch {
	case len(r.errs) > before:
		return
	case c.Files == nil:
		r.fail(element, "an element of check needs files, such as files: [infra/role.json]")
	case len(c.Files) > maxFiles:
		r.fail(element, "files must have at most %d paths: use a pattern or a directory", maxFiles)
	case requirements == 0:
		r.fail(element, "an element of check needs for: user, for: role, or required: FILE")
	case requirements > 1:
		r.fail(element, "for and required exclude each other: leave one of them out")
	}
	r.file.Checks = append(r.file.Checks, c)
}

// target returns the principal that mutes name.
func (r *reader) target(key, value *yaml.Node) string {
	texts := r.texts(key, value, false)
	if len(texts) == 0 {
		return ""
	}
	kind, name, _ := strings.Cut(texts[0], "/")
	if err := mute.CheckTarget(texts[0]); err != nil || strings.Contains(texts[0], "*") ||
		kind != "user" && kind != "role" || name == "" {
		r.fail(key, "target must be user/NAME or role/NAME, got %s", textfmt.Quote(texts[0], maxQuoted))
		return ""
	}
	return texts[0]
}

// value appends the value of a key that sets a flag.
func (r *reader) value(list []Value, k Key, key, value *yaml.Node) []Value {
	texts := r.texts(key, value, k.Kind == List || k.Kind == Levels)
	if texts == nil {
		return list
	}
	switch k.Kind {
	case YesNo:
		if value.ShortTag() != "!!bool" {
			r.fail(key, "%s must be true or false, got %s", k.Name, textfmt.Quote(texts[0], maxQuoted))
			return list
		}
		texts[0] = strings.ToLower(texts[0])
	case Path:
		texts = r.paths(key, texts)
	case Levels:
		for _, level := range texts {
			r.paths(key, strings.Split(level, ","))
		}
	case Text, List:
	}
	if k.Values != nil {
		for _, text := range texts {
			if !slices.Contains(k.Values, text) {
				r.fail(key, "%s must be %s, got %s%s", k.Name, textfmt.Or(k.Values),
					textfmt.Quote(text, maxQuoted),
					textfmt.DidYouMean(textfmt.Head(text, maxQuoted), "", k.Values))
			}
		}
	}
	return append(list, Value{k, texts, key.Line})
}

// texts returns the texts of a value, or nil after an error.
func (r *reader) texts(key, value *yaml.Node, isList bool) (texts []string) {
	nodes := []*yaml.Node{value}
	switch {
	case value.Kind == yaml.SequenceNode && isList:
		nodes = value.Content
	case value.Kind == yaml.SequenceNode || value.Kind == yaml.MappingNode:
		r.fail(key, "%s must be one text", key.Value)
		return nil
	}
	if len(nodes) == 0 {
		r.fail(key, "%s must not be empty: give a value, or remove the key", key.Value)
		return nil
	}
	for _, n := range nodes {
		switch {
		case n.Kind == yaml.AliasNode:
			r.fail(n, "%s: write the value out: an alias is not allowed", key.Value)
		case n.Kind != yaml.ScalarNode:
			r.fail(n, "%s: each element must be a text", key.Value)
		case n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "":
			r.fail(key, "%s must not be empty: give a value, or remove the key", key.Value)
		case len(n.Value) > maxText:
			r.fail(n, "%s: a text must have at most %d bytes", key.Value, maxText)
		case strings.ContainsFunc(n.Value, func(r rune) bool { return !unicode.IsPrint(r) }):
			r.fail(n, "%s must contain only printable characters and no line break", key.Value)
		default:
			texts = append(texts, strings.TrimSpace(n.Value))
			continue
		}
		return nil
	}
	return texts
}

// paths returns paths below the directory of the file, or nil after an error.
func (r *reader) paths(key *yaml.Node, names []string) (clean []string) {
	for _, name := range names {
		name = strings.TrimSpace(name)
		switch {
		case name == "" || name == "-":
			r.fail(key, "%s: the name of a file is missing", key.Value)
			return nil
		case strings.Contains(name, `\`) || strings.HasPrefix(name, "/") || len(name) > 1 &&
			name[1] == ':':
			r.fail(key, "%s: %s must be a path from the directory of %s, with slashes", key.Value,
				textfmt.Quote(name, maxQuoted), Name)
			return nil
		case name == ".." || strings.HasPrefix(path.Clean(name), "../") || path.Clean(name) == "..":
			r.fail(key, "%s: %s is outside of the directory of %s", key.Value,
				textfmt.Quote(name, maxQuoted), Name)
			return nil
		}
		clean = append(clean, path.Clean(name))
	}
	return clean
}

func (r *reader) mutes(list *yaml.Node) {
	if list.Kind == yaml.ScalarNode && list.ShortTag() == "!!null" {
		return
	}
	if list.Kind != yaml.SequenceNode {
		r.fail(list, "mutes must be a list, as in mutes.yaml (docs/alerts.md)")
		return
	}
	for i, e := range mute.EntriesOf(list, r.now) {
		for _, err := range e.Errors {
			r.errs = append(r.errs, &Error{Line: err.Line, Text: "mutes: " + err.Text})
		}
		if e.Errors == nil {
			r.file.Mutes = append(r.file.Mutes, e.Mute)
			r.file.MuteLines = append(r.file.MuteLines, list.Content[i].Line)
		}
	}
}
