package iampolicy

import (
	"context"
	"slices"
)

// A clause is a requirement on a name: at least one of the statements matches the name. If the
// field none is set, no statement matches the name.
type clause struct {
	none       bool
	statements []extent
}

// An extent is the set of names that a statement's resource or action patterns match. If not is
// true, the extent is the set of all other names.
type extent struct {
	patterns []*pattern
	not      bool
}

// A search finds names within a budget, and stops when the budget is spent. Deciding whether a
// union of patterns covers another pattern is coNP-hard, so without a budget a policy could stall
// the audit.
type search struct {
	// steps is the number of words of automaton state that the search may still compute. granted is
	// the number at the start. bytes limits the memory of each walk. The search also ends with ctx.
	steps, granted, bytes int
	ctx                   context.Context
	// fieldByField applies to granted patterns that have all six fields. If it is true, a wildcard in
	// the first five fields of such a pattern matches no colon. By IAM's rule,
	// "arn:aws:lambda:*:*:function:b" also matches arn:aws:lambda:r:1:function:a:function:b. A search
	// for holes follows IAM's rule. A search for granted parts of a need uses fieldByField, because a
	// report of such a match would be misleading.
	fieldByField bool
	// spent is true if a search ended without an answer because the budget was spent.
	spent bool

	// exampleSearch has a separate budget for the search for better examples. That search therefore
	// does not reduce the budget for the status.
	exampleSearch *search

	*scratch // memory of the current walk; the next walk reuses it
}

// scratch is the memory of a walk.
type scratch struct {
	states []uint64 // all visited states, one after the other
	from   []int32  // for each state, the index of the previous state
	by     []int32  // for each state, the index of the character that led to the state
	table  []int32  // hash table: the index of a state plus one, or 0 for an empty entry
	next   []uint64 // the state that step computes
	masks  []uint64 // the masks of the automaton
}

// budgetSteps and budgetBytes are the budget of one Cover for all actions of its need together.
// docs/engine.md says how long that takes.
const (
	budgetSteps = 3 << 20
	budgetBytes = 8 << 20
)

// shortest finds the shortest name of the language for which all clauses are true, and the most
// readable of equally short names. It returns false if there is no such name, or if the budget is
// spent. In the second case, s.spent is true.
func (s *search) shortest(l *language, clauses []clause) (string, bool) {
	w, goals := s.walk(l, clauses)
	if w == nil {
		return "", false
	}
	w.goals = goals
	if !w.visit(w.satisfiesAll) {
		return "", false
	}
	return w.name(len(w.from) - 1), true
}

// walk prepares a walk through the names of the language, and returns the clauses as its goals. It
// returns nil and sets spent if the budget is too small for the automaton.
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
	// Skip the prefix that the language and all patterns have in common.
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

// A walk visits the states that names of the language reach, breadth first. The first name that a
// walk finds is therefore the shortest.
type walk struct {
	*automaton
	*search
	// head is the common prefix of all names; the walk starts after it.
	head      string
	goals     []goal
	usedBytes int // memory of the visited states and the table
}

// visit calls stop for each state until stop returns true, and reports whether stop returned true.
// The last stored state is then the state for which stop returned true.
func (w *walk) visit(stop func(state []uint64) bool) bool {
	const small = 256
	w.next = slices.Grow(w.next[:0], w.words)[:w.words]
	w.states, w.from, w.by = w.states[:0], w.from[:0], w.by[:0]
	w.table = slices.Grow(w.table[:0], small)[:small]
	clear(w.table)
	if w.cannotSucceed(w.start) {
		return false
	}
	w.add(w.start, -1, 0)
	if stop(w.start) {
		return true
	}
	next := w.next
	for i := 0; i < len(w.from); i++ {
		if w.ctx.Err() != nil {
			w.spent = true
			return false
		}
		for c := range w.alphabet {
			if !w.step(next, w.state(i), c) {
				w.steps--
				continue
			}
			w.steps -= w.words
			if w.cannotSucceed(next) || !w.add(next, i, c) {
				continue
			}
			if stop(next) {
				return true
			}
			if w.steps < 0 || w.usedBytes > w.bytes {
				w.spent = true
				return false
			}
		}
	}
	return false
}

func (w *walk) state(i int) []uint64 { return w.states[i*w.words : (i+1)*w.words] }

// add stores a state, and reports whether it is new.
func (w *walk) add(state []uint64, from, by int) bool {
	if 2*(len(w.from)+1) > len(w.table) {
		w.usedBytes += 16 * len(w.table)
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
	w.usedBytes += 2 * (8*w.words + 8) // append may double the capacity
	return true
}

// slot returns the index of a state's entry in the table. The entry is empty for a new state.
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

// name returns the text that led to a state.
func (w *walk) name(i int) string {
	var runes []rune
	for ; w.from[i] >= 0; i = int(w.from[i]) {
		runes = append(runes, w.alphabet[w.by[i]])
	}
	slices.Reverse(runes)
	return w.head + string(runes)
}

// satisfiesAll reports whether the text read so far is a name of the language for which all clauses
// are true.
func (w *walk) satisfiesAll(state []uint64) bool {
	if !w.members[0].accepts(state) {
		return false
	}
	for i := range w.goals {
		g := &w.goals[i]
		anyMatched := false
		for j := range g.extents {
			anyMatched = anyMatched || w.matched(&g.extents[j], state)
		}
		if anyMatched == g.none {
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

// cannotSucceed reports whether a clause is false for every text that may follow. Only a true
// result is certain.
func (w *walk) cannotSucceed(state []uint64) bool {
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

// always reports whether the extent contains the name for every text that may follow. Only a true
// result is certain.
func (w *walk) always(x *goalExtent, state []uint64) bool {
	if x.not {
		return w.allImpossible(x, state)
	}
	return w.anyCertain(x, state)
}

// never reports whether the extent contains the name for no text that may follow. Only a true
// result is certain.
func (w *walk) never(x *goalExtent, state []uint64) bool {
	if x.not {
		return w.anyCertain(x, state)
	}
	return w.allImpossible(x, state)
}

func (w *walk) anyCertain(x *goalExtent, state []uint64) bool {
	for _, m := range x.members {
		if w.members[m].certain(state) {
			return true
		}
	}
	return false
}

func (w *walk) allImpossible(x *goalExtent, state []uint64) bool {
	for _, m := range x.members {
		if !w.members[m].impossible(state) {
			return false
		}
	}
	return true
}
