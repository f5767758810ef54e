package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// CheckText writes the result of a check as text. It groups findings with the same cause.
func CheckText(w io.Writer, r check.Verdict) error {
	var p page
	p.line("%s  %s", strings.ToUpper(string(r.Status)), checkHeadline(r))
	p.line("")
	p.field("", "Required", "%s", textfmt.OneLine(r.Required))
	for _, g := range checkGroups(r) {
		p.writeCheckGroup(g)
	}
	for _, e := range r.Excess {
		p.line("")
		p.line("EXCESS  %s", textfmt.OneLine(e.Statement.String()))
		p.field("  ", "Grants", "%s on %s", textfmt.OneLine(e.Action), textfmt.OneLine(e.Resource))
		p.field("  ", "Excess", "%s", string(e.Kind))
		p.field("  ", "Example", "%s on %s", textfmt.OneLine(e.ExampleAction),
			textfmt.OneLine(e.ExampleARN))
	}
	if r.ExcessIncomplete {
		p.line("")
		p.line("There may be more excess: the check reached its limit of work. Split the policies " +
			"into smaller files and check each.")
	}
	if len(r.Assumed) > 0 {
		p.line("")
		p.field("", "Context", "%s", strings.Join(textfmt.OneLines(r.Assumed), " "))
	}
	return p.writeTo(w)
}

func checkHeadline(r check.Verdict) string {
	var parts []string
	if r.Gaps > 0 {
		parts = append(parts, textfmt.Plural(r.Gaps, "gap"))
	}
	if r.Unverified > 0 {
		parts = append(parts, fmt.Sprintf("%d unverified", r.Unverified))
	}
	if parts == nil {
		return fmt.Sprintf("all %d permissions are granted", r.Requirements)
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; %d of %d permissions are granted", r.Satisfied,
		r.Requirements)
}

// checkGroups returns the unsatisfied findings, grouped by status, cause and explanation.
func checkGroups(r check.Verdict) (groups [][]check.Finding) {
	index := map[string]int{}
	for _, f := range r.Findings {
		if f.Status == iampolicy.Satisfied {
			continue
		}
		key := fmt.Sprint(f.Status, f.Cause, f.Why)
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], f)
	}
	return groups
}

func (p *page) writeCheckGroup(group []check.Finding) {
	first := group[0]
	worst := first.Severity
	var actions, impacts, examples []string
	for _, f := range group {
		worst = max(worst, f.Severity)
		actions = addOnce(actions, f.Action)
		impacts = addOnce(impacts, f.Impact)
		example := f.ExampleARN
		if f.ExampleAction != f.Action {
			example = f.ExampleAction + " on " + example
		}
		examples = addOnce(examples, example)
	}
	p.line("")
	head := strings.ToUpper(string(first.Status))
	if worst > 0 {
		head += "  " + worst.String()
	}
	p.line("%s", head)
	p.field("  ", "Actions", "%s", strings.Join(textfmt.OneLines(actions), ", "))
	label := "Not covered"
	switch first.Status {
	case iampolicy.Unverified:
		label = "Resource"
	case iampolicy.Conditional:
		label = "Undecided"
	}
	if len(examples) > 0 {
		p.field("  ", label, "%s", textfmt.Some(textfmt.OneLines(examples), 1))
	}
	if len(impacts) > 0 {
		p.field("  ", "Impact", "%s", strings.Join(impacts, "; "))
	}
	why := textfmt.OneLine(first.Why)
	if first.Cause != "" {
		why = string(first.Cause) + ": " + why
	}
	p.field("  ", "Cause", "%s", why)
	if first.Status == iampolicy.Partial && len(first.Covering) > 0 {
		var covering []string
		for _, s := range first.Covering {
			covering = append(covering, s.String())
		}
		p.field("  ", "Granted by", "%s", strings.Join(textfmt.OneLines(covering), ", "))
	}
}

func addOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
