package fixformat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// labelWidth is the width of the column with labels.
const labelWidth = 11

// A page collects lines of text of a maximum width.
type page struct {
	b     strings.Builder
	width int
	view  textfmt.View // for its tones only
}

func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

// field writes a label and a text, which is wrapped in the second column.
func (p *page) field(label, text string) { p.entry(label, "", textfmt.Plain, text) }

// entry writes a label and a text that begins with a word in a tone. The word can be empty.
func (p *page) entry(label, word string, tone textfmt.Tone, text string) {
	for i, l := range textfmt.Wrap(textfmt.OneLine(word+" "+text), p.width-labelWidth) {
		if i > 0 {
			label = ""
		}
		if i == 0 && word != "" && strings.HasPrefix(l, word) {
			l = p.view.Painted(tone, word) + l[len(word):]
		}
		p.line("%s%s", p.label(label), l)
	}
}

// label returns a label with the blanks up to the second column.
func (p *page) label(text string) string {
	return p.view.Painted(textfmt.Faint, text) + strings.Repeat(" ", max(0, labelWidth-len(text)))
}

// commandLine writes a label and a command, which is not wrapped.
func (p *page) commandLine(label, text string) { p.line("%s%s", p.label(label), text) }

// title writes a heading: a word, and what it is about.
func (p *page) title(tone textfmt.Tone, word, text string) {
	for i, l := range textfmt.Wrap(textfmt.OneLine(text), p.width-len(word)-2) {
		start := p.view.Painted(tone, word)
		if i > 0 {
			start = strings.Repeat(" ", len(word))
		}
		p.line("%s  %s", start, l)
	}
}

// fields writes a label and several texts, each on lines of its own. It cuts a long list.
func (p *page) fields(label string, texts []string, most int, noun string) {
	for i, text := range textfmt.Shorten(texts, most, noun) {
		if i > 0 {
			label = ""
		}
		p.field(label, text)
	}
}

// paragraph writes wrapped text without a label.
func (p *page) paragraph(text string) {
	for _, l := range textfmt.Wrap(textfmt.OneLine(text), p.width) {
		p.line("%s", l)
	}
}

// sentence returns a text with a capital letter at the start, unless it starts with the name of an
// action or a resource.
func sentence(s string) string {
	word, _, _ := strings.Cut(s, " ")
	if word == "" || strings.Trim(word, "abcdefghijklmnopqrstuvwxyz,-") != "" {
		return s
	}
	return textfmt.Capitalize(s)
}

// maxDiffLines is the maximum number of lines of one diff in a text.
const maxDiffLines = 200

// edit writes the diff of one document: a title for each statement, then its lines.
func (p *page) edit(e remedy.Edit) {
	p.paragraph(sentence(title(e)))
	left, statement := maxDiffLines, -1
	hunks := e.Hunks(remedy.Context)
	for i, h := range hunks {
		if left <= 0 {
			p.line("  and %s", textfmt.Plural(len(hunks)-i, "more changed part"))
			return
		}
		switch {
		case h.Statement > 0 && h.Statement != statement && e.Before != nil:
			for _, l := range textfmt.Wrap(statementTitle(h.Statement, h.Sid), p.width-2) {
				p.line("  %s", l)
			}
		case i > 0:
			p.line("  ...")
		}
		statement = h.Statement
		for at, l := range h.Lines {
			if left--; left < 0 {
				p.line("  and %s", textfmt.Plural(len(h.Lines)-at, "more line"))
				break
			}
			p.line("  %s", p.view.Painted(diffTone(l), l.String()))
		}
	}
}

// diffTone returns the tone of a line of a diff.
func diffTone(l remedy.DiffLine) textfmt.Tone {
	switch l.Op {
	case '+':
		return textfmt.Added
	case '-', '^':
		return textfmt.Removed
	}
	return textfmt.Plain
}

// changes lists what the edits change, in sentences.
func changes(edits []remedy.Edit) (list []string) {
	for _, e := range edits {
		for _, c := range e.Changes {
			list = textfmt.AppendNew(list, sentence(textfmt.OneLine(c.Text)))
		}
	}
	return list
}

// needText names a gap: s3:GetObject on arn:aws:s3:::remotionlambda-*.
func needText(n remedy.Need) string {
	if n.Resource == "*" || n.Resource == "" {
		return n.Action
	}
	return n.Action + " on " + n.Resource
}

// needTexts names gaps, the actions on each resource together.
func needTexts(list []remedy.Need) []string {
	var resources []string
	actions := map[string][]string{}
	for _, n := range list {
		resources = textfmt.AppendNew(resources, n.Resource)
		actions[n.Resource] = textfmt.AppendNew(actions[n.Resource], n.Action)
	}
	texts := make([]string, len(resources))
	for i, r := range resources {
		texts[i] = needText(remedy.Need{Action: strings.Join(actions[r], ", "), Resource: r})
	}
	return texts
}

// findingOf returns the finding about a gap.
func (h Handover) findingOf(n remedy.Need) (audit.Finding, bool) {
	for _, f := range h.Findings {
		if f.Sid == n.Sid && f.Action == n.Action && f.Resource == n.Resource {
			return f, true
		}
	}
	return audit.Finding{}, false
}

// causes explains the gaps, each cause once.
func (h Handover) causes(gaps []remedy.Need) (list []string) {
	for _, n := range gaps {
		if f, ok := h.findingOf(n); ok && f.Why != "" {
			list = textfmt.AppendNew(list, sentence(f.Why))
		}
	}
	return list
}

// impacts says what the gaps break, the most severe first, each with the actions that it is about.
func (h Handover) impacts(gaps []remedy.Need) (list []string) {
	var findings []audit.Finding
	for _, n := range gaps {
		if f, ok := h.findingOf(n); ok && f.Impact != "" {
			findings = append(findings, f)
		}
	}
	slices.SortStableFunc(findings, func(a, b audit.Finding) int {
		return int(b.Severity) - int(a.Severity)
	})
	g := report.Group{Findings: findings}
	for _, e := range g.Effects() {
		text := e.Severity.String() + ": " + e.Impact
		if len(g.Actions()) > 1 {
			text += " (" + strings.Join(e.Actions, ", ") + ")"
		}
		list = append(list, text)
	}
	return list
}

// allGaps lists the gaps that the fix is about.
func (h Handover) allGaps() (gaps []remedy.Need) {
	add := func(list ...remedy.Need) {
		for _, n := range list {
			if !slices.Contains(gaps, n) {
				gaps = append(gaps, n)
			}
		}
	}
	add(h.Fix.Closes...)
	for _, g := range h.Fix.Guards {
		add(g.Blocks...)
	}
	for _, r := range h.Fix.Remaining {
		add(r.Need)
	}
	if len(gaps) == 0 {
		for _, f := range h.Findings {
			add(remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource})
		}
	}
	return gaps
}

// closes returns the gaps that a variant closes.
func (h Handover) closes(v Variant) (list []remedy.Need) {
	switch {
	case v == Wider && h.Fix.Wider != nil:
		return h.Fix.Wider.Closes
	case v == Undo && h.Fix.Undo != nil:
		return h.Fix.Undo.Closes
	}
	list = append(list, h.Fix.Closes...)
	if v == Guard {
		for _, g := range h.Fix.Guards {
			list = append(list, g.Closes...)
		}
	}
	return list
}

// summary says in one line what a variant is.
func (h Handover) summary(v Variant) string {
	what := map[Variant]string{Default: "Fix", Guard: "Fix with exceptions from guards",
		Wider: "Wider correction", Undo: "Undo"}[v]
	if h.Tightens != "" {
		return fmt.Sprintf("Tightened documents for %s in account %s.", h.Fix.Target, h.Account)
	}
	return fmt.Sprintf("%s for %s in account %s: closes %d of %s.", what, h.Fix.Target, h.Account,
		len(h.closes(v)), textfmt.Plural(h.Fix.Gaps, "gap"))
}

// warnings lists what a person who applies a variant has to know.
func (h Handover) warnings(edits []remedy.Edit, v Variant) (list []string) {
	list = append(list, "Owner: "+h.Fix.Owner.Text())
	if v == Guard {
		for _, g := range h.Fix.Guards {
			if len(g.Edits) > 0 {
				list = append(list, "Warning: "+weakens(g)+".")
			}
		}
	}
	if e := h.alsoAllows(v); e != nil {
		list = append(list, "Warning: "+alsoAllowsText(*e)+".")
	}
	return append(list, shared(edits)...)
}

// alsoAllows returns a request that a variant allows although nothing needs it; nil for none.
func (h Handover) alsoAllows(v Variant) *remedy.Example {
	switch {
	case v == Wider && h.Fix.Wider != nil:
		return &h.Fix.Wider.AlsoAllows
	case v == Undo && h.Fix.Undo != nil:
		return h.Fix.Undo.AlsoAllows
	case v == Guard:
		for _, g := range h.Fix.Guards {
			if len(g.Edits) > 0 && g.AlsoAllows != nil {
				return g.AlsoAllows
			}
		}
	}
	return nil
}

func alsoAllowsText(e remedy.Example) string {
	if e.Action == "unknown" {
		return "it may also allow what nothing needs: the engine cannot decide that"
	}
	return "it also allows what nothing needs, for example " + e.Action + " on " + e.Resource
}

// weakens says which guard an exception weakens.
func weakens(g remedy.Guard) string {
	return "Weakens a guard of " + g.Owner + ": " + guardName(g)
}

// guardName names the guard of a cause.
func guardName(g remedy.Guard) string {
	name := map[iampolicy.Cause]string{iampolicy.IdentityDeny: "the Deny in ",
		iampolicy.PermissionsBoundary: "the permissions boundary ",
		iampolicy.SCP:                 "the service control policy ",
		iampolicy.RCP:                 "the resource control policy ",
		remedy.TrustCause:             "the ",
		iampolicy.UnmetCondition:      "the condition in "}[g.Cause]
	policy := g.Policy
	switch {
	case policy == "" && name != "":
		policy = "(unknown)"
	case g.Cause == iampolicy.SCP:
		policy = strings.TrimPrefix(policy, "service control policy ")
	case g.Cause == iampolicy.RCP:
		policy = strings.TrimPrefix(policy, "resource control policy ")
	case g.Cause == iampolicy.PermissionsBoundary:
		policy = strings.TrimPrefix(policy, "permissions boundary ")
	}
	text := name + policy
	if len(g.Statements) > 0 {
		s := g.Statements[0]
		text += ", " + statementTitle(s.Index, s.Sid)
		if more := len(g.Statements) - 1; more > 0 {
			text += " " + textfmt.More(more, "")
		}
	}
	return textfmt.OneLine(text)
}

// shared says which edits change more principals than the target.
func shared(edits []remedy.Edit) (list []string) {
	for _, e := range edits {
		kind, name := holder(e.Location)
		switch {
		case e.Others > 0:
			list = append(list, fmt.Sprintf("Note: %s is attached to %s, which %s the same permissions.",
				sentence(textfmt.OneLine(e.Policy)), textfmt.Plural(e.Others, "other principal"),
				textfmt.Verb(e.Others, "gets", "get")))
		case kind == "group":
			list = append(list, fmt.Sprintf("Note: Each member of group %s gets the same permissions.",
				textfmt.OneLine(name)))
		}
	}
	return list
}

// proof says what the policy engine proved about the edits of a variant.
func (h Handover) proof(edits []remedy.Edit, v Variant) []string {
	list := []string{fmt.Sprintf("The policy engine closes %d of %s with these documents.",
		len(h.closes(v)), textfmt.Plural(h.Fix.Gaps, "gap"))}
	switch {
	case h.Tightens != "":
		list = []string{"What Remotion needs and what was allowed of it stays allowed. Nothing is " +
			"allowed that was not allowed before. Other work that needs the rights stops."}
	case v == Default:
		list = append(list, "What was allowed stays allowed"+h.except(edits)+
			". Nothing is allowed beyond what Remotion's documents grant in the same statements.")
	case v == Undo, v == Wider:
		if h.alsoAllows(v) == nil {
			list = append(list, "Nothing is allowed beyond what Remotion's documents grant.")
		}
	}
	if v == Default && h.Tightens == "" {
		list = append(list, liveText(h.Fix.Live)...)
	}
	for _, e := range edits {
		text := sentence(sizeText(e)) + "."
		if len(edits) > 1 {
			text = sentence(title(e)) + ": " + sizeText(e) + "."
		}
		list = append(list, text)
	}
	return list
}

// liveText says what AWS's simulator answered to the failing requests with the edited documents.
func liveText(l *remedy.Live) []string {
	switch {
	case l == nil:
		return nil
	case l.NotSimulated == l.Requests:
		return []string{"AWS's simulator did not confirm it: " + textfmt.OneLine(l.Why) + "."}
	}
	text := fmt.Sprintf("AWS's simulator allows %d of %s with these documents.", l.Allowed,
		textfmt.Plural(l.Requests, "failing request"))
	if l.NotSimulated > 0 {
		text += fmt.Sprintf(" %d not simulated: %s.", l.NotSimulated, textfmt.OneLine(l.Why))
	}
	return []string{text}
}

// except names the misspelt patterns that the edits remove.
func (h Handover) except(edits []remedy.Edit) string {
	var dropped []string
	for _, e := range edits {
		for _, c := range e.Changes {
			if c.Kind != remedy.CorrectAction && c.Kind != remedy.CorrectResource {
				continue
			}
			for _, old := range c.Old {
				if !slices.Contains(c.New, old) {
					dropped = textfmt.AppendNew(dropped, textfmt.OneLine(old))
				}
			}
		}
	}
	if len(dropped) == 0 {
		return ""
	}
	return ", except for the misspelt " + textfmt.Enumerate(dropped, 3) +
		", which no known resource has (the audit does not list buckets)"
}
