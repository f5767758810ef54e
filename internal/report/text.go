package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Text writes the report as text, as `remotion-audit audit` shows it.
func Text(w io.Writer, r audit.Report, v textfmt.View) error {
	p := page{view: v}
	p.line("%s  %s", strings.ToUpper(string(r.Status)), Headline(r))
	p.line("")
	p.writeHead("", r)
	for _, t := range r.Targets {
		p.field("", "Target", "%s", targetLine(t))
	}
	p.writeAuditor(r)
	p.writeUnread(r)
	p.writeBody(r)
	p.writeMuted(r)
	p.line("")
	p.field("", "Context", "%s", strings.Join(textfmt.OneLines(r.AssumedContext), " "))
	for _, t := range r.Targets {
		if t.Context != nil {
			p.field("", "", "%s: %s", textfmt.OneLine(t.Name),
				strings.Join(textfmt.OneLines(t.Context), " "))
		}
	}
	p.writeRun("", r.Run)
	if len(r.NotChecked) > 0 {
		p.field("", "Not checked", "%s", strings.Join(textfmt.OneLines(r.NotChecked), ", "))
	}
	return p.writeTo(w)
}

// writeHead writes the account, the regions and the releases.
func (p *page) writeHead(indent string, r audit.Report) {
	p.field(indent, "Account", "%s", textfmt.OneLine(r.Account))
	if len(r.Targets) == 0 {
		return // a wrong configuration: nothing was audited
	}
	p.field(indent, "Regions", "%s", strings.Join(textfmt.OneLines(r.Regions), " "))
	p.writeReleases(indent, r.Remotion)
}

func targetLine(t audit.TargetReport) string {
	kind := string(t.Kind)
	switch {
	case t.Kind == audit.Caller && t.Purpose == policies.Render:
		kind += ", renders only"
	case t.Kind == audit.Caller && t.Purpose == policies.Deploy:
		kind += ", deploys only"
	case t.Kind == audit.Caller && t.Purpose != policies.All && t.Purpose != "":
		kind += ", only " + strings.ReplaceAll(string(t.Purpose), "+", " and ")
	}
	s := t.Summary
	line := fmt.Sprintf("%s (%s): %d of %d satisfied", textfmt.OneLine(t.Name), kind, s.Satisfied,
		s.Requirements)
	if s.Gaps > 0 {
		line += ", " + textfmt.Plural(s.Gaps, "gap")
	}
	if s.GapsMuted > 0 {
		line += fmt.Sprintf(", %d muted", s.GapsMuted)
	}
	if s.Unverified > 0 {
		line += fmt.Sprintf(", %d unverified", s.Unverified)
	}
	if t.CutOff {
		line += ", cut off by the deadline"
	}
	return line
}

// page collects lines of text. Labels form the first column, and the text of a field is wrapped in
// the second column.
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

const labelWidth = 14 // the longest label, "Next reminder", and a blank

func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (p *page) field(indent, label, format string, args ...any) {
	for i, l := range textfmt.Wrap(fmt.Sprintf(format, args...), p.view.Columns()-labelWidth) {
		if i > 0 {
			label = ""
		}
		p.line("%s%-*s%s", indent, labelWidth, label, l)
	}
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// writeBody writes the gaps, then the unverified findings and problems, then the notices.
func (p *page) writeBody(r audit.Report) {
	p.releases, p.fixes, p.targets = len(r.Remotion.Releases), r.Fixes, r.Targets
	p.writeExplanations(r)
	for _, g := range Gaps(r) {
		p.line("")
		p.line("%s  %s", strings.ToUpper(g.Severity.String()), g.Principal())
		p.writeGroup(g)
	}
	p.writeUnverified(r, nil)
	p.writeUpgrade(r.Upgrade)
	p.writeNotices(r)
}

// writeMuted writes the muted gaps.
func (p *page) writeMuted(r audit.Report) {
	groups := Grouped(mutedOf(r))
	if groups == nil {
		return
	}
	p.line("")
	p.line("MUTED")
	for _, g := range groups {
		p.field("  ", textfmt.Capitalize(string(g.Status)), "%s: %s", g.Principal(), g.Summary())
		for _, by := range g.collect(func(f audit.Finding) string {
			return fmt.Sprintf("%s until %s: %s", f.Muted.Owner, f.Muted.Until.UTC().Format(time.RFC3339),
				f.Muted.Reason)
		}) {
			p.field("  ", "Muted by", "%s", textfmt.OneLine(by))
		}
	}
}

func (p *page) writeGroup(g Group) {
	p.field("  ", textfmt.Capitalize(string(g.Status)), "%s", g.Summary())
	if g.RootCause() == "" {
		p.field("  ", "Cause", "%s: %s", g.Cause, textfmt.OneLine(g.Why))
	}
	fixed := p.writeFix(g)
	p.field("  ", "Impact", "%s", textfmt.OneLine(g.Impact()))
	if g.RootCause() != "" {
		if !fixed {
			p.line("  %-*s%s", labelWidth, "Policy", textfmt.OneLine(g.Findings[0].Command))
		}
		return
	}
	p.writeResource(g)
	p.writeNeededBy(g)
	for _, note := range g.collect(func(f audit.Finding) string {
		return strings.Join(f.Notes, "; ")
	}) {
		p.field("  ", "Note", "%s", textfmt.OneLine(note))
	}
	p.writeEvidence(g)
}

// writeResource writes an example ARN and the number of the other example ARNs.
func (p *page) writeResource(g Group) {
	if examples := textfmt.OneLines(g.Examples()); len(examples) > 0 {
		p.field("  ", "Resource", "%s", textfmt.Some(examples, 1))
	}
}

// writeEvidence writes the results of the engine and of the simulator.
func (p *page) writeEvidence(g Group) {
	if f := g.Findings[0]; f.Sid != audit.TrustSid && (f.Simulated != "" || f.Inspected != "") {
		p.field("  ", "Evidence", "result of the policy documents: %s; of the AWS simulator: %s",
			orUnknown(f.Inspected), orUnknown(f.Simulated))
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
