package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// blind writes what could not be learnt, after what is to be said first of it: what the auditor may
// not do, in one piece, then whatever else went wrong, then which requirements nobody can speak
// about.
func (p *page) blind(r audit.Report, first []Field) {
	unverified := Grouped(unverifiedOf(r))
	if len(unverified) == 0 && len(r.Problems) == 0 && len(first) == 0 {
		return
	}
	p.line("")
	p.line("COULD NOT LOOK")
	p.fields(first)
	p.denied(r.Problems)
	var remedies []string
	for _, pr := range r.Problems {
		if pr.Grant != "" {
			continue
		}
		p.field("  ", "problem", "%s: %s: %s", clean(pr.Target), clean(pr.What), clean(pr.Why))
		if pr.Remedy != "" && !slices.Contains(remedies, pr.Remedy) {
			remedies = append(remedies, pr.Remedy)
		}
	}
	for _, remedy := range remedies {
		p.field("  ", "to do", "%s", clean(remedy))
	}
	for _, g := range unverified {
		// Which requirements are unknown is worth a list while it is short; of a target about which
		// nothing is known it is noise.
		if actions := cleanAll(g.Actions()); len(actions) <= 4 {
			p.field("  ", "unknown", "%s: %s", clean(g.Target), strings.Join(actions, ", "))
		} else {
			p.field("  ", "unknown", "%s: %s", clean(g.Target), Plural(len(g.Findings), "requirement"))
		}
		p.field("  ", "why", "%s", clean(g.Why))
	}
}

// denied gathers the problems that a grant to the auditor would end.
func (p *page) denied(problems []audit.Problem) {
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
		if !slices.Contains(about[pr.Grant], clean(pr.Target)) {
			about[pr.Grant] = append(about[pr.Grant], clean(pr.Target))
		}
	}
	for _, grant := range grants {
		p.field("  ", "denied", "%s on %s", clean(grant), strings.Join(about[grant], ", "))
	}
	if grants != nil {
		p.field("  ", "AWS", "%s", clean(first))
		p.field("  ", "to do",
			"grant the auditor what is denied; `remotion-audit policies auditor` prints the policy that "+
				"has it all")
	}
}
