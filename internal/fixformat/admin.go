package fixformat

import (
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// adminWidth is the width that mails and tickets keep.
const adminWidth = 72

// ForAdmin writes one text for an administrator of the account, for people who may not edit IAM.
// The text contains all that the administrator needs: it needs neither this command nor the report.
func ForAdmin(w io.Writer, h Handover, v Variant) error {
	if v == Default && len(h.Fix.Edits) == 0 && len(h.guardEdits()) > 0 {
		v = Guard
	}
	edits, err := h.Edits(v)
	if err != nil {
		return err
	}
	p := &page{width: adminWidth}
	p.paragraph(fmt.Sprintf("Please change the IAM permissions of %s in AWS account %s.",
		h.Fix.Target, h.Account))
	p.line("")
	p.field("Account", h.Account)
	p.field("Principal", h.Fix.Target)
	if h.ARN != "" {
		p.field("", h.ARN)
	}
	gaps := h.closes(v)
	if len(gaps) == 0 {
		gaps = h.allGaps()
	}
	p.fields("Reason", h.causes(gaps), maxCauses, "cause")
	p.fields("Impact", h.impacts(gaps), maxImpacts, "impact")
	p.fields("Needed", needTexts(gaps), maxNeeds, "permission")
	for _, warning := range h.warnings(edits, v) {
		label, text, _ := strings.Cut(warning, ": ")
		p.field(label, text)
	}
	p.line("")
	p.line("Change")
	p.line("------")
	for _, e := range edits {
		p.edit(e)
		p.line("")
	}
	p.line("Proof")
	p.line("-----")
	for _, text := range h.proof(edits, v) {
		p.paragraph(text)
	}
	p.paragraph("remotion-audit proved this with its own evaluation of all policies of the " +
		"principal. It changed nothing.")
	p.apply(h, v)
	p.line("")
	p.line("Verification")
	p.line("------------")
	p.paragraph("These requests are allowed afterwards:")
	p.verification(h, v)
	_, err = io.WriteString(w, p.b.String())
	return err
}

// apply writes how to make the change: the script, and the whole documents for other tools.
func (p *page) apply(h Handover, v Variant) {
	p.line("")
	text, err := script(h, v)
	if err != nil {
		p.line("Documents")
		p.line("---------")
		why := err.Error()
		if h.Fix.Owner.Fixed() {
			why = h.Fix.Owner.Text()
		}
		p.paragraph("No command is written: " + textfmt.OneLine(why))
		edits, _ := h.Edits(v)
		write := textOfEdits(edits)
		for _, e := range edits {
			p.line("")
			p.paragraph(sentence(title(e)) + ", the whole new document:")
			p.b.WriteString(write(e.After))
		}
		return
	}
	p.line("Commands")
	p.line("--------")
	p.paragraph("Save these lines as fix.sh and run: sh fix.sh. The script contains the whole new " +
		"documents, for other tools, too.")
	p.line("")
	p.b.WriteString(text)
}

// maxVerified is the number of requests that the verification names.
const maxVerified = 5

// verification writes commands that ask AWS's simulator about closed gaps. A gap whose finding has
// no example is asked about as a pattern, which the simulator takes as a name.
func (p *page) verification(h Handover, v Variant) {
	var commands []string
	for _, n := range h.closes(v) {
		f, ok := h.findingOf(n)
		if !ok || h.ARN == "" || f.ExampleARN == "" {
			continue
		}
		words := []string{"aws", "iam", "simulate-principal-policy", "--policy-source-arn", h.ARN,
			"--action-names", n.Action}
		if f.ExampleARN != "*" {
			words = append(words, "--resource-arns", f.ExampleARN)
		}
		commands = textfmt.AppendNew(commands, textfmt.ShellWords(append(words, "--query",
			"EvaluationResults[].[EvalActionName,EvalDecision]", "--output", "text")...))
	}
	for _, c := range commands[:min(len(commands), maxVerified)] {
		p.line("  %s", c)
	}
	if more := len(commands) - maxVerified; more > 0 {
		p.line("  %s", textfmt.More(more, "request"))
	}
	if len(commands) == 0 {
		for _, text := range needTexts(h.closes(v)) {
			p.line("  %s", textfmt.OneLine(text))
		}
	}
	p.paragraph("The whole account: remotion-audit audit")
}
