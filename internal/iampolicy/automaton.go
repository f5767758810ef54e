package iampolicy

import (
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// An automaton reads one string along several patterns at once. A state is a set of positions, one
// bit for each place in each pattern; every pattern starts in a word of its own.
//
// Characters that no pattern names behave alike, so that one of them stands for all.
type automaton struct {
	words int
	// alphabet are the characters to tell apart, in the order in which examples prefer them.
	alphabet []rune
	// places are those of the characters below 256 in the alphabet.
	places [256]uint16
	// advance and stay say, for each character of the alphabet, which positions it leads to the next
	// one and which it leaves where they are. Character c has advance[c*words:(c+1)*words].
	advance, stay []uint64
	// runs are the positions in front of a '*', which are left without reading anything; open those of
	// the '*'s that match every character.
	runs, open []uint64
	start      []uint64
	members    []member
}

// A member is where a pattern of the automaton has its words, and which bit says that it has
// matched.
type member struct {
	from, to   int
	acceptWord int
	acceptBit  uint64
	// rest is the bit of a '*' at the pattern's end that matches every character: whatever follows,
	// the pattern matches. Zero when there is none.
	rest uint64
}

// newAutomaton puts the language first and the patterns behind it, all of them without their first
// cut bytes, which are the same text. It is nil where that alone is more than the budget.
func newAutomaton(l *language, patterns []*pattern, cut int, budget *search) *automaton {
	all := make([][]needAtom, 1, len(patterns)+1)
	all[0] = l.atoms[utf8.RuneCountInString(l.prefix[:cut]):]
	crosses := make([][]bool, len(patterns)+1)
	for i, p := range patterns {
		tail := p.from(cut)
		if budget.held {
			holdFields(tail, strings.Count(p.prefix[:cut], ":"))
		}
		atoms := make([]needAtom, 0, len(tail))
		cross := make([]bool, 0, len(tail))
		for _, a := range tail {
			// Two runs in a row are one, which crosses if either does. Variables were resolved.
			if n := len(atoms); a.kind == anyRun && n > 0 && atoms[n-1].kind == anyRun {
				cross[n-1] = cross[n-1] || a.crosses
				continue
			}
			atoms = append(atoms, needAtom{kind: a.kind, char: a.char})
			cross = append(cross, a.crosses)
		}
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
	take := func(n int) []uint64 {
		m := masks[:n:n]
		masks = masks[n:]
		return m
	}
	a.advance, a.stay = take(a.words*len(a.alphabet)), take(a.words*len(a.alphabet))
	a.runs, a.open, a.start = take(a.words), take(a.words), take(a.words)
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
			all := true
			for c, r := range a.alphabet {
				// The need's own wildcards keep to their field; a pattern's may be held by a colon alone.
				if atom.legal != nil && !atom.legal(r) || i > 0 && r == ':' && !crosses[i][j] {
					all = false
					continue
				}
				into[c*a.words+word] |= bit
			}
			if atom.kind == anyRun && all {
				a.open[word] |= bit
				if j == len(atoms)-1 && word == m.acceptWord {
					m.rest = bit
				}
			}
		}
		a.start[m.from] |= 1
	}
	a.close(a.start)
	return a
}

// holdFields lets no wildcard in the first five fields of a pattern that has six run on, given how
// many colons stand before the atoms.
func holdFields(atoms []atom, colons int) {
	field := colons
	for _, a := range atoms {
		if a.kind == literal && a.char == ':' {
			field++
		}
	}
	if field < resourceField {
		return
	}
	field = colons
	for i := range atoms {
		if a := &atoms[i]; a.kind == literal && a.char == ':' {
			field++
		} else if field < resourceField {
			a.crosses = false
		}
	}
}

// step reads character c in state and writes the state after it to next. It reports whether the
// language, which comes first, is still alive.
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

// close adds the positions that are reached without reading anything, and drops those that do not
// matter: in front of a '*' that matches everything, nothing can be matched that cannot be from
// behind it. Without that the number of states would explode on ordinary patterns.
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
			open := state[w] & a.open[w]
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

// settled reports that the pattern matches whatever follows.
func (m *member) settled(state []uint64) bool { return state[m.acceptWord]&m.rest != 0 }

// dead reports that the pattern matches nothing that follows.
func (m *member) dead(state []uint64) bool {
	for w := m.from; w < m.to; w++ {
		if state[w] != 0 {
			return false
		}
	}
	return true
}

// character is the place of a character in the alphabet.
func (a *automaton) character(r rune) int {
	if r < 256 {
		return int(a.places[r])
	}
	return slices.Index(a.alphabet, r)
}

// readable are the characters examples prefer, the first ones most.
const readable = "xabcdefghijklmnopqrstuvwyz0123456789-/._ABCDEFGHIJKLMNOPQRSTUVWXYZ:"

// byReadability orders the characters below 256: first readable, then the others.
var byReadability = func() (order []rune) {
	order = []rune(readable)
	for r := range rune(256) {
		if !strings.ContainsRune(readable, r) {
			order = append(order, r)
		}
	}
	return order
}()

// setAlphabet lists the characters the patterns name, ':', and one that none names: a legal one if
// there is one left, which comes first. It reports false for more characters than policies may
// hold.
func (a *automaton) setAlphabet(all [][]needAtom) bool {
	const most = 256 // a document ends at U+00FF
	var named [256]bool
	var beyond []rune
	named[':'] = true
	for _, atoms := range all {
		for _, atom := range atoms {
			switch {
			case atom.kind != literal:
			case atom.char < 256:
				named[atom.char] = true
			case !slices.Contains(beyond, atom.char):
				if beyond = append(beyond, atom.char); len(beyond) > most {
					return false
				}
			}
		}
	}
	a.alphabet = make([]rune, 1, 32)
	for _, r := range byReadability {
		if named[r] {
			a.places[r] = uint16(len(a.alphabet))
			a.alphabet = append(a.alphabet, r)
		} else if a.alphabet[0] == 0 && r != 0 {
			a.alphabet[0] = r
		}
	}
	a.alphabet = append(a.alphabet, beyond...)
	for r := rune(256); a.alphabet[0] == 0; r++ {
		if !slices.Contains(beyond, r) {
			a.alphabet[0] = r
		}
	}
	return true
}
