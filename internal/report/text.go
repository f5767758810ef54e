package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Text writes the report as text, as `remotion-audit audit` shows it: the verdict first, then a
// card for each root cause, what could not be checked, what was checked, what is muted, and the
// run.
func Text(w io.Writer, r audit.Report, v textfmt.View) error {
	body, about := Parts(r, v)
	_, err := io.WriteString(w, body+about)
	return err
}

// Parts returns the text of Text in two parts, so that a command can add a section: the verdict
// with all that follows from it, and what the report is about.
func Parts(r audit.Report, v textfmt.View) (body, about string) {
	p := newPage(r, v)
	p.writeReport(r)
	body = p.b.String()
	p.b.Reset()
	p.writeEnd(r)
	return body, p.b.String()
}

func newPage(r audit.Report, v textfmt.View) *page {
	return &page{view: v, releases: len(r.Remotion.Releases), fixes: r.Fixes, targets: r.Targets,
		fixSettings: r.Run.Flags}
}

func (p *page) writeReport(r audit.Report) {
	p.writeVerdictOf(VerdictOf(r))
	explained := explanations(r)
	for _, g := range Grouped(pick(r, isNewGap)) {
		p.line("")
		p.writeCard("", g)
		explained = p.writeExplanations(explained, g.Target)
	}
	p.writeAuditor(r)
	p.writeUnread(r)
	p.writeUnverified(r)
	p.writeUpgrade(r.Upgrade)
	p.writeChecked(r)
	p.writeKnown(r)
	p.writeGone(r.Baseline)
	p.writeMuted(r)
	p.writeNotices(r)
}

// writeEnd writes what the report is about, and with View.Verbose what it assumes.
func (p *page) writeEnd(r audit.Report) {
	p.line("")
	p.writeHead(r)
	p.writeRun(r.Run)
	if p.view.Verbose {
		p.writeAssumptions(r)
	}
}

// writeVerdictOf writes the title, and each sentence on lines of its own. Further lines hang, so
// that a name in them cannot read as a sentence of the report.
func (p *page) writeVerdictOf(v Verdict) {
	const hang = "  "
	for _, l := range wrapHanging(v.Title, p.view.Columns(), hang) {
		p.line("%s", p.view.Painted(v.Tone, l))
	}
	for _, sentence := range v.Meaning {
		for _, l := range wrapHanging(sentence, p.view.Columns(), hang) {
			p.line("%s", l)
		}
	}
}

// writeAssumptions writes the context that the audit assumes, and what it does not read.
func (p *page) writeAssumptions(r audit.Report) {
	p.section("ASSUMPTIONS", "")
	if len(r.AssumedContext) > 0 {
		p.field("  ", "Context", "%s", strings.Join(textfmt.OneLines(r.AssumedContext), " "))
	}
	for _, t := range r.Targets {
		if t.Context != nil {
			p.field("  ", "Context", "%s: %s", textfmt.OneLine(t.Name),
				strings.Join(textfmt.OneLines(t.Context), " "))
		}
	}
	if len(r.NotChecked) > 0 {
		p.field("  ", "Not checked", "%s", strings.Join(textfmt.OneLines(r.NotChecked), ", "))
	}
}

// writeChecked writes how many requirements of each target are satisfied. With View.All it lists
// them.
func (p *page) writeChecked(r audit.Report) {
	if len(r.Targets) == 0 {
		return
	}
	p.section("CHECKED", "")
	for _, t := range r.Targets {
		p.field("  ", "Target", "%s", TargetLine(t))
		if p.view.All {
			p.writeSatisfied(r, t)
		}
	}
	if checks := ChecksLine(r); checks != "" {
		p.field("  ", "Checks", "%s", checks)
		if p.view.All {
			p.writePassedChecks(r)
		}
	}
	switch listed := slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
		return f.Status == audit.Satisfied
	}); {
	case r.Summary.Satisfied == 0:
	case !listed && p.view.All: // the report of a message
		p.field("  ", "", "%s", "this report does not list what is satisfied")
	case listed && !p.view.All:
		p.field("  ", "", "%s", "--all lists what is satisfied")
	}
}

// writeSatisfied lists the satisfied permissions of a target under the statements that grant them.
func (p *page) writeSatisfied(r audit.Report, t audit.TargetReport) {
	groups := groupedBy(r.Findings, func(f audit.Finding) (string, bool) {
		return grantedBy(f.Statements), f.Target == t.Name && f.Policy == t.Kind.Policy() &&
			f.Status == audit.Satisfied
	})
	for _, group := range groups {
		p.paragraph("    ", grantedBy(group[0].Statements))
		for _, f := range group {
			p.writePermission("      ", f.Action, f.Resource)
		}
	}
}

// writePassedChecks lists the satisfied checks with their targets.
func (p *page) writePassedChecks(r audit.Report) {
	for _, f := range r.Findings {
		if f.IsCheck() && f.Status == audit.Satisfied {
			p.paragraph("    ", textfmt.OneLine(f.Sid)+" of "+textfmt.OneLine(f.Target))
		}
	}
}

// writePermission writes an action and its resource.
func (p *page) writePermission(indent, action, resource string) {
	permission := textfmt.OneLine(action)
	if resource != "*" && resource != "" {
		permission += " on " + textfmt.OneLine(resource)
	}
	for _, l := range wrapHanging(permission, p.view.Columns()-len(indent), "  ") {
		p.line("%s%s", indent, l)
	}
}

// grantedBy names the statements that grant a satisfied permission.
func grantedBy(statements []audit.StatementRef) string {
	if len(statements) == 0 {
		return "satisfied"
	}
	var names []string
	for _, s := range statements {
		names = append(names, textfmt.OneLine(s.String()))
	}
	return "granted by " + textfmt.Enumerate(names, 3)
}

// writeHead writes the account, the regions and the releases.
func (p *page) writeHead(r audit.Report) {
	p.field("", "Account", "%s", textfmt.OneLine(r.Account))
	if len(r.Targets) == 0 {
		return // a wrong configuration: nothing was audited
	}
	p.field("", "Regions", "%s", strings.Join(textfmt.OneLines(r.Regions), " "))
	p.writeReleases(r.Remotion)
}

// TargetLine returns a target with its kind and the number of its requirements by status.
func TargetLine(t audit.TargetReport) string {
	kind := string(t.Kind)
	switch {
	case t.Kind == audit.Caller && t.Purpose == policies.Render:
		kind += ", renders only"
	case t.Kind == audit.Caller && t.Purpose == policies.Deploy:
		kind += ", deploys only"
	case t.Kind == audit.Caller && t.Purpose != policies.All && t.Purpose != "":
		kind += ", only " + strings.ReplaceAll(string(t.Purpose), "+", " and ")
	}
	line := fmt.Sprintf("%s (%s): %s", textfmt.OneLine(t.Name), kind, countsLine(t.Summary))
	if t.CutOff {
		line += ", cut off by the deadline"
	}
	return line
}

// ChecksLine returns the number of the checks by status. It is empty for a report without checks.
func ChecksLine(r audit.Report) string {
	s := r.ChecksSummary()
	if s.Requirements == 0 {
		return ""
	}
	return countsLine(s)
}

// countsLine returns the numbers of a summary by status.
func countsLine(s audit.Summary) string {
	line := fmt.Sprintf("%d of %d satisfied", s.Satisfied, s.Requirements)
	if s.Gaps > 0 {
		line += ", " + textfmt.Plural(s.Gaps, "gap")
	}
	if s.GapsMuted > 0 {
		line += fmt.Sprintf(", %d muted", s.GapsMuted)
	}
	if s.Unverified > 0 {
		line += fmt.Sprintf(", %d unverified", s.Unverified)
	}
	return line
}

// writeMuted writes the muted gaps.
func (p *page) writeMuted(r audit.Report) {
	groups := Grouped(mutedOf(r))
	if groups == nil {
		return
	}
	p.section("MUTED", "")
	for _, g := range groups {
		p.field("  ", textfmt.Capitalize(string(g.Status)), "%s: %s", g.Principal(), g.Summary())
		for _, by := range g.collect(func(f audit.Finding) string {
			return mutedBy(*f.Muted)
		}) {
			p.field("  ", "Muted by", "%s", textfmt.OneLine(by))
		}
	}
}

// mutedBy returns the owner, the end and the reason of a mute.
func mutedBy(m audit.Mute) string {
	return fmt.Sprintf("%s until %s: %s", m.Owner, m.Until.UTC().Format(time.RFC3339), m.Reason)
}

// writeCard writes a root cause: a heading with the severity and the principal, and the group.
func (p *page) writeCard(indent string, g Group) {
	p.title(indent, SeverityTone(g.Severity), strings.ToUpper(g.Severity.String()), g.Principal())
	p.writeGroup(g)
}

// writeGroup writes the permissions, the cause with the changed lines, what breaks, and the fix.
func (p *page) writeGroup(g Group) {
	e, fixed := g.Fix(p.fixes, maxDiff)
	p.field("  ", textfmt.Capitalize(string(g.Status)), "%s", g.permissions())
	if g.RootCause() == "" {
		p.field("  ", "Cause", "%s: %s", g.Cause, textfmt.OneLine(g.Why))
	}
	p.diff("    ", e.Diff)
	p.writeEffects(g)
	p.writeFix(g, e, fixed)
	if g.RootCause() != "" {
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

// maxNamed is the number of permissions that a card names beside what they break.
const maxNamed = 3

// permissions returns the permissions of a group. It counts more than maxNamed of them, because the
// effects name each.
func (g Group) permissions() string {
	if n := len(g.Actions()); n > maxNamed && g.RootCause() == "" {
		return textfmt.Plural(n, "permission")
	}
	return g.Summary()
}

// maxEffects is the number of effects that a card shows without View.Verbose.
const maxEffects = 6

// writeEffects writes what fails, each effect with its severity and its actions. It shortens a long
// list to the actions, so that no action is left out.
func (p *page) writeEffects(g Group) {
	effects := g.Effects()
	shown := effects
	if !p.view.Verbose && len(effects) > maxEffects+1 {
		shown = effects[:maxEffects]
	}
	label := "Impact"
	write := func(severity policies.Severity, text string) {
		p.entry("  ", label, entry{tone: SeverityTone(severity), word: severity.String() + ":",
			text: text, hang: "  "})
		label = ""
	}
	for _, e := range shown {
		text := e.Impact
		if actions := strings.Join(e.Actions, ", "); actions != "" && len(g.Actions()) > 1 {
			text += " (" + actions + ")"
		}
		write(e.Severity, text)
	}
	for _, rest := range groupedBy(effects[len(shown):], func(e Effect) (policies.Severity, bool) {
		return e.Severity, true
	}) {
		var actions []string
		for _, e := range rest {
			for _, action := range e.Actions {
				actions = textfmt.AppendNew(actions, action)
			}
		}
		write(rest[0].Severity, textfmt.Plural(len(rest), "further effect")+" of "+
			strings.Join(actions, ", ")+" (-v lists them)")
	}
}

// writeResource writes an example ARN and the number of the other example ARNs.
func (p *page) writeResource(g Group) {
	if examples := textfmt.OneLines(g.Examples()); len(examples) > 0 {
		p.field("  ", "Resource", "%s", textfmt.Some(examples, 1))
	}
}

// writeEvidence writes the results of the engine and of the simulator, if the reader wants details
// or if they disagree.
func (p *page) writeEvidence(g Group) {
	f := g.Findings[0]
	if f.Sid == audit.TrustSid || f.Simulated == "" && f.Inspected == "" ||
		!p.view.Verbose && !disagree(f) {
		return
	}
	p.field("  ", "Evidence", "result of the policy documents: %s; of the AWS simulator: %s",
		orUnknown(f.Inspected), orUnknown(f.Simulated))
}

// disagree reports whether the policy documents and AWS's simulator say the opposite, and no layer
// explains it whose documents the audit does not read.
func disagree(f audit.Finding) bool {
	switch f.Inspected {
	case string(audit.Satisfied):
		return f.Simulated != "" && f.Simulated != "allowed" && f.Cause != audit.SCP
	case string(audit.Missing), string(audit.Denied):
		return f.Simulated == "allowed"
	}
	return false
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
