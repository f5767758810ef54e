package textfmt

import (
	"slices"
	"strings"
)

// EditDistance returns the edit distance of two texts in bytes: the least number of insertions,
// deletions and changes that make one text of the other.
func EditDistance(a, b string) int { return EditDistances(a, b)[len(b)] }

// EditDistances returns the edit distances from a to each prefix of b, the empty one first.
func EditDistances(a, b string) []int {
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

// Nearest returns the texts of a list that a mistyped word can mean, the nearest ones first and at
// most three: those with the least edit distance, up to a third of the word, else those that begin
// or end with the word. It ignores case, and reads _ as -. Texts at one distance are sorted.
func Nearest(word string, list []string) (found []string) {
	plain := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }
	word = plain(word)
	if word == "" || len(word) > maxWord {
		return nil
	}
	least := max(1, len(word)/3)
	for _, s := range slices.Sorted(slices.Values(list)) {
		d := EditDistance(word, plain(s))
		if d == 2 && sameLetters(word, plain(s)) {
			d = 1 // two letters are swapped
		}
		switch {
		case d > least || d >= len(s):
		case d < least:
			found, least = []string{s}, d
		default:
			found = AppendNew(found, s)
		}
	}
	if found == nil && len(word) > 2 {
		for _, s := range slices.Sorted(slices.Values(list)) {
			if p := plain(s); strings.HasPrefix(p, word) || strings.HasSuffix(p, "-"+word) {
				found = AppendNew(found, s)
			}
		}
	}
	return found[:min(len(found), 3)]
}

// sameLetters reports whether two texts have the same bytes, in any order.
func sameLetters(a, b string) bool {
	x, y := []byte(a), []byte(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// DidYouMean returns the end of an error about a mistyped word, such as ": did you mean audit?". It
// is empty if no text of the list is near. prefix is put before each text, such as --.
func DidYouMean(word, prefix string, list []string) string {
	near := Nearest(word, list)
	if near == nil {
		return ""
	}
	for i, s := range near {
		near[i] = prefix + s
	}
	return ": did you mean " + Or(near) + "?"
}

// maxWord is the number of bytes of a word for which Nearest searches.
const maxWord = 100
