package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeUnverified writes the section UNVERIFIED: the given fields, the actions that the auditor may
// not call, other problems, and the unverified requirements.
func (p *page) writeUnverified(r audit.Report, first []Field) {
	unverified := Grouped(unverifiedOf(r))
	if len(unverified) == 0 && len(r.Problems) == 0 && len(first) == 0 {
		return
	}
	p.line("")
	p.line("UNVERIFIED")
	p.writeFields(first)
	p.writeDenied(r.Problems)
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

// writeDenied writes the problems that a permission for the auditor would solve.
func (p *page) writeDenied(problems []audit.Problem) {
	var grants []string
	about := map[string][]string{}
	first := ""
	for _, pr := range problems {
		if pr.Grant == "" {
			continue
		}
		if first == "" {
			first = pr.Why
		}
		if !slices.Contains(grants, pr.Grant) {
			grants = append(grants, pr.Grant)
		}
		if !slices.Contains(about[pr.Grant], textfmt.OneLine(pr.Target)) {
			about[pr.Grant] = append(about[pr.Grant], textfmt.OneLine(pr.Target))
		}
	}
	for _, grant := range grants {
		p.field("  ", "Auditor lacks", "%s on %s", textfmt.OneLine(grant),
			strings.Join(about[grant], ", "))
	}
	if grants != nil {
		p.field("  ", "AWS error", "%s", textfmt.OneLine(first))
		p.field("  ", "Fix", "grant the auditor these actions; `remotion-audit policies auditor` "+
			"prints a policy with all that it needs")
	}
}
