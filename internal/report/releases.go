package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeReleases writes the releases that the account is judged by, the deployed functions and the
// installed release.
func (p *page) writeReleases(r audit.Remotion) {
	if len(r.Releases) > 1 {
		p.field("", "Remotion", "%s (combined requirements)", textfmt.OneLine(r.Release))
	} else {
		p.field("", "Remotion", "%s", textfmt.OneLine(r.Release))
	}
	p.writeDeployed(r.Deployed)
	if r.Installed != "" {
		p.field("", "Installed", "%s (@remotion/lambda of the project)", textfmt.OneLine(r.Installed))
	}
}

func (p *page) writeDeployed(list []audit.Deployed) {
	if len(list) == 0 {
		return
	}
	const most = 8
	functions := 0
	var parts []string
	for _, d := range list {
		functions += d.Functions
		name := textfmt.OneLine(d.Release)
		if name == "" {
			name = "unknown release"
		}
		if d.Functions > 1 {
			name = fmt.Sprintf("%d x %s", d.Functions, name)
		}
		parts = append(parts, name)
	}
	p.field("", "Deployed", "%s: %s", textfmt.Plural(functions, "function"),
		strings.Join(textfmt.Shorten(parts, most, "release"), ", "))
}

// writeExplanations writes in the card of a target which of Remotion's documents its policies
// resemble, and returns the explanations of other targets.
func (p *page) writeExplanations(list []audit.Notice, target string) (others []audit.Notice) {
	for _, n := range list {
		if n.Target != target {
			others = append(others, n)
			continue
		}
		p.field("  ", "Policy", "%s", textfmt.OneLine(n.Text))
	}
	return others
}

// explanations returns the notices about the documents of targets with gaps.
func explanations(r audit.Report) (list []audit.Notice) {
	for _, n := range r.Notices {
		if n.Kind == audit.NoticeDocument &&
			slices.ContainsFunc(r.Targets, func(t audit.TargetReport) bool {
				return t.Name == n.Target && t.Summary.Gaps > 0
			}) {
			list = append(list, n)
		}
	}
	return list
}

// writeNotices writes the notices that the cards do not have.
func (p *page) writeNotices(r audit.Report) {
	explained := explanations(r)
	first := true
	for _, n := range r.Notices {
		if slices.Contains(explained, n) {
			continue
		}
		if first {
			p.section("NOTICES", "")
			first = false
		}
		text := textfmt.OneLine(n.Text)
		if n.Target != "" {
			text = textfmt.OneLine(n.Target) + ": " + text
		}
		e := entry{text: text}
		if n.Severity > 0 {
			e.tone, e.word = SeverityTone(n.Severity), n.Severity.String()+":"
		}
		p.entry("  ", "Notice", e)
		if n.Command != "" {
			command := textfmt.OneLine(n.Command)
			if len(p.fixSettings) > 0 && strings.HasPrefix(command, "remotion-audit fix ") {
				command += " " + textfmt.ShellWords(p.fixSettings...)
			}
			p.command("  ", "Command", command)
		}
	}
}

// writeUpgrade writes the findings that an upgrade of Remotion would add.
func (p *page) writeUpgrade(u *audit.Upgrade) {
	if u == nil {
		return
	}
	p.section("AFTER AN UPGRADE to Remotion "+textfmt.OneLine(u.To), "")
	switch {
	case u.Problem != "":
		p.field("  ", "Unverified", "%s", textfmt.OneLine(u.Problem))
	case len(u.Findings) > 0:
	case u.KnownUntil != "":
		p.paragraph("  ", "As far as "+textfmt.OneLine(u.KnownUntil)+
			" tells, the upgrade needs no further permissions.")
	default:
		p.paragraph("  ", "The upgrade needs no further permissions.")
	}
	for i, g := range Grouped(u.Findings) {
		if i > 0 {
			p.line("")
		}
		p.writeCard("  ", g)
	}
}

// writeNeededBy writes which releases need the actions of a group, if the account is judged by
// several releases.
func (p *page) writeNeededBy(g Group) {
	if p.releases < 2 {
		return
	}
	var parts []string
	for _, releases := range g.collect(byReleases) {
		actions := g.collect(func(f audit.Finding) string {
			if byReleases(f) != releases {
				return ""
			}
			return f.Action
		})
		parts = append(parts, fmt.Sprintf("%s: %s", releases,
			strings.Join(textfmt.OneLines(actions), ", ")))
	}
	if len(parts) == 1 {
		parts[0], _, _ = strings.Cut(parts[0], ": ")
	}
	if parts != nil {
		p.field("  ", "Needed by", "%s", strings.Join(parts, "; "))
	}
}

func byReleases(f audit.Finding) string {
	const most = 6
	return strings.Join(textfmt.Shorten(textfmt.OneLines(f.Releases), most, ""), ", ")
}
