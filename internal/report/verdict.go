package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Verdict is what a report means, in a few words. It never says more than the findings prove.
type Verdict struct {
	// Title is what will happen: "Renders will fail". It has no full stop.
	Title string
	// Meaning are further sentences: how many gaps, what else fails, what could not be checked.
	Meaning []string
	// Tone is the colour of the title.
	Tone textfmt.Tone
}

// VerdictOf returns the verdict on a report.
func VerdictOf(r audit.Report) Verdict {
	gaps := gapsOf(r)
	v := Verdict{Tone: toneOf(r)}
	outcomes := outcomesOf(r, gaps)
	switch {
	case len(outcomes) > 0:
		v.Title = named(outcomes[0], gaps)
		v.add("%s.", Headline(r))
		for _, also := range outcomes[1:] {
			v.add("%s.", named(also, gaps))
		}
		if absentCallers(gaps) != nil {
			v.add("%s", "A principal that does not exist can neither render nor deploy: correct the "+
				"name in CALLERS (--callers), or create it.")
		}
	case r.Status == audit.StatusUnverified:
		v.Title = "Could not check: " + uncheckedPart(r)
		for _, reason := range reasonsOf(r) {
			v.add("Reason: %s.", reason)
		}
		v.add("%s.", Headline(r))
	case r.Summary.GapsMuted > 0:
		v.Title = "No missing permission found, except muted gaps"
		v.add("%s.", Headline(r))
		for _, o := range outcomesOf(r, mutedOf(r)) {
			v.add("Muted: %s.", lowerFirst(o))
		}
	default:
		v.Title = "No missing permission found"
		v.add("%s.", Headline(r))
	}
	if len(outcomes) > 0 && r.Unverified() {
		v.add("Could not check: %s.", uncheckedPart(r))
		for _, reason := range reasonsOf(r) {
			v.add("Reason: %s.", reason)
		}
	}
	v.addUpgrade(r)
	if r.Baseline != nil {
		v.add("%s.", textfmt.Capitalize(BaselineText(*r.Baseline)))
	}
	if r.Status == audit.StatusCompliant {
		if list := textfmt.OneLines(r.NotChecked); len(list) > 0 {
			v.add("Not checked: %s.", strings.Join(list, ", "))
		}
		v.add("If renders still fail: remotion-audit explain --error \"TEXT\"")
	}
	return v
}

// add adds a sentence. A name at its start keeps its case.
func (v *Verdict) add(format string, args ...any) {
	v.Meaning = append(v.Meaning, sentence(fmt.Sprintf(format, args...)))
}

// addUpgrade adds what happens after a planned upgrade; nothing if there is none.
func (v *Verdict) addUpgrade(r audit.Report) {
	u := r.Upgrade
	if u == nil {
		return
	}
	to := textfmt.OneLine(u.To)
	if u.Problem != "" {
		v.add("Could not check the upgrade to %s.", to)
	}
	gaps := slices.DeleteFunc(slices.Clone(u.Findings), func(f audit.Finding) bool {
		return !f.Gap()
	})
	after := r
	after.Findings = slices.Concat(r.Findings, u.Findings)
	for _, o := range outcomesOf(after, gaps) {
		v.add("After the upgrade to %s: %s.", to, lowerFirst(o))
	}
}

// lowerFirst returns a title for the middle of a sentence. A name at its start keeps its case.
func lowerFirst(title string) string { return strings.ToLower(title[:1]) + title[1:] }

// Text returns the title and the meaning in one text.
func (v Verdict) Text() string {
	return strings.Join(append([]string{v.Title + "."}, v.Meaning...), " ")
}
