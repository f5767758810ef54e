package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxReclassifiedActions is the number of actions that one line about reclassified findings names.
const maxReclassifiedActions = 8

// maxReclassifiedInCard is the number of lines about reclassified findings in a card.
const maxReclassifiedInCard = 10

// splitReclassified returns the transitions without the reclassified findings, and these.
func splitReclassified(gaps []alert.GapTransition) (others, reclassified []alert.GapTransition) {
	for _, c := range gaps {
		if c.Reason == alert.ReasonReclassified {
			reclassified = append(reclassified, c)
		} else {
			others = append(others, c)
		}
	}
	return others, reclassified
}

// openEntries groups the open gaps that the message does not announce with those that it announces
// as reclassified. A root cause is one entry, even if some of its gaps are reclassified.
func openEntries(x excerpt, reclassified []alert.GapTransition) []entry {
	open := slices.DeleteFunc(slices.Concat(reclassified, x.openGaps),
		func(c alert.GapTransition) bool { return !c.Gap.Closed.IsZero() })
	for i := range open {
		open[i].Reason = ""
	}
	return entries(open)
}

// judgementChanged returns the sentence about the reclassified findings of a digest. It counts
// those that do not fit into the message, too.
func judgementChanged(d alert.Digest) string {
	return "Judgement changed" + strings.TrimSuffix(" with auditor "+textfmt.OneLine(d.Auditor),
		" with auditor ") + ": " + textfmt.Plural(d.Counts.Reclassified, "finding") + " reclassified"
}

// reclassifiedFields returns a field for the findings of one target that were reclassified in the
// same way.
func reclassifiedFields(reclassified []alert.GapTransition) (list []report.Field) {
	type key struct {
		kind   alert.Reclassification
		target string
		on     string // the resource, if the target has lines about other resources of the action
		text   string
	}
	var keys []key
	actions := map[key][]string{}
	for _, c := range reclassified {
		k := key{kind: c.Reclassified, target: c.Gap.Target, text: reclassifiedText(c)}
		if slices.ContainsFunc(reclassified, func(other alert.GapTransition) bool {
			return other.Gap.Target == c.Gap.Target && other.Gap.Action == c.Gap.Action &&
				other.Gap.Resource != c.Gap.Resource
		}) {
			k.on = " on " + textfmt.OneLine(c.Gap.Resource)
		}
		if actions[k] == nil {
			keys = append(keys, k)
		}
		action := cmp.Or(c.Gap.Action, "the target")
		if !slices.Contains(actions[k], action) {
			actions[k] = append(actions[k], action)
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int {
		return cmp.Compare(slices.Index(reclassifiedOrder, a.kind),
			slices.Index(reclassifiedOrder, b.kind))
	})
	for _, k := range keys {
		list = append(list, report.Field{Label: reclassifiedLabels[k.kind],
			Text: k.target + ": " + textfmt.Enumerate(actions[k], maxReclassifiedActions) + k.on + ": " +
				k.text})
	}
	return list
}

// reclassifiedOrder is the order of the lines about reclassified findings.
var reclassifiedOrder = []alert.Reclassification{alert.Required, alert.NotMuted, alert.Rejudged,
	alert.NotRequired, alert.NowSatisfied}

var reclassifiedLabels = map[alert.Reclassification]string{
	alert.Rejudged: "Changed", alert.Required: "Added", alert.NotRequired: "Removed",
	alert.NowSatisfied: "Satisfied", alert.NotMuted: "Unmuted",
}

// reclassifiedText returns how a finding is judged now, and how it was.
func reclassifiedText(c alert.GapTransition) string {
	was := fmt.Sprintf("was %s (%s)", c.Previous.Status, c.Previous.Severity)
	now := fmt.Sprintf("%s (%s)", c.Finding.Status, c.Finding.Severity)
	switch c.Reclassified {
	case alert.Required:
		if c.Finding.Status == audit.Partial || c.Finding.Status == audit.Conditional {
			return now + ", no gap before: the requirement is new, its rule is stricter, or the account " +
				"changed"
		}
		return now + ", new requirement"
	case alert.NotRequired:
		return was + ", no longer required"
	case alert.NowSatisfied:
		return was + ", now satisfied"
	case alert.NotMuted:
		text := was + ", now " + now + ", and the mute of " + c.Previous.Mute.Condition() + " (owner " +
			textfmt.OneLine(c.Previous.Mute.Owner) + ") no longer matches it"
		if c.Previous.Cause != c.Finding.Cause {
			text += fmt.Sprintf(": the cause was %s, and is %s", c.Previous.Cause, c.Finding.Cause)
		}
		return text
	}
	if c.Previous.Status == c.Finding.Status {
		return fmt.Sprintf("%s, was %s, now %s", c.Finding.Status, c.Previous.Severity,
			c.Finding.Severity)
	}
	return was + ", now " + now
}

// reclassifiedParagraph returns the paragraph of a card about the reclassified findings.
func reclassifiedParagraph(d alert.Digest, reclassified []alert.GapTransition) string {
	text := "*JUDGEMENT CHANGED*  " + prose(judgementChanged(d))
	fields := reclassifiedFields(reclassified)
	for _, f := range fields[:min(len(fields), maxReclassifiedInCard)] {
		text += "\n" + f.Label + ": " + prose(f.Text)
	}
	if more := len(fields) - maxReclassifiedInCard; more > 0 {
		text += "\n" + textfmt.More(more, "line")
	}
	return text
}
