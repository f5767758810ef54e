package iampolicy

import (
	"slices"
	"strings"
)

// An assumption is what is known about the context of the requests of a need: the values of the
// known keys, and conditions that every context meets.
type assumption struct {
	ctx Context
	// premises are the conditions that every context meets, by their key in lower case. A condition
	// that the known values decide is not in it.
	premises map[string][]*Condition
	budget   *Budget
	// witnesses are values, by key in lower case, with which a condition perhaps does not hold, or
	// with which all conditions of a statement perhaps hold.
	witnesses map[string][]string
}

// assume returns the assumption for the requests of a need. It is valid until the next call.
func (b *Budget) assume(n *Need, ctx Context) *assumption {
	b.assumed = assumption{ctx: ctx, budget: b}
	if b.proofs != nil {
		b.proofs.ctx, b.proofs.left = ctx, stepsOfProofs
	}
	a := &b.assumed
	if n.premise != nil {
		for i := range n.premise.statement.Conditions {
			c := &n.premise.statement.Conditions[i]
			if _, missing := c.holds(ctx); missing != nil {
				a.assume(c)
			}
		}
	}
	return a
}

// noState is implication.noState with the known context, within the budget.
func (a *assumption) noState(must, mustNot []*Condition) bool {
	b := a.budget
	if b.proofs == nil {
		b.proofs = &implication{ctx: a.ctx, left: stepsOfProofs}
		b.proofs.walk.ctx, b.proofs.walk.scratch = b.ctx, &b.proofs.memory
	}
	before := min(b.proofs.left, b.left)
	b.proofs.left, b.proofs.witnesses = before, b.proofs.witnesses[:0]
	none := b.proofs.noState(must, mustNot)
	b.left -= before - b.proofs.left
	return none
}

func (a *assumption) assume(conditions ...*Condition) {
	if a.premises == nil {
		a.premises = map[string][]*Condition{}
	}
	for _, c := range conditions {
		key := strings.ToLower(c.Key)
		a.premises[key] = append(slices.Clip(a.premises[key]), c)
	}
}

// with returns the assumption with further conditions that every context meets.
func (a *assumption) with(conditions []*Condition) *assumption {
	if len(conditions) == 0 {
		return a
	}
	more := &assumption{ctx: a.ctx, budget: a.budget, premises: map[string][]*Condition{}}
	for key, list := range a.premises {
		more.premises[key] = list
	}
	more.assume(conditions...)
	return more
}

// follows reports whether the condition certainly holds.
func (a *assumption) follows(c *Condition) bool {
	key := strings.ToLower(c.Key)
	if a.noState(a.premises[key], []*Condition{c}) {
		return true
	}
	a.keepWitnesses(key)
	return false
}

// keepWitnesses keeps the values with which the last proof about a key failed, for the search for
// examples.
func (a *assumption) keepWitnesses(key string) {
	root := &a.budget.assumed
	for _, value := range a.budget.proofs.witnesses {
		if root.witnesses == nil {
			root.witnesses = map[string][]string{}
		}
		if list := root.witnesses[key]; len(list) < maxCandidates/2 && !slices.Contains(list, value) {
			root.witnesses[key] = append(list, value)
		}
	}
}

// certain reports whether all conditions of a statement certainly hold.
func (a *assumption) certain(s *Statement) bool {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		if met, missing := c.holds(a.ctx); missing == nil && !met || missing != nil && !a.follows(c) {
			return false
		}
	}
	return true
}

// conditions decides the conditions of a statement. If some context may meet all of them, possible
// is true, and open lists those that another context may not meet.
func (a *assumption) conditions(s *Statement) (possible bool, open []*Condition) {
	for i := range s.Conditions {
		c := &s.Conditions[i]
		met, missing := c.holds(a.ctx)
		switch {
		case missing != nil:
			open = append(open, c)
		case !met:
			return false, nil
		}
	}
	if open = a.open(open); len(open) == 0 {
		return true, nil
	}
	for i, c := range open {
		key := strings.ToLower(c.Key)
		sameKey := func(o *Condition) bool { return strings.EqualFold(o.Key, c.Key) }
		if slices.ContainsFunc(open[:i], sameKey) {
			continue
		}
		together := slices.Clone(a.premises[key])
		for _, o := range open[i:] {
			if sameKey(o) {
				together = append(together, o)
			}
		}
		if a.noState(together, nil) {
			return false, nil
		}
		a.keepWitnesses(key)
	}
	return true, open
}

// open returns the conditions that do not certainly hold.
func (a *assumption) open(list []*Condition) (open []*Condition) {
	for _, c := range list {
		if !a.follows(c) {
			open = append(open, c)
		}
	}
	return open
}

// The limits of a union: the number of its statements, and of the proofs for it.
const (
	maxUnion       = 12
	maxUnionProofs = 128
)

// oneHolds reports whether in each context, certainly all conditions of one of the lists hold. It
// tries each way in which one condition of each list does not hold.
func (a *assumption) oneHolds(lists [][]*Condition) bool {
	if len(lists) == 0 || len(lists) > maxUnion {
		return false
	}
	unmet := map[string][]*Condition{}
	proofs := 0
	var impossible func(lists [][]*Condition) bool
	impossible = func(lists [][]*Condition) bool {
		if len(lists) == 0 {
			return false
		}
		for _, c := range lists[0] {
			if proofs++; proofs > maxUnionProofs {
				return false
			}
			key := strings.ToLower(c.Key)
			before := unmet[key]
			unmet[key] = append(slices.Clip(before), c)
			if !a.noState(a.premises[key], unmet[key]) && !impossible(lists[1:]) {
				return false
			}
			unmet[key] = before
		}
		return true
	}
	return impossible(lists)
}
