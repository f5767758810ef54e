package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// card is a custom notification of Amazon Q Developer, which Slack and Microsoft Teams show.
// https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
type card struct {
	Version  string       `json:"version"`
	Source   string       `json:"source"`
	ID       string       `json:"id"`
	Content  cardContent  `json:"content"`
	Metadata cardMetadata `json:"metadata"`
}

type cardContent struct {
	TextType    string   `json:"textType"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	NextSteps   []string `json:"nextSteps,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
}

type cardMetadata struct {
	ThreadID          string            `json:"threadId"`
	Summary           string            `json:"summary"`
	EventType         string            `json:"eventType"`
	RelatedResources  []string          `json:"relatedResources,omitempty"`
	AdditionalContext map[string]string `json:"additionalContext"`
}

const (
	// maxCardText bounds the text of a card, in bytes. A block of a Slack message holds 3000
	// characters.
	maxCardText = 2800
	// maxForeignText bounds a text in a card that comes from outside the auditor, in characters.
	maxForeignText = 300
	// maxKeywords bounds the targets that a card lists as keywords.
	maxKeywords = 5
)

// chatCard returns the https body for chat. If not everything fits, the last line counts the
// omitted parts.
func chatCard(x excerpt) string {
	d := x.digest
	c := card{Version: "1.0", Source: "custom", ID: d.DedupKey}
	head := "[" + label(d) + "] Remotion IAM: " + strings.Join(subjectParts(d), ", ")
	c.Content = cardContent{TextType: "client-markdown",
		Title: strings.TrimSuffix(head+" | "+prose(targetSummary(d)), " | ") + " | " +
			prose(d.Report.Account),
		Description: strings.Join(paragraphs(x), "\n\n"), NextSteps: nextSteps(x)}
	c.Metadata = cardMetadata{ThreadID: d.Thread, Summary: head + ". " + prose(topItem(d)),
		EventType: eventType(d.Reasons[0]), AdditionalContext: map[string]string{
			"account": code(d.Report.Account), "severity": d.Severity.String(),
		}}
	for _, target := range d.Targets[:min(len(d.Targets), maxKeywords)] {
		c.Metadata.RelatedResources = append(c.Metadata.RelatedResources, prose(target))
		c.Content.Keywords = append(c.Content.Keywords, prose(target))
	}
	return textfmt.JSON(c)
}

func eventType(r alert.Reason) string { return "remotion-audit." + string(r) }

// paragraphs returns the text of a card, with at most maxCardText bytes before the line that counts
// the omitted parts.
func paragraphs(x excerpt) (text []string) {
	d := x.digest
	length, omitted := 0, x.omittedFindings()
	add := func(paragraph string) {
		if length += len(paragraph) + 2; length > maxCardText {
			omitted++
			return
		}
		text = append(text, paragraph)
	}
	add(prose(report.Headline(d.Report)))
	others, reclassified := splitReclassified(x.gaps)
	for _, e := range entries(others) {
		add(paragraph(d, e))
	}
	if reclassified != nil {
		add(reclassifiedParagraph(d, reclassified))
	}
	announced := len(text)
	for _, e := range x.errors {
		add("*" + errorTitle(e) + "*  " + prose(errorText(d, e)))
	}
	if count := d.Counts.Indeterminate; count > 0 {
		add("Known gaps: " + textfmt.Plural(count, "gap") + notRechecked)
	}
	if len(x.gaps) == 0 {
		announced = len(text)
	}
	for _, n := range x.mutes {
		add(fmt.Sprintf("*MUTE*  %s\nStatus: %s\nOwner: %s\nReason: %s\nUntil: %s",
			code(n.Mute.Condition()), muteStatus(n, d.Now), prose(n.Mute.Owner), prose(n.Mute.Reason),
			textfmt.Time(n.Mute.Until)))
	}
	for _, n := range x.notices {
		add("*NOTICE*  " + strings.TrimPrefix(prose(n.Target)+": ", ": ") + prose(n.Text))
	}
	for _, e := range openEntries(x, reclassified) {
		field := since(d, e)
		add(fmt.Sprintf("*OPEN  %s*  %s  %s\n%s: %s", strings.ToUpper(e.group.Severity.String()),
			code(e.group.Target), code(e.group.Summary()), field.Label, field.Text))
	}
	if len(x.iamChanges) > 0 {
		// IAM changes follow the announced gaps, but use only the space that the other paragraphs leave.
		count := min(len(x.iamChanges), maxIAMChangesInText)
		for count > 0 && length+len(iamChangesParagraph(x, count))+2 > maxCardText {
			count--
		}
		if count > 0 {
			text = slices.Insert(text, announced, iamChangesParagraph(x, count))
		} else {
			omitted++
		}
	}
	source := "see the mail"
	if url := x.from.reportURL(); url != "" {
		source = "see " + code(url)
	}
	if omitted > 0 {
		text = append(text, "_"+textfmt.More(omitted, "")+": "+source+"_")
	}
	return text
}

// paragraph returns an announced entry as a paragraph of a card.
func paragraph(d alert.Digest, e entry) string {
	g := e.group
	title := strings.TrimSpace(e.title() + "  " + strings.ToUpper(g.Severity.String()))
	if d.Stateless {
		title = strings.ToUpper(g.Severity.String())
	}
	if e.closed {
		return fmt.Sprintf("*%s*  %s  %s\nDuration: %s", e.title(), code(g.Target),
			code(g.Summary()), textfmt.Duration(d.Now.Sub(e.since)))
	}
	text := fmt.Sprintf("*%s*  %s  %s\nCause: %s: %s%s\nImpact: %s", title, code(g.Target),
		code(g.Summary()), g.Cause, prose(g.Why), fixLines(d, g), prose(g.Impact()))
	if e.previous != nil {
		text += "\nOld status: " + strings.Join(e.previous, ", ")
	}
	if !d.Stateless {
		field := since(d, e)
		text += "\n" + field.Label + ": " + field.Text
	}
	return text
}

// maxCardDiff is the number of lines of a diff in an entry of a card.
const maxCardDiff = 4

// fixLines returns the fix of a group, with the changed lines if there are few.
func fixLines(d alert.Digest, g report.Group) string {
	e, ok := g.Fix(d.Report.Fixes, maxCardDiff)
	if !ok {
		return ""
	}
	text := "\nFix: " + prose(e.Text)
	if len(e.Diff) > maxCardDiff {
		return text
	}
	for _, line := range e.Diff {
		if mark := strings.TrimSpace(line); strings.HasPrefix(mark, "-") ||
			strings.HasPrefix(mark, "+") {
			text += "\n" + code(textfmt.Truncate(mark, maxForeignText))
		}
	}
	return text
}

// nextSteps returns the command for the first fix, and the commands that repeat the audit. With an
// evidence bucket, it adds the command that mutes the gaps of the first announced entry that is not
// closed.
func nextSteps(x excerpt) (list []string) {
	all := entries(x.gaps)
	first := slices.IndexFunc(all, func(e entry) bool { return !e.closed })
	if first >= 0 {
		g := all[first].group
		if e, ok := g.Fix(x.digest.Report.Fixes, 0); ok && e.Edits {
			list = append(list, "Fix: "+code(fixCommand(x.digest.Report, x.from, g, e)))
		}
	}
	for i, command := range checkCommands(x.digest.Report, x.from) {
		list = append(list, []string{"Recheck: ", "Recheck with the function: "}[i]+code(command))
	}
	if first >= 0 {
		if command := muteCommand(x.from.Bucket, all[first].group); command != "" {
			list = append(list, "Mute the first open gaps for 24 hours: "+code(command))
		}
	}
	return list
}

var (
	// inCode replaces characters that end a code span, or start a mention or a link within one.
	inCode = strings.NewReplacer("`", "ˋ", "<", "‹", ">", "›", "&", "＆")
	// inProse also replaces characters that start markup, a mention or a link outside of a code span.
	inProse = strings.NewReplacer("`", "ˋ", "<", "‹", ">", "›", "&", "＆",
		"@", "＠", "*", "∗", "_", "＿", "~", "∼", "[", "［", "]", "］",
		"|", "｜", "#", "＃", "!", "ǃ", "://", ":⁄⁄", "\\", "＼")
)

// code returns a text from outside the auditor as a code span.
func code(s string) string { return "`" + inCode.Replace(textfmt.OneLine(s)) + "`" }

// prose returns a text that contains names from outside the auditor, shortened and without markup.
func prose(s string) string {
	return inProse.Replace(textfmt.Truncate(textfmt.OneLine(s), maxForeignText))
}
