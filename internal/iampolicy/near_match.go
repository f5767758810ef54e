package iampolicy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A NearMatch says how a granted resource pattern misses a needed resource.
type NearMatch struct {
	Kind NearMatchKind `json:"kind"`
	// Pattern is the granted pattern.
	Pattern string `json:"pattern"`
	// At is the position of the first character of Pattern that differs, counted from 1. It is zero
	// for kinds other than Typo and WrongCase.
	At int `json:"at,omitempty"`
	// Got and Want are the parts of the pattern and of the needed resource that differ.
	Got  string `json:"got,omitempty"`
	Want string `json:"want,omitempty"`

	noResource bool // the action takes no resource
}

// NearMatchKind says how the pattern misses the needed resource.
type NearMatchKind string

const (
	// WrongPartition means that the partition of the ARN differs.
	WrongPartition NearMatchKind = "wrong partition"
	// WrongService means that the service of the ARN differs.
	WrongService NearMatchKind = "wrong service"
	// WrongRegion means that the region of the ARN differs.
	WrongRegion NearMatchKind = "wrong region"
	// WrongAccount means that the account of the ARN differs.
	WrongAccount NearMatchKind = "wrong account"
	// WrongCase means that only upper and lower case differ, which matters in a resource.
	WrongCase NearMatchKind = "wrong case"
	// Typo means that one or two characters differ.
	Typo NearMatchKind = "typo"
	// NotObjects means that the pattern matches a bucket but not its objects.
	NotObjects NearMatchKind = "bucket without its objects"
	// NotBucket means that the pattern matches the objects of a bucket but not the bucket.
	NotBucket NearMatchKind = "objects without their bucket"
	// NotStreams means that the pattern matches a log group but not its streams.
	NotStreams NearMatchKind = "log group without its streams"
	// NotARN means that the request names no resource, so only "*" matches it.
	NotARN NearMatchKind = "not every resource"
	// FewFields means that the pattern has fewer than the six fields of an ARN.
	FewFields NearMatchKind = "fewer fields than an ARN has"
	// Narrower means that the pattern matches only other resources, and that no other kind applies.
	Narrower NearMatchKind = "narrower"
)

// String describes the difference: "typo at character 25 (has remotionlamda-, needs
// remotionlambda-)".
func (m NearMatch) String() string {
	switch m.Kind {
	case Typo, WrongCase:
		return fmt.Sprintf("%s at character %d (has %s, needs %s)", m.Kind, m.At, m.Got, m.Want)
	case WrongPartition, WrongService, WrongRegion, WrongAccount:
		return fmt.Sprintf("%s (has %s, needs %s)", m.Kind, shownField(m.Got), shownField(m.Want))
	case NotObjects:
		return "it matches the bucket, but not its objects: add /* (" + textfmt.Head(m.Pattern, 200) +
			"/*)"
	case NotBucket:
		return "it matches the objects, but not the bucket: add the bucket's own ARN, " +
			textfmt.Head(strings.TrimSuffix(m.Pattern, "/*"), 200)
	case NotStreams:
		return "it matches the log group, but not its streams: add :* (" +
			textfmt.Head(m.Pattern, 200) + ":*)"
	case NotARN:
		if m.noResource {
			return "the action takes no resource: use *"
		}
		return `the action needs the resource "*"`
	}
	return string(m.Kind)
}

// shownField returns a field of an ARN for a text.
func shownField(s string) string {
	if s == "" {
		return `""`
	}
	return textfmt.Head(s, 200)
}

// nearest finds the resource pattern that is closest to the needed pattern. It returns the index of
// the pattern's statement in near, and how the pattern misses the example.
func nearest(near []Match, need, example string) (at int, miss NearMatch) {
	// A document may contain hundreds of patterns, and the time to compute a distance is proportional
	// to the product of the two lengths.
	const maxBytes = 96
	best := -1
	for i, m := range near {
		for _, p := range m.Resource {
			d := textfmt.EditDistance(p[:min(len(p), maxBytes)], need[:min(len(need), maxBytes)])
			if best < 0 || d < best {
				at, best = i, d
				miss = nearMatchOf(p, need, example)
			}
		}
	}
	return at, miss
}

// NearMatchOf returns how a resource pattern misses a needed resource. need is the needed pattern
// and example one of its resources, which the pattern does not match.
func NearMatchOf(pattern, need, example string) NearMatch {
	return nearMatchOf(pattern, need, example)
}

// Corrected returns the pattern with the differing part replaced, and reports whether the kind has
// such a part.
func (m NearMatch) Corrected() (string, bool) {
	switch m.Kind {
	case Typo, WrongCase:
		common := 0
		for common < len(m.Got) && common < len(m.Want) && m.Got[common] == m.Want[common] {
			common++
		}
		start := m.At - 1 - common
		if start < 0 || !strings.HasPrefix(m.Pattern[min(start, len(m.Pattern)):], m.Got) {
			return "", false
		}
		return m.Pattern[:start] + m.Want + m.Pattern[start+len(m.Got):], true
	case WrongPartition, WrongService, WrongRegion, WrongAccount:
		fields, n := arn.Split(m.Pattern)
		if n < len(fields) {
			return "", false
		}
		fields[1+slices.Index(fieldMiss[:], m.Kind)] = m.Want
		return fields.String(), true
	case NotObjects:
		return m.Pattern + "/*", true
	case NotStreams:
		return m.Pattern + ":*", true
	case NotBucket:
		return strings.TrimSuffix(m.Pattern, "/*"), true
	}
	return "", false
}

// nearMatchOf returns how a pattern misses the example of a need.
func nearMatchOf(pattern, need, example string) NearMatch {
	m := NearMatch{Kind: Narrower, Pattern: pattern}
	if example == "*" {
		m.Kind = NotARN
		return m
	}
	if pattern != need && strings.EqualFold(pattern, need) {
		m.setDifference(WrongCase, pattern, need, 0)
		return m
	}
	got, gotFields := arn.Split(pattern)
	want, wantFields := arn.Split(example)
	if gotFields < len(got) || wantFields < len(want) {
		if !strings.Contains(strings.TrimRight(pattern, "*"), "*") {
			// With another '*', that '*' could match the missing fields.
			m.Kind = FewFields
		}
		return m
	}
	for i, kind := range fieldMiss {
		if p := compileAction(got[i+1]); !p.match(strings.ToLower(want[i+1])) {
			if kind == WrongAccount && otherResource(got, want[arn.Account], need, example) {
				return m
			}
			m.Kind, m.Got, m.Want = kind, got[i+1], want[i+1]
			return m
		}
	}
	if matchesResource(pattern+"/*", example) {
		m.Kind = NotObjects
		return m
	}
	if want[arn.Service] == "logs" && matchesResource(pattern+":*", example) {
		m.Kind = NotStreams
		return m
	}
	if bucket, ok := strings.CutSuffix(pattern, "/*"); ok && matchesResource(bucket, example) {
		m.Kind = NotBucket
		return m
	}
	if needed, n := arn.Split(need); n == len(needed) {
		head := len(pattern) - len(got[arn.Resource])
		m.detectTypo(got[arn.Resource], needed[arn.Resource], head)
	}
	return m
}

// otherResource reports whether a pattern is about another resource of another account, such as a
// layer that Remotion publishes. With the account of the example it would not match either, and is
// no near match.
func otherResource(got arn.Fields, account, need, example string) bool {
	if len(got[arn.Account]) != 12 || strings.Trim(got[arn.Account], "0123456789") != "" {
		return false
	}
	got[arn.Account] = account
	return !matchesResource(got.String(), example) &&
		nearMatchOf(got.String(), need, example).Kind == Narrower
}

// fieldMiss are the kinds for the second to fifth field of an ARN.
var fieldMiss = [...]NearMatchKind{WrongPartition, WrongService, WrongRegion, WrongAccount}

func matchesResource(pattern, resource string) bool {
	p := compileResource(pattern, false)
	return p.match(resource)
}

// detectTypo compares the literal prefixes of two resources, and sets Typo or WrongCase if they
// differ in few characters. It changes nothing if one is a prefix of the other, or if the two have
// little in common.
func (m *NearMatch) detectTypo(got, want string, head int) {
	got, want = first256(literalPart(got)), first256(literalPart(want))
	if len(got) < 5 || len(want) < 5 || strings.HasPrefix(got, want) || strings.HasPrefix(want, got) {
		return
	}
	// want may be longer than got, so the closest prefix of want counts.
	row := textfmt.EditDistances(got, want)
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
		m.setDifference(WrongCase, got, want[:cut], head)
		return
	}
	m.setDifference(Typo, got, want[:cut], head)
}

// setDifference sets the kind, both texts, and the position of the first character in which the
// texts differ. head is the number of ASCII bytes before the texts.
func (m *NearMatch) setDifference(kind NearMatchKind, got, want string, head int) {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	m.Kind, m.At, m.Got, m.Want = kind, head+i+1, got, want
}

// literalPart returns the text before the first wildcard or variable.
func literalPart(s string) string {
	if i := strings.IndexAny(s, "*?$"); i >= 0 {
		return s[:i]
	}
	return s
}

// first256 limits the cost of a comparison to the first 256 bytes.
func first256(s string) string { return s[:min(len(s), 256)] }
