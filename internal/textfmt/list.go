package textfmt

import (
	"fmt"
	"slices"
	"strings"
)

// Plural returns a count with its noun: "1 gap", "2 gaps". The plural of the noun must end in s.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// All returns "all 3 findings", or for one "the only finding".
func All(n int, noun string) string {
	if n == 1 {
		return "the only " + noun
	}
	return "all " + Plural(n, noun)
}

// More returns how many elements a text leaves out: "and 3 more", or with a noun "and 3 more
// releases".
func More(n int, noun string) string {
	if noun == "" {
		return fmt.Sprintf("and %d more", n)
	}
	return "and " + Plural(n, "more "+noun)
}

// Some joins at most most elements with commas, and counts the others: "a, b and 3 more". It shows
// names, where the commas alone are enough: "a, b".
func Some(list []string, most int) string {
	if n := len(list); n > most {
		return strings.Join(list[:most], ", ") + " " + More(n-most, "")
	}
	return strings.Join(list, ", ")
}

// Enumerate joins a list as the end of a sentence: "a, b and c". A list of more than most elements
// ends in a count that takes the place of one element: "a, b and 3 more".
func Enumerate(list []string, most int) string {
	if len(list) > most {
		return Some(list, most-1)
	}
	return join(list, " and ")
}

// Or joins alternatives: "a, b or c".
func Or(list []string) string { return join(list, " or ") }

func join(list []string, last string) string {
	n := len(list)
	if n < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:n-1], ", ") + last + list[n-1]
}

// Shorten returns at most most elements and, in place of the others, More with the noun as a last
// element. It is for a list that the caller joins with another separator than Some.
func Shorten(list []string, most int, noun string) []string {
	if n := len(list); n > most {
		return append(list[:most:most], More(n-most, noun))
	}
	return list
}

// AppendNew appends a text to a list that does not contain it.
func AppendNew(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// Verb returns the form of a verb for n things: one for a single thing, else many.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
