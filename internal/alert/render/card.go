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
	// maxCardTitle bounds the headline in a title, in characters.
	maxCardTitle = 150
	// maxKeywords bounds the targets that a card lists as keywords.
	maxKeywords = 5
)

// chatCard returns the https body for chat. If not everything fits, the last line counts the
// omitted parts.
func chatCard(x excerpt) string {
	d := x.digest
	c := card{Version: "1.0", Source: "custom", ID: d.DedupKey}
	c.Content = cardContent{TextType: "client-markdown", Title: x.head.title,
		Description: strings.Join(paragraphs(x), "\n\n"), NextSteps: nextSteps(x)}
	c.Metadata = cardMetadata{ThreadID: d.Thread, Summary: x.head.summary,
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
	others, reclassified := splitReclassified(x.gaps)
	for i, e := range leadFirst(entries(others), x.head.lead) {
		add(paragraph(x, e, i == 0))
	}
	if reclassified != nil {
		add(reclassifiedParagraph(d, reclassified))
	}
	changesAt := min(1, len(text)) // after the first entry
	for _, e := range x.errors {
		text := "*" + errorTitle(e) + "*  " + prose(errorText(d, e))
		if e.Remedy != "" && !e.Ended {
			text += "\nFix: " + prose(e.Remedy)
		}
		add(text)
	}
	if count := d.Counts.Indeterminate; count > 0 {
		add("Known gaps: " + textfmt.Plural(count, "gap") + notRechecked)
	}
	if len(x.gaps) == 0 {
		changesAt = len(text)
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
		add(fmt.Sprintf("*ALSO OPEN  %s  %s*  %s\nCause: %s\n%s: %s",
			strings.ToUpper(e.group.Severity.String()), e.group.Title(d.Report), code(e.group.Target),
			prose(briefOf(d.Report, x.from, e.group).cause), field.Label, field.Text))
	}
	add("Result: " + prose(report.Headline(d.Report)))
	if len(x.iamChanges) > 0 {
		// IAM changes use only the space that the other paragraphs leave.
		count := len(distinctChanges(x.iamChanges))
		for count > 0 && length+len(iamChangesParagraph(x, count))+2 > maxCardText {
			count--
		}
		if count > 0 {
			text = slices.Insert(text, changesAt, iamChangesParagraph(x, count))
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

// paragraph returns an announced entry as a paragraph of a card: what breaks, who, the cause and
// the repair, then the details. Only the first entry has a link to the console.
func paragraph(x excerpt, e entry, first bool) string {
	d, g := x.digest, e.group
	if e.closed {
		return fmt.Sprintf("*%s*  %s  %s\nDuration: %s", e.title(), code(g.Target),
			code(g.Summary()), textfmt.Duration(d.Now.Sub(e.since)))
	}
	b := briefOf(d.Report, x.from, g)
	text := fmt.Sprintf("*%s  %s*  %s", strings.ToUpper(g.Severity.String()), g.Title(d.Report),
		code(textfmt.Truncate(g.Target, maxForeignText)))
	if word := reasonWords[e.reason]; word != "" {
		text += " (" + word + ")"
	}
	text += "\nCause: " + prose(b.cause)
	fixes := ""
	for _, f := range b.fixes {
		fixes += fixLines(f)
	}
	if len(text)+len(fixes) > maxCardText/2 {
		return text + "\nFix: see the command below" // the first entry must fit into the card
	}
	text += fixes
	if b.further != "" {
		text += "\n" + textfmt.Capitalize(b.further) + "."
	}
	if page := consolePage(d.Report, g); first && page != "" {
		text += "\nConsole: " + page
	}
	effects := g.Effects()
	for _, f := range effects[:min(len(effects), maxCardEffects)] {
		text += "\n• " + code(textfmt.Some(f.Actions, maxCardActions)) +
			strings.TrimSuffix(": "+prose(f.Impact), ": ")
	}
	if more := len(effects) - maxCardEffects; more > 0 {
		text += "\n• " + textfmt.More(more, "effect")
	}
	if e.previous != nil {
		text += "\nOld status: " + strings.Join(e.previous, ", ")
	}
	if e.olderThan(d) && !d.Stateless {
		field := since(d, e)
		text += "\n" + field.Label + ": " + field.Text
	}
	return text
}

const (
	// maxCardDiff is the number of lines of a diff in an entry of a card.
	maxCardDiff = 4
	// maxCardEffects and maxCardActions are the numbers of effects of an entry, and of actions of an
	// effect, that a card names.
	maxCardEffects = 3
	maxCardActions = 4
)

// fixLines returns a change of a fix, with the changed lines if there are few.
func fixLines(f fixText) string {
	text := "\nFix:"
	switch {
	case f.text != "":
		text += " " + prose(f.text)
	case f.where != "":
		text = "\nFix in " + prose(f.where) + ":"
	}
	if len(f.diff) > maxCardDiff {
		if f.text == "" {
			text += " " + textfmt.Plural(len(f.diff), "line") + ", see the command below"
		}
		return text
	}
	for _, line := range f.diff {
		text += "\n" + code(textfmt.Truncate(line, maxForeignText))
	}
	return text
}

// nextSteps returns the command for the first fix, the command that prints the permissions of the
// auditor if it lacks some, and the commands that repeat the audit. With an evidence bucket, it
// adds the command that mutes the gaps of the first announced entry that is not closed.
func nextSteps(x excerpt) (list []string) {
	all := leadFirst(entries(x.gaps), x.head.lead)
	first := slices.IndexFunc(all, func(e entry) bool { return !e.closed })
	if first >= 0 {
		if b := briefOf(x.digest.Report, x.from, all[first].group); b.command != "" {
			list = append(list, b.label+": "+code(b.command))
		}
	}
	if access := x.report.Access(); access != nil && access.Policy != nil {
		list = append(list, "Print the permissions that the auditor needs: "+
			code(auditorCommand(x.digest.Report)))
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
