package report

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Blocks is a text that contains parts of a report, such as a mail. Labels form the first column.
// Its methods clean every text: see the package comment.
type Blocks struct{ page page }

// NewBlocks returns an empty text about a report.
func NewBlocks(r audit.Report) *Blocks {
	return &Blocks{page{releases: len(r.Remotion.Releases), fixes: r.Fixes,
		targets: r.Targets}}
}

// SetView sets how the reader wants to see the text, and returns b.
func (b *Blocks) SetView(v textfmt.View) *Blocks {
	b.page.view = v
	return b
}

// SetFixSettings sets the flags that the commands for fixes need to repeat the audit.
func (b *Blocks) SetFixSettings(flags []string) { b.page.fixSettings = flags }

// Field is a label and its text. If Command is true, Text is a command and is not wrapped.
type Field struct {
	Label, Text string
	Command     bool
}

// Line writes a line, which is not wrapped.
func (b *Blocks) Line(text string) { b.page.line("%s", textfmt.OneLine(text)) }

// Fields writes fields.
func (b *Blocks) Fields(fields ...Field) { b.page.writeFields(fields) }

// Group writes the fields of a group of findings.
func (b *Blocks) Group(g Group) { b.page.writeGroup(g) }

// Explanations writes which of Remotion's documents the policies of targets with gaps resemble.
func (b *Blocks) Explanations(r audit.Report) { b.page.writeExplanations(r) }

// Auditor writes the section AUDITOR: what the auditor itself may not do. It writes nothing if AWS
// denied none of its calls.
func (b *Blocks) Auditor(r audit.Report) { b.page.writeAuditor(r) }

// Unverified writes the section UNVERIFIED, which begins with the fields first. It writes nothing
// if the report has no unverified finding and no problem, and first is empty.
func (b *Blocks) Unverified(r audit.Report, first []Field) { b.page.writeUnverified(r, first) }

// Notices writes the notices that Explanations does not write.
func (b *Blocks) Notices(r audit.Report) { b.page.writeNotices(r) }

// About writes the account, the regions, the releases, at most maxTargets targets, and the run.
func (b *Blocks) About(r audit.Report, maxTargets int) {
	p := &b.page
	p.writeHead("  ", r)
	for i, t := range r.Targets {
		if i == maxTargets {
			p.field("  ", "", "%s", textfmt.More(len(r.Targets)-maxTargets, "target"))
			break
		}
		p.field("  ", "Target", "%s", targetLine(t))
		p.field("  ", "", "%s", textfmt.OneLine(t.ARN))
	}
	p.writeRun("  ", r.Run)
}

// writeRun writes the time, the ID and the auditor of a run.
func (p *page) writeRun(indent string, run audit.Run) {
	if run.At.IsZero() {
		return
	}
	by := textfmt.OneLine(run.Auditor)
	if run.Version != "" {
		by += " " + textfmt.OneLine(run.Version)
	}
	p.field(indent, "Run", "%s %s by %s", run.At.UTC().Format(time.RFC3339),
		textfmt.OneLine(run.ID), by)
}

// String returns the text.
func (b *Blocks) String() string { return b.page.b.String() }

func (p *page) writeFields(fields []Field) {
	for _, f := range fields {
		if f.Command {
			p.line("  %-*s%s", labelWidth, textfmt.OneLine(f.Label), textfmt.OneLine(f.Text))
		} else {
			p.field("  ", textfmt.OneLine(f.Label), "%s", textfmt.OneLine(f.Text))
		}
	}
}
