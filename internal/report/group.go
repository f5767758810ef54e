package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Group holds the findings of one target with the same status, cause and explanation. One fix
// closes all of them.
type Group struct {
	Target string
	// Policy is the kind of policy that the findings are about. If a role is a caller and a render
	// role, Policy shows which of them the group is about.
	Policy   policies.PolicyKind
	Status   audit.Status
	Cause    audit.Cause
	Why      string
	Severity policies.Severity
	// Findings are sorted by severity, highest first, and then as in the report.
	Findings []audit.Finding
}

// Grouped groups findings with the same target, kind of policy, status, cause and explanation. An
// explanation that is the same for several statements of one policy is one explanation. Groups are
// sorted by severity, highest first, and then by their first finding.
func Grouped(findings []audit.Finding) []Group {
	var groups []Group
	index := map[string]int{}
	for _, f := range findings {
		key := strings.Join([]string{f.Target, string(f.Policy), string(f.Status), string(f.Cause),
			explanation(f)}, "\n")
		if f.RootCause != "" { // one fix closes all of them
			key = strings.Join([]string{f.Target, string(f.Policy), string(f.RootCause)}, "\n")
		}
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, Group{Target: f.Target, Policy: f.Policy, Status: f.Status,
				Cause: f.Cause, Why: f.Why})
		}
		groups[i].Severity = max(groups[i].Severity, f.Severity)
		groups[i].Findings = append(groups[i].Findings, f)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return int(b.Severity) - int(a.Severity) })
	for i, g := range groups {
		if others := g.otherStatements(); others != nil {
			groups[i].Why += "; the same holds for statement " + textfmt.Enumerate(others, maxStatements)
		}
		slices.SortStableFunc(g.Findings, func(a, b audit.Finding) int {
			return int(b.Severity) - int(a.Severity)
		})
	}
	return groups
}

// maxStatements is the number of further statements that the explanation of a group names.
const maxStatements = 4

// explanation returns why a finding is a gap, without the numbers of the statements: a condition on
// each statement of a policy is one cause.
func explanation(f audit.Finding) string {
	why := f.Why
	for _, s := range f.Statements {
		why = strings.ReplaceAll(why, s.String(), s.Policy)
	}
	return why
}

// otherStatements returns the statements that the explanations of the findings name, and that of
// the first finding does not.
func (g Group) otherStatements() (list []string) {
	if g.RootCause() != "" {
		return nil
	}
	for _, f := range g.Findings {
		if f.Why == g.Why {
			continue
		}
		for _, s := range f.Statements {
			if strings.Contains(f.Why, s.String()) && !strings.Contains(g.Why, s.String()) {
				name := strings.TrimSuffix(strings.TrimPrefix(s.String(), "statement "), " of "+s.Policy)
				list = textfmt.AppendNew(list, name)
			}
		}
	}
	return list
}

// Gaps groups the unmuted gaps of a report.
func Gaps(r audit.Report) []Group { return Grouped(gapsOf(r)) }

// IsCheck reports whether the group is about a check. Its findings are about one target.
func (g Group) IsCheck() bool { return g.Policy == audit.CheckKind && len(g.Findings) > 0 }

// Principal returns the target with its kind, such as "user/render (caller)". For a check, it
// returns the target with the id of the check.
func (g Group) Principal() string {
	if g.IsCheck() {
		return fmt.Sprintf("%s (check %s)", textfmt.OneLine(g.Target),
			textfmt.OneLine(g.Findings[0].Sid))
	}
	if g.Policy == policies.Role {
		return textfmt.OneLine(g.Target) + " (render role)"
	}
	return textfmt.OneLine(g.Target) + " (caller)"
}

// Summary returns the actions, by severity if there are several severities. For a target that does
// not exist, it returns the name of the target.
func (g Group) Summary() string {
	if len(g.Actions()) == 0 {
		return textfmt.OneLine(g.Target) + " itself"
	}
	if g.RootCause() != "" {
		return fmt.Sprintf("%s: %s", textfmt.OneLine(g.Why),
			textfmt.Plural(len(g.Findings), "missing permission"))
	}
	if len(g.Findings) == 0 || g.Findings[len(g.Findings)-1].Severity == g.Severity {
		return strings.Join(textfmt.OneLines(g.Actions()), ", ")
	}
	var parts []string
	for s := g.Severity; s >= policies.Low; s-- {
		same := g.collect(func(f audit.Finding) string {
			if f.Severity != s {
				return ""
			}
			return f.Action
		})
		if same != nil {
			parts = append(parts, s.String()+": "+strings.Join(textfmt.OneLines(same), ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// RootCause returns the single reason for all findings of the group, or an empty text.
func (g Group) RootCause() audit.RootCause {
	if len(g.Findings) == 0 {
		return ""
	}
	return g.Findings[0].RootCause
}

// Actions lists the distinct actions of the group, in order.
func (g Group) Actions() []string {
	return g.collect(func(f audit.Finding) string { return f.Action })
}

// Examples lists the distinct example ARNs, in order. It adds the region to "*".
func (g Group) Examples() []string {
	return g.collect(func(f audit.Finding) string {
		if f.ExampleARN == "*" && f.Region != "" {
			return "* in " + f.Region
		}
		return f.ExampleARN
	})
}

func (g Group) collect(of func(audit.Finding) string) (list []string) {
	for _, f := range g.Findings {
		if s := of(f); s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// gapsOf returns the unmuted gaps, in the order of the report.
func gapsOf(r audit.Report) []audit.Finding { return pick(r, audit.Finding.Gap) }

func mutedOf(r audit.Report) []audit.Finding {
	return pick(r, func(f audit.Finding) bool { return f.Muted != nil })
}

func unverifiedOf(r audit.Report) []audit.Finding {
	return pick(r, func(f audit.Finding) bool { return f.Status == audit.Unverified })
}

func pick(r audit.Report, want func(audit.Finding) bool) (list []audit.Finding) {
	for _, f := range r.Findings {
		if want(f) {
			list = append(list, f)
		}
	}
	return list
}

// groupedBy returns the elements in groups of equal keys, in the order of their first elements. It
// leaves out the elements for which key returns false.
func groupedBy[E any, K comparable](list []E, key func(E) (K, bool)) (groups [][]E) {
	index := map[K]int{}
	for _, e := range list {
		k, ok := key(e)
		if !ok {
			continue
		}
		i, known := index[k]
		if !known {
			i = len(groups)
			index[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], e)
	}
	return groups
}
