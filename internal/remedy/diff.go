package remedy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A DiffLine is one line of a diff, without a line break.
type DiffLine struct {
	// Op is ' ' for a line of both texts, '-' for a removed line and '+' for an added line. It is '^'
	// for a line that follows a removed line and marks what is wrong in it: Text then has blanks, and
	// '^' below each wrong character.
	Op   byte
	Text string
}

// String returns the line with its mark in the first column. A line of carets has a blank there.
func (l DiffLine) String() string {
	op := l.Op
	if op == '^' {
		op = ' '
	}
	return string(op) + l.Text
}

// A Hunk is a part of a diff: changed lines, with lines around them that did not change.
type Hunk struct {
	// Old and New are the numbers of the first line in both texts, from 1.
	Old, New int
	// Statement is the position of the statement with the first change, from 1: in the old document
	// if a line of it is removed, else in the new document. It is 0 outside of statements. Sid may
	// be empty.
	Statement int
	Sid       string
	Lines     []DiffLine
}

// Context is the number of unchanged lines around a change in Diff.
const Context = 2

// Diff returns the changed lines of the edit for people, with up to Context lines around them, and
// with carets below typos. A line "..." stands for omitted lines between two parts. The lines can
// be printed: they contain no control characters. Diff returns nil if nothing changed.
func (e Edit) Diff() []DiffLine {
	var lines []DiffLine
	for i, h := range e.Hunks(Context) {
		if i > 0 {
			lines = append(lines, DiffLine{' ', "..."})
		}
		lines = append(lines, h.Lines...)
	}
	return lines
}

// Hunks returns the parts of Diff, with up to context lines around each change. A comma at the end
// of a line is no change, because it depends on the next line only.
func (e Edit) Hunks(context int) []Hunk {
	var before string
	if e.Before != nil {
		before = e.Before.Text()
	}
	old, after := splitLines(before), splitLines(e.After.Text())
	hunks := group(compare(old, after, sameButComma), context)
	oldStatements, newStatements := statementsOfLines(old), statementsOfLines(after)
	out := make([]Hunk, len(hunks))
	for i, steps := range hunks {
		h := Hunk{Old: steps[0].old + 1, New: steps[0].new + 1}
		found := false
		for _, s := range steps {
			statement, doc, text := 0, e.After, ""
			if s.op == '-' {
				statement, doc, text = oldStatements[s.old], e.Before, old[s.old]
			} else {
				statement, text = newStatements[s.new], after[s.new]
			}
			h.Lines = append(h.Lines, DiffLine{s.op, textfmt.OneLine(text)})
			if s.op == ' ' {
				continue
			}
			if s.op == '-' {
				if marks := e.carets(text, statement); marks != "" {
					h.Lines = append(h.Lines, DiffLine{'^', marks})
				}
			}
			if !found {
				found = true
				h.Statement, h.Sid = statement, sidOf(doc, statement)
			}
		}
		out[i] = h
	}
	return out
}

// Unified returns the exact difference of two texts that consist of lines, with up to context lines
// around each change. It has no carets, and no statements. Its lines are those of the texts.
func Unified(before, after string, context int) []Hunk {
	old, after2 := splitLines(before), splitLines(after)
	hunks := group(compare(old, after2, func(a, b string) bool { return a == b }), context)
	out := make([]Hunk, len(hunks))
	for i, steps := range hunks {
		out[i] = Hunk{Old: steps[0].old + 1, New: steps[0].new + 1}
		for _, s := range steps {
			text := ""
			if s.op == '-' {
				text = old[s.old]
			} else {
				text = after2[s.new]
			}
			out[i].Lines = append(out[i].Lines, DiffLine{s.op, text})
		}
	}
	return out
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func sameButComma(a, b string) bool {
	return strings.TrimSuffix(a, ",") == strings.TrimSuffix(b, ",")
}

// statementsOfLines returns the position of the statement of each line of a document's text, from
// 1, and 0 for lines outside of statements.
func statementsOfLines(lines []string) []int {
	out := make([]int, len(lines))
	count, inside := 0, false
	for i, line := range lines {
		if line == "    {" {
			count, inside = count+1, true
		}
		if inside {
			out[i] = count
		}
		if sameButComma(line, "    }") {
			inside = false
		}
	}
	return out
}

func sidOf(d *iampolicy.Document, statement int) string {
	if d == nil || statement < 1 || statement > len(d.Statements) {
		return ""
	}
	return d.Statements[statement-1].Sid
}

// carets returns the marks below a removed line of a statement. They are empty if the line is not
// the text of a pattern that a change corrects.
func (e Edit) carets(line string, statement int) string {
	for _, c := range e.Changes {
		if c.Kind != CorrectAction && c.Kind != CorrectResource ||
			c.Statement != 0 && c.Statement != statement {
			continue
		}
		for i, old := range c.Old {
			quoted := textfmt.JSON(old)
			at := strings.LastIndex(line, quoted)
			if at < 0 {
				continue
			}
			from, width := 0, 0
			switch {
			case len(c.New) == len(c.Old):
				from, width = difference(unquoted(old), unquoted(c.New[i]))
			case c.Miss != nil && c.Miss.Pattern == old:
				from, width = missed(c.Miss)
			}
			if width == 0 {
				continue
			}
			column := utf8.RuneCountInString(line[:at]) + len(`"`) + from
			return strings.Repeat(" ", column) + strings.Repeat("^", width)
		}
	}
	return ""
}

// unquoted returns the text of a string in JSON.
func unquoted(s string) string {
	quoted := textfmt.JSON(s)
	return quoted[1 : len(quoted)-1]
}

// difference returns the part of a text that another text replaces, in characters: the text without
// the prefix and the suffix that both have. The part has at least one character, so that an
// insertion has a place, too. The width is 0 if both texts are the same.
func difference(old, replacement string) (from, width int) {
	a, b := []rune(old), []rune(replacement)
	if slices.Equal(a, b) {
		return 0, 0
	}
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	end, other := len(a), len(b)
	for end > from && other > from && a[end-1] == b[other-1] {
		end, other = end-1, other-1
	}
	return from, max(end-from, 1)
}

// missed returns the part of a pattern that a NearMatch is about, in characters. The width is 0 if
// the NearMatch is about the whole pattern.
func missed(m *iampolicy.NearMatch) (from, width int) {
	field := map[iampolicy.NearMatchKind]int{iampolicy.WrongPartition: 1,
		iampolicy.WrongService: 2, iampolicy.WrongRegion: 3, iampolicy.WrongAccount: 4}[m.Kind]
	switch {
	case m.At > 0:
		return m.At - 1, 1
	case field > 0:
		fields := strings.SplitN(m.Pattern, ":", field+2)
		if len(fields) < field+2 {
			return 0, 0
		}
		head := strings.Join(fields[:field], ":") + ":"
		return utf8.RuneCountInString(head), max(utf8.RuneCountInString(fields[field]), 1)
	case m.Kind == iampolicy.NotObjects || m.Kind == iampolicy.NotStreams:
		return utf8.RuneCountInString(unquoted(m.Pattern)), 1
	}
	return 0, 0
}

// A step is one line of a comparison. old and new are the positions of the next line in the two
// texts, from 0. They are those of the line itself if the text has it.
type step struct {
	op       byte
	old, new int
}

// maxDifferences bounds the work of a comparison and its memory: 4 MB. Texts with more differences
// count as completely different between their common first and last lines.
const maxDifferences = 1000

// compare returns the steps from one text to another with the fewest changed lines. In a changed
// part, the removed lines come first.
func compare(a, b []string, same func(a, b string) bool) []step {
	first := 0
	for first < len(a) && first < len(b) && same(a[first], b[first]) {
		first++
	}
	// The end is not cut off in the same way, because a new statement would then start after the
	// closing brace of the statement before it.
	endA, endB := len(a), len(b)
	pairs, ok := commonLines(a[first:], b[first:], same)
	for !ok && endA > first && endB > first && same(a[endA-1], b[endB-1]) {
		endA, endB = endA-1, endB-1
	}
	var steps []step
	i, j := 0, 0
	matchUntil := func(oldLine, newLine int) {
		for ; i < oldLine; i++ {
			steps = append(steps, step{'-', i, j})
		}
		for ; j < newLine; j++ {
			steps = append(steps, step{'+', i, j})
		}
	}
	match := func() {
		steps = append(steps, step{' ', i, j})
		i, j = i+1, j+1
	}
	for i < first {
		match()
	}
	for _, p := range pairs {
		matchUntil(first+p[0], first+p[1])
		match()
	}
	matchUntil(endA, endB)
	for i < len(a) {
		match()
	}
	slide(steps, a, b, same)
	return steps
}

// commonLines returns the positions of the lines of a longest common subsequence, or false for more
// than maxDifferences. It uses the algorithm of Myers: "An O(ND) Difference Algorithm and Its
// Variations", 1986.
func commonLines(a, b []string, same func(a, b string) bool) (pairs [][2]int, ok bool) {
	most := min(len(a)+len(b), maxDifferences)
	// reach[k+most+1] is the furthest line of a on the diagonal k, and trace its values before each
	// round: those of the diagonals -d to d.
	reach := make([]int32, 2*most+3)
	var trace [][]int32
	for d := 0; d <= most; d++ {
		trace = append(trace, slices.Clone(reach[most+1-d:most+2+d]))
		for k := -d; k <= d; k += 2 {
			var x int
			if k == -d || k != d && reach[k+most] < reach[k+most+2] {
				x = int(reach[k+most+2])
			} else {
				x = int(reach[k+most]) + 1
			}
			y := x - k
			for x < len(a) && y < len(b) && x >= 0 && y >= 0 && same(a[x], b[y]) {
				x, y = x+1, y+1
			}
			reach[k+most+1] = int32(x)
			if x >= len(a) && y >= len(b) {
				return backtrack(trace, len(a), len(b)), true
			}
		}
	}
	return nil, false
}

// backtrack returns the matched lines on the path that commonLines found.
func backtrack(trace [][]int32, x, y int) (pairs [][2]int) {
	for d := len(trace) - 1; d >= 0; d-- {
		// before returns the furthest line on a diagonal before round d.
		before := func(k int) int {
			if k < -d || k > d {
				return -1
			}
			return int(trace[d][k+d])
		}
		k := x - y
		previous := k - 1
		if k == -d || k != d && before(k-1) < before(k+1) {
			previous = k + 1
		}
		startX := 0
		startY := 0
		if d > 0 {
			startX = before(previous)
			startY = startX - previous
		}
		for x > startX && y > startY {
			x, y = x-1, y-1
			pairs = append(pairs, [2]int{x, y})
		}
		x, y = startX, startY
	}
	slices.Reverse(pairs)
	return pairs
}

// slide moves a part with only added or only removed lines so that it starts with the opening brace
// of a statement, if the same lines are changed then: a new statement is shown as a whole.
func slide(steps []step, a, b []string, same func(a, b string) bool) {
	text := func(s step) string {
		if s.op == '-' {
			return a[s.old]
		}
		return b[s.new]
	}
	for from := 0; from < len(steps); {
		op := steps[from].op
		end := from + 1
		for end < len(steps) && steps[end].op == op {
			end++
		}
		next := end
		alone := op != ' ' && (from == 0 || steps[from-1].op == ' ') &&
			(end == len(steps) || steps[end].op == ' ')
		for up := 0; alone && from-up >= 0; up++ {
			start := from - up
			if strings.TrimSpace(text(steps[start])) == "{" {
				moveUp(steps[start:end], up)
				break
			}
			if start == 0 || steps[start-1].op != ' ' ||
				!same(text(steps[start-1]), text(steps[end-1-up])) {
				break
			}
		}
		from = next
	}
}

// moveUp moves the changed lines of a part before the n unchanged lines that the part starts with.
func moveUp(part []step, n int) {
	if n == 0 {
		return
	}
	op, first, changed := part[n].op, part[0], len(part)-n
	for i := range part {
		s := step{op, first.old, first.new}
		moved := min(i, changed)
		kept := i - moved
		if i >= changed {
			s.op = ' '
		}
		s.old += kept
		s.new += kept
		if op == '-' {
			s.old += moved
		} else {
			s.new += moved
		}
		part[i] = s
	}
}

// group splits steps into hunks, with up to context unchanged lines around each change.
func group(steps []step, context int) [][]step {
	context = max(context, 0)
	var hunks [][]step
	from, last := -1, -1 // the first step of the hunk, and its last changed step
	for i, s := range steps {
		if s.op == ' ' {
			continue
		}
		if from >= 0 && i-last-1 > 2*context {
			hunks = append(hunks, steps[from:last+1+context])
			from = -1
		}
		if from < 0 {
			from = max(i-context, 0)
		}
		last = i
	}
	if from >= 0 {
		hunks = append(hunks, steps[from:min(last+1+context, len(steps))])
	}
	return hunks
}
