package alert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// maxIAMChanges bounds the IAM changes in the JSON of a message. maxIAMChangesInText bounds the IAM
// changes in its mail and card. The full report contains more.
const (
	maxIAMChanges       = 20
	maxIAMChangesInText = 5
)

// iamChangesTitle names CloudTrail as the source, because CloudTrail can be late, and the listed
// changes are not certainly the cause.
const iamChangesTitle = "IAM CHANGES (from CloudTrail)"

// iamChangeJSON is an IAM change in the JSON of a message.
type iamChangeJSON struct {
	audit.IAMChange
	Text string `json:"text"`
}

// relevantIAMChanges returns the IAM changes that triggered the run and affect an announced target.
// Changes that certainly affect a target come first, then changes that may affect a target, then
// repeated calls of one actor on one entity. So ten calls of PutRolePolicy do not hide one call of
// DetachRolePolicy. Within each part, the newest change comes first. The changes affect neither the
// decision to send a message nor the key of the message.
func (d digest) relevantIAMChanges() (changes []audit.IAMChange) {
	if d.report.Run.Trigger == nil {
		return nil
	}
	announced := map[string]bool{}
	for _, c := range d.transitions {
		announced[c.gap.Target] = true
	}
	for _, e := range d.errorTransitions {
		announced[e.error.Target] = true
	}
	for _, x := range d.reportNotices {
		announced[x.Target] = true
	}
	var unsure, repeated []audit.IAMChange
	seen := map[[3]string]bool{}
	for _, c := range d.report.Run.Trigger.Changes {
		_, entity := c.Entity()
		call := [3]string{c.ActorWithAddress(), c.Event, entity}
		switch {
		case !slices.ContainsFunc(c.Targets, func(target string) bool { return announced[target] }):
			continue
		case seen[call]:
			repeated = append(repeated, c)
		case c.Unsure:
			unsure = append(unsure, c)
		default:
			changes = append(changes, c)
		}
		seen[call] = true
	}
	return slices.Concat(changes, unsure, repeated)
}

// withoutIAMChanges returns the run without the IAM changes of its trigger.
func withoutIAMChanges(r audit.Run) audit.Run {
	if r.Trigger != nil {
		r.Trigger = &audit.Trigger{By: r.Trigger.By}
	}
	return r
}

// iamChangeText describes an IAM change in one sentence: actor, call, affected targets, time.
func iamChangeText(c audit.IAMChange) string {
	text := c.ActorWithAddress() + ": " + c.Description()
	if affected := c.AffectedTargets(); affected != "" {
		text += ", " + affected
	}
	return text + timeSuffix(c)
}

// timeSuffix returns the time of the change as the end of a sentence, or "".
func timeSuffix(c audit.IAMChange) string {
	if c.At.IsZero() {
		return ""
	}
	return ", " + timeText(c.At)
}

// omittedIAMChangesText returns the number of IAM changes that a text with the first shown changes
// omits, as a phrase.
func (d digest) omittedIAMChangesText(shown int) string {
	text := textfmt.Plural(len(d.iamChanges), "call")
	if shown > 0 {
		text = fmt.Sprintf("and %d more", len(d.iamChanges)-shown)
	}
	if d.options.Sender.reportURL() != "" {
		text += ": see the full report"
	}
	return text
}

// shownIAMChanges returns the number of IAM changes in a message that is not too big.
func (d digest) shownIAMChanges() int { return min(len(d.iamChanges), maxIAMChanges) }

// omittedFindings counts the units that do not fit, except IAM changes. The section of IAM changes
// counts the omitted changes.
func (d digest) omittedFindings() int {
	return d.omitted - (d.shownIAMChanges() - len(d.excerpt.iamChanges))
}

// iamChangeSections returns the section of the IAM changes for a mail, if there are any.
func (d digest) iamChangeSections() (list []report.Section) {
	if len(d.iamChanges) == 0 {
		return nil
	}
	changes := d.excerpt.iamChanges[:min(len(d.excerpt.iamChanges), maxIAMChangesInText)]
	s := report.Section{Title: iamChangesTitle}
	for _, c := range changes {
		s.Fields = append(s.Fields, report.Field{Label: "Change", Text: iamChangeText(c)})
	}
	if len(changes) < len(d.iamChanges) {
		s.Fields = append(s.Fields, report.Field{Text: d.omittedIAMChangesText(len(changes))})
	}
	return []report.Section{s}
}

// iamChangesParagraph returns the first IAM changes as a paragraph of a card.
func (d digest) iamChangesParagraph(count int) string {
	lines := []string{"*" + iamChangesTitle + "*"}
	for _, c := range d.excerpt.iamChanges[:count] {
		line := "Change by " + code(c.Actor)
		if c.From != "" {
			line += " from " + code(c.From)
		}
		line += ": " + code(c.Description())
		if affected := c.AffectedTargets(); affected != "" {
			line += ", " + prose(affected)
		}
		lines = append(lines, line+timeSuffix(c))
	}
	if count < len(d.iamChanges) {
		lines = append(lines, d.omittedIAMChangesText(count))
	}
	return strings.Join(lines, "\n")
}
