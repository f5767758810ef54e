package mute

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Remove returns the text of a mutes file without the elements with the given numbers of Entries.
// It changes no other byte: comments above and below an element stay, and those within it go. The
// list must be in block style.
func Remove(text []byte, numbers []int, now time.Time) ([]byte, error) {
	before, fileErr := Entries(text, now)
	if fileErr != nil {
		return nil, fmt.Errorf("the mutes file has an error, correct it first: %w", fileErr)
	}
	list, _ := parseList(text)
	for _, n := range numbers {
		if n < 1 || n > len(before) {
			return nil, fmt.Errorf("the mutes file has no mute %d", n)
		}
	}
	byHand := errors.New("the layout of the mutes file is not that of a plain list: remove the mute " +
		"by hand")
	if list != nil && list.Style&yaml.FlowStyle != 0 {
		return nil, byHand
	}
	lines := bytes.SplitAfter(text, []byte("\n"))
	drop := make([]bool, len(lines))
	var want []Entry
	for i, e := range before {
		if !slices.Contains(numbers, e.Number) {
			want = append(want, e)
			continue
		}
		first, ok := dashLine(lines, list, i)
		end := len(lines)
		if i+1 < len(before) {
			next, found := dashLine(lines, list, i+1)
			end, ok = next, ok && found
		}
		if !ok {
			return nil, byHand
		}
		for end > first+1 && isOutside(lines[end-1], list.Column) {
			end--
		}
		for l := first; l < end; l++ {
			drop[l] = true
		}
	}
	var out []byte
	for i, line := range lines {
		if !drop[i] {
			out = append(out, line...)
		}
	}
	after, fileErr := Entries(out, now)
	if fileErr != nil || !slices.EqualFunc(after, want, sameEntry) {
		return nil, byHand
	}
	return out, nil
}

// dashLine returns the index of the line with the dash of an element. The dash can be above the
// first field.
func dashLine(lines [][]byte, list *yaml.Node, i int) (int, bool) {
	least := 0
	if i > 0 {
		least = list.Content[i-1].Line // counts from 1, so this is the line after its first field
	}
	indent := strings.Repeat(" ", max(0, list.Column-1)) + "-"
	for l := min(list.Content[i].Line, len(lines)) - 1; l >= least; l-- {
		if bytes.HasPrefix(lines[l], []byte(indent)) {
			return l, true
		}
	}
	return 0, false
}

// isOutside reports whether a line below the fields of an element does not belong to it: an empty
// line, a comment, or the end of a document. A comment that is indented more than the dash belongs
// to the element.
func isOutside(line []byte, dashColumn int) bool {
	text := strings.TrimRight(string(line), "\r\n\t ")
	plain := strings.TrimLeft(text, " ")
	switch {
	case plain == "", text == "---", text == "...":
		return true
	case strings.HasPrefix(plain, "#"):
		return len(text)-len(plain) < max(dashColumn, 1)
	}
	return false
}

// sameEntry reports whether two elements are equal except for their numbers and lines.
func sameEntry(a, b Entry) bool {
	return a.Mute.Equal(b.Mute) && slices.EqualFunc(a.Errors, b.Errors,
		func(x, y Error) bool { return x.Text == y.Text })
}
