package iampolicy

import "strings"

// A reference is what a variable names. An empty fallback is one only with hasFallback.
type reference struct {
	name, fallback string
	hasFallback    bool
}

// variableAtom reads a policy variable off the front of text: ${key}, ${key, 'default'}, or
// ${*}, ${?} and ${$}, which stand for the character itself.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
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

// resolve puts the request's values, and with defaults those, in place of the variables. What has
// no value becomes a '*' that matches anything, and is named: the caller decides what such a match
// is worth. A value is literal: wildcards in it do not act.
func (p *pattern) resolve(ctx Context, defaults bool) (resolved *pattern, missing []string) {
	if !p.dynamic {
		return p, nil
	}
	atoms := make([]atom, 0, len(p.text))
	for _, a := range p.all() {
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

// Expand puts the context's values in place of the variables of a resource pattern that is
// required, and names those without a value or a default. Wildcards in a value would be literal,
// which a Need cannot say, so that such a value counts as none, and so do ${*} and ${?}.
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
