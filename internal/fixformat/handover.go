// Package fixformat writes a fix in the forms that the tools of its readers take: text, a text for
// an administrator, a unified diff, JSON, a shell script, Terraform and CloudFormation. It applies
// nothing, and no form changes anything by being printed.
//
// Names and documents come from AWS and are untrusted. Each form quotes them in its own way.
package fixformat

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Handover is a fix with what the report says about its target.
type Handover struct {
	Fix remedy.Fix
	// Account and Partition are those of the target. ARN is its ARN; empty if unknown.
	Account, Partition, ARN string
	// Findings are the gaps of the target, in the order of the report.
	Findings []audit.Finding
	// Tightens is the text of the notice whose rights the edits take away, TightensKind its kind.
	// Both are empty for a fix of gaps.
	Tightens     string
	TightensKind audit.NoticeKind
	// View is how the reader wants to see a text; other forms do not use it.
	View textfmt.View
	// Settings are further flags that a command needs to repeat the audit, or --report with its file.
	Settings []string
	// Callers is the value of --callers with which an audit finds the target again; empty for a
	// render role, which each audit finds.
	Callers string
}

// FromReport returns the handover of a fix of a report.
func FromReport(r audit.Report, f remedy.Fix) Handover {
	h := Handover{Fix: f, Account: r.Account, Partition: r.Partition}
	for _, t := range r.Targets {
		if t.Name == f.Target {
			h.ARN = t.ARN
			if t.Kind == audit.Caller {
				h.Callers = report.Callers(audit.Report{Targets: []audit.TargetReport{t}})
			}
		}
	}
	for _, finding := range r.Findings {
		if finding.Target == f.Target && finding.Status.Gap() {
			h.Findings = append(h.Findings, finding)
		}
	}
	return h
}

// A Variant selects the edits of a fix.
type Variant string

// The variants of a fix. The zero value means the edits that weaken no guard and allow nothing
// beyond what is needed.
const (
	Default Variant = ""
	// Guard adds the exceptions from guards to the default.
	Guard Variant = "guard"
	// Wider is the correction that allows more than what is needed.
	Wider Variant = "wider"
	// Undo restores an earlier document.
	Undo Variant = "undo"
)

// A Format writes a fix in one form.
type Format struct {
	Name  string
	Write func(io.Writer, Handover, Variant) error
}

// Formats lists all formats. The first is the default.
func Formats() []Format {
	return []Format{{"text", writeText}, {"json", writeJSON}, {"cli", writeCLI},
		{"terraform", writeTerraform}, {"cloudformation", writeCloudFormation}, {"diff", writeDiff}}
}

// Names lists the names of the formats.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}

// Find returns the format with a name. The error lists the names that exist.
func Find(name string) (Format, error) {
	for _, f := range Formats() {
		if f.Name == name {
			return f, nil
		}
	}
	return Format{}, fmt.Errorf("must be %s, got %q", textfmt.Or(Names()), name)
}

// Empty reports whether the fix has nothing to edit, not even an exception from a guard.
func (h Handover) Empty() bool {
	return len(h.Fix.Edits) == 0 && len(h.guardEdits()) == 0 && h.Fix.Wider == nil && h.Fix.Undo == nil
}

// Edits returns the edits of a variant, at most one for each document. The error says why there are
// none.
func (h Handover) Edits(v Variant) ([]remedy.Edit, error) {
	var edits []remedy.Edit
	switch v {
	case Default:
		edits = h.Fix.Edits
	case Guard:
		guards := h.guardEdits()
		if len(guards) == 0 {
			return nil, errors.New("the fix has no exception from a guard: leave out --guard")
		}
		for _, e := range slices.Concat(h.Fix.Edits, guards) {
			var err error
			if edits, err = merged(edits, e); err != nil {
				return nil, err
			}
		}
	case Wider:
		if h.Fix.Wider == nil {
			return nil, errors.New("the fix has no wider correction: leave out --wider")
		}
		edits = h.Fix.Wider.Edits
	case Undo:
		if h.Fix.Undo == nil {
			return nil, errors.New("no earlier document is known that closes a gap: leave out --undo")
		}
		edits = h.Fix.Undo.Edits
	}
	if len(edits) == 0 {
		return nil, errors.New(h.noEdits())
	}
	for _, e := range edits {
		if e.After == nil {
			return nil, fmt.Errorf("the report has no new document for %s", textfmt.OneLine(e.Policy))
		}
	}
	return edits, nil
}

func (h Handover) guardEdits() (edits []remedy.Edit) {
	for _, g := range h.Fix.Guards {
		edits = append(edits, g.Edits...)
	}
	return edits
}

// noEdits says why the fix has no edits that weaken no guard.
func (h Handover) noEdits() string {
	switch {
	case h.Fix.Withheld != "":
		return "no fix is shown for " + textfmt.OneLine(h.Fix.Target) + ": " +
			textfmt.OneLine(h.Fix.Withheld)
	case len(h.guardEdits()) > 0:
		return "only exceptions from guards close the gaps of " + textfmt.OneLine(h.Fix.Target) +
			": --guard prints them"
	}
	return "no edit of the account's policies closes a gap of " + textfmt.OneLine(h.Fix.Target) +
		": see --format text"
}

// merged appends an edit. If the list has an edit of the same document, the new edit has to start
// with the document after it: the two become one.
func merged(edits []remedy.Edit, e remedy.Edit) ([]remedy.Edit, error) {
	for i, first := range edits {
		if !sameLocation(first.Location, e.Location) || first.Policy != e.Policy {
			continue
		}
		if first.After == nil || e.Before == nil || first.After.Text() != e.Before.Text() {
			return nil, fmt.Errorf("two exceptions change %s, and each is proved alone: make one of "+
				"them by hand (see --format text), and run the command again", textfmt.OneLine(e.Policy))
		}
		e.Before = first.Before
		// The numbers of the statements may differ between the two steps, so no number is right for
		// all changes.
		changes := slices.Clone(first.Changes)
		for _, c := range e.Changes {
			c.Statement = 0
			changes = append(changes, c)
		}
		e.Changes = changes
		out := slices.Clone(edits)
		out[i] = e
		return out, nil
	}
	return append(slices.Clip(edits), e), nil
}

func sameLocation(a, b iampolicy.Location) bool {
	return a.Kind == b.Kind && a.Holder == b.Holder && a.Name == b.Name && a.ARN == b.ARN
}

// holder splits user/NAME, group/NAME or role/NAME.
func holder(l iampolicy.Location) (kind, name string) {
	kind, name, _ = strings.Cut(l.Holder, "/")
	return kind, name
}

// shortTitle names the document of an edit where its principal is known: inline policy "remotion".
func shortTitle(e remedy.Edit) string {
	name := textfmt.OneLine(e.Policy)
	if e.Before == nil {
		name = "new " + name
	}
	return name
}

// title names the document of an edit in texts: inline policy "remotion" of user/ci.
func title(e remedy.Edit) string {
	name := shortTitle(e)
	if h := textfmt.OneLine(e.Location.Holder); h != "" && !strings.Contains(name, " of ") {
		name += " of " + h
	}
	return name
}

// statementTitle names a statement: statement 2 (Sid Storage).
func statementTitle(index int, sid string) string {
	text := fmt.Sprintf("statement %d", index)
	if sid != "" {
		text += " (Sid " + textfmt.OneLine(sid) + ")"
	}
	return text
}

// sizeText says how large the document is after the edit.
func sizeText(e remedy.Edit) string {
	return fmt.Sprintf("%s of %s characters used afterwards", grouped(e.Characters),
		grouped(e.Quota))
}

// grouped returns a number with a comma between groups of three digits.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Command returns the command that prints the fix in a format. Extra are further arguments.
func (h Handover) Command(format string, v Variant, extra ...string) string {
	words := []string{"remotion-audit", "fix", "--target", h.Fix.Target}
	if h.Callers != "" {
		words = append(words, "--callers", h.Callers)
	}
	if h.Tightens != "" {
		words = append(words, "--tighten", string(h.TightensKind))
	}
	if v != Default {
		words = append(words, "--"+string(v))
	}
	return textfmt.ShellWords(slices.Concat(words, h.Settings, []string{"--format", format},
		extra)...)
}

// Format returns the format that the owner of the documents takes.
func (h Handover) Format() string {
	switch h.Fix.Owner.Tool {
	case remedy.CloudFormation, remedy.CDK:
		return "cloudformation"
	case remedy.Terraform:
		return "terraform"
	case remedy.Pulumi, remedy.SST, remedy.IdentityCenter, remedy.AWSService:
		return "json"
	}
	return "cli"
}
