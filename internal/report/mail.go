package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Letter holds the texts of a mail that are not in the report. Mail cleans all of these texts.
type Letter struct {
	// Opening holds the first lines.
	Opening []string
	// Sections come next, one for each announcement.
	Sections []Section
	// Shown is a part of the report. The mail lists the problems, unverified findings and notices of
	// Shown.
	Shown audit.Report
	// Unverified holds the first fields of the section UNVERIFIED.
	Unverified []Field
	// Omitted is the number of findings that do not fit into the mail. FullReport is the location of
	// the full report; empty if there is none.
	Omitted    int
	FullReport string
	// Rest holds the less urgent sections. They come after the section UNVERIFIED.
	Rest []Section
	// Closing holds the last fields before the commands.
	Closing []Field
	// Function and Region identify the auditor's Lambda function for the command that starts an audit.
	// Without a function the mail has no such command.
	Function, Region string
	// Settings are the flags of `remotion-audit audit` for the same audit, except callers and regions:
	// "--render-role", "video-renderer".
	Settings []string
}

// Section is a titled block of a mail.
type Section struct {
	Title string
	// Group is written before the fields; nil for none.
	Group  *Group
	Fields []Field
}

// Field is a label and its text. If Command is true, Text is a command and is not wrapped.
type Field struct {
	Label, Text string
	Command     bool
}

// maxTargets is the number of targets that a mail lists.
const maxTargets = 20

// Mail writes a report with the texts of a letter as a plain text mail.
func Mail(w io.Writer, r audit.Report, l Letter) error {
	p := page{releases: len(r.Remotion.Releases)}
	for _, line := range l.Opening {
		p.line("%s", textfmt.OneLine(line))
	}
	p.writeExplanations(l.Shown)
	p.writeSections(l.Sections)
	p.writeUnverified(l.Shown, l.Unverified)
	p.writeSections(l.Rest)
	if l.Omitted > 0 {
		p.line("")
		p.line("%s not shown for lack of space: %s", textfmt.Plural(l.Omitted, "more finding"),
			l.elsewhere())
	}
	p.writeNotices(l.Shown)
	p.line("")
	p.line("ABOUT THIS AUDIT")
	p.writeAbout(r)
	p.writeFields(l.Closing)
	if kinds := kindsWithGaps(r); len(kinds) > 0 {
		p.line("")
		p.line("COMPARE with the policy that Remotion documents:")
		for _, kind := range kinds {
			p.line("  %s", textfmt.ShellWords("remotion-audit", "policies", string(kind),
				"--remotion-version", r.Remotion.Since))
		}
	}
	p.line("")
	p.line("RECHECK after a change:")
	for _, command := range CheckCommands(r, l.Function, l.Region, l.Settings) {
		p.line("  %s", command)
	}
	return p.writeTo(w)
}

func (p *page) writeSections(sections []Section) {
	for _, s := range sections {
		p.line("")
		p.line("%s", textfmt.OneLine(s.Title))
		if s.Group != nil {
			p.writeGroup(*s.Group)
		}
		p.writeFields(s.Fields)
	}
}

// elsewhere returns where to find the omitted findings.
func (l Letter) elsewhere() string {
	if l.FullReport == "" {
		return "run the audit below to see all of them."
	}
	return "see " + textfmt.OneLine(l.FullReport) + "."
}

// writeAbout writes the account, the targets and the run.
func (p *page) writeAbout(r audit.Report) {
	p.writeHead("  ", r)
	for i, t := range r.Targets {
		if i == maxTargets {
			p.field("  ", "", "%s", textfmt.More(len(r.Targets)-maxTargets, "target"))
			break
		}
		p.field("  ", "Target", "%s", targetLine(t))
		p.field("  ", "", "%s", textfmt.OneLine(t.ARN))
	}
	if !r.Run.At.IsZero() {
		p.field("  ", "Run", "%s %s by %s", r.Run.At.UTC().Format(time.RFC3339),
			textfmt.OneLine(r.Run.ID), textfmt.OneLine(r.Run.Auditor))
	}
}

func (p *page) writeFields(fields []Field) {
	for _, f := range fields {
		if f.Command {
			p.line("  %-*s%s", labelWidth, textfmt.OneLine(f.Label), textfmt.OneLine(f.Text))
		} else {
			p.field("  ", textfmt.OneLine(f.Label), "%s", textfmt.OneLine(f.Text))
		}
	}
}

// CheckCommands returns the commands that repeat an audit: with the command line tool, and with the
// function if there is one.
func CheckCommands(r audit.Report, function, region string, settings []string) []string {
	var commands []string
	if len(r.Targets) > 0 {
		words := append([]string{"remotion-audit", "audit", "--callers", callers(r), "--regions",
			strings.Join(r.Regions, ",")}, settings...)
		commands = append(commands, textfmt.ShellWords(words...))
	}
	if function != "" {
		commands = append(commands,
			fmt.Sprintf("aws lambda invoke --region %s --function-name %s --cli-binary-format "+
				"raw-in-base64-out --payload %s /dev/stdout",
				textfmt.ShellWords(region), textfmt.ShellWords(function),
				textfmt.ShellWords(`{"command":"audit"}`)))
	}
	return commands
}

func kindsWithGaps(r audit.Report) (kinds []policies.PolicyKind) {
	for _, kind := range []policies.PolicyKind{policies.User, policies.Role} {
		for _, f := range gapsOf(r) {
			if f.Policy == kind && (f.Cause == audit.NoGrant || f.Cause == audit.NarrowerGrant) {
				kinds = append(kinds, kind)
				break
			}
		}
	}
	return kinds
}

// callers returns the audited callers in the syntax of CALLERS.
func callers(r audit.Report) string {
	var list []string
	for _, t := range r.Targets {
		if t.Kind != audit.Caller {
			continue
		}
		entry := t.Name
		if t.Purpose != policies.All {
			entry += "=" + string(t.Purpose)
		}
		list = append(list, entry)
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ",")
}
