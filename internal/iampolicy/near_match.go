package iampolicy

import (
	"fmt"
	"strings"
)

// A Miss says how a granted resource pattern misses a resource that is needed.
type NearMatch struct {
	Kind NearMatchKind
	// Pattern is the granted one.
	Pattern string
	// At is the character of Pattern, counted from 1, from which on it differs; zero when that says
	// nothing.
	At int
	// Got and Want are the parts that differ, of the pattern and of what is needed.
	Got, Want string
}

// NearMatchKind is what kind of mistake it is.
type NearMatchKind string

const (
	// WrongPartition, WrongService, WrongRegion and WrongAccount: that field of the ARN is another.
	WrongPartition NearMatchKind = "wrong partition"
	WrongService   NearMatchKind = "wrong service"
	WrongRegion    NearMatchKind = "wrong region"
	WrongAccount   NearMatchKind = "wrong account"
	// WrongCase: the same, but for upper and lower case, which counts in a resource.
	WrongCase NearMatchKind = "wrong case"
	// Typo: one or two characters differ.
	Typo NearMatchKind = "typo"
	// NotObjects: it covers a bucket, and not what is in it.
	NotObjects NearMatchKind = "bucket without its objects"
	// NotBucket: it covers what is in a bucket, and not the bucket.
	NotBucket NearMatchKind = "objects without their bucket"
	// NotARN: the request names no resource, and only "*" grants that.
	NotARN NearMatchKind = "not every resource"
	// FewFields: it lacks a field of an ARN, or is none.
	FewFields NearMatchKind = "fewer fields than an ARN has"
	// Narrower: it covers other resources.
	Narrower NearMatchKind = "narrower"
)

// String says it in a few words: "typo at character 25 (remotionlamda- for remotionlambda-)".
func (m NearMatch) String() string {
	switch m.Kind {
	case Typo, WrongCase:
		return fmt.Sprintf("%s at character %d (%s for %s)", m.Kind, m.At, m.Got, m.Want)
	case WrongPartition, WrongService, WrongRegion, WrongAccount:
		return fmt.Sprintf("%s (%s for %s)", m.Kind, quoteEmpty(m.Got), quoteEmpty(m.Want))
	}
	return string(m.Kind)
}

func quoteEmpty(s string) string {
	if s == "" {
		return `""`
	}
	return s
}

// nearest finds the resource pattern of the statements that comes closest to what is needed, and
// says how it misses the example. It returns the statement's place in the list.
func nearest(near []Match, need, example string) (at int, miss NearMatch) {
	// A document may have hundreds of patterns, and a distance takes the product of the lengths.
	const enough = 96
	best := -1
	for i, m := range near {
		for _, p := range m.Resource {
			if d := distance(p[:min(len(p), enough)], need[:min(len(need), enough)]); best < 0 || d < best {
				at, best = i, d
				miss = nearMatchOf(p, need, example)
			}
		}
	}
	return at, miss
}

// nearMatchOf says how a pattern misses the example of a need.
func nearMatchOf(pattern, need, example string) NearMatch {
	m := NearMatch{Kind: Narrower, Pattern: pattern}
	if example == "*" {
		m.Kind = NotARN
		return m
	}
	if pattern != need && strings.EqualFold(pattern, need) {
		m.differ(WrongCase, pattern, need, 0)
		return m
	}
	got, want := strings.SplitN(pattern, ":", resourceField+1),
		strings.SplitN(example, ":", resourceField+1)
	if len(got) <= resourceField || len(want) <= resourceField {
		if !strings.Contains(strings.TrimRight(pattern, "*"), "*") { // which might run on
			m.Kind = FewFields
		}
		return m
	}
	for i, kind := range fieldMiss {
		if p := compileAction(got[i+1]); !p.match(strings.ToLower(want[i+1])) {
			m.Kind, m.Got, m.Want = kind, got[i+1], want[i+1]
			return m
		}
	}
	if matchesResource(pattern+"/*", example) {
		m.Kind = NotObjects
		return m
	}
	if bucket, ok := strings.CutSuffix(pattern, "/*"); ok && matchesResource(bucket, example) {
		m.Kind = NotBucket
		return m
	}
	if needed := strings.SplitN(need, ":", resourceField+1); len(needed) > resourceField {
		head := len(pattern) - len(got[resourceField])
		m.typo(got[resourceField], needed[resourceField], head)
	}
	return m
}

// fieldMiss are the kinds of miss for the fields of an ARN from the second on.
var fieldMiss = [...]NearMatchKind{WrongPartition, WrongService, WrongRegion, WrongAccount}

func matchesResource(pattern, arn string) bool {
	p := compileResource(pattern, false)
	return p.match(arn)
}

// typo compares the literal beginnings of two resources. One that is the beginning of the other is
// no typo, and neither are two that have little in common.
func (m *NearMatch) typo(got, want string, head int) {
	got, want = clip256(literalPart(got)), clip256(literalPart(want))
	if len(got) < 5 || len(want) < 5 || strings.HasPrefix(got, want) || strings.HasPrefix(want, got) {
		return
	}
	// want may go on where got ends: the best of its beginnings counts.
	row := distances(got, want)
	cut, least := 0, row[0]
	for i, d := range row {
		if d <= least {
			cut, least = i, d
		}
	}
	if least == 0 || least > 2 || 4*least > len(got) {
		if least = row[len(row)-1]; least > 2 {
			return
		}
		cut = len(want)
	}
	if strings.EqualFold(got, want[:cut]) {
		m.differ(WrongCase, got, want[:cut], head)
		return
	}
	m.differ(Typo, got, want[:cut], head)
}

// differ notes the first character, behind head bytes of ASCII, in which the two differ.
func (m *NearMatch) differ(kind NearMatchKind, got, want string, head int) {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	m.Kind, m.At, m.Got, m.Want = kind, head+i+1, got, want
}

// literalPart is the text before the first wildcard or variable.
func literalPart(s string) string {
	if i := strings.IndexAny(s, "*?$"); i >= 0 {
		return s[:i]
	}
	return s
}

// clip256 keeps comparisons short: beyond that, texts are told apart by what comes first.
func clip256(s string) string { return s[:min(len(s), 256)] }

// distance is how many characters have to be put in, left out or changed to make b of a.
func distance(a, b string) int {
	row := distances(a, b)
	return row[len(b)]
}

// distances are those from a to each beginning of b.
func distances(a, b string) []int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row
}
