package output

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/denial"
	"github.com/remotion-audit/remotion-audit/internal/denial/advice"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// ErrorFormats returns the formats of the explanation of an error text.
func ErrorFormats() Formats[advice.Advice] {
	return Formats[advice.Advice]{{"text", forLogs(errorText)}, {"json", errorJSON}}
}

// errorJSON writes the explanation in the form of docs/explain-error.schema.json.
func errorJSON(w io.Writer, a advice.Advice, _ textfmt.View) error {
	return textfmt.WriteJSON(w, a)
}

// labelWidth is the width of the labels in columns.
const labelWidth = 15

// An errorPage is the text of an explanation.
type errorPage struct {
	b    bytes.Buffer
	view textfmt.View
}

// line writes one line. Text from the error can contain any character.
func (p *errorPage) line(text string) { p.b.WriteString(textfmt.OneLine(text) + "\n") }

// title writes a heading: a word in a tone, and what it is about.
func (p *errorPage) title(tone textfmt.Tone, word, text string) {
	if text == "" {
		p.b.WriteString(p.view.Painted(tone, textfmt.OneLine(word)) + "\n")
		return
	}
	for i, line := range textfmt.Wrap(textfmt.OneLine(text), p.view.Columns()-len(word)-2) {
		start := p.view.Painted(tone, word)
		if i > 0 {
			start = strings.Repeat(" ", len(word))
		}
		p.b.WriteString(start + "  " + line + "\n")
	}
}

// field writes a label and a text over several lines.
func (p *errorPage) field(label, text string) {
	for i, line := range textfmt.Wrap(textfmt.OneLine(text), p.view.Columns()-labelWidth-2) {
		if i > 0 {
			label = ""
		}
		blanks := strings.Repeat(" ", max(0, labelWidth-len(label)))
		p.b.WriteString("  " + p.view.Painted(textfmt.Faint, label) + blanks + line + "\n")
	}
}

// fact writes a fact, also an unknown one.
func (p *errorPage) fact(label string, f denial.Fact) { p.field(label, f.String()) }

// section writes the heading of a part of the text. text can be empty.
func (p *errorPage) section(word, text string) {
	p.line("")
	p.title(textfmt.Strong, word, text)
}

// list writes a section with an entry for each text.
func (p *errorPage) list(title string, entries []string) {
	p.section(title, "")
	for _, entry := range entries {
		for i, line := range textfmt.Wrap(textfmt.OneLine(entry), p.view.Columns()-4) {
			p.line([]string{"  - ", "    "}[min(i, 1)] + line)
		}
	}
}

// errorText writes the explanation as text: what AWS denied, what it means for Remotion, what to
// add, and what to do next.
func errorText(w io.Writer, a advice.Advice, v textfmt.View) error {
	p := errorPage{view: v}
	p.title(errorHeadline(a.Error))
	for _, sentence := range a.Meaning {
		p.field("Meaning", sentence)
	}
	p.writeFacts(a.Error)
	if len(a.PossibleActions) > 0 {
		which := "; the text does not say which"
		if len(a.PossibleActions) == 1 {
			which = "; the text does not say whether it is missing"
		}
		p.field("Possible", string(a.Error.Operation)+" can need "+textfmt.Or(a.PossibleActions)+which)
	}
	p.writeNeeds(a)
	p.writeFix(a)
	switch a.Error.Kind {
	case denial.OtherProblem:
		p.list("FIX", a.Look)
	case denial.Unknown:
		p.list("WHAT TO GIVE INSTEAD", a.Look)
	default:
		p.list("WHERE TO LOOK", a.Look)
	}
	p.section("NEXT", "")
	for _, c := range a.Commands {
		p.line("  " + c.Purpose + ":")
		p.line("    " + c.Line)
	}
	p.line("  Read:")
	p.line("    " + a.Page)
	_, err := p.b.WriteTo(w)
	return err
}

// errorHeadline returns what the text is, in a tone, and what it is about.
func errorHeadline(m denial.Message) (tone textfmt.Tone, word, text string) {
	switch m.Kind {
	case denial.OtherProblem:
		return textfmt.Unknown, "NO PERMISSION PROBLEM", m.Problem.Title
	case denial.Encoded:
		return textfmt.Critical, "ACCESS DENIED", "encoded authorization message"
	case denial.Denied:
		return textfmt.Critical, "ACCESS DENIED", deniedText(m)
	}
	return textfmt.Unknown, "UNKNOWN ERROR TEXT", ""
}

// deniedText says which action is denied, and by which layer.
func deniedText(m denial.Message) string {
	what := "action unknown"
	if m.Action.Known() {
		what = string(m.Action)
	} else if len(m.OneOf) > 0 {
		what = textfmt.Or(m.OneOf)
	}
	switch {
	case m.Layer == "":
		return what + ", policy type unknown"
	case m.Deny == denial.Explicit:
		return fmt.Sprintf("%s: denied by %s %s", what, article(m.Layer), m.Layer)
	}
	return fmt.Sprintf("%s: no %s allows it", what, m.Layer)
}

// article returns the article of a layer's name.
func article(l denial.Layer) string {
	if l == denial.IdentityPolicy {
		return "an"
	}
	return "a"
}

// writeFacts writes what the text names. A denial shows every fact, because an unknown one matters.
func (p *errorPage) writeFacts(m denial.Message) {
	all := m.Kind == denial.Denied || m.Kind == denial.Encoded
	optional := func(label string, f denial.Fact) {
		if f.Known() {
			p.fact(label, f)
		}
	}
	required := optional
	if all {
		required = p.fact
	}
	principal := m.Principal
	if !principal.Known() && m.FunctionRole {
		principal = "the role of the function (the text does not name it)"
	}
	required("Principal", principal)
	required("Target", m.Target)
	if len(m.OneOf) > 0 {
		p.field("Action", "one of "+textfmt.Enumerate(m.OneOf, 5))
	} else {
		required("Action", m.Action)
	}
	required("Resource", m.Resource)
	if all {
		p.field("Policy type", fmt.Sprintf("%s, %s", denial.Fact(m.Layer), denyText(m.Deny)))
	}
	optional("Policy", m.Policy)
	optional("Statement", m.Statement)
	required("Account", m.Account)
	required("Region", m.Region)
	optional("Operation", m.Operation)
	optional("Error code", m.Code)
	optional("Request id", m.RequestID)
	optional("Event id", m.EventID)
	if m.Decoded {
		p.field("Source", "the error text, and the decoded authorization message")
	}
	if m.Others > 0 {
		p.field("Others",
			textfmt.Plural(m.Others, "further error")+" in the text: explain each one alone")
	}
	for _, note := range m.Notes {
		p.field("Note", note)
	}
}

func denyText(d denial.Deny) string {
	switch d {
	case denial.Explicit:
		return "explicit deny: a Deny statement matches"
	case denial.Implicit:
		return "implicit deny: no Allow statement matches"
	}
	return "kind of denial unknown"
}

// writeNeeds writes the permissions of Remotion that the action belongs to.
func (p *errorPage) writeNeeds(a advice.Advice) {
	for _, n := range a.Needs {
		p.section("REMOTION", fmt.Sprintf("%s policy, statement %s: %s", n.Policy, n.Sid, n.Action))
		p.field("On", n.Resource)
		if a.Error.Resource.Known() && !n.Covers {
			p.field("Covers", "not the resource of this error")
		}
		if n.Until != "" {
			p.field("Releases", n.Since+" to "+n.Until)
		}
		if !n.Called {
			p.field("Needed by", "no release calls the action: nothing of Remotion breaks without it")
			continue
		}
		if len(n.Operations) > 0 {
			p.field("Operations", joinOperations(n))
		}
		p.field("Reason", "Remotion "+n.Reason)
		p.field("Impact", n.Impact+" (severity "+n.Severity+")")
		p.field("Source", n.Source)
	}
}

func joinOperations(n advice.Need) string {
	var words []string
	for _, o := range n.Operations {
		words = append(words, string(o))
	}
	return strings.Join(words, ", ")
}

// writeFix writes the statements to add, or why there is none.
func (p *errorPage) writeFix(a advice.Advice) {
	if a.Error.Kind != denial.Denied && a.Error.Kind != denial.Encoded {
		return
	}
	p.section("FIX", "")
	if a.NoAddition != "" {
		p.field("Statement", "none: "+a.NoAddition)
		return
	}
	condition := ""
	if a.Error.Layer == "" {
		condition = ", if its policies do not allow the action yet (the text does not say so)"
	}
	for _, add := range a.Additions {
		p.field("Statement", fmt.Sprintf("add to the %s's policies%s; Remotion documents it in "+
			"statement %s of its %s policy:", ownerOf(add), condition, add.Sid, add.Policy))
		var b bytes.Buffer
		if err := textfmt.WriteJSON(&b, add.Statement); err == nil {
			for line := range strings.SplitSeq(strings.TrimSpace(b.String()), "\n") {
				p.line("  " + line)
			}
		}
	}
}

func ownerOf(add advice.Addition) string {
	if add.Policy == "role" {
		return "render role"
	}
	return "caller"
}
