package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Letter is what a mail says beyond the report it is about. Its texts are cleaned when they are
// written.
type Letter struct {
	// Opening are the first lines, before whom the report is about.
	Opening []string
	// Sections come next, one for each thing there is to say.
	Sections []Section
	// Shown is the part of the report whose problems, unverified findings and notices are shown, Blind
	// what to say before them. Left is how much did not fit, and Full where all of it is: empty for
	// nowhere.
	Shown audit.Report
	Blind []Field
	Left  int
	Full  string
	// Rest are the sections that can wait, and about what is not new. They come after what could not
	// be looked at.
	Rest []Section
	// Closing is the last thing said before the commands.
	Closing []Field
	// Function and Region are those of the auditor's Lambda function, for the command that audits
	// again. Without a function the command is left out.
	Function, Region string
	// Settings are flags of `remotion-audit audit` that make it audit what the report is about, beyond
	// callers and regions, which the report knows: "--render-role", "video-renderer".
	Settings []string
}

// A Section is a paragraph of a mail.
type Section struct {
	Title string
	// Group is written out in full; nil writes the fields alone.
	Group  *Group
	Fields []Field
}

// A Field is a label and its text. A command is never wrapped.
type Field struct {
	Label, Text string
	Command     bool
}

// maxWho is how many targets a mail introduces.
const maxWho = 20

// Mail writes a letter about a report as plain text.
func Mail(w io.Writer, r audit.Report, l Letter) error {
	p := page{releases: len(r.Remotion.Releases)}
	for _, line := range l.Opening {
		p.line("%s", clean(line))
	}
	p.explains(l.Shown)
	p.sections(l.Sections)
	p.blind(l.Shown, l.Blind)
	p.sections(l.Rest)
	if l.Left > 0 {
		p.line("")
		p.line("%s did not fit into this message: %s", Plural(l.Left, "more finding"), l.elsewhere())
	}
	p.notices(l.Shown)
	p.line("")
	p.line("ABOUT")
	p.about(r)
	p.fields(l.Closing)
	if kinds := kindsWithGaps(r); len(kinds) > 0 {
		p.line("")
		p.line("NEEDED  compare with what Remotion documents:")
		for _, kind := range kinds {
			p.line("  %s", ShellWords("remotion-audit", "policies", string(kind), "--remotion-version",
				r.Remotion.Since))
		}
	}
	p.line("")
	p.line("CHECK   after a change, audit again:")
	for _, command := range CheckCommands(r, l.Function, l.Region, l.Settings) {
		p.line("  %s", command)
	}
	return p.writeTo(w)
}

func (p *page) sections(sections []Section) {
	for _, s := range sections {
		p.line("")
		p.line("%s", clean(s.Title))
		if s.Group != nil {
			p.group(*s.Group)
		}
		p.fields(s.Fields)
	}
}

func (l Letter) elsewhere() string {
	if l.Full == "" {
		return "audit again with the command below to see all."
	}
	return "all are in " + clean(l.Full) + "."
}

// about says what was judged, for whom, and when.
func (p *page) about(r audit.Report) {
	p.head("  ", r)
	for i, t := range r.Targets {
		if i == maxWho {
			p.field("  ", "", "and %s", Plural(len(r.Targets)-maxWho, "more target"))
			break
		}
		p.field("  ", "who", "%s", targetLine(t))
		p.field("  ", "", "%s", clean(t.ARN))
	}
	if !r.Run.At.IsZero() {
		p.field("  ", "run", "%s %s by %s", r.Run.At.UTC().Format(time.RFC3339), clean(r.Run.ID),
			clean(r.Run.Auditor))
	}
}

func (p *page) fields(fields []Field) {
	for _, f := range fields {
		if f.Command {
			p.line("  %-*s%s", labelWidth, clean(f.Label), clean(f.Text))
		} else {
			p.field("  ", clean(f.Label), "%s", clean(f.Text))
		}
	}
}

// CheckCommands are the commands that audit again: on one's own machine, and by the function if
// there is one.
func CheckCommands(r audit.Report, function, region string, settings []string) []string {
	var commands []string
	if len(r.Targets) > 0 {
		words := append([]string{"remotion-audit", "audit", "--callers", callers(r), "--regions",
			strings.Join(r.Regions, ",")}, settings...)
		commands = append(commands, ShellWords(words...))
	}
	if function != "" {
		commands = append(commands,
			fmt.Sprintf("aws lambda invoke --region %s --function-name %s --cli-binary-format "+
				"raw-in-base64-out --payload %s /dev/stdout",
				shellWord(region), shellWord(function), shellWord(`{"command":"audit"}`)))
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

// callers spells the audited callers as CALLERS does.
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
