package fixformat

import (
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// textWidth is the width of a text that is not for a terminal.
const textWidth = 88

// maxNeeds, maxCauses, maxImpacts and maxChanges bound the lists in a text. JSON has all elements.
const maxNeeds, maxCauses, maxImpacts, maxChanges = 12, 3, 8, 12

// writeText writes a fix for people: the cause, the line diff, the proof, and one command.
func writeText(w io.Writer, h Handover, v Variant) error {
	if v != Default {
		if _, err := h.Edits(v); err != nil {
			return err
		}
	}
	p := &page{width: textWidth, view: h.View}
	if h.View.Width > 0 {
		p.width = h.View.Width
	}
	p.head(h, v)
	p.owner(h)
	p.mainEdits(h)
	p.guards(h)
	p.remaining(h)
	p.wider(h)
	p.undo(h)
	p.command(h, v)
	_, err := io.WriteString(w, p.b.String())
	return err
}

// head writes the principal, the cause and the impact.
func (p *page) head(h Handover, v Variant) {
	if h.Tightens != "" {
		p.title(textfmt.Strong, "TIGHTEN", h.Fix.Target+" in account "+h.Account)
		p.line("")
		p.field("Notice", sentence(textfmt.OneLine(h.Tightens))+".")
		return
	}
	p.title(textfmt.Strong, fmt.Sprintf("FIX %d", h.Fix.Number), fmt.Sprintf(
		"%s in account %s: closes %d of %s", h.Fix.Target, h.Account, len(h.closes(v)),
		textfmt.Plural(h.Fix.Gaps, "gap")))
	p.line("")
	gaps := h.allGaps()
	p.fields("Cause", h.causes(gaps), maxCauses, "cause")
	p.writeImpacts(h.impacts(gaps))
}

// writeImpacts writes what breaks, with its severity in a tone.
func (p *page) writeImpacts(impacts []string) {
	label := "Impact"
	for _, text := range textfmt.Shorten(impacts, maxImpacts, "impact") {
		word, rest, found := strings.Cut(text, ": ")
		var severity policies.Severity
		if !found || severity.UnmarshalText([]byte(word)) != nil {
			p.field(label, text)
		} else {
			p.entry(label, word+":", report.SeverityTone(severity), rest)
		}
		label = ""
	}
}

func (p *page) owner(h Handover) {
	if !h.Empty() {
		p.field("Owner", h.Fix.Owner.Text())
	}
}

// mainEdits writes the edits that weaken no guard, with what they close and the proof.
func (p *page) mainEdits(h Handover) {
	if len(h.Fix.Edits) == 0 {
		if h.Fix.Withheld != "" || len(h.Fix.Guards) == 0 {
			p.field("Withheld", sentence(h.noEdits())+".")
		}
		return
	}
	for _, e := range h.Fix.Edits {
		p.line("")
		p.edit(e)
	}
	p.line("")
	p.fields("Change", changes(h.Fix.Edits), maxChanges, "change")
	p.fields("Closes", needTexts(h.Fix.Closes), maxNeeds, "gap")
	p.fields("Proof", h.proof(h.Fix.Edits, Default), 10, "document")
	p.notes(h.Fix.Edits)
}

func (p *page) notes(edits []remedy.Edit) {
	for _, note := range shared(edits) {
		p.field("Note", strings.TrimPrefix(note, "Note: "))
	}
}

// guards writes the exceptions from guards, each as a block of its own.
func (p *page) guards(h Handover) {
	for _, g := range h.Fix.Guards {
		p.line("")
		p.paragraph(strings.ToUpper("weakens a guard of ") + g.Owner + ": " + guardName(g))
		p.fields("Blocks", needTexts(g.Blocks), maxNeeds, "gap")
		for _, e := range g.Edits {
			p.line("")
			p.edit(e)
		}
		if len(g.Edits) > 0 {
			p.line("")
			p.fields("Change", changes(g.Edits), maxChanges, "change")
			p.fields("Closes", needTexts(g.Closes), maxNeeds, "gap")
			if len(g.Closes) == 0 {
				p.field("Closes", "Nothing alone: another guard blocks the same gaps.")
			}
			for _, e := range g.Edits {
				p.field("Proof", sentence(sizeText(e))+".")
			}
			if g.AlsoAllows != nil {
				p.field("Warning", sentence(alsoAllowsText(*g.AlsoAllows))+".")
			}
			p.notes(g.Edits)
		}
		if g.Why != "" {
			p.field("Withheld", sentence(g.Why)+".")
		}
		p.ask(g)
	}
}

// ask writes the text to send to the owner of a guard.
func (p *page) ask(g remedy.Guard) {
	if g.Ask == "" {
		return
	}
	p.field("Ask", "Send this text to "+g.Owner+":")
	for _, paragraph := range strings.Split(textfmt.Lines(g.Ask), "\n") {
		for _, l := range wrapIndented(paragraph, p.width-4) {
			p.line("    %s", l)
		}
	}
}

// wrapIndented wraps a line and keeps its indentation. It keeps a line of a document as it is.
func wrapIndented(line string, width int) []string {
	text := strings.TrimLeft(line, " ")
	if text == "" || strings.ContainsAny(text[:1], `{}[]"`) {
		return []string{line}
	}
	indent := line[:len(line)-len(text)]
	lines := textfmt.Wrap(text, width-len(indent))
	for i := range lines {
		lines[i] = indent + lines[i]
	}
	return lines
}

// remaining writes the gaps that no edit closes.
func (p *page) remaining(h Handover) {
	if len(h.Fix.Remaining) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.view.Painted(textfmt.Strong, "REMAINING"))
	var texts []string
	for _, r := range h.Fix.Remaining {
		text := needText(r.Need) + ": "
		if r.Granted {
			text += "the policies grant it, but "
		}
		texts = append(texts, text+r.Why)
	}
	p.fields("Blocked", texts, maxNeeds, "gap")
}

// wider writes the correction that allows more than what is needed.
func (p *page) wider(h Handover) {
	wider := h.Fix.Wider
	if wider == nil {
		return
	}
	p.line("")
	p.title(textfmt.Strong, "ALLOWS MORE", "a wider correction, which needs no other edit")
	for _, e := range wider.Edits {
		p.line("")
		p.edit(e)
	}
	p.line("")
	p.fields("Change", changes(wider.Edits), maxChanges, "change")
	p.fields("Closes", needTexts(wider.Closes), maxNeeds, "gap")
	p.field("Warning", sentence(alsoAllowsText(wider.AlsoAllows))+".")
	p.handover(h, Wider)
}

// undo writes the earlier document.
func (p *page) undo(h Handover) {
	undo := h.Fix.Undo
	if undo == nil {
		return
	}
	p.line("")
	p.title(textfmt.Strong, "UNDO", "restore the document that worked")
	from := "the evidence of an earlier run"
	if undo.Version != "" {
		from = "version " + textfmt.OneLine(undo.Version) + " of the managed policy"
	}
	if undo.At != "" {
		from += ", known from " + undo.At
	}
	p.field("Source", sentence(from)+".")
	for _, e := range undo.Edits {
		p.line("")
		p.edit(e)
	}
	p.line("")
	p.fields("Closes", needTexts(undo.Closes), maxNeeds, "gap")
	if undo.AlsoAllows != nil {
		p.field("Warning", sentence(alsoAllowsText(*undo.AlsoAllows))+".")
	}
	p.handover(h, Undo)
}

// command writes the one command that hands over the edits in the form that their owner takes.
func (p *page) command(h Handover, v Variant) {
	if v == Default && len(h.Fix.Edits) == 0 && len(h.guardEdits()) > 0 {
		v = Guard
	}
	if _, err := h.Edits(v); err != nil {
		return
	}
	p.line("")
	p.handover(h, v)
}

// handover writes the command for a variant.
func (p *page) handover(h Handover, v Variant) {
	label, format := "Command", h.Format()
	if h.Fix.Owner.Fixed() {
		label = "Document"
	}
	if format != "cli" {
		p.commandLine(label, h.Command(format, v))
		return
	}
	p.commandLine(label, h.Command(format, v, "--output", "fix.sh"))
	p.field("", "Read the script, then run it with: sh fix.sh")
}

// Line returns the fix in one line, for a list.
func (h Handover) Line() string {
	text := fmt.Sprintf("%d  %s: closes %d of %s", h.Fix.Number, textfmt.OneLine(h.Fix.Target),
		len(h.Fix.Closes), textfmt.Plural(h.Fix.Gaps, "gap"))
	switch guards := len(h.guardEdits()); {
	case h.Fix.Withheld != "":
		return text + ", withheld: " + textfmt.OneLine(h.Fix.Withheld)
	case len(h.Fix.Edits) == 0 && guards > 0:
		return text + ", only by weakening a guard"
	case len(h.Fix.Edits) == 0:
		return text + ", no edit closes the others"
	}
	names := make([]string, len(h.Fix.Edits))
	for i, e := range h.Fix.Edits {
		names[i] = shortTitle(e)
	}
	return text + ", edits " + textfmt.Enumerate(names, 3)
}

// ListEntry returns the fix in a few lines for a list: what it closes, and the command that prints
// it.
func (h Handover) ListEntry() string {
	p := &page{width: textWidth, view: h.View}
	if h.View.Width > 0 {
		p.width = h.View.Width
	}
	number, text, _ := strings.Cut(h.Line(), "  ")
	p.title(textfmt.Strong, number, text)
	words := []string{"remotion-audit", "fix", "--target", h.Fix.Target}
	if h.Callers != "" {
		words = append(words, "--callers", h.Callers)
	}
	p.line("%*s%s", len(number)+2, "", textfmt.ShellWords(append(words, h.Settings...)...))
	return p.b.String()
}
