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

// replacementWords are the first words of the text of a replacement.
var replacementWords = map[check.ReplacementStatus]string{
	check.Loses: "LOSES", check.LossUnverified: "UNVERIFIED", check.LosesNothing: "LOSES NOTHING",
}

// replacementTones are the tones of these words.
var replacementTones = map[check.ReplacementStatus]textfmt.Tone{
	check.Loses: textfmt.Critical, check.LossUnverified: textfmt.Unknown,
	check.LosesNothing: textfmt.Good,
}

// changeWords are the headings of the changes, in the order of the text.
var changeWords = []struct {
	kind check.ChangeKind
	word string
}{
	{check.Lost, "LOST"}, {check.ChangeUnverified, "UNVERIFIED"},
	{check.MissingInBoth, "MISSING IN BOTH"}, {check.Gained, "GAINED"},
}

// ReplacementText writes a replacement as text. Losses come first, those of the highest severity at
// the top. It groups changes with the same operations, cause and impact.
func ReplacementText(w io.Writer, r check.Replacement, v textfmt.View) error {
	p := page{view: v}
	p.title("", replacementTones[r.Status], replacementWords[r.Status], replacementHeadline(r))
	var lost []audit.Finding
	for _, c := range r.Changes {
		if c.Kind == check.Lost && c.Stops > 0 {
			lost = append(lost, audit.Finding{Action: c.Action, Status: c.After, Severity: c.Severity,
				Stops: c.Stops})
		}
	}
	p.writeOutcomes("With only the proposed policies", outcomesOf(audit.Report{}, lost))
	p.line("")
	p.field("", "Required", "%s", textfmt.OneLine(r.Required))
	p.field("", "Current", "%s", strings.Join(textfmt.OneLines(r.Current), " + "))
	p.field("", "Proposed", "%s", strings.Join(textfmt.OneLines(r.Proposed), " + "))
	if r.Problem != "" {
		p.field("", "Unverified", "%s", textfmt.OneLine(r.Problem))
	}
	for _, c := range changeWords {
		for _, group := range changeGroups(r.Changes, c.kind) {
			p.writeChanges(c.word, group)
		}
	}
	if r.MissingInBoth > 0 {
		p.line("")
		p.paragraph("", "A check of the proposed policies without --instead-of explains what is "+
			"missing in both.")
	}
	for i, note := range r.Notes {
		if i == 0 {
			p.line("")
		}
		p.field("", "Note", "%s", textfmt.OneLine(note))
	}
	if len(r.Assumed) > 0 && (p.view.Verbose || r.Status != check.LosesNothing) {
		p.line("")
		p.field("", "Context", "%s", strings.Join(textfmt.OneLines(r.Assumed), " "))
	}
	return p.writeTo(w)
}

// replacementHeadline counts the changes: "2 permissions lost; 1 gained, 20 kept".
func replacementHeadline(r check.Replacement) string {
	first := textfmt.Plural(r.Lost, "permission") + " lost"
	if r.Lost == 0 {
		first = "no permission lost"
		if r.Unverified > 0 || r.Problem != "" {
			first = "no loss is proved"
		}
	}
	var parts []string
	for _, c := range []struct {
		number int
		text   string
	}{
		{r.Unverified, "unverified"}, {r.Gained, "gained"}, {r.MissingInBoth, "missing in both"},
		{r.Kept, "kept"},
	} {
		if c.number > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.number, c.text))
		}
	}
	if parts == nil {
		return first
	}
	text := first + "; " + strings.Join(parts, ", ")
	if r.KnownUntil != "" {
		text += ", as far as " + textfmt.OneLine(r.KnownUntil) + " tells"
	}
	return text
}

// changeGroups groups the changes of a kind, those of the highest severity first.
func changeGroups(changes []check.Change, kind check.ChangeKind) (groups [][]check.Change) {
	type key struct {
		severity                 policies.Severity
		before, after            iampolicy.Status
		cause                    iampolicy.Cause
		why, operations, impacts string
	}
	groups = groupedBy(changes, func(c check.Change) (key, bool) {
		k := key{c.Severity, c.Before, c.After, c.Cause, c.Why, operationsText(c), c.Impact}
		switch kind {
		case check.Gained:
			k = key{} // one list is enough
		case check.MissingInBoth:
			k = key{severity: c.Severity} // a check of the proposed policies alone explains them
		}
		return k, c.Kind == kind
	})
	slices.SortStableFunc(groups, func(a, b []check.Change) int {
		return cmp.Compare(cmp.Or(b[0].Severity, policies.Critical),
			cmp.Or(a[0].Severity, policies.Critical))
	})
	return groups
}

func operationsText(c check.Change) string {
	var list []string
	for _, o := range c.Operations {
		list = append(list, string(o))
	}
	if list == nil {
		return ""
	}
	return strings.Join(list, ", ")
}

func (p *page) writeChanges(word string, group []check.Change) {
	first := group[0]
	var actions, reasons, examples []string
	for _, c := range group {
		actions = addOnce(actions, c.Action)
		reasons = addOnce(reasons, c.Reason)
		example := c.ExampleARN
		if c.ExampleAction != c.Action && c.ExampleAction != "" {
			example = c.ExampleAction + " on " + example
		}
		examples = addOnce(examples, example)
	}
	p.line("")
	severity := ""
	if first.Kind != check.Gained && first.Severity > 0 {
		severity = first.Severity.String()
	}
	p.title("", changeTone(first), word, severity)
	p.field("  ", "Actions", "%s", strings.Join(textfmt.OneLines(actions), ", "))
	if first.Kind == check.Gained || first.Kind == check.MissingInBoth {
		return
	}
	if text := operationsText(first); text != "" {
		p.field("  ", "Operation", "%s (%s)", text, first.UsedWhen)
	}
	if len(reasons) > 0 && p.view.Verbose {
		p.field("  ", "Use", "%s", strings.Join(reasons, "; "))
	}
	if first.Impact != "" {
		p.field("  ", "Impact", "%s", first.Impact)
	}
	label := "Not covered"
	if first.Kind == check.ChangeUnverified {
		label = "Resource"
	}
	if len(examples) > 0 {
		p.field("  ", label, "%s", textfmt.Some(textfmt.OneLines(examples), 1))
	}
	p.field("  ", "Status", "%s before, %s after", string(first.Before), string(first.After))
	why := textfmt.OneLine(first.Why)
	if first.Cause != "" {
		why = string(first.Cause) + ": " + why
	}
	if why != "" {
		p.field("  ", "Cause", "%s", why)
	}
	writePlaces(p, group, func(c check.Change) *check.Place { return c.At })
}

// changeTone returns the tone of the heading of a change.
func changeTone(c check.Change) textfmt.Tone {
	switch c.Kind {
	case check.Gained:
		return textfmt.Good
	case check.ChangeUnverified:
		return textfmt.Unknown
	}
	return SeverityTone(cmp.Or(c.Severity, policies.Critical))
}
