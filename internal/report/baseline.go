package report

import (
	"cmp"
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// BaselineText returns the result of a comparison with a baseline, without a full stop: "baseline:
// 7 known gaps, 2 new, 1 gone". Known gaps do not count for the exit status.
func BaselineText(c audit.Comparison) string {
	text := fmt.Sprintf("baseline: %s, %d new", textfmt.Plural(c.Known, "known gap"), c.New)
	if c.Worse > 0 {
		text += fmt.Sprintf(", %d worse", c.Worse)
	}
	text += fmt.Sprintf(", %d gone", len(c.Gone))
	if !c.At.IsZero() {
		text += " since " + textfmt.Time(c.At)
	}
	return text
}

// GoneText says what became of a gap of the baseline.
func GoneText(s audit.GoneState) string {
	switch s {
	case audit.GoneClosed:
		return "the requirement is satisfied now"
	case audit.GoneMuted:
		return "the gap is muted now"
	case audit.GoneUnverified:
		return "the requirement is unverified now: whether the gap is closed is unknown"
	case audit.GoneNotJudged:
		return "the requirement is not judged now: the principal or the requirement is not part of " +
			"this run"
	}
	return ""
}

// isNewGap reports whether a finding is an unmuted gap that no baseline has.
func isNewGap(f audit.Finding) bool { return f.Gap() && f.Baseline != audit.BaselineKnown }

// writeKnown writes the gaps that the baseline has, in brief.
func (p *page) writeKnown(r audit.Report) {
	findings := pick(r, func(f audit.Finding) bool { return f.Baseline == audit.BaselineKnown })
	if r.Upgrade != nil {
		for _, f := range r.Upgrade.Findings {
			if f.Baseline == audit.BaselineKnown {
				findings = append(findings, f)
			}
		}
	}
	if len(findings) == 0 {
		return
	}
	p.section("KNOWN", "gaps of the baseline, which do not count for the exit status")
	for _, g := range Grouped(findings) {
		p.field("  ", textfmt.Capitalize(string(g.Status)), "%s: %s", g.Principal(), g.Summary())
	}
}

// writeKnownOf writes the gaps of a check that the baseline has, in brief.
func (p *page) writeKnownOf(v check.Verdict) {
	groups := groupedBy(v.Findings, func(f check.Finding) (audit.Status, bool) {
		return f.Status, f.Gap() && f.Baseline == audit.BaselineKnown
	})
	for i, group := range groups {
		if i == 0 {
			p.section("KNOWN", "gaps of the baseline, which do not count for the exit status")
		}
		p.field("  ", textfmt.Capitalize(string(group[0].Status)), "%s", actionsOf(group))
	}
}

// writeGone writes the gaps that only the baseline has.
func (p *page) writeGone(c *audit.Comparison) {
	if c == nil || len(c.Gone) == 0 {
		return
	}
	p.section("GONE", "gaps of the baseline that are no gaps now")
	type key struct {
		target string
		state  audit.GoneState
	}
	for _, group := range groupedBy(c.Gone, func(g audit.GoneGap) (key, bool) {
		return key{g.Target, g.State}, true
	}) {
		var actions []string
		for _, g := range group {
			action := cmp.Or(g.Action, "the principal itself")
			if g.Policy == audit.CheckKind { // no permission is missing
				action = "check " + g.Sid
			}
			actions = addOnce(actions, textfmt.OneLine(action))
		}
		p.field("  ", textfmt.OneLine(group[0].Target), "%s: %s", textfmt.Enumerate(actions, maxGone),
			GoneText(group[0].State))
	}
}

// maxGone is the number of actions that a line about gone gaps names.
const maxGone = 20
