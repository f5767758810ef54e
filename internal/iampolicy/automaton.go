package iampolicy

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// An automaton matches one string against several patterns at once. A state is a set of positions,
// with one bit for each position in each pattern. The bits of each pattern start in a new word.
//
// All characters that no pattern contains behave alike, so one character of the alphabet represents
// them.
type automaton struct {
	words int
	// alphabet holds the characters that the automaton distinguishes. The characters that examples
	// prefer come first.
	alphabet []rune
	// places maps a character below 256 to its index in alphabet.
	places [256]uint16
	// advance and stay are masks for each character of the alphabet. A character moves the positions
	// in advance to the next position, and leaves the positions in stay where they are. The mask of
	// character c is advance[c*words:(c+1)*words].
	advance, stay []uint64
	// runs holds the positions in front of a '*', which advance without reading a character. openRuns
	// holds the positions in front of a '*' that matches every character.
	runs, openRuns []uint64
	start          []uint64
	members        []member
}

// A member is one pattern of the automaton. Its bits are in the words from:to of a state. acceptBit
// in acceptWord is set if the pattern matches the text read so far.
type member struct {
	from, to   int
	acceptWord int
	acceptBit  uint64
	// restBit is the bit of a '*' at the end of the pattern that matches every character. Once the bit
	// is set, the pattern matches any text that follows. Zero means that there is no such '*'.
	restBit uint64
}

// newAutomaton compiles the language into the first member, and the patterns into the other
// members. It skips the first cut bytes, which are the same in the language and all patterns. It
// returns nil if the masks exceed the budget, or if the patterns contain too many different
// characters.
func newAutomaton(l *language, patterns []*pattern, cut int, budget *search) *automaton {
	all := make([][]needAtom, 1, len(patterns)+1)
	all[0] = l.atoms[utf8.RuneCountInString(l.prefix[:cut]):]
	crosses := make([][]bool, len(patterns)+1)
	for i, p := range patterns {
		tail := p.atomsFrom(cut)
		if budget.fieldByField {
			confineToFields(tail, strings.Count(p.prefix[:cut], ":"))
		}
		atoms, cross := mergeRuns(tail)
		all = append(all, atoms)
		crosses[i+1] = cross
	}
	a := &automaton{members: make([]member, len(all))}
	for i, atoms := range all {
		n := len(atoms)/64 + 1
		a.members[i] = member{from: a.words, to: a.words + n, acceptWord: a.words + len(atoms)/64,
			acceptBit: 1 << (len(atoms) % 64)}
		a.words += n
	}
	if !a.setAlphabet(all) {
		return nil
	}
	size := a.words * (2*len(a.alphabet) + 3)
	if budget.steps -= size / 4; budget.steps < 0 || 8*size > budget.bytes {
		return nil
	}
	budget.masks = slices.Grow(budget.masks[:0], size)[:size]
	clear(budget.masks)
	masks := budget.masks
	nextMasks := func(n int) []uint64 {
		m := masks[:n:n]
		masks = masks[n:]
		return m
	}
	a.advance, a.stay = nextMasks(a.words*len(a.alphabet)), nextMasks(a.words*len(a.alphabet))
	a.runs, a.openRuns, a.start = nextMasks(a.words), nextMasks(a.words), nextMasks(a.words)
	for i, atoms := range all {
		m := &a.members[i]
		for j, atom := range atoms {
			word, bit := m.from+j/64, uint64(1)<<(j%64)
			if atom.kind == literal {
				a.advance[a.character(atom.char)*a.words+word] |= bit
				continue
			}
			into := a.advance
			if atom.kind == anyRun {
				into = a.stay
				a.runs[word] |= bit
			}
			everyCharacter := true
			for c, r := range a.alphabet {
				// A wildcard of the need (i == 0) matches only text in its own field. A wildcard of a pattern
				// may stop at a colon.
				if atom.legal != nil && !atom.legal(r) || i > 0 && r == ':' && !crosses[i][j] {
					everyCharacter = false
					continue
				}
				into[c*a.words+word] |= bit
			}
			if atom.kind == anyRun && everyCharacter {
				a.openRuns[word] |= bit
				if j == len(atoms)-1 && word == m.acceptWord {
					m.restBit = bit
				}
			}
		}
		a.start[m.from] |= 1
	}
	a.close(a.start)
	return a
}

// mergeRuns merges consecutive '*'s, which resolve may produce. crosses contains for each atom
// whether the atom matches a colon. A merged '*' matches a colon if one of its parts does.
func mergeRuns(list []atom) (atoms []needAtom, crosses []bool) {
	atoms = make([]needAtom, 0, len(list))
	crosses = make([]bool, 0, len(list))
	for _, a := range list {
		if n := len(atoms); a.kind == anyRun && n > 0 && atoms[n-1].kind == anyRun {
			crosses[n-1] = crosses[n-1] || a.crosses
			continue
		}
		atoms = append(atoms, needAtom{kind: a.kind, char: a.char})
		crosses = append(crosses, a.crosses)
	}
	return atoms, crosses
}

// confineToFields clears crosses on every wildcard in the first five fields of a pattern that has
// all six fields. colons is the number of colons before the atoms.
func confineToFields(atoms []atom, colons int) {
	field := colons
	for _, a := range atoms {
		if a.kind == literal && a.char == ':' {
			field++
		}
	}
	if field < arn.Resource {
		return
	}
	field = colons
	for i := range atoms {
		if a := &atoms[i]; a.kind == literal && a.char == ':' {
			field++
		} else if field < arn.Resource {
			a.crosses = false
		}
	}
}

// step reads character c of the alphabet in state and writes the resulting state to next. It
// reports whether the language, which is the first member, can still match. If not, next is
// unchanged.
func (a *automaton) step(next, state []uint64, c int) bool {
	advance, stay := a.advance[c*a.words:(c+1)*a.words], a.stay[c*a.words:(c+1)*a.words]
	need := a.members[0]
	alive := uint64(0)
	for w := need.from; w < need.to; w++ {
		alive |= state[w] & (advance[w] | stay[w])
	}
	if alive == 0 {
		return false
	}
	for i := range a.members {
		m := &a.members[i]
		carry := uint64(0)
		for w := m.from; w < m.to; w++ {
			moved := state[w] & advance[w]
			next[w] = moved<<1 | carry | state[w]&stay[w]
			carry = moved >> 63
		}
	}
	a.close(next)
	return true
}

// close adds the positions that are reachable without reading a character. It removes the positions
// before the last reached '*' that matches every character, because this '*' already matches
// everything that those positions can match. Otherwise the number of states would be too large even
// for ordinary patterns.
func (a *automaton) close(state []uint64) {
	for i := range a.members {
		m := &a.members[i]
		carry := uint64(0)
		for w := m.from; w < m.to; w++ {
			skip := state[w] & a.runs[w]
			state[w] |= skip<<1 | carry
			carry = skip >> 63
		}
		for w := m.to - 1; w >= m.from; w-- {
			open := state[w] & a.openRuns[w]
			if open == 0 {
				continue
			}
			state[w] &= ^uint64(0) << (bits.Len64(open) - 1)
			clear(state[m.from:w])
			break
		}
	}
}

func (m *member) accepts(state []uint64) bool { return state[m.acceptWord]&m.acceptBit != 0 }

// certain reports whether the pattern matches any text that follows. Only a true result is
// reliable.
func (m *member) certain(state []uint64) bool { return state[m.acceptWord]&m.restBit != 0 }

// impossible reports whether the pattern matches no text that follows.
func (m *member) impossible(state []uint64) bool {
	for w := m.from; w < m.to; w++ {
		if state[w] != 0 {
			return false
		}
	}
	return true
}

// character returns the index of a character in the alphabet.
func (a *automaton) character(r rune) int {
	if r < 256 {
		return int(a.places[r])
	}
	return slices.Index(a.alphabet, r)
}

// preferredChars are the characters that examples prefer, most preferred first.
const preferredChars = "xabcdefghijklmnopqrstuvwyz0123456789-/._ABCDEFGHIJKLMNOPQRSTUVWXYZ:"

// charOrder lists the characters below 256: the preferred ones first, then the others.
var charOrder = func() (order []rune) {
	order = []rune(preferredChars)
	for r := range rune(256) {
		if !strings.ContainsRune(preferredChars, r) {
			order = append(order, r)
		}
	}
	return order
}()

// setAlphabet fills the alphabet with the characters in the patterns, ':', and one character that
// is in no pattern. That character comes first and represents all characters that are in no
// pattern. It is below 256 if possible. setAlphabet returns false if the patterns contain more than
// 256 different characters above U+00FF.
func (a *automaton) setAlphabet(all [][]needAtom) bool {
	const most = 256 // IAM stores no document with a character above U+00FF
	var named [256]bool
	var above []rune
	named[':'] = true
	for _, atoms := range all {
		for _, atom := range atoms {
			switch {
			case atom.kind != literal:
			case atom.char < 256:
				named[atom.char] = true
			case !slices.Contains(above, atom.char):
				if above = append(above, atom.char); len(above) > most {
					return false
				}
			}
		}
	}
	a.alphabet = make([]rune, 1, 32)
	for _, r := range charOrder {
		if named[r] {
			a.places[r] = uint16(len(a.alphabet))
			a.alphabet = append(a.alphabet, r)
		} else if a.alphabet[0] == 0 && r != 0 {
			a.alphabet[0] = r
		}
	}
	a.alphabet = append(a.alphabet, above...)
	for r := rune(256); a.alphabet[0] == 0; r++ {
		if !slices.Contains(above, r) {
			a.alphabet[0] = r
		}
	}
	return true
}
