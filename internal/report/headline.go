package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Headline returns the result of an audit in one line. The headline of an incomplete audit never
// reads as compliant.
func Headline(r audit.Report) string {
	s := r.Summary
	muted := ""
	if s.GapsMuted > 0 {
		muted = "; " + textfmt.Plural(s.GapsMuted, "gap") + " muted"
	}
	switch {
	case r.Status == audit.StatusGaps:
		head := fmt.Sprintf("%s (%s); %d of %d requirements satisfied", textfmt.Plural(s.Gaps, "gap"),
			severities(r), s.Satisfied, s.Requirements)
		return head + muted + unverifiedTail(r, "; ")
	case r.Status == audit.StatusUnverified && len(r.Targets) == 0: // nothing was audited
		return "audit incomplete" + unverifiedTail(r, ": ")
	case r.Status == audit.StatusUnverified:
		return "audit incomplete" + unverifiedTail(r, ": ") + muted + verifiedTail(s, muted != "")
	case muted != "":
		return fmt.Sprintf("%d of %d requirements satisfied", s.Satisfied, s.Requirements) +
			asFarAsKnown(r) + muted
	}
	return textfmt.All(s.Requirements, "requirement") + " satisfied" + asFarAsKnown(r)
}

// asFarAsKnown names the newest release of the catalogue if the report is about a newer release.
func asFarAsKnown(r audit.Report) string {
	known := r.Remotion.KnownUntil
	if r.Upgrade != nil {
		known = cmp.Or(known, r.Upgrade.KnownUntil)
	}
	if known == "" {
		return ""
	}
	return ", as far as " + textfmt.OneLine(known) + " tells"
}

// verifiedTail reports that the verified requirements of an incomplete audit have no unmuted gap.
// It returns "" if no requirement was verified.
func verifiedTail(s audit.Summary, muted bool) string {
	verified := s.Requirements - s.Unverified
	switch {
	case verified == 0:
		return ""
	case muted:
		return fmt.Sprintf("; no other gap in the %s", textfmt.Plural(verified, "verified requirement"))
	}
	return fmt.Sprintf("; no gap in the %s", textfmt.Plural(verified, "verified requirement"))
}

func unverifiedTail(r audit.Report, before string) string {
	var parts []string
	if n := r.Summary.Unverified; n > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d requirements unverified", n, r.Summary.Requirements))
	}
	if n := len(r.Problems); n > 0 {
		parts = append(parts, textfmt.Plural(n, "problem"))
	}
	if parts == nil {
		return ""
	}
	return before + strings.Join(parts, ", ")
}

// severities counts the gaps by severity: "2 critical, 1 high".
func severities(r audit.Report) string {
	counts := map[policies.Severity]int{}
	for _, f := range gapsOf(r) {
		counts[f.Severity]++
	}
	var parts []string
	for s := policies.Critical; s >= policies.Low; s-- {
		if counts[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

// Label returns the highest severity of the gaps in capitals, or UNVERIFIED, or OK.
func Label(r audit.Report) string {
	switch r.Status {
	case audit.StatusGaps:
		return strings.ToUpper(r.Worst().String())
	case audit.StatusUnverified:
		return "UNVERIFIED"
	}
	return "OK"
}
