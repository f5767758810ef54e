package report

import (
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Blocks is a text that looks like a report, such as a derivation. Labels form the first column.
// Its methods clean every text: see the package comment.
type Blocks struct{ page *page }

// NewBlocks returns an empty text.
func NewBlocks(v textfmt.View) *Blocks { return &Blocks{&page{view: v}} }

// Field is a label and its text. If Command is true, Text is a command and is not wrapped.
type Field struct {
	Label, Text string
	Command     bool
}

// Line writes a line, which is not wrapped.
func (b *Blocks) Line(text string) { b.page.line("%s", textfmt.OneLine(text)) }

// Title writes a heading: a word in a tone, and what it is about.
func (b *Blocks) Title(tone textfmt.Tone, word, text string) {
	b.page.title("", tone, textfmt.OneLine(word), textfmt.OneLine(text))
}

// Section writes the heading of a part of the text, after an empty line.
func (b *Blocks) Section(word, text string) {
	b.page.section(textfmt.OneLine(word), textfmt.OneLine(text))
}

// Indent returns the blanks before the text of a field.
func (b *Blocks) Indent() string {
	if b.page.narrow() {
		return "    "
	}
	return strings.Repeat(" ", labelWidth+2)
}

// Columns returns the width of the text.
func (b *Blocks) Columns() int { return b.page.view.Columns() }

// Diff writes the lines of a diff below the text of a field.
func (b *Blocks) Diff(lines []string) { b.page.diff(b.Indent(), lines) }

// Fields writes fields.
func (b *Blocks) Fields(fields ...Field) { b.page.writeFields(fields) }

// writeRun writes the time, the ID and the auditor of a run.
func (p *page) writeRun(run audit.Run) {
	if run.At.IsZero() {
		return
	}
	by := textfmt.OneLine(run.Auditor)
	if run.Version != "" {
		by += " " + textfmt.OneLine(run.Version)
	}
	p.field("", "Run", "%s %s by %s", run.At.UTC().Format(time.RFC3339),
		textfmt.OneLine(run.ID), by)
}

// String returns the text.
func (b *Blocks) String() string { return b.page.b.String() }

func (p *page) writeFields(fields []Field) {
	for _, f := range fields {
		if f.Command {
			p.command("  ", textfmt.OneLine(f.Label), textfmt.OneLine(f.Text))
		} else {
			p.field("  ", textfmt.OneLine(f.Label), "%s", textfmt.OneLine(f.Text))
		}
	}
}
