package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// page collects lines of text. Labels form the first column, and the text of a field is wrapped in
// the second column. On a narrow page a label has a line of its own.
type page struct {
	b    strings.Builder
	view textfmt.View
	// releases is the number of Remotion releases that the account is judged by.
	releases int
	// fixes and targets are those of the report, fixSettings the flags of the commands for fixes.
	fixes       []remedy.Fix
	targets     []audit.TargetReport
	fixSettings []string
}

const (
	labelWidth = 14 // the longest label, "Next reminder", and a blank
	// narrowWidth is the width below which a label has a line of its own.
	narrowWidth = 60
)

func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// field writes a label and a text.
func (p *page) field(indent, label, format string, args ...any) {
	p.entry(indent, label, entry{text: fmt.Sprintf(format, args...)})
}

// An entry is the text of a field that starts with a word in a tone, or whose further lines hang.
type entry struct {
	tone textfmt.Tone
	word string // in the tone, before the text; empty for none
	text string
	hang string // the indentation of further lines
}

// entry writes a label and a text. The tone does not change the text.
func (p *page) entry(indent, label string, e entry) {
	column := strings.Repeat(" ", labelWidth)
	if p.narrow() {
		if label != "" {
			p.line("%s%s", indent, p.view.Painted(textfmt.Faint, label))
		}
		column, label = "  ", ""
	}
	text := e.text
	if e.word != "" {
		text = e.word + " " + e.text
	}
	width := p.view.Columns() - len(indent) - len(column)
	for i, l := range wrapHanging(text, width, e.hang) {
		start := column
		if i == 0 && label != "" {
			start = p.view.Painted(textfmt.Faint, label) + strings.Repeat(" ",
				max(1, labelWidth-len(label)))
		}
		if i == 0 && strings.HasPrefix(l, e.word) {
			l = p.view.Painted(e.tone, e.word) + l[len(e.word):]
		}
		p.line("%s%s%s", indent, start, l)
	}
}

// wrapHanging wraps a text, and indents its lines after the first.
func wrapHanging(text string, width int, hang string) []string {
	lines := textfmt.Wrap(text, width)
	if hang == "" || len(lines) == 1 {
		return lines
	}
	rest := strings.TrimPrefix(strings.Join(strings.Fields(text), " "), lines[0])
	lines = lines[:1]
	for _, l := range textfmt.Wrap(rest, width-len(hang)) {
		lines = append(lines, hang+l)
	}
	return lines
}

func (p *page) narrow() bool { return p.view.Columns() < narrowWidth }

// command writes a label and a text that is copied, so it stays on one line.
func (p *page) command(indent, label, text string) {
	switch {
	case p.narrow() && label != "":
		p.line("%s%s", indent, p.view.Painted(textfmt.Faint, label))
		fallthrough
	case p.narrow():
		p.line("%s  %s", indent, text)
	case label == "":
		p.line("%s%*s%s", indent, labelWidth, "", text)
	default:
		p.line("%s%s%s%s", indent, p.view.Painted(textfmt.Faint, label),
			strings.Repeat(" ", max(1, labelWidth-len(label))), text)
	}
}

// paragraph writes a wrapped text without a label.
func (p *page) paragraph(indent, text string) {
	for _, l := range textfmt.Wrap(text, p.view.Columns()-len(indent)) {
		p.line("%s%s", indent, l)
	}
}

// title writes a heading: a word in a tone, and what it is about.
func (p *page) title(indent string, tone textfmt.Tone, word, text string) {
	if text == "" {
		p.line("%s%s", indent, p.view.Painted(tone, word))
		return
	}
	for i, l := range textfmt.Wrap(text, p.view.Columns()-len(indent)-len(word)-2) {
		start := p.view.Painted(tone, word)
		if i > 0 {
			start = strings.Repeat(" ", len(word))
		}
		p.line("%s%s  %s", indent, start, p.view.Painted(textfmt.Strong, l))
	}
}

// section writes the heading of a part of the text, after an empty line.
func (p *page) section(word, text string) {
	p.line("")
	p.title("", textfmt.Strong, word, text)
}

// diff writes the lines of a diff.
func (p *page) diff(indent string, lines []string) {
	for _, l := range lines {
		p.line("%s%s", indent, p.view.Painted(diffTone(l), textfmt.OneLine(l)))
	}
}

// diffTone returns the tone of a line of a diff. A line of carets belongs to the removed line above
// it.
func diffTone(line string) textfmt.Tone {
	switch {
	case strings.HasPrefix(line, "+"):
		return textfmt.Added
	case strings.HasPrefix(line, "-"), line != "" && strings.Trim(line, " ^") == "":
		return textfmt.Removed
	case strings.HasPrefix(line, "..."):
		return textfmt.Faint
	}
	return textfmt.Plain
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}
