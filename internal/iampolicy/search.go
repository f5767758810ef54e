package iampolicy

import (
	"slices"
)

// A clause is something to be true of a name: that one of the statements matches it, or that none
// does.
type clause struct {
	none       bool
	statements []extent
}

// An extent is what a statement's resources (or actions) match. With not it is everything else.
type extent struct {
	patterns []*pattern
	not      bool
}

// A search looks for names. It stops when its budget is spent, so that no policy can hold the
// auditor up: whether a union of patterns covers another is coNP-hard.
type search struct {
	// steps is what is left to spend: words of automaton state to compute. bytes is how much each walk
	// may keep.
	steps, bytes int
	// held reads granted patterns field by field too: of a pattern with all fields no '*' in the first
	// five runs on. Strictly "arn:aws:lambda:*:*:function:b" matches
	// arn:aws:lambda:r:1:function:a:function:b; that counts for a hole, and to say that part of a need
	// is granted it would be an idle remark.
	held bool
	// spent says that a search ended without an answer.
	spent bool

	// nicer is a budget of its own for better examples: they are not worth an answer.
	nicer *search

	scratch // of the walk at hand; one search follows another and takes it over
}

// scratch is the memory of a walk.
type scratch struct {
	states []uint64 // one after the other
	from   []int32  // the state each was reached from
	by     []int32  // and the character that led to it
	table  []int32  // hash table of states, by number plus one
	next   []uint64
	masks  []uint64
}

// The budget of one Cover, whatever number of actions its need stands for: about 20 ms, and at any
// time 8 MB.
const (
	budgetSteps = 3 << 20
	budgetBytes = 8 << 20
)

func newSearch() *search { return budgeted(1) }

// budgeted makes a search with so many times the budget.
func budgeted(times int) *search {
	return &search{steps: times * budgetSteps, bytes: budgetBytes,
		nicer: &search{steps: times * budgetSteps / 4, bytes: budgetBytes}}
}

// shortest finds the shortest name of the language for which all clauses are true; of those of one
// length the most readable. It reports false when there is none, or when the budget is spent, as
// s.spent says.
func (s *search) shortest(l *language, clauses []clause) (string, bool) {
	w, goals := s.walk(l, clauses)
	if w == nil {
		return "", false
	}
	w.goals = goals
	if !w.visit(w.found) {
		return "", false
	}
	return w.name(len(w.from) - 1), true
}

// walk prepares a walk through the names of the language. It is nil when the budget does not even
// allow that.
func (s *search) walk(l *language, clauses []clause) (*walk, []goal) {
	var patterns []*pattern
	goals := make([]goal, len(clauses))
	for i, c := range clauses {
		goals[i].none = c.none
		for _, e := range c.statements {
			x := goalExtent{not: e.not}
			for _, p := range e.patterns {
				if !l.mayOverlap(p) {
					continue
				}
				at := slices.Index(patterns, p)
				if at < 0 {
					at = len(patterns)
					patterns = append(patterns, p)
				}
				x.members = append(x.members, at+1)
			}
			goals[i].extents = append(goals[i].extents, x)
		}
	}
	// What all start with alike needs no walking.
	cut := len(l.prefix)
	for _, p := range patterns {
		cut = min(cut, len(p.prefix))
	}
	a := newAutomaton(l, patterns, cut, s)
	if a == nil {
		s.spent = true
		return nil, nil
	}
	return &walk{automaton: a, search: s, head: l.prefix[:cut]}, goals
}

// A goal is a clause whose patterns are members of the automaton.
type goal struct {
	none    bool
	extents []goalExtent
}

type goalExtent struct {
	members []int
	not     bool
}

// A walk goes breadth first through the states the language can reach, so that the first name it
// finds is the shortest.
type walk struct {
	*automaton
	*search
	// head is what all names begin with; the walk starts behind it.
	head  string
	goals []goal
	kept  int // bytes
}

// visit goes through the states until stop holds for one, which is then the last, and reports
// whether one did.
func (w *walk) visit(stop func(state []uint64) bool) bool {
	const small = 256
	w.next = slices.Grow(w.next[:0], w.words)[:w.words]
	w.states, w.from, w.by = w.states[:0], w.from[:0], w.by[:0]
	w.table = slices.Grow(w.table[:0], small)[:small]
	clear(w.table)
	if w.hopeless(w.start) {
		return false
	}
	w.add(w.start, -1, 0)
	if stop(w.start) {
		return true
	}
	next := w.next
	for i := 0; i < len(w.from); i++ {
		for c := range w.alphabet {
			if !w.step(next, w.state(i), c) {
				w.steps--
				continue
			}
			w.steps -= w.words
			if w.hopeless(next) || !w.add(next, i, c) {
				continue
			}
			if stop(next) {
				return true
			}
			if w.steps < 0 || w.kept > w.bytes {
				w.spent = true
				return false
			}
		}
	}
	return false
}

func (w *walk) state(i int) []uint64 { return w.states[i*w.words : (i+1)*w.words] }

// add keeps a state, and reports whether it is new.
func (w *walk) add(state []uint64, from, by int) bool {
	if 2*(len(w.from)+1) > len(w.table) {
		w.kept += 16 * len(w.table)
		w.table = make([]int32, 4*len(w.table))
		for i := range w.from {
			w.table[w.slot(w.state(i))] = int32(i + 1)
		}
	}
	at := w.slot(state)
	if w.table[at] != 0 {
		return false
	}
	w.states = append(w.states, state...)
	w.from = append(w.from, int32(from))
	w.by = append(w.by, int32(by))
	w.table[at] = int32(len(w.from))
	w.kept += 2 * (8*w.words + 8) // append makes room for as much again
	return true
}

// slot finds the place of a state in the table: its own, or the empty one where it belongs.
func (w *walk) slot(state []uint64) int {
	h := uint64(14695981039346656037)
	for _, word := range state {
		h = (h ^ word) * 0x9E3779B97F4A7C15
		h ^= h >> 29
	}
	mask := len(w.table) - 1
	for at := int(h) & mask; ; at = (at + 1) & mask {
		if w.table[at] == 0 || slices.Equal(w.state(int(w.table[at])-1), state) {
			return at
		}
	}
}

// name reads the characters that led to a state.
func (w *walk) name(i int) string {
	var runes []rune
	for ; w.from[i] >= 0; i = int(w.from[i]) {
		runes = append(runes, w.alphabet[w.by[i]])
	}
	slices.Reverse(runes)
	return w.head + string(runes)
}

// found reports whether what was read is a name of the language for which all clauses are true.
func (w *walk) found(state []uint64) bool {
	if !w.members[0].accepts(state) {
		return false
	}
	for i := range w.goals {
		g := &w.goals[i]
		some := false
		for j := range g.extents {
			some = some || w.matched(&g.extents[j], state)
		}
		if some == g.none {
			return false
		}
	}
	return true
}

func (w *walk) matched(x *goalExtent, state []uint64) bool {
	for _, m := range x.members {
		if w.members[m].accepts(state) {
			return !x.not
		}
	}
	return x.not
}

// hopeless reports that whatever follows, some clause stays false.
func (w *walk) hopeless(state []uint64) bool {
	for i := range w.goals {
		g := &w.goals[i]
		if g.none {
			for j := range g.extents {
				if w.always(&g.extents[j], state) {
					return true
				}
			}
			continue
		}
		possible := false
		for j := range g.extents {
			if !w.never(&g.extents[j], state) {
				possible = true
				break
			}
		}
		if !possible {
			return true
		}
	}
	return false
}

// always reports that the extent holds whatever follows.
func (w *walk) always(x *goalExtent, state []uint64) bool {
	if x.not {
		return w.allDead(x, state)
	}
	return w.anySettled(x, state)
}

// never reports that the extent does not hold whatever follows.
func (w *walk) never(x *goalExtent, state []uint64) bool {
	if x.not {
		return w.anySettled(x, state)
	}
	return w.allDead(x, state)
}

func (w *walk) anySettled(x *goalExtent, state []uint64) bool {
	for _, m := range x.members {
		if w.members[m].settled(state) {
			return true
		}
	}
	return false
}

func (w *walk) allDead(x *goalExtent, state []uint64) bool {
	for _, m := range x.members {
		if !w.members[m].dead(state) {
			return false
		}
	}
	return true
}
