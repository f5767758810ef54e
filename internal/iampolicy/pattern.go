package iampolicy

import (
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// A pattern is a compiled action or resource pattern of a statement.
//
// Most patterns are plain: they consist of literal text and of '*'s that match any text. A plain
// pattern is split into its pieces of text, and match searches for the pieces. A pattern with a
// '?', with a variable or with a '*' that stops at a colon is not plain. It is matched atom by
// atom.
type pattern struct {
	// text is the pattern as written, in lower case for an action.
	text string
	// prefix is the text before the first wildcard or variable. Comparing the prefix first excludes
	// most patterns early.
	prefix string
	// middle are the pieces between the '*'s of a plain pattern, and suffix is the text after the last
	// '*'. A plain pattern without a '*' is exact.
	middle       []string
	suffix       string
	plain, exact bool
	// atoms are the atoms after the prefix, for a pattern that is not plain.
	atoms []atom
	// dynamic is true if the pattern contains variables. What the pattern matches then depends on the
	// request.
	dynamic bool
	// action is true if a colon is an ordinary character, as in an action.
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
	// crosses is true if the wildcard also matches a colon.
	crosses bool
	char    rune
	*reference
}

// compileAction compiles an action pattern. IAM ignores the case of actions, so the pattern is in
// lower case and matches only actions in lower case.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
func compileAction(text string) pattern {
	p := pattern{text: strings.ToLower(text), action: true}
	p.compile(false)
	return p
}

// compileResource compiles a resource pattern. Resources are case-sensitive, and colons separate
// their fields. variables is true if the pattern may contain policy variables.
func compileResource(text string, variables bool) pattern {
	p := pattern{text: text}
	p.compile(variables)
	return p
}

// compile prepares the text for matching.
func (p *pattern) compile(variables bool) {
	if p.action && strings.IndexByte(p.text, '?') < 0 || !p.action && isPlain(p.text, variables) {
		p.compilePlain()
	} else {
		p.setAtoms(p.scan(variables))
	}
}

// isPlain reports whether a resource pattern consists only of literal text and of '*'s that match
// colons.
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
			if colons < arn.Resource && i+1 < len(text) && text[i+1] != ':' {
				return false
			}
		}
	}
	return true
}

// compilePlain sets the pieces of a plain pattern.
func (p *pattern) compilePlain() {
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

// setAtoms sets the prefix and the atoms of a pattern that is not plain.
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

// scan splits the text into atoms. Consecutive '*'s are one atom.
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
		markColonStops(atoms)
	}
	return atoms
}

// allAtoms returns the whole pattern as atoms, the prefix included.
func (p *pattern) allAtoms() []atom { return p.atomsFrom(0) }

// atomsFrom returns the pattern as atoms, without the start of its prefix. The parameter cut is the
// length of that start in bytes.
func (p *pattern) atomsFrom(cut int) []atom {
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

// markColonStops sets the field crosses to false on each wildcard that stops at a colon. In the
// first five fields of an ARN, these wildcards are every '?', and every '*' that is followed by
// more text in its field. A '*' at the end of its field also matches colons. These are the rules of
// IAM, see "Using wildcards in resource ARNs" in
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
func markColonStops(atoms []atom) {
	field := 0
	for i := range atoms {
		a := &atoms[i]
		switch {
		case field >= arn.Resource:
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

// skipsAccount reports whether the pattern has the six fields of an ARN, but a text other than an
// account in the fifth: a '*' before it then stands for the region and the account, as in
// "arn:aws:lambda:*:function:b".
func (p *pattern) skipsAccount() bool {
	fields, n := arn.Split(p.text)
	return n == len(fields) && strings.ContainsFunc(fields[arn.Account], func(r rune) bool {
		return r >= 'a' && r <= 'z'
	})
}

// match reports whether the pattern matches all of s. The pattern must not be dynamic.
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
	// Taking each piece at its leftmost position leaves the most text for the pieces after it.
	for _, piece := range p.middle {
		i := strings.Index(s, piece)
		if i < 0 {
			return false
		}
		s = s[i+len(piece):]
	}
	return strings.HasSuffix(s, p.suffix)
}

// matchAtoms reports whether the atoms match all of s. It tracks all possible matches at once:
// state i is true if atoms[:i] match the text read so far. Backtracking only to the last '*' would
// be wrong: if that '*' stops at a colon, an earlier '*' may match the colon. The number of steps
// is at most len(atoms)*len(s).
func matchAtoms(atoms []atom, s string) bool {
	const small = 128
	var buf [2 * small]bool
	n := len(atoms) + 1
	current, next := buf[:small], buf[small:]
	if n > small {
		current, next = make([]bool, n), make([]bool, n)
	}
	current, next = current[:n], next[:n]
	current[0] = true
	skipRuns(atoms, current)
	for _, r := range s {
		clear(next)
		alive := false
		for i, a := range atoms {
			if !current[i] {
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
		current, next = next, current
	}
	return current[n-1]
}

// skipRuns adds the states that are reached if a '*' matches the empty text.
func skipRuns(atoms []atom, states []bool) {
	for i, a := range atoms {
		if states[i] && a.kind == anyRun {
			states[i+1] = true
		}
	}
}
