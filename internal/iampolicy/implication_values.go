package iampolicy

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// This file decides whether values meet several tests. Texts are decided by a walk through the
// texts of a pattern. Values of the other types are decided by representatives: the tests do not
// distinguish any value from one of them.

// exactText returns the only text that is equal to a value of the test. It returns false if there
// may be several such texts, or none.
func (t *valueTest) exactText(w string) (string, bool) {
	switch t.compares {
	case asText:
		return w, true
	case asPattern:
		return wildcardUnescaper.Replace(w), !strings.ContainsAny(w, "*?")
	case asARN:
		text := wildcardUnescaper.Replace(w)
		_, n := arn.Split(text)
		return text, !strings.ContainsAny(w, "*?") && strings.HasPrefix(text, "arn:") && n > arn.Resource
	}
	return "", false
}

// comparesTexts reports whether the test compares texts with patterns of a walk.
func (t *valueTest) comparesTexts() bool {
	return t.compares == asText || t.compares == asPattern || t.compares == asARN
}

// atoms returns a value of the test as the atoms of a pattern. It returns false if no text is equal
// to the value.
func (t *valueTest) atoms(w string) (atoms []atom, ok bool) {
	switch t.compares {
	case asText:
		for _, r := range w {
			atoms = append(atoms, atom{kind: literal, char: r})
		}
		return atoms, true
	case asARN:
		fields, n := arn.Split(w)
		if n < len(fields) || !matches(fields[0], "arn") {
			return nil, false
		}
		fields[0] = "arn"
		w = fields.String()
	}
	colons := 0
	for _, a := range (&pattern{text: w, action: true}).scan(false) {
		switch {
		case a.kind == literal && a.char == ':':
			colons++
		case a.kind == literal && a.char == literalStar:
			a.char = '*'
		case a.kind == literal && a.char == literalQuestion:
			a.char = '?'
		case a.kind != literal && t.compares == asARN:
			a.crosses = colons >= arn.Resource
		}
		atoms = append(atoms, a)
	}
	return atoms, true
}

// patterns returns the fixed values of the test as patterns.
func (t *valueTest) patterns() (list []*pattern) {
	for _, w := range t.fixed {
		if atoms, ok := t.atoms(w); ok {
			p := &pattern{text: w}
			p.setAtoms(atoms)
			list = append(list, p)
		}
	}
	return list
}

// language returns the texts that are equal to a value of the test. It returns false if the test
// does not compare texts.
func (t *valueTest) language(w string) (l language, ok bool) {
	if !t.comparesTexts() {
		return l, false
	}
	atoms, ok := t.atoms(w)
	if !ok {
		return noText, true
	}
	p := pattern{text: w}
	p.setAtoms(atoms)
	l = language{text: w, prefix: p.prefix}
	for _, a := range atoms {
		n := needAtom{kind: a.kind, char: a.char}
		if a.kind != literal && !a.crosses {
			n.legal = func(r rune) bool { return r != ':' }
		}
		l.atoms = append(l.atoms, n)
	}
	return l, true
}

// noText is a language without a text: its only atom matches no character.
var noText = language{atoms: []needAtom{{kind: anyOne, legal: func(rune) bool { return false }}}}

// anyText returns the language of all texts.
func anyText() language {
	return language{text: "*", atoms: []needAtom{{kind: anyRun}}}
}

// anARN matches each text that an operator for ARNs compares.
var anARN = (&valueTest{operator: operator{compares: asARN}, fixed: []string{anyARN}}).patterns()

// maxTexts is the number of texts of all tests up to which a walk compares them.
const maxTexts = 512

// noText reports whether certainly no text of the language meets the tests. It ignores tests that
// do not compare texts, and so considers more texts than there are.
func (p *implication) noText(l language, k *keyTests) bool {
	// The walk compares each pattern with each other one when it collects them.
	values := k.values()
	if values > maxTexts || !p.spend(4*k.work()+values*values/bytesOfStep) {
		return false
	}
	var clauses []clause
	for i := range k.must {
		t := &k.must[i]
		switch {
		case !t.comparesTexts() || !t.negated && t.open != nil:
		case !t.negated:
			clauses = append(clauses, clause{statements: []extent{{patterns: t.patterns()}}})
		default:
			clauses = append(clauses, clause{none: true, statements: []extent{{patterns: t.patterns()}}})
			if t.compares == asARN && len(t.fixed) > 0 {
				clauses = append(clauses, clause{statements: []extent{{patterns: anARN}}})
			}
		}
	}
	for i := range k.mustNot {
		t := &k.mustNot[i]
		switch {
		case !t.comparesTexts() || t.negated && t.open != nil:
		case !t.negated:
			clauses = append(clauses, clause{none: true, statements: []extent{{patterns: t.patterns()}}})
		default:
			equal := clause{statements: []extent{{patterns: t.patterns()}}}
			if t.compares == asARN && len(t.fixed) > 0 {
				equal.statements = append(equal.statements, extent{patterns: anARN, not: true})
			}
			clauses = append(clauses, equal)
		}
	}
	if len(clauses) == 0 {
		return false
	}
	steps := min(p.left, stepsOfProof)
	p.walk.steps, p.walk.bytes, p.walk.spent = steps, budgetBytes/8, false
	text, found := p.walk.shortest(&l, clauses)
	p.left -= steps - p.walk.steps
	if found {
		p.addWitness(text)
	}
	return !found && !p.walk.spent && p.walk.ctx.Err() == nil
}

// noRepresentative reports whether certainly no value meets the tests of one of the kinds of
// comparison that have representatives. It ignores the tests of other kinds, and so considers more
// values than there are.
func (p *implication) noRepresentative(k *keyTests) bool {
	for _, kind := range []comparison{asFoldedText, asBool, asBinary, asAddress, asNumber, asDate} {
		values, valid := k.valuesOf(kind)
		if len(values) == 0 {
			continue
		}
		total := kind == asFoldedText || kind == asBool // each value is comparable
		if !total && !valid {
			continue
		}
		steps := 2 * len(values) * k.work()
		if kind == asNumber || kind == asDate {
			steps = 16*k.work() + len(values)*len(values)/bytesOfStep // values are parsed once
		}
		if !p.spend(steps) {
			continue
		}
		witness, found := k.meetingOfKind(kind, values)
		if !found {
			return true
		}
		if witness != "" {
			p.addWitness(witness)
		}
	}
	return false
}

// meetingOfKind finds a value that may meet the tests of a kind. values are the values of these
// tests. The value is empty if it is a number or date between these values.
func (k *keyTests) meetingOfKind(kind comparison, values []string) (value string, found bool) {
	switch kind {
	case asNumber:
		return meetingPosition(k, kind, values, decimal, compareNumbers)
	case asDate:
		return meetingPosition(k, kind, values, moment, compareDates)
	case asFoldedText:
		// The last representative is equal to no value, because it is longer.
		values = append(values, strings.Repeat("x", 1+longest(values)))
	case asBool:
		values = []string{"true", "false"}
	case asBinary:
		values = k.requiredValues(kind)
	case asAddress:
		values = representativeAddresses(values)
	}
	at := slices.IndexFunc(values, func(v string) bool { return k.mayMeet(v, &kind, nil) })
	if at < 0 {
		return "", false
	}
	return values[at], true
}

func longest(texts []string) (n int) {
	for _, t := range texts {
		n = max(n, len(t))
	}
	return n
}

// valuesOf returns the fixed values of the tests of a kind. valid is true if only values of the
// kind's type can meet the tests.
func (k *keyTests) valuesOf(kind comparison) (values []string, valid bool) {
	for _, list := range [][]valueTest{k.must, k.mustNot} {
		for i := range list {
			if list[i].compares == kind {
				values = append(values, list[i].fixed...)
			}
		}
	}
	return values, slices.ContainsFunc(k.must, func(t valueTest) bool {
		return t.compares == kind && t.open == nil && (!t.negated || len(t.fixed) > 0)
	})
}

// requiredValues returns the values of the first positive test of must of a kind.
func (k *keyTests) requiredValues(kind comparison) []string {
	for i := range k.must {
		if t := &k.must[i]; t.compares == kind && !t.negated {
			return t.fixed
		}
	}
	return nil
}

// representativeAddresses returns addresses such that each address is in the same ranges as one of
// them: the first address of each range, and the first address behind it.
func representativeAddresses(ranges []string) (list []string) {
	list = []string{"0.0.0.0", "::"}
	add := func(a netip.Addr) {
		if a.IsValid() && a.Zone() == "" {
			list = append(list, a.String())
		}
	}
	for _, text := range ranges {
		if a, err := netip.ParseAddr(text); err == nil {
			add(a)
			add(a.Next())
			continue
		}
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		prefix = prefix.Masked()
		add(prefix.Addr())
		add(lastAddress(prefix).Next())
	}
	return list
}

// lastAddress returns the last address of a range.
func lastAddress(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < 8*len(bytes); bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

// meetingPosition finds a number or date that meets the tests of a kind. The values of the tests
// divide the line into points and gaps, and the tests do not distinguish the values in a gap. It
// does not know that a gap may be empty.
func meetingPosition[T any](k *keyTests, kind comparison, values []string,
	parse func(string) (T, bool), compare func(a, b T) int) (value string, found bool) {
	type point struct {
		value T
		text  string
	}
	var points []point
	for _, text := range values {
		if v, ok := parse(text); ok {
			points = append(points, point{v, text})
		}
	}
	byValue := func(a, b point) int { return compare(a.value, b.value) }
	slices.SortFunc(points, byValue)
	points = slices.CompactFunc(points, func(a, b point) bool { return byValue(a, b) == 0 })
	// Position 2i+1 is point i, and position 2i is the gap in front of it. at are the positions of the
	// values of a test.
	type positionTest struct {
		*valueTest
		at      []int
		invalid bool
	}
	tests := func(list []valueTest) (tests []positionTest) {
		for i := range list {
			if list[i].compares != kind {
				continue
			}
			t := positionTest{valueTest: &list[i]}
			for _, text := range t.fixed {
				v, ok := parse(text)
				if !ok {
					t.invalid = true
					continue
				}
				at, _ := slices.BinarySearchFunc(points, point{value: v}, byValue)
				t.at = append(t.at, 2*at+1)
			}
			tests = append(tests, t)
		}
		return tests
	}
	meets := func(t positionTest, position int) bool {
		equal := slices.ContainsFunc(t.at, func(at int) bool { return t.order(position - at) })
		if t.negated {
			return !equal && !t.invalid
		}
		return equal
	}
	must, mustNot := tests(k.must), tests(k.mustNot)
	for position := range 2*len(points) + 1 {
		met := func(t positionTest) bool { return meets(t, position) }
		unmet := func(t positionTest) bool { return !met(t) }
		possible := !slices.ContainsFunc(must, unmet) && !slices.ContainsFunc(mustNot, met)
		switch {
		case possible && position%2 == 1:
			return points[position/2].text, true
		case possible:
			found = true // a point is a better witness
		}
	}
	return "", found
}
