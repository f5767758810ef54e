package iampolicy

import (
	"context"
	"math"
	"strings"
)

// A Budget bounds the work of several calls of CoverWithin and ExcessWithin together, and ends them
// when its context ends. A Budget is not safe for concurrent use.
type Budget struct {
	ctx         context.Context
	total, left int
	memory      *scratch // of the searches, one after the other; nil until the first search
	assumed     assumption
	// proofs decides what follows from conditions. It is nil until a condition needs it.
	proofs *implication
}

// UnitOfWork is the work that one call of Cover may do at most, in steps. A step is about a word of
// automaton state, or a comparison of two patterns.
const UnitOfWork = budgetSteps

// NewBudget returns a budget of a number of steps.
func NewBudget(ctx context.Context, steps int) *Budget {
	return &Budget{ctx: ctx, total: steps, left: steps}
}

// Unlimited returns a budget without an end. Each call has its own limit.
func Unlimited() *Budget { return NewBudget(context.Background(), math.MaxInt) }

// Used returns the number of steps that are spent. It may exceed the budget slightly.
func (b *Budget) Used() int { return b.total - b.left }

// Spent reports whether the budget allows no further work.
func (b *Budget) Spent() bool { return b.spent() }

// spent reports whether the budget allows no further work.
func (b *Budget) spent() bool { return b.left <= 0 || b.ctx.Err() != nil }

const budgetExhausted = "the check reached its limit of work before it decided this: split the " +
	"documents into smaller ones and check each"

// newSearch returns a search with a multiple of the budget of one Cover, but with no more steps
// than the budget has. The caller returns the search with settle.
func (b *Budget) newSearch(times int) *search {
	if b.memory == nil {
		b.memory = &scratch{}
	}
	steps := min(times*budgetSteps, max(b.left, 0))
	return &search{ctx: b.ctx, steps: steps, granted: steps, bytes: budgetBytes, scratch: b.memory,
		exampleSearch: &search{ctx: b.ctx, steps: steps / 4, granted: steps / 4, bytes: budgetBytes,
			scratch: b.memory}}
}

// statementWork is the work that a statement causes because it depends on the context: the bytes of
// its conditions and of its resources with variables, and the keys that it looks up.
type statementWork struct{ bytes, lookups int }

func (s *Statement) workOfContext() (w statementWork) {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		w.lookups++
		w.bytes += len(c.Key)
		for _, value := range c.Values {
			w.bytes += 1 + len(value)
			w.lookups += strings.Count(value, "${")
		}
	}
	for i := range s.resources {
		if p := &s.resources[i]; p.dynamic {
			w.bytes += bytesOfAtom * len(p.text)
			w.lookups += strings.Count(p.text, "${")
		}
	}
	return w
}

// bytesOfAtom is the work of copying an atom, compared to that of reading a byte. bytesOfStep is
// the number of bytes that conditions read in one step.
const (
	bytesOfAtom = 4
	bytesOfStep = 16
)

// steps returns the work of reading the conditions and the variables of a statement once, in steps.
// A lookup compares a key with all keys of the context, because upper and lower case do not matter.
func (w statementWork) steps(ctx Context) int {
	return w.bytes/bytesOfStep + w.lookups*(1+len(ctx))
}

// workOfDecision returns the work of decide, in steps.
func (g Grants) workOfDecision(ctx Context) (steps int) {
	for _, p := range g.policies() {
		if p.Document != nil {
			for i := range p.Document.Statements {
				s := &p.Document.Statements[i]
				steps += len(s.actions) + len(s.resources) + s.work.steps(ctx)
			}
		}
	}
	return steps
}

// settle subtracts the work of a search and of its search for examples.
func (b *Budget) settle(s *search) {
	b.left -= s.granted - s.steps + s.exampleSearch.granted - s.exampleSearch.steps
}
