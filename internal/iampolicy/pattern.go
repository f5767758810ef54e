package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// A pattern is an action or a resource of a statement, compiled.
type pattern struct {
	atoms []atom
	// prefix is the text before the first wildcard or variable, and rest the atoms from there on. It
	// rules most patterns out.
	prefix string
	rest   []atom
	// dynamic says that the pattern holds variables, so that what it matches depends on the request.
	dynamic bool
}

type atomKind uint8

const (
	literal  atomKind = iota // one character
	anyOne                   // ?
	anyRun                   // *
	variable                 // ${name} or ${name, 'default'}
)

// An atom is kept small: a document has one for each character of its patterns.
type atom struct {
	kind atomKind
	// crosses says that a wildcard may match ':'.
	crosses bool
	char    rune
	*reference
}

// A reference is what a variable names. An empty fallback is one only with hasFallback.
type reference struct {
	name, fallback string
	hasFallback    bool
}

// compileAction compiles an action pattern. Case does not count, so it matches lower-cased actions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func compileAction(text string) pattern {
	return wildcards(strings.ToLower(text))
}

// wildcards compiles a text whose '*' and '?' match anything, colons included.
func wildcards(text string) pattern {
	p := pattern{atoms: make([]atom, 0, len(text))}
	for _, r := range text {
		p.atoms = append(p.atoms, plainAtom(r))
	}
	p.cutPrefix()
	return p
}

// compileResource compiles a resource pattern. Case counts, and colons are special.
func compileResource(text string, variables bool) pattern {
	p := pattern{atoms: make([]atom, 0, len(text))}
	for rest := text; rest != ""; {
		if a, size, ok := variableAtom(rest); variables && ok {
			p.dynamic = p.dynamic || a.kind == variable
			p.atoms = append(p.atoms, a)
			rest = rest[size:]
			continue
		}
		r, size := utf8.DecodeRuneInString(rest)
		p.atoms = append(p.atoms, plainAtom(r))
		rest = rest[size:]
	}
	holdColons(p.atoms)
	p.cutPrefix()
	return p
}

func plainAtom(r rune) atom {
	switch r {
	case '*':
		return atom{kind: anyRun, crosses: true}
	case '?':
		return atom{kind: anyOne, crosses: true}
	}
	return atom{kind: literal, char: r}
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

// holdColons marks the wildcards that stop at a colon. In the first five fields of an ARN that is
// every '?' and every '*' with more text behind it in its field. A '*' that ends its field may run
// on past the colon. It looks like a bug; it is IAM's rule: see "Using wildcards in resource ARNs" in
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func holdColons(atoms []atom) {
	field := 0
	for i := range atoms {
		a := &atoms[i]
		switch {
		case field >= 5:
			return
		case a.kind == literal && a.char == ':':
			field++
		case a.kind == anyOne:
			a.crosses = false
		case a.kind == anyRun:
			last := i+1 == len(atoms) || atoms[i+1].kind == literal && atoms[i+1].char == ':'
			a.crosses = last
		}
	}
}

func (p *pattern) cutPrefix() {
	var b strings.Builder
	n := 0
	for n < len(p.atoms) && p.atoms[n].kind == literal {
		b.WriteRune(p.atoms[n].char)
		n++
	}
	p.prefix, p.rest = b.String(), p.atoms[n:]
}

// match reports whether the pattern, which must not be dynamic, matches all of s.
func (p *pattern) match(s string) bool {
	if !strings.HasPrefix(s, p.prefix) {
		return false
	}
	s = s[len(p.prefix):]
	switch {
	case len(p.rest) == 0:
		return s == ""
	case len(p.rest) == 1 && p.rest[0].kind == anyRun && p.rest[0].crosses:
		return true
	}
	return matchAtoms(p.rest, s)
}

// matchAtoms walks all ways to match at once: state i means that atoms[:i] have matched what was
// read. Backtracking to the last '*' alone would be wrong here, since a '*' that stops at a colon
// may have to give way to an earlier one; and the time stays within len(atoms)*len(s).
func matchAtoms(atoms []atom, s string) bool {
	const small = 128
	var buf [2 * small]bool
	n := len(atoms) + 1
	now, next := buf[:small], buf[small:]
	if n > small {
		now, next = make([]bool, n), make([]bool, n)
	}
	now, next = now[:n], next[:n]
	now[0] = true
	skipRuns(atoms, now)
	for _, r := range s {
		clear(next)
		alive := false
		for i, a := range atoms {
			if !now[i] {
				continue
			}
			switch a.kind {
			case literal:
				next[i+1] = next[i+1] || a.char == r
			case anyOne:
				next[i+1] = next[i+1] || a.crosses || r != ':'
			case anyRun:
				next[i] = next[i] || a.crosses || r != ':'
			}
			alive = alive || next[i] || next[i+1]
		}
		if !alive {
			return false
		}
		skipRuns(atoms, next)
		now, next = next, now
	}
	return now[n-1]
}

// skipRuns adds the states reached by letting a '*' match nothing.
func skipRuns(atoms []atom, states []bool) {
	for i, a := range atoms {
		if states[i] && a.kind == anyRun {
			states[i+1] = true
		}
	}
}

// resolve puts the request's values in place of the variables. What has no value becomes a '*'
// that matches anything, and is named: the caller decides what such a match is worth.
// A value is literal: wildcards in it do not act.
func (p *pattern) resolve(ctx Context) (resolved *pattern, missing []string) {
	if !p.dynamic {
		return p, nil
	}
	resolved = &pattern{}
	for _, a := range p.atoms {
		if a.kind != variable {
			resolved.atoms = append(resolved.atoms, a)
			continue
		}
		value := a.fallback
		if values, ok := ctx.lookup(a.name); ok && len(values) == 1 {
			value = values[0]
		} else if !a.hasFallback {
			missing = append(missing, a.name)
			resolved.atoms = append(resolved.atoms, atom{kind: anyRun, crosses: true})
			continue
		}
		for _, r := range value {
			resolved.atoms = append(resolved.atoms, atom{kind: literal, char: r})
		}
	}
	resolved.cutPrefix()
	return resolved, missing
}
