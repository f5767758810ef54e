package iampolicy

import "strings"

// A reference is a policy variable with its default. hasFallback distinguishes an empty default
// from none.
type reference struct {
	name, fallback string
	hasFallback    bool
}

// variableAtom parses a policy variable at the start of text and returns its size in bytes. The
// forms are ${key}, ${key, 'default'}, and ${*}, ${?} and ${$}, which stand for the character
// itself. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
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

// resolve replaces the variables with the request's values, and, if defaults is set, with their
// defaults. A variable without a value becomes a '*' that matches any text, and is listed in
// missing; the caller decides how such a match counts. A value is literal: its wildcards are
// ordinary characters.
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

// variables lists the names of the variables that have no default.
func (p *pattern) variables() (names []string) {
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

// Expand replaces the variables of a required resource pattern with the context's values or their
// defaults, and lists those without either. A value with a wildcard counts as missing, and so do
// ${*} and ${?}, because a Need cannot express a literal wildcard.
func Expand(text string, ctx Context) (expanded string, missing []string) {
	var b strings.Builder
	for text != "" {
		a, size, ok := variableAtom(text)
		switch {
		case !ok:
			size = 1
			b.WriteByte(text[0])
		case a.kind == literal && a.char == '$':
			b.WriteByte('$')
		case a.kind == literal:
			missing = append(missing, string(a.char))
		default:
			value := a.fallback
			have, found := ctx.lookup(a.name)
			if found = found && len(have) == 1; found {
				value = have[0]
			}
			if !found && !a.hasFallback || strings.ContainsAny(value, "*?") {
				missing = append(missing, a.name)
			}
			b.WriteString(value)
		}
		text = text[size:]
	}
	return b.String(), missing
}
