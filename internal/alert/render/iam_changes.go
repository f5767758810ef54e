package render

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
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

// withoutIAMChanges returns the run without the IAM changes of its trigger.
func withoutIAMChanges(r audit.Run) audit.Run {
	if r.Trigger != nil {
		r.Trigger = &audit.Trigger{By: r.Trigger.By}
	}
	return r
}

// distinctChanges returns the first changes, without repeated calls of one actor on one entity.
func distinctChanges(changes []audit.IAMChange) (list []audit.IAMChange) {
	seen := map[[3]string]bool{}
	for _, c := range changes {
		_, entity := c.Entity()
		call := [3]string{c.ActorWithAddress(), c.Event, entity}
		if !seen[call] && len(list) < maxIAMChangesInText {
			list = append(list, c)
		}
		seen[call] = true
	}
	return list
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
	return ", " + textfmt.Time(c.At)
}

// omittedIAMChangesText counts the IAM changes that a text omits: "and 2 more" after the first
// changes, or "3 calls" if shown is 0. It refers to the full report if there is one.
func omittedIAMChangesText(x excerpt, shown int) string {
	text := textfmt.Plural(len(x.digest.IAMChanges), "call")
	if shown > 0 {
		text = textfmt.More(len(x.digest.IAMChanges)-shown, "")
	}
	if x.from.reportURL() != "" {
		text += ": see the full report"
	}
	return text
}

// iamChangesParagraph returns the first IAM changes as a paragraph of a card.
func iamChangesParagraph(x excerpt, count int) string {
	lines := []string{"*" + iamChangesTitle + "*"}
	for _, c := range distinctChanges(x.iamChanges)[:count] {
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
	if count < len(x.digest.IAMChanges) {
		lines = append(lines, omittedIAMChangesText(x, count))
	}
	return strings.Join(lines, "\n")
}
