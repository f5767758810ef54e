package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// replacementWords are the first words of the text of a replacement.
var replacementWords = map[check.ReplacementStatus]string{
	check.Loses: "LOSES", check.LossUnverified: "UNVERIFIED", check.LosesNothing: "LOSES NOTHING",
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
	p.line("%s  %s", replacementWords[r.Status], replacementHeadline(r))
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
		p.line("A check of the proposed policies without --instead-of explains what is missing in both.")
	}
	for i, note := range r.Notes {
		if i == 0 {
			p.line("")
		}
		p.field("", "Note", "%s", textfmt.OneLine(note))
	}
	if len(r.Assumed) > 0 {
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
	if first.Kind != check.Gained && first.Severity > 0 {
		word += "  " + first.Severity.String()
	}
	p.line("%s", word)
	p.field("  ", "Actions", "%s", strings.Join(textfmt.OneLines(actions), ", "))
	if first.Kind == check.Gained || first.Kind == check.MissingInBoth {
		return
	}
	if text := operationsText(first); text != "" {
		p.field("  ", "Operation", "%s", text)
		p.field("  ", "Occasion", "%s", first.UsedWhen)
	}
	if len(reasons) > 0 {
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
	p.field("  ", "Before", "%s", string(first.Before))
	p.field("  ", "After", "%s", string(first.After))
	why := textfmt.OneLine(first.Why)
	if first.Cause != "" {
		why = string(first.Cause) + ": " + why
	}
	if why != "" {
		p.field("  ", "Cause", "%s", why)
	}
}
