package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeUnverified writes the section UNVERIFIED: the given fields, the problems that no grant for
// the auditor solves, and the unverified requirements.
func (p *page) writeUnverified(r audit.Report, first []Field) {
	unverified := Grouped(unverifiedOf(r))
	if len(unverified) == 0 && len(first) == 0 &&
		!slices.ContainsFunc(r.Problems, func(pr audit.Problem) bool { return pr.Grant == "" }) {
		return
	}
	p.line("")
	p.line("UNVERIFIED")
	p.writeFields(first)
	var remedies []string
	for _, pr := range r.Problems {
		if pr.Grant != "" {
			continue
		}
		p.field("  ", "Problem", "%s: %s: %s", textfmt.OneLine(pr.Target), textfmt.OneLine(pr.What),
			textfmt.OneLine(pr.Why))
		if pr.Remedy != "" && !slices.Contains(remedies, pr.Remedy) {
			remedies = append(remedies, pr.Remedy)
		}
	}
	for _, remedy := range remedies {
		p.field("  ", "Fix", "%s", textfmt.OneLine(remedy))
	}
	for _, g := range unverified {
		// Up to four actions are listed. A longer list would hide the cause.
		if actions := textfmt.OneLines(g.Actions()); len(actions) <= 4 {
			p.field("  ", "Unverified", "%s: %s", textfmt.OneLine(g.Target), strings.Join(actions, ", "))
		} else {
			p.field("  ", "Unverified", "%s: %s", textfmt.OneLine(g.Target),
				textfmt.Plural(len(g.Findings), "requirement"))
		}
		p.field("  ", "Cause", "%s", textfmt.OneLine(g.Why))
	}
}
