package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// judgedBy says by what the account is judged, and what is deployed in it.
func (p *page) judgedBy(indent string, r audit.Remotion) {
	if len(r.Releases) > 1 {
		p.field(indent, "judged", "by what Remotion %s need together", clean(r.Release))
	} else {
		p.field(indent, "judged", "by Remotion %s", clean(r.Release))
	}
	if len(r.Deployed) == 0 {
		return
	}
	const most = 8
	functions := 0
	var parts []string
	for _, d := range r.Deployed {
		functions += d.Functions
		name := clean(d.Release)
		if name == "" {
			name = "of an unknown release"
		}
		if d.Functions > 1 {
			name = fmt.Sprintf("%d x %s", d.Functions, name)
		}
		parts = append(parts, name)
	}
	if n := len(parts); n > most {
		parts = append(parts[:most], "and "+Plural(n-most, "more release"))
	}
	p.field(indent, "deployed", "%s: %s", Plural(functions, "function"), strings.Join(parts, ", "))
}

// explains writes which of Remotion's documents the policies of a target with gaps are: often that
// is the whole explanation.
func (p *page) explains(r audit.Report) {
	for i, n := range explanations(r) {
		if i == 0 {
			p.line("")
		}
		p.field("", "policy", "%s: %s", clean(n.Target), clean(n.Text))
	}
}

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

// notices writes the rest of them.
func (p *page) notices(r audit.Report) {
	told := explanations(r)
	first := true
	for _, n := range r.Notices {
		if slices.Contains(told, n) {
			continue
		}
		if first {
			p.line("")
			p.line("WORTH KNOWING")
			first = false
		}
		if n.Target != "" {
			p.field("  ", string(n.Kind), "%s: %s", clean(n.Target), clean(n.Text))
		} else {
			p.field("  ", "notice", "%s", clean(n.Text))
		}
		if n.Command != "" {
			p.line("  %-*s%s", labelWidth, "", clean(n.Command))
		}
	}
}

// upgrade writes what the account would lack after an upgrade.
func (p *page) upgrade(u *audit.Upgrade) {
	if u == nil {
		return
	}
	p.line("")
	p.line("AFTER AN UPGRADE to Remotion %s", clean(u.To))
	if len(u.Findings) == 0 {
		p.line("  nothing is missing then that is not missing now")
		return
	}
	for i, g := range Grouped(u.Findings) {
		if i > 0 {
			p.line("")
		}
		p.line("  %s  %s", strings.ToUpper(g.Severity.String()), g.Who())
		p.group(g)
	}
}

// neededBy tells which releases need what a group is about, where the account is judged by several.
func (p *page) neededBy(g Group) {
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
		parts = append(parts, fmt.Sprintf("%s: %s", releases, strings.Join(cleanAll(actions), ", ")))
	}
	if len(parts) == 1 {
		parts[0], _, _ = strings.Cut(parts[0], ": ")
	}
	if parts != nil {
		p.field("  ", "needed by", "%s", strings.Join(parts, "; "))
	}
}

func byReleases(f audit.Finding) string {
	const most = 6
	releases := cleanAll(f.Releases)
	if n := len(releases); n > most {
		releases = append(releases[:most], fmt.Sprintf("and %d more", n-most))
	}
	return strings.Join(releases, ", ")
}
