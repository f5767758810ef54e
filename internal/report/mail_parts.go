package report

import "github.com/remotion-audit/remotion-audit/internal/audit"

// Title returns what the gaps of a group of a report stop, such as "Renders will fail".
func (g Group) Title(r audit.Report) string { return TitleOf(r, g.Findings) }

// TitleOf returns what the worst of some gaps of a report stop, such as "Renders will fail". It
// never says more than the gaps prove. It is empty without gaps.
func TitleOf(r audit.Report, gaps []audit.Finding) string {
	if titles := outcomesOf(r, gaps); len(titles) > 0 {
		return titles[0]
	}
	return ""
}

// Unchecked returns what an incomplete audit could not check, such as "48 of 49 requirements". It
// is empty if the audit is complete.
func Unchecked(r audit.Report) string {
	if !r.Unverified() {
		return ""
	}
	return uncheckedPart(r)
}
