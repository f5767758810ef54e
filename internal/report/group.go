package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Group is what one root cause did to one target: one thing to read, and one to mend.
type Group struct {
	Target   string
	Status   audit.Status
	Cause    audit.Cause
	Why      string
	Severity policies.Severity
	// Findings are in the order of the report.
	Findings []audit.Finding
}

// Grouped gathers findings of the same target, status and reason. Groups are ordered by severity,
// the worst first, and then as they are met.
func Grouped(findings []audit.Finding) []Group {
	var groups []Group
	index := map[string]int{}
	for _, f := range findings {
		key := strings.Join([]string{f.Target, string(f.Status), string(f.Cause), f.Why}, "\n")
		i, ok := index[key]
		if !ok {
			i = len(groups)
			index[key] = i
			groups = append(groups, Group{Target: f.Target, Status: f.Status, Cause: f.Cause, Why: f.Why})
		}
		groups[i].Severity = max(groups[i].Severity, f.Severity)
		groups[i].Findings = append(groups[i].Findings, f)
	}
	slices.SortStableFunc(groups, func(a, b Group) int { return int(b.Severity) - int(a.Severity) })
	return groups
}

// Actions lists the actions of the group once each, in order.
func (g Group) Actions() []string {
	return g.collect(func(f audit.Finding) string { return f.Action })
}

// Examples lists the example ARNs once each, in order. "*" tells no region, so it is given one.
func (g Group) Examples() []string {
	return g.collect(func(f audit.Finding) string {
		if f.ExampleARN == "*" && f.Region != "" {
			return "* in " + f.Region
		}
		return f.ExampleARN
	})
}

// Impacts lists what breaks, the worst first.
func (g Group) Impacts() []string {
	sorted := slices.Clone(g.Findings)
	slices.SortStableFunc(sorted, func(a, b audit.Finding) int { return int(b.Severity) - int(a.Severity) })
	return Group{Findings: sorted}.collect(func(f audit.Finding) string { return f.Impact })
}

func (g Group) collect(of func(audit.Finding) string) (list []string) {
	for _, f := range g.Findings {
		if s := of(f); s != "" && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// gapsOf and unverifiedOf pick findings and keep their order.
func gapsOf(r audit.Report) []audit.Finding {
	return pick(r, func(f audit.Finding) bool { return f.Status.Gap() })
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
