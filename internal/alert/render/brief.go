package render

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// brief is what a reader needs first about open gaps with one root cause: why they are open, and
// the repair. Its texts are not cleaned.
type brief struct {
	cause string
	fixes []fixText
	// further follows the fixes: what they leave open. It may be empty.
	further string
	// command prints the fix, or if there is none the policy that Remotion documents. It may be empty.
	// label names what the command prints.
	label, command string
}

// fixText is one change of a fix.
type fixText struct {
	// where names the statement, if the cause does not name it. text is the change as a sentence if
	// the diff does not say all. At least one of where, text and diff is not empty.
	where, text string
	// diff has the removed and added lines.
	diff []string
}

// maxDiff is the number of lines of a diff that a message shows for one root cause.
const maxDiff = 12

// briefOf returns the brief of a group.
func briefOf(r audit.Report, from Sender, g report.Group) brief {
	b := brief{cause: causeText(g), label: "Print the fix"}
	e, ok := g.Fix(r.Fixes, maxDiff)
	if !ok || g.Cause == audit.TargetMissing {
		b.fixes, b.command = []fixText{{text: withoutFix(g)}}, documentedPolicy(r, g)
		b.label = "Print the policy"
		return b
	}
	if e.Edits {
		b.command = fixCommand(r, from, g, e)
	}
	if g.IsCheck() {
		b.label, b.fixes = "Command", []fixText{{text: e.Text}}
		return b
	}
	fix := fixOf(r.Fixes, g)
	var short bool // the fixes do not say how many changes the whole fix has
	if b.fixes, short = patternChanges(r, g, e, fix); short {
		if where, what := correction(r, g, e); what != "" {
			b.cause, b.fixes[0].where = what+" in "+where, ""
		}
	} else if b.fixes, short = newStatements(r, g, e, fix); !short {
		b.fixes = []fixText{{text: e.Text, diff: changedLines(e.Diff)}}
	}
	total := 0
	for _, edit := range fix.Edits {
		total += len(edit.Changes)
	}
	if more := total - len(e.Changes); short && more > 0 {
		b.further = "the whole fix has " + textfmt.Plural(more, "further change")
	}
	return b
}

// fixOf returns the fix of the principal of a group, or no fix.
func fixOf(fixes []remedy.Fix, g report.Group) remedy.Fix {
	i := slices.IndexFunc(fixes, func(f remedy.Fix) bool {
		return f.Target == g.Target && (f.Policy == g.Policy || f.Policy == "")
	})
	if i < 0 {
		return remedy.Fix{}
	}
	return fixes[i]
}

// guarded reports whether a guard blocks gaps of a group. The text of the fix then names the guard.
func guarded(fix remedy.Fix, g report.Group) bool {
	return slices.ContainsFunc(fix.Guards, func(guard remedy.Guard) bool {
		return slices.ContainsFunc(g.Findings, func(f audit.Finding) bool {
			return slices.Contains(guard.Blocks, remedy.Need{Sid: f.Sid, Action: f.Action,
				Resource: f.Resource})
		})
	})
}

// causeText returns the cause of a group as a sentence. It names the actions, because the sentence
// is read without the list of the findings.
func causeText(g report.Group) string {
	if actions := g.Actions(); g.RootCause() == "" && len(actions) > 0 {
		return strings.Replace(g.Why, "the action", textfmt.Enumerate(actions, 2), 1)
	}
	return g.Why
}

// maxPatternChanges is the number of changes that patternChanges shows.
const maxPatternChanges = 3

// patternChanges returns the changes of a fix as changed patterns, each with its statement. ok is
// false if the patterns do not say all that the fix says.
func patternChanges(r audit.Report, g report.Group, e remedy.Excerpt,
	fix remedy.Fix) (list []fixText, ok bool) {
	if len(e.Changes) == 0 || len(e.Changes) > maxPatternChanges || guarded(fix, g) {
		return nil, false
	}
	for _, c := range e.Changes {
		edit, found := editOf(r.Fixes, g, c)
		if !found || !saidByPatterns(edit, c) {
			return nil, false
		}
		f := fixText{where: iampolicy.StatementRef{Policy: edit.Policy, Index: c.Statement,
			Sid: c.Sid}.String()}
		add := func(mark string, patterns, others []string) {
			for _, p := range patterns {
				if !slices.Contains(others, p) {
					f.diff = append(f.diff, mark+textfmt.JSON(p))
				}
			}
		}
		add("- ", c.Old, c.New)
		add("+ ", c.New, c.Old)
		if len(f.diff) == 0 || len(f.diff) > maxDiff {
			return nil, false
		}
		list = append(list, f)
	}
	return list, true
}

// newStatements returns the changes of a fix that only adds more statements than the text of the
// excerpt names. ok is false for another fix.
func newStatements(r audit.Report, g report.Group, e remedy.Excerpt,
	fix remedy.Fix) (list []fixText, ok bool) {
	if len(e.Changes) <= maxPatternChanges || guarded(fix, g) {
		return nil, false
	}
	var texts []string
	counts := map[string]int{}
	for _, c := range e.Changes {
		edit, found := editOf(r.Fixes, g, c)
		if !found || c.Kind != remedy.AddStatement {
			return nil, false
		}
		text := " to " + edit.Policy
		if edit.Before == nil {
			text = " to the new " + edit.Policy
		}
		texts = textfmt.AppendNew(texts, text)
		counts[text]++
	}
	for i, text := range texts {
		texts[i] = "add " + textfmt.Plural(counts[text], "statement") + text
	}
	return []fixText{{text: textfmt.Enumerate(texts, maxPatternChanges)}}, true
}

// saidByPatterns reports whether the old and the new patterns say all about a change.
func saidByPatterns(edit remedy.Edit, c remedy.Change) bool {
	switch {
	case c.Statement == 0:
		return false
	case c.Kind == remedy.AddResource: // it may add an action, too
		return edit.Before != nil && edit.After != nil &&
			c.Statement <= min(len(edit.Before.Statements), len(edit.After.Statements)) &&
			slices.Equal(edit.Before.Statements[c.Statement-1].Action,
				edit.After.Statements[c.Statement-1].Action)
	}
	return c.Kind == remedy.CorrectAction || c.Kind == remedy.CorrectResource ||
		c.Kind == remedy.AddAction
}

// changedLines returns the removed and added lines of a diff. Marks below a line point to the wrong
// character if the client wraps the line or shows a proportional font. A diff that the excerpt cuts
// has no lines: half a statement is no repair.
func changedLines(diff []string) (list []string) {
	if len(diff) > maxDiff {
		return nil
	}
	for _, line := range diff {
		mark := strings.TrimSpace(line)
		if strings.HasPrefix(mark, "-") || strings.HasPrefix(mark, "+") {
			list = append(list, mark)
		}
	}
	return list
}

// correction returns the statement that a fix corrects and what is wrong in it, such as "typo".
// what is empty if the fix is not a single correction.
func correction(r audit.Report, g report.Group, e remedy.Excerpt) (where, what string) {
	if len(e.Changes) != 1 || g.RootCause() != "" {
		return "", ""
	}
	c := e.Changes[0]
	edit, ok := editOf(r.Fixes, g, c)
	if !ok || c.Statement == 0 {
		return "", ""
	}
	where = iampolicy.StatementRef{Policy: edit.Policy, Index: c.Statement, Sid: c.Sid}.String()
	switch {
	case c.Kind == remedy.CorrectAction:
		return where, "no such action"
	case c.Miss != nil:
		return where, string(c.Miss.Kind)
	}
	return where, ""
}

// withoutFix says who or what can close the gaps of a group for which no fix was computed.
func withoutFix(g report.Group) string {
	kind, _, _ := strings.Cut(g.Target, "/")
	if len(g.Findings) > 0 && outcomeOpen(g.Findings[0]) {
		return "give the auditor the values or the policy that the cause names, so that the result is " +
			"sure"
	}
	switch g.Cause {
	case audit.TargetMissing:
		return "create the " + textfmt.OneLine(kind) + ", or correct its name in the settings of the " +
			"auditor"
	case audit.SCP, audit.RCP:
		return "ask an administrator of the organization to allow the action"
	case audit.IdentityDeny:
		return "limit the statement that denies the action"
	case audit.PermissionsBoundary:
		return "allow the action in the permissions boundary"
	case audit.Condition:
		return "check the condition of the statement"
	case audit.TrustPolicy:
		return "let Lambda assume the role in its trust policy"
	}
	return "grant the permissions that Remotion documents"
}

// outcomeOpen reports whether a condition that the audit does not know decides about a gap.
func outcomeOpen(f audit.Finding) bool {
	return f.Status == audit.Conditional || f.UnderAssumedContext
}

// documentedPolicy returns the command that prints the policy that Remotion documents, if a group
// lacks a grant.
func documentedPolicy(r audit.Report, g report.Group) string {
	switch {
	case g.RootCause() != "" && len(g.Findings) > 0 && g.Findings[0].Command != "":
		return g.Findings[0].Command
	case g.Cause == audit.NoGrant || g.Cause == audit.NarrowerGrant:
		return policyCommand(r, g.Policy)
	}
	return ""
}

// policyCommand returns the command that prints a policy that Remotion documents.
func policyCommand(r audit.Report, kind policies.PolicyKind) string {
	return textfmt.ShellWords("remotion-audit", "policies", string(kind), "--remotion-version",
		r.Remotion.Since)
}

// shortCause returns the cause of a group with the name of its principal in a few words, for a
// subject: "typo in remotion-lambda-role". The name has at most limit characters.
func shortCause(r audit.Report, g report.Group, limit int) string {
	name := textfmt.ASCII(arn.Name(g.Target), limit)
	if name == "" {
		name = "the principal"
	}
	actions := g.Actions()
	switch {
	case g.IsCheck():
		return textfmt.ASCII(g.Findings[0].Sid, limit) + " of " + name
	case g.Cause == audit.TargetMissing && g.Policy != policies.Role:
		return name // the title says that it does not exist
	case g.Cause == audit.TargetMissing, len(actions) == 0:
		return name + " does not exist"
	case g.RootCause() == audit.RootNoPolicy:
		return name + " has no policy"
	case g.RootCause() != "":
		return "no grant in " + name
	}
	if e, ok := g.Fix(r.Fixes, 0); ok {
		if _, what := correction(r, g, e); what != "" {
			return what + " in " + name
		}
	}
	switch g.Cause {
	case audit.IdentityDeny:
		return "explicit deny for " + name
	case audit.PermissionsBoundary:
		return "boundary of " + name
	case audit.SCP:
		return "SCP blocks " + name
	case audit.RCP:
		return "RCP blocks " + name
	case audit.Condition:
		return "condition in " + name
	case audit.TrustPolicy:
		return "trust policy of " + name
	case audit.NarrowerGrant:
		return "grant too narrow in " + name
	}
	if len(actions) == 1 {
		return name + " lacks " + actions[0]
	}
	return name + " lacks " + textfmt.Plural(len(actions), "permission")
}

// reasonWords are the words for the reasons of open entries. A new gap needs none.
var reasonWords = map[alert.Reason]string{
	alert.ReasonReopened: "reopened", alert.ReasonWorse: "worse",
	alert.ReasonReminder: "still open", alert.ReasonPartlyRecovered: "improved",
}
