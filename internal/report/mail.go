package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// MailOptions are what a mail says beyond the report.
type MailOptions struct {
	// Function and Region are those of the auditor's Lambda function, for the command that audits again.
	// Without a function the command is left out.
	Function, Region string
	// Settings are flags of `remotion-audit audit` that make it audit what the report is about, beyond
	// callers and regions, which the report knows: "--render-role", "video-renderer".
	Settings []string
	// Left is how many findings and problems are not in Shown.
	Left int
	// Shown is the part of the report that fits. Nil shows all of it.
	Shown *audit.Report
}

// Mail writes the report as the plain text of a mail. Its first line counts all of the report,
// whatever is shown.
func Mail(w io.Writer, r audit.Report, o MailOptions) error {
	var p page
	p.line("%s", Headline(r))
	p.line("")
	p.head(r)
	if !r.Run.At.IsZero() {
		p.field("", "run", "%s %s by %s", r.Run.At.UTC().Format(time.RFC3339), clean(r.Run.ID), clean(r.Run.Auditor))
	}
	for _, t := range r.Targets {
		p.field("", "who", "%s", targetLine(t))
		p.field("", "", "%s", clean(t.ARN))
	}
	if o.Shown != nil {
		p.body(*o.Shown)
	} else {
		p.body(r)
	}
	if o.Left > 0 {
		p.line("")
		p.line("%d more findings did not fit into this message: audit again with the command to see them.", o.Left)
	}
	if kinds := kindsWithGaps(r); len(kinds) > 0 {
		p.line("")
		p.line("NEEDED  compare with what Remotion documents:")
		for _, kind := range kinds {
			p.line("  remotion-audit policies %s --remotion-version %s", kind, shellWord(r.Remotion.Since))
		}
	}
	p.line("")
	p.line("CHECK   after a change, audit again:")
	words := append([]string{"remotion-audit", "audit", "--callers", callers(r), "--regions", strings.Join(r.Regions, ",")}, o.Settings...)
	for i := range words {
		words[i] = shellWord(words[i])
	}
	p.line("  %s", strings.Join(words, " "))
	if o.Function != "" {
		p.line("  aws lambda invoke --region %s --function-name %s --cli-binary-format raw-in-base64-out --payload %s /dev/stdout",
			shellWord(o.Region), shellWord(o.Function), shellWord(`{"command":"audit"}`))
	}
	return p.writeTo(w)
}

func kindsWithGaps(r audit.Report) (kinds []policies.Kind) {
	for _, kind := range []policies.Kind{policies.User, policies.Role} {
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

// SMS says the most important thing in one line of at most 140 ASCII characters.
func SMS(r audit.Report) string {
	text := fmt.Sprintf("%s Remotion IAM %s: %s", Label(r), r.Account, counts(r))
	if groups := Gaps(r); len(groups) > 0 {
		text += fmt.Sprintf(". %s: %s", groups[0].Target, strings.Join(groups[0].Impacts(), "; "))
	}
	return cutASCII(text, 140)
}

// counts says how much is wrong, in as few words as a subject has room for.
func counts(r audit.Report) string {
	switch {
	case r.Status == audit.CouldNotLook && r.Summary.Unverified == 0:
		return "could not look at everything"
	case r.Status == audit.CouldNotLook:
		return fmt.Sprintf("could not look, %d unverified", r.Summary.Unverified)
	case r.Summary.Unverified > 0:
		return fmt.Sprintf("%s, %d unverified", Plural(r.Summary.Gaps, "gap"), r.Summary.Unverified)
	}
	return Plural(r.Summary.Gaps, "gap")
}

// Subject is the subject of an alert: printable ASCII of at most 99 characters, counts before names,
// so that what is cut is the target.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
func Subject(r audit.Report) string {
	head := fmt.Sprintf("[%s] Remotion IAM: %s | ", Label(r), counts(r))
	tail := " | " + r.Account
	return cutASCII(head+cutASCII(affected(r), SubjectLimit-len(head)-len(tail))+tail, SubjectLimit)
}

// SubjectLimit is the most characters SNS takes as a subject.
const SubjectLimit = 99

// affected names the target with the worst trouble, and how many more there are.
func affected(r audit.Report) string {
	first, worst := "", -1
	var troubled []string
	for _, t := range r.Targets {
		trouble := -1
		if r.BlindTo(t.Name) {
			trouble = 0
		}
		for _, f := range r.Findings {
			if f.Target == t.Name && f.Status.Gap() {
				trouble = max(trouble, int(f.Severity))
			}
		}
		if trouble < 0 || r.Status == audit.Gaps && trouble == 0 {
			continue
		}
		if !slices.Contains(troubled, t.Name) { // a role may be a caller and a render role
			troubled = append(troubled, t.Name)
		}
		if trouble > worst {
			first, worst = t.Name, trouble
		}
	}
	if troubled == nil && len(r.Problems) > 0 {
		return audit.TheAccount
	}
	if len(troubled) > 1 {
		return fmt.Sprintf("%s +%d", first, len(troubled)-1)
	}
	return first
}

// cutASCII keeps printable ASCII, writes '?' for the rest, and cuts at limit.
func cutASCII(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r >= ' ' && r <= '~' {
			return r
		}
		return '?'
	}, s)
	if limit < 0 {
		limit = 0
	}
	if len(s) <= limit {
		return s
	}
	if limit <= 3 {
		return s[:limit]
	}
	return s[:limit-3] + "..."
}
