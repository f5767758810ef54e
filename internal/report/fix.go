package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxDiff is the number of lines of a diff that a report shows for one root cause.
const maxDiff = 12

// Fix returns the part of the fixes that closes the gaps of the group. ok is false if there is
// none. The diff has at most most lines.
func (g Group) Fix(fixes []remedy.Fix, most int) (e remedy.Excerpt, ok bool) {
	if g.IsCheck() {
		first := g.Findings[0]
		return remedy.Excerpt{Text: first.Remedy, Edits: first.Command != ""}, first.Remedy != ""
	}
	var gaps []remedy.Need
	for _, f := range g.Findings {
		gaps = append(gaps, remedy.Need{Sid: f.Sid, Action: f.Action, Resource: f.Resource})
	}
	return remedy.ExcerptFor(fixes, g.Target, g.Policy, gaps, 0, most)
}

// writeFix writes an excerpt in words, and one command. If the account cannot make the change, it
// writes the command that prints the policy that is needed.
func (p *page) writeFix(g Group, e remedy.Excerpt, ok bool) {
	if ok {
		p.field("  ", "Fix", "%s", sentence(textfmt.OneLine(e.Text)))
	}
	if others := g.otherGuards(p.fixes); others != nil {
		p.field("  ", "Also needs", "an exception in %s, which blocks the same permissions",
			textfmt.Enumerate(others, 3))
	}
	switch {
	case ok && e.Edits:
		p.command("  ", "Command", g.FixCommand(e, p.targets, p.fixSettings))
	case g.RootCause() != "":
		p.command("  ", "Policy", textfmt.OneLine(g.Findings[0].Command))
	}
}

// otherGuards names the guards that block gaps of the group, except the first, which the text of
// the fix names. One exception alone closes nothing if two guards block the same gap.
func (g Group) otherGuards(fixes []remedy.Fix) (names []string) {
	for _, f := range fixes {
		if f.Target != g.Target || f.Policy != g.Policy && f.Policy != "" {
			continue
		}
		for _, guard := range f.Guards {
			if !slices.ContainsFunc(guard.Blocks, g.isAbout) {
				continue
			}
			name := guard.Policy
			if len(guard.Statements) == 1 {
				name = guard.Statements[0].String()
			}
			names = append(names, textfmt.OneLine(name))
		}
	}
	if len(names) < 2 {
		return nil
	}
	return names[1:]
}

// isAbout reports whether a gap is one of the findings of the group.
func (g Group) isAbout(n remedy.Need) bool {
	return slices.ContainsFunc(g.Findings, func(f audit.Finding) bool {
		return f.Sid == n.Sid && f.Action == n.Action && f.Resource == n.Resource
	})
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

// FixCommand returns the command that prints an excerpt of the group, or that repairs a failed
// check. targets are those of the report, and settings are further flags of the audit.
func (g Group) FixCommand(e remedy.Excerpt, targets []audit.TargetReport,
	settings []string) string {
	if g.IsCheck() {
		return textfmt.OneLine(g.Findings[0].Command)
	}
	for _, t := range targets {
		if t.Name == g.Target && t.Kind == audit.Caller && g.Policy == policies.User {
			one := audit.Report{Targets: []audit.TargetReport{t}}
			return e.Command(g.Target, Callers(one), settings...)
		}
	}
	return e.Command(g.Target, "", settings...)
}

// maxShortCause is the number of characters of ShortCause.
const maxShortCause = 100

// ShortCause returns the cause of the group in at most 100 characters, for a short message.
func (g Group) ShortCause(fixes []remedy.Fix) string {
	return textfmt.Truncate(textfmt.OneLine(g.shortCause(fixes)), maxShortCause)
}

func (g Group) shortCause(fixes []remedy.Fix) string {
	actions := g.Actions()
	if len(g.Findings) == 0 || len(actions) == 0 {
		return "it does not exist"
	}
	if g.RootCause() != "" || g.IsCheck() {
		return g.Why
	}
	if e, ok := g.Fix(fixes, 0); ok {
		for _, c := range e.Changes {
			if text := correctionText(c); text != "" {
				return text
			}
		}
	}
	policy := ""
	if list := g.Findings[0].Statements; len(list) > 0 {
		policy = list[0].Policy
	}
	some := textfmt.Some(actions, 1)
	switch g.Cause {
	case audit.IdentityDeny:
		return some + " denied by " + policy
	case audit.PermissionsBoundary:
		return some + " blocked by the permissions boundary"
	case audit.SCP:
		return some + " blocked by a service control policy"
	case audit.RCP:
		return some + " blocked by a resource control policy"
	case audit.Condition:
		return some + " under a condition of " + policy
	case audit.TrustPolicy:
		return "the trust policy does not let Lambda assume the role"
	case audit.NarrowerGrant:
		return some + " granted only on other resources by " + policy
	}
	return "no statement grants " + some
}

// correctionText describes what a correction is about. It is empty for another change.
func correctionText(c remedy.Change) string {
	wrong := slices.DeleteFunc(slices.Clone(c.Old), func(old string) bool {
		return slices.Contains(c.New, old)
	})
	switch {
	case c.Kind == remedy.CorrectAction && len(wrong) > 0:
		return "no action: " + strings.Join(wrong[:1], "")
	case c.Miss != nil && c.Miss.Got != "":
		return string(c.Miss.Kind) + ": has " + c.Miss.Got + ", needs " + c.Miss.Want
	case c.Miss != nil:
		return string(c.Miss.Kind) + ": " + c.Miss.Pattern
	}
	return ""
}
