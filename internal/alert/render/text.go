package render

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// text is the text of a mail. It has no columns and breaks no line, because a phone wraps the lines
// at any width. Each method cleans its texts, so that text from AWS cannot start a line.
type text struct{ b strings.Builder }

// line writes a line.
func (t *text) line(s string) {
	t.b.WriteString(strings.TrimRight(textfmt.OneLine(s), " ") + "\n")
}

// section writes an empty line and the title of a section.
func (t *text) section(title string) {
	if t.b.Len() > 0 {
		t.line("")
	}
	t.line(title)
}

// field writes a label and its text, or nothing without a text.
func (t *text) field(label, s string) {
	if s != "" {
		t.line(label + ": " + s)
	}
}

// indented writes lines that can be copied, such as a command.
func (t *text) indented(lines ...string) {
	for _, l := range lines {
		if l != "" {
			t.line("  " + l)
		}
	}
}

// command writes a label and a command, or nothing without a command. The command has a line of its
// own, so that a phone can copy the line.
func (t *text) command(label, command string) {
	if command != "" {
		t.line(label + ":")
		t.indented(command)
	}
}
