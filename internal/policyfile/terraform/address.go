package terraform

import (
	"strings"
)

// A segment is a part of an address or of a reference: a name, and the key in brackets after it.
type segment struct {
	name string
	key  string // with its brackets; empty for none
}

// segments splits an address or a reference at its dots. A key in brackets can hold a quoted text
// with any character.
func segments(address string) []segment {
	var list []segment
	for address != "" {
		end := strings.IndexAny(address, ".[")
		if end < 0 {
			return append(list, segment{name: address})
		}
		s := segment{name: address[:end]}
		rest := address[end:]
		for strings.HasPrefix(rest, "[") {
			n := keyLength(rest)
			s.key += rest[:n]
			rest = rest[n:]
		}
		list = append(list, s)
		address = strings.TrimPrefix(rest, ".")
	}
	return list
}

// keyLength returns the length of a key with its brackets at the begin of a text.
func keyLength(text string) int {
	quoted := false
	for i := 1; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ']' && !quoted:
			return i + 1
		}
	}
	return len(text)
}

// moduleSteps returns the names and keys of the modules in the address of an instance of a module,
// from the outermost to the innermost.
func moduleSteps(address string) []segment {
	var steps []segment
	for i, s := range segments(address) {
		if i%2 == 1 { // each second segment is the word module
			steps = append(steps, s)
		}
	}
	return steps
}

// splitModule splits the address of an instance of a module into the instance around it and the
// innermost step.
func splitModule(address string) (parent string, last segment) {
	steps := moduleSteps(address)
	if len(steps) == 0 {
		return "", segment{}
	}
	last = steps[len(steps)-1]
	for _, s := range steps[:len(steps)-1] {
		parent = join(parent, "module."+s.name+s.key)
	}
	return parent, last
}

// join returns the address of a part of a module.
func join(module, part string) string {
	if module == "" {
		return part
	}
	return module + "." + part
}

// resourceOf splits the segments of a reference to a resource, such as
// data.aws_iam_policy.x[0].arn, into the address of its block, the key and the attribute; ok is
// false for another reference.
func resourceOf(list []segment) (block, key, attribute string, ok bool) {
	prefix := ""
	if len(list) > 0 && list[0] == (segment{name: "data"}) {
		prefix, list = "data.", list[1:]
	}
	if len(list) < 2 || list[0].key != "" {
		return "", "", "", false
	}
	if len(list) > 2 {
		attribute = list[2].name
	}
	return prefix + list[0].name + "." + list[1].name, list[1].key, attribute, true
}
