package report

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeUnverified writes the section UNVERIFIED: the problems that no grant for the auditor solves,
// and the unverified requirements.
func (p *page) writeUnverified(r audit.Report) {
	unverified := Grouped(unverifiedOf(r))
	if len(unverified) == 0 &&
		!slices.ContainsFunc(r.Problems, func(pr audit.Problem) bool { return pr.Grant == "" }) {
		return
	}
	p.line("")
	p.title("", textfmt.Unknown, "UNVERIFIED", "")
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
		p.field("  ", "Fix", "%s", sentence(textfmt.OneLine(remedy)))
	}
	p.writeUnverifiedChecks(unverified)
	for _, g := range unverified {
		if g.IsCheck() {
			continue
		}
		// Up to four actions are listed. A longer list would hide the cause.
		if actions := textfmt.OneLines(g.Actions()); len(actions) <= 4 {
			p.field("  ", "Unverified", "%s: %s", textfmt.OneLine(g.Target), strings.Join(actions, ", "))
		} else {
			p.field("  ", "Unverified", "%s: %s", textfmt.OneLine(g.Target),
				textfmt.Plural(len(g.Findings), "requirement"))
		}
		p.field("  ", "Cause", "%s", textfmt.OneLine(g.Why))
	}
	p.writeFindOut(r, unverified)
}

// writeUnverifiedChecks writes the checks that could not be made. Checks with the same cause share
// a line: an auditor without the rights for checks has one.
func (p *page) writeUnverifiedChecks(unverified []Group) {
	for _, same := range groupedBy(unverified, func(g Group) (string, bool) {
		return g.Why, g.IsCheck()
	}) {
		var ids []string
		for _, g := range same {
			for _, f := range g.Findings {
				ids = append(ids, textfmt.OneLine(f.Sid)+" of "+textfmt.OneLine(f.Target))
			}
		}
		p.field("  ", "Unverified", "%s: %s", textfmt.Plural(len(ids), "check"),
			textfmt.Enumerate(ids, maxUnread))
		p.field("  ", "Cause", "%s", textfmt.OneLine(same[0].Why))
	}
}

// maxCommands is the number of commands that the section UNVERIFIED shows.
const maxCommands = 3

// writeFindOut says how to find out what could not be checked.
func (p *page) writeFindOut(r audit.Report, unverified []Group) {
	var denied []string // the targets that AWS does not let the auditor read
	if access := r.Access(); access != nil {
		for _, d := range access.Lacks {
			denied = append(denied, d.Targets...)
		}
	}
	again := false
	var commands []string
	for _, g := range unverified {
		action := g.Findings[0].Action
		switch {
		case g.IsCheck():
			again = again || slices.Contains(denied, audit.ChecksTarget)
		case slices.Contains(denied, g.Target):
			again = true
		case action != "" && g.Findings[0].Sid != audit.TrustSid:
			commands = textfmt.AppendNew(commands, textfmt.ShellWords(append([]string{"remotion-audit",
				"explain", textfmt.OneLine(action), "--target", textfmt.OneLine(g.Target)},
				withoutBucket(p.fixSettings)...)...))
		}
	}
	if again {
		p.field("  ", "Find out", "Audit again with the permissions that AUDITOR names")
	}
	for _, command := range commands[:min(len(commands), maxCommands)] {
		p.command("  ", "Find out", command)
	}
}

// withoutBucket returns flags without the evidence bucket, which explain does not read.
func withoutBucket(flags []string) (list []string) {
	for i := 0; i < len(flags); i++ {
		if flags[i] == "--evidence-bucket" || flags[i] == "--bucket" {
			i++ // its value
			continue
		}
		list = append(list, flags[i])
	}
	return list
}
