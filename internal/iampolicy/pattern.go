package iampolicy

import (
	"strings"
	"unicode/utf8"
)

// A pattern is an action or a resource of a statement, compiled.
//
// Most patterns are literal text between '*'s that may match anything. Those are cut into pieces of
// the text and matched by searching for them. The others, with '?', with a '*' that stops at a
// colon or with variables, are kept as atoms and walked.
type pattern struct {
	// text is the pattern as written, in lower case for an action.
	text string
	// prefix is the text before the first wildcard or variable. It rules most patterns out.
	prefix string
	// middle are the pieces between the '*'s of a plain pattern, and suffix is what follows the last.
	// A plain pattern without a '*' is exact.
	middle       []string
	suffix       string
	plain, exact bool
	// atoms are those of a pattern that is not plain, after the prefix.
	atoms []atom
	// dynamic says that the pattern holds variables, so that what it matches depends on the request.
	dynamic bool
	// action says that the text is an action pattern, in which colons are like any other character.
	action bool
}

type atomKind uint8

const (
	literal  atomKind = iota // one character
	anyOne                   // ?
	anyRun                   // *
	variable                 // ${name} or ${name, 'default'}
)

// An atom is one element of a pattern.
type atom struct {
	kind atomKind
	// crosses says that a wildcard may match ':'.
	crosses bool
	char    rune
	*reference
}

// compileAction compiles an action pattern. Case does not count, so it matches lower-cased actions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func compileAction(text string) pattern {
	p := pattern{text: strings.ToLower(text), action: true}
	p.compile(false)
	return p
}

// compileResource compiles a resource pattern. Case counts, and colons are special.
func compileResource(text string, variables bool) pattern {
	p := pattern{text: text}
	p.compile(variables)
	return p
}

// compile prepares the text for matching.
func (p *pattern) compile(variables bool) {
	if p.action && strings.IndexByte(p.text, '?') < 0 || !p.action && isPlain(p.text, variables) {
		p.cut()
	} else {
		p.setAtoms(p.scan(variables))
	}
}

// isPlain reports whether all wildcards of a resource pattern are '*'s that may match colons, and
// nothing in it is a variable.
func isPlain(text string, variables bool) bool {
	colons := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ':':
			colons++
		case '?':
			return false
		case '$':
			if variables && strings.HasPrefix(text[i:], "${") {
				return false
			}
		case '*':
			for i+1 < len(text) && text[i+1] == '*' {
				i++
			}
			if colons < resourceField && i+1 < len(text) && text[i+1] != ':' {
				return false
			}
		}
	}
	return true
}

// cut makes the pattern plain.
func (p *pattern) cut() {
	p.plain = true
	var rest string
	var wild bool
	p.prefix, rest, wild = strings.Cut(p.text, "*")
	if !wild {
		p.exact = true
		return
	}
	for {
		piece, after, more := strings.Cut(rest, "*")
		if !more {
			p.suffix = piece
			return
		}
		if piece != "" {
			p.middle = append(p.middle, piece)
		}
		rest = after
	}
}

// setAtoms makes the pattern one that is walked.
func (p *pattern) setAtoms(atoms []atom) {
	var b strings.Builder
	n := 0
	for n < len(atoms) && atoms[n].kind == literal {
		b.WriteRune(atoms[n].char)
		n++
	}
	p.prefix, p.atoms = b.String(), atoms[n:]
	for _, a := range p.atoms {
		p.dynamic = p.dynamic || a.kind == variable
	}
}

// scan takes the text apart. A run of '*'s is one atom.
func (p *pattern) scan(variables bool) []atom {
	atoms := make([]atom, 0, len(p.text))
	for rest := p.text; rest != ""; {
		if variables && rest[0] == '$' {
			if a, size, ok := variableAtom(rest); ok {
				atoms = append(atoms, a)
				rest = rest[size:]
				continue
			}
		}
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch {
		case r == '*' && len(atoms) > 0 && atoms[len(atoms)-1].kind == anyRun:
		case r == '*':
			atoms = append(atoms, atom{kind: anyRun, crosses: true})
		case r == '?':
			atoms = append(atoms, atom{kind: anyOne, crosses: true})
		default:
			atoms = append(atoms, atom{kind: literal, char: r})
		}
	}
	if !p.action {
		holdColons(atoms)
	}
	return atoms
}

// all is the whole pattern as atoms, the prefix included.
func (p *pattern) all() []atom { return p.from(0) }

// from is the pattern as atoms, without its first bytes, which are of its prefix.
func (p *pattern) from(cut int) []atom {
	if p.plain {
		atoms := p.scan(false)
		return atoms[utf8.RuneCountInString(p.prefix[:cut]):]
	}
	atoms := make([]atom, 0, len(p.prefix)-cut+len(p.atoms))
	for _, r := range p.prefix[cut:] {
		atoms = append(atoms, atom{kind: literal, char: r})
	}
	return append(atoms, p.atoms...)
}

// resourceField is the field of an ARN, counted from zero, from which on colons are text.
const resourceField = 5

// holdColons marks the wildcards that stop at a colon. In the first five fields of an ARN that is
// every '?' and every '*' with more text behind it in its field. A '*' that ends its field may run
// on past the colon. It looks like a bug; it is IAM's rule: see "Using wildcards in resource ARNs"
// in https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func holdColons(atoms []atom) {
	field := 0
	for i := range atoms {
		a := &atoms[i]
		switch {
		case field >= resourceField:
			return
		case a.kind == literal && a.char == ':':
			field++
		case a.kind == anyOne:
			a.crosses = false
		case a.kind == anyRun:
			a.crosses = i+1 == len(atoms) || atoms[i+1].kind == literal && atoms[i+1].char == ':'
		}
	}
}

// match reports whether the pattern, which must not be dynamic, matches all of s.
func (p *pattern) match(s string) bool {
	if !strings.HasPrefix(s, p.prefix) {
		return false
	}
	s = s[len(p.prefix):]
	switch {
	case p.exact:
		return s == ""
	case !p.plain:
		return matchAtoms(p.atoms, s)
	}
	// The leftmost place of each piece leaves the most for those behind it.
	for _, piece := range p.middle {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return strings.HasSuffix(s, p.suffix)
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
