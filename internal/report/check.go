package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// CheckText writes the results of a check as text. It groups findings with the same severity and
// cause. Several results have a headline, and each names its policy files.
func CheckText(w io.Writer, r check.Results, v textfmt.View) error {
	p := page{view: v}
	if len(r.Results) == 1 && r.Results[0].Verdict != nil {
		p.writeVerdict(*r.Results[0].Verdict)
		p.writeComparison(r.Baseline)
		return p.writeTo(w)
	}
	p.title("", reportTone(r.Status), strings.ToUpper(string(r.Status)), resultsHeadline(r))
	for _, result := range r.Results {
		p.line("") // names of files are not wrapped
		p.line("%s  %s", p.view.Painted(textfmt.Strong, "POLICY"),
			textfmt.OneLine(result.Name()))
		if result.Verdict == nil {
			p.title("", reportTone(result.Status()), strings.ToUpper(string(result.Status())),
				textfmt.OneLine(result.Error))
			continue
		}
		p.writeVerdict(*result.Verdict)
	}
	p.writeComparison(r.Baseline)
	return p.writeTo(w)
}

// writeComparison writes how the results differ from those of a baseline.
func (p *page) writeComparison(c *audit.Comparison) {
	if c == nil {
		return
	}
	p.writeGone(c)
	p.line("")
	p.paragraph("", textfmt.Capitalize(BaselineText(*c))+".")
}

// resultsHeadline counts the results of each status: "3 checked: 1 with gaps, 2 compliant".
func resultsHeadline(r check.Results) string {
	unreadable := 0
	counts := map[audit.ReportStatus]int{}
	for _, result := range r.Results {
		if result.Verdict == nil {
			unreadable++
		} else {
			counts[result.Verdict.Status]++
		}
	}
	var parts []string
	for _, c := range []struct {
		number int
		text   string
	}{
		{unreadable, "unreadable"}, {counts[audit.StatusGaps], "with gaps"},
		{counts[audit.StatusUnverified], "unverified"}, {counts[audit.StatusCompliant], "compliant"},
	} {
		if c.number > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.number, c.text))
		}
	}
	return fmt.Sprintf("%d checked: %s", len(r.Results), strings.Join(parts, ", "))
}

func (p *page) writeVerdict(r check.Verdict) {
	p.title("", reportTone(r.Status), strings.ToUpper(string(r.Status)), checkHeadline(r))
	p.writeOutcomes("If no other policy grants them", checkOutcomes(r))
	p.line("")
	p.field("", "Required", "%s", textfmt.OneLine(r.Required))
	if r.Principal != nil {
		p.field("", "Principal", "%s", textfmt.OneLine(r.Principal.String()+" ("+
			r.Principal.At.String()+")"))
	}
	if r.Problem != "" {
		p.field("", "Unverified", "%s", textfmt.OneLine(r.Problem))
	}
	for _, g := range checkGroups(r) {
		p.writeCheckGroup(g)
	}
	if p.view.All {
		p.writeGranted(r)
	}
	p.writeKnownOf(r)
	p.writeMutedOf(r)
	for i, note := range r.Notes {
		if i == 0 {
			p.line("")
		}
		p.field("", "Note", "%s", textfmt.OneLine(note))
	}
	for _, e := range r.Excess {
		p.line("")
		p.title("", textfmt.Medium, "EXCESS", textfmt.OneLine(e.Statement.String()))
		p.field("  ", "Grants", "%s on %s", textfmt.OneLine(e.Action), textfmt.OneLine(e.Resource))
		p.field("  ", "Excess", "%s", string(e.Kind))
		p.field("  ", "Example", "%s on %s", textfmt.OneLine(e.ExampleAction),
			textfmt.OneLine(e.ExampleARN))
	}
	if r.ExcessIncomplete {
		p.line("")
		p.paragraph("", "There may be more excess: "+r.WhyIncomplete()+".")
	}
	if len(r.Assumed) > 0 && (p.view.Verbose || dependsOnContext(r)) {
		p.line("")
		p.field("", "Context", "%s", strings.Join(textfmt.OneLines(r.Assumed), " "))
	}
}

// writeOutcomes writes what will happen under a premise; nothing without outcomes.
func (p *page) writeOutcomes(premise string, outcomes []string) {
	for i := range outcomes {
		outcomes[i] = lowerFirst(outcomes[i])
	}
	if outcomes != nil {
		p.paragraph("", premise+": "+strings.Join(outcomes, "; ")+".")
	}
}

// checkOutcomes returns what happens without the permissions that the policies do not grant.
func checkOutcomes(r check.Verdict) []string {
	var gaps []audit.Finding
	for _, f := range r.Findings {
		if f.Gap() && f.Stops > 0 {
			gaps = append(gaps, audit.Finding{Action: f.Action, Status: f.Status, Severity: f.Severity,
				Stops: f.Stops})
		}
	}
	return outcomesOf(audit.Report{}, gaps)
}

// writeGranted lists the granted permissions under the statements that grant them.
func (p *page) writeGranted(r check.Verdict) {
	granted := func(f check.Finding) (string, bool) {
		return grantedBy(f.Covering), f.Status == iampolicy.Satisfied
	}
	for i, group := range groupedBy(r.Findings, granted) {
		if i == 0 {
			p.section("GRANTED", "")
		}
		p.paragraph("  ", textfmt.Capitalize(grantedBy(group[0].Covering)))
		for _, f := range group {
			p.writePermission("    ", f.Action, f.Resource)
		}
	}
}

// dependsOnContext reports whether a finding depends on a condition, so that the context matters.
func dependsOnContext(r check.Verdict) bool {
	return slices.ContainsFunc(r.Findings, func(f check.Finding) bool {
		return f.Status == iampolicy.Conditional || f.Cause == iampolicy.UnmetCondition
	})
}

func checkHeadline(r check.Verdict) string {
	var parts []string
	if r.Gaps > 0 {
		parts = append(parts, textfmt.Plural(r.Gaps, "gap"))
	}
	if r.Unverified > 0 {
		parts = append(parts, fmt.Sprintf("%d unverified", r.Unverified))
	}
	if r.GapsMuted > 0 {
		parts = append(parts, fmt.Sprintf("%d muted", r.GapsMuted))
	}
	are := " are"
	if r.Requirements == 1 {
		are = " is"
	}
	all := textfmt.All(r.Requirements, "permission")
	switch {
	case parts != nil:
	case r.Problem != "":
		return all + " that" + are + " known" + are + " granted"
	case r.KnownUntil != "":
		return all + are + " granted, as far as " + textfmt.OneLine(r.KnownUntil) + " tells"
	default:
		return all + are + " granted"
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; %d of %d permissions are granted", r.Satisfied,
		r.Requirements)
}

// checkGroups returns the unmuted gaps that no baseline has and the unverified findings, grouped by
// severity, status, cause and explanation. The gaps come first, those of the highest severity at
// the top.
func checkGroups(r check.Verdict) (groups [][]check.Finding) {
	type key struct {
		severity policies.Severity
		status   iampolicy.Status
		cause    iampolicy.Cause
		why      string
	}
	groups = groupedBy(r.Findings, func(f check.Finding) (key, bool) {
		return key{f.Severity, f.Status, f.Cause, f.Why}, f.Status == iampolicy.Unverified ||
			f.Gap() && f.Baseline != audit.BaselineKnown
	})
	slices.SortStableFunc(groups, func(a, b []check.Finding) int {
		if gap := a[0].Status.Gap(); gap != b[0].Status.Gap() {
			if gap {
				return -1
			}
			return 1
		}
		return cmp.Compare(checkRank(b[0]), checkRank(a[0]))
	})
	return groups
}

// checkRank orders findings by severity. A requirement from a file has no severity and counts as
// critical.
func checkRank(f check.Finding) policies.Severity { return cmp.Or(f.Severity, policies.Critical) }

func (p *page) writeCheckGroup(group []check.Finding) {
	first := group[0]
	var examples []string
	for _, f := range group {
		example := f.ExampleARN
		if f.ExampleAction != f.Action {
			example = f.ExampleAction + " on " + example
		}
		examples = addOnce(examples, example)
	}
	p.line("")
	severity, tone := "", StatusTone(first.Status)
	if first.Severity > 0 {
		severity = first.Severity.String()
	}
	if first.Severity > 0 && first.Status.Gap() {
		tone = SeverityTone(first.Severity)
	}
	p.title("", tone, strings.ToUpper(string(first.Status)), severity)
	p.field("  ", "Actions", "%s", actionsOf(group))
	label := "Not covered"
	switch first.Status {
	case iampolicy.Unverified:
		label = "Resource"
	case iampolicy.Conditional:
		label = "Undecided"
	}
	if len(examples) > 0 {
		p.field("  ", label, "%s", textfmt.Some(textfmt.OneLines(examples), 1))
	}
	p.writeImpacts(group)
	why := textfmt.OneLine(first.Why)
	if first.Cause != "" {
		why = string(first.Cause) + ": " + why
	}
	p.field("  ", "Cause", "%s", why)
	writePlaces(p, group, func(f check.Finding) *check.Place { return f.At })
	if first.Status == iampolicy.Partial && len(first.Covering) > 0 {
		var covering []string
		for _, s := range first.Covering {
			covering = append(covering, s.String())
		}
		p.field("  ", "Granted by", "%s", strings.Join(textfmt.OneLines(covering), ", "))
	}
}

// maxPlaces is the number of places that a group of findings names.
const maxPlaces = 2

// writePlaces writes where the findings of a group are.
func writePlaces[T any](p *page, group []T, of func(T) *check.Place) {
	var places []string
	for _, f := range group {
		if at := of(f); at != nil {
			places = addOnce(places, textfmt.OneLine(at.String()))
		}
	}
	if places != nil {
		p.field("  ", "Where", "%s", textfmt.Some(places, maxPlaces))
	}
}

// writeImpacts writes what breaks without the permissions of a group, each impact with its actions.
func (p *page) writeImpacts(group []check.Finding) {
	label, several := "Impact", slices.ContainsFunc(group, func(f check.Finding) bool {
		return f.Action != group[0].Action
	})
	for _, same := range groupedBy(group, func(f check.Finding) (string, bool) {
		return f.Impact, f.Impact != ""
	}) {
		var actions []string
		for _, f := range same {
			actions = addOnce(actions, textfmt.OneLine(f.Action))
		}
		text := textfmt.OneLine(same[0].Impact)
		if several {
			text += " (" + strings.Join(actions, ", ") + ")"
		}
		p.entry("  ", label, entry{text: text, hang: "  "})
		label = ""
	}
}

// actionsOf lists the distinct actions of findings.
func actionsOf(group []check.Finding) string {
	var actions []string
	for _, f := range group {
		actions = addOnce(actions, f.Action)
	}
	return strings.Join(textfmt.OneLines(actions), ", ")
}

// writeMutedOf writes the muted gaps of a check with their mutes.
func (p *page) writeMutedOf(r check.Verdict) {
	for i, group := range groupedBy(r.Findings, func(f check.Finding) (audit.Mute, bool) {
		if f.Muted == nil {
			return audit.Mute{}, false
		}
		return *f.Muted, true
	}) {
		if i == 0 {
			p.section("MUTED", "")
		}
		p.field("  ", "Actions", "%s", actionsOf(group))
		p.field("  ", "Muted by", "%s", textfmt.OneLine(mutedBy(*group[0].Muted)))
	}
}

func addOnce(list []string, s string) []string {
	if s == "" || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
