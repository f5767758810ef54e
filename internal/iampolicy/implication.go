package iampolicy

import (
	"slices"
	"strings"
)

// An implication decides what follows from conditions on one key, for every state of the key:
// absent, without a value, with one value, and with several values.
//
// It proves that no state exists, so only a true result is certain. It considers states that cannot
// exist, such as several values of a key that has only one, and so may fail to prove what is true.
type implication struct {
	ctx  Context // known keys, which replace variables
	walk search  // of texts
	// left is the work that all proofs together may still do, in steps.
	left int
	// witnesses are values that perhaps meet the tests of the last proof that failed.
	witnesses []string
	// memory is that of walk. A search has other memory, because it may need a proof for each of its
	// names.
	memory scratch
}

// The limits of the work of proofs, in steps: of all proofs of one CoverWithin, and of one walk.
const (
	stepsOfProofs = budgetSteps / 2
	stepsOfProof  = 1 << 17
)

// noState reports whether certainly no state of a key meets all conditions of must and none of
// mustNot. All conditions are about this key.
//
// A condition follows from others if no state meets the others without it. It contradicts them if
// no state meets them together. Several conditions cover all cases if no state meets none of them.
func (p *implication) noState(must, mustNot []*Condition) bool {
	for _, c := range must {
		if slices.ContainsFunc(mustNot, c.sameAs) {
			p.left -= len(c.Values)
			return true
		}
	}
	if allHold(must, (*Condition).whenAbsent) &&
		!slices.ContainsFunc(mustNot, (*Condition).whenAbsent) {
		return false
	}
	null := func(met bool) func(c *Condition) bool {
		return func(c *Condition) bool { return c.op.test == nil && c.whenPresent() == met }
	}
	if slices.ContainsFunc(must, null(false)) || slices.ContainsFunc(mustNot, null(true)) {
		return true // the key cannot be present
	}
	tests := newKeyTests(must, mustNot, p.ctx)
	if !p.spend(4 * tests.work()) {
		return false
	}
	return !tests.metWithoutValue() && p.noValue(&tests) && p.noValues(&tests)
}

// maxWitnesses is the number of values that a proof keeps.
const maxWitnesses = 4

func (p *implication) addWitness(value string) {
	if len(p.witnesses) < maxWitnesses && !slices.Contains(p.witnesses, value) {
		p.witnesses = append(p.witnesses, value)
	}
}

// spend subtracts steps from the work that is left. It returns false if there is less.
func (p *implication) spend(steps int) bool {
	if steps > p.left {
		return false
	}
	p.left -= steps
	return true
}

func allHold(list []*Condition, holds func(*Condition) bool) bool {
	return !slices.ContainsFunc(list, func(c *Condition) bool { return !holds(c) })
}

// sameAs reports whether two conditions have the same operator and values, and so the same meaning.
func (c *Condition) sameAs(d *Condition) bool {
	return c.Operator == d.Operator && c.variables == d.variables && slices.Equal(c.Values, d.Values)
}

// keyTests are the conditions on a key that compare values.
type keyTests struct{ must, mustNot []valueTest }

// A valueTest is a condition as a test of one value of its key. fixed are the condition's values.
// open are those with a variable without a known value, as written.
type valueTest struct {
	operator
	fixed, open []string
}

func newKeyTests(must, mustNot []*Condition, ctx Context) (k keyTests) {
	tests := func(list []*Condition) (tests []valueTest) {
		for _, c := range list {
			if c.op.test != nil {
				tests = append(tests, c.valueTest(ctx))
			}
		}
		return tests
	}
	return keyTests{tests(must), tests(mustNot)}
}

func (c *Condition) valueTest(ctx Context) valueTest {
	t := valueTest{operator: c.op}
	if !c.variables || !c.op.variables {
		t.fixed = c.Values
		return t
	}
	for _, v := range c.Values {
		if !strings.Contains(v, "${") {
			t.fixed = append(t.fixed, v)
			continue
		}
		resolved, undefined, defaults := substitute(v, ctx, c.op.wildcards)
		if undefined == nil && defaults == nil {
			t.fixed = append(t.fixed, resolved)
		} else {
			t.open = append(t.open, v)
		}
	}
	return t
}

// work returns the work of reading each value once, in steps.
func (k *keyTests) work() int {
	steps := 4
	for _, list := range [][]valueTest{k.must, k.mustNot} {
		for i := range list {
			steps += list[i].work()
		}
	}
	return steps
}

// values returns the number of values.
func (k *keyTests) values() (n int) {
	for _, list := range [][]valueTest{k.must, k.mustNot} {
		for i := range list {
			n += len(list[i].fixed) + len(list[i].open)
		}
	}
	return n
}

func (t *valueTest) work() int {
	bytes := 0
	for _, texts := range [][]string{t.fixed, t.open} {
		for _, text := range texts {
			bytes += len(text)
		}
	}
	return len(t.fixed) + len(t.open) + bytes/bytesOfStep
}

// metWithoutValue reports whether a key that is present without a value may meet the conditions.
func (k *keyTests) metWithoutValue() bool {
	forAll := func(t valueTest) bool { return t.set == forAllValues }
	return !slices.ContainsFunc(k.must, func(t valueTest) bool { return !forAll(t) }) &&
		!slices.ContainsFunc(k.mustNot, forAll)
}

// noValues reports whether certainly no list of several values meets the conditions. A condition
// without ForAllValues and ForAnyValue is not met by such a list.
func (p *implication) noValues(k *keyTests) bool {
	// each and never are the tests that each value meets, or does not meet. Each of witnesses needs a
	// value of its own, and there is at least one value.
	var each, never []valueTest
	witnesses := []keyTests{{}}
	for _, t := range k.must {
		switch t.set {
		case noSet:
			return true
		case forAllValues:
			each = append(each, t)
		case forAnyValue:
			witnesses = append(witnesses, keyTests{must: []valueTest{t}})
		}
	}
	for _, t := range k.mustNot {
		switch t.set {
		case forAnyValue:
			never = append(never, t)
		case forAllValues:
			witnesses = append(witnesses, keyTests{mustNot: []valueTest{t}})
		}
	}
	return slices.ContainsFunc(witnesses, func(w keyTests) bool {
		return p.noValue(&keyTests{slices.Concat(w.must, each), slices.Concat(w.mustNot, never)})
	})
}

// noValue reports whether certainly no value meets all tests of must and none of mustNot.
func (p *implication) noValue(k *keyTests) bool {
	for i := range k.must {
		if !k.must[i].negated && p.noneOf(&k.must[i], k) {
			return true
		}
	}
	return k.negationFollows() || p.noText(anyText(), k) || p.noRepresentative(k)
}

// noneOf reports whether certainly no value that is equal to one of the test's values meets the
// tests. It examines one value of the test after the other.
func (p *implication) noneOf(t *valueTest, k *keyTests) bool {
	excluded := k.excludedValues(t)
	others := k.work() - t.work()
	for _, w := range t.open {
		if !excluded[openValue+w] {
			return false
		}
	}
	for _, w := range t.fixed {
		if excluded[w] {
			continue
		}
		if exact, ok := t.exactText(w); ok {
			if !p.spend(others) {
				return false
			}
			if k.mayMeet(exact, nil, t) {
				p.addWitness(exact)
				return false
			}
			continue
		}
		l, ok := t.language(w)
		if !ok || !p.noText(l, k) {
			return false
		}
	}
	return true
}

// openValue marks a text with a variable. No text of a document contains this byte.
const openValue = "\xff"

// excludedValues returns the values of other tests that compare in the same way as t, and that no
// value may be equal to. A value with a variable has the mark openValue. Numbers and dates are left
// to noRepresentative, because their operators compare in different ways.
func (k *keyTests) excludedValues(t *valueTest) map[string]bool {
	excluded := map[string]bool{}
	if t.order != nil {
		return excluded
	}
	add := func(list []valueTest, negated bool) {
		for i := range list {
			if o := &list[i]; o.negated == negated && o.compares == t.compares {
				o.addValues(excluded)
			}
		}
	}
	add(k.must, true)
	add(k.mustNot, false)
	return excluded
}

func (t *valueTest) addValues(set map[string]bool) {
	for _, w := range t.fixed {
		set[w] = true
	}
	for _, w := range t.open {
		set[openValue+w] = true
	}
}

// negationFollows reports whether a negated test of mustNot follows from a negated test of must,
// because it has fewer values.
func (k *keyTests) negationFollows() bool {
	for i := range k.must {
		m := &k.must[i]
		if !m.negated {
			continue
		}
		values := map[string]bool{}
		m.addValues(values)
		for j := range k.mustNot {
			n := &k.mustNot[j]
			if n.negated && n.compares == m.compares &&
				!slices.ContainsFunc(n.fixed, func(w string) bool { return !values[w] }) &&
				!slices.ContainsFunc(n.open, func(w string) bool { return !values[openValue+w] }) {
				return true
			}
		}
	}
	return false
}

// mayMeet reports whether a value may meet the tests of a kind of comparison, or all tests if kind
// is nil. It does not apply the test skip. Values with variables may be equal to any value, or to
// none.
func (k *keyTests) mayMeet(value string, kind *comparison, skip *valueTest) bool {
	fails := func(t *valueTest, unwanted bool) bool {
		if t == skip || kind != nil && t.compares != *kind {
			return false
		}
		met, certain := t.meets(value)
		return certain && met == unwanted
	}
	for i := range k.must {
		if fails(&k.must[i], false) {
			return false
		}
	}
	for i := range k.mustNot {
		if fails(&k.mustNot[i], true) {
			return false
		}
	}
	return true
}

// meets reports whether a value meets the test. The result is not certain if it depends on a
// variable.
func (t *valueTest) meets(value string) (met, certain bool) {
	for _, w := range t.fixed {
		switch t.test(w, value) {
		case equal:
			return !t.negated, true
		case incomparable:
			if t.negated {
				return false, true
			}
		}
	}
	return t.negated, len(t.open) == 0
}
