package iampolicy

import "strings"

// A reference is a policy variable with its default. hasFallback is true if it has a default, which
// may be empty.
type reference struct {
	name, fallback string
	hasFallback    bool
}

// variableAtom parses the policy variable at the start of text, and returns its atom and its size
// in bytes. A variable is ${key} or ${key, 'default'}. ${*}, ${?} and ${$} are the literal
// characters. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
func variableAtom(text string) (a atom, size int, ok bool) {
	if !strings.HasPrefix(text, "${") {
		return atom{}, 0, false
	}
	end := strings.IndexByte(text, '}')
	if end < 0 {
		return atom{}, 0, false
	}
	name, fallback, hasFallback := strings.Cut(text[len("${"):end], ",")
	name, size = strings.TrimSpace(name), end+1
	switch name {
	case "*", "?", "$":
		return atom{kind: literal, char: rune(name[0])}, size, true
	}
	fallback = strings.Trim(strings.TrimSpace(fallback), "'")
	return atom{kind: variable, reference: &reference{name, fallback, hasFallback}}, size, true
}

// resolve returns the pattern with its variables replaced by the request's values. If defaults is
// true, it replaces a variable without a value by its default. Any other variable without a value
// becomes a '*' that matches any text, and its name is in missing. The caller decides how such a
// match counts. The wildcards in a value are ordinary characters.
func (p *pattern) resolve(ctx Context, defaults bool) (resolved *pattern, missing []string) {
	if !p.dynamic {
		return p, nil
	}
	atoms := make([]atom, 0, len(p.text))
	for _, a := range p.allAtoms() {
		if a.kind != variable {
			atoms = append(atoms, a)
			continue
		}
		value := a.fallback
		if values, ok := ctx.lookup(a.name); ok && len(values) == 1 {
			value = values[0]
		} else if !defaults || !a.hasFallback {
			missing = append(missing, a.name)
			atoms = append(atoms, atom{kind: anyRun, crosses: true})
			continue
		}
		for _, r := range value {
			atoms = append(atoms, atom{kind: literal, char: r})
		}
	}
	resolved = &pattern{text: p.text}
	resolved.setAtoms(atoms)
	return resolved, missing
}

// variablesWithoutDefault lists the names of the variables that have no default.
func (p *pattern) variablesWithoutDefault() (names []string) {
	if !p.dynamic {
		return nil
	}
	for _, a := range p.atoms {
		if a.kind == variable && !a.hasFallback {
			names = append(names, a.name)
		}
	}
	return names
}

// Expand replaces the variables of a required resource pattern with the context's values. missing
// lists the variables without a value: a default is only one of the values that such a variable may
// have. It also lists ${*}, ${?} and the variables with a wildcard in their value, because a Need
// cannot express a literal wildcard.
func Expand(text string, ctx Context) (expanded string, missing []string) {
	expanded = replaceVariables(text, func(a atom) string {
		if a.kind == literal {
			missing = append(missing, string(a.char))
			return ""
		}
		have, found := ctx.lookup(a.name)
		if !found || len(have) != 1 || strings.ContainsAny(have[0], "*?") {
			missing = append(missing, a.name)
			return ""
		}
		return have[0]
	})
	return expanded, missing
}

// replaceVariables replaces the variables of a resource pattern, and ${*} and ${?}, by what with
// returns for them. It replaces ${$} by a dollar sign.
func replaceVariables(text string, with func(a atom) string) string {
	var b strings.Builder
	for text != "" {
		a, size, ok := variableAtom(text)
		switch {
		case !ok:
			size = 1
			b.WriteByte(text[0])
		case a.kind == literal && a.char == '$':
			b.WriteByte('$')
		default:
			b.WriteString(with(a))
		}
		text = text[size:]
	}
	return b.String()
}
