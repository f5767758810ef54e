package alert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/report"
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
)

// card returns the https body for chat. If not everything fits, the last line counts the omitted
// parts.
func (d digest) card() string {
	var text []string
	length, omitted := 0, d.omittedFindings()
	add := func(paragraph string) {
		if length += len(paragraph) + 2; length > maxCardText {
			omitted++
			return
		}
		text = append(text, paragraph)
	}
	add(prose(report.Headline(d.report)))
	for _, e := range entries(d.excerpt.transitions) {
		add(d.paragraph(e))
	}
	announced := len(text)
	for _, e := range d.excerpt.errorTransitions {
		add("*" + e.title() + "*  " + prose(d.errorText(e)))
	}
	if count := d.counts.indeterminate; count > 0 {
		add("Known gaps: " + report.Plural(count, "gap") + notRechecked)
	}
	if len(d.excerpt.transitions) == 0 {
		announced = len(text)
	}
	for _, x := range d.excerpt.muteNotices {
		add(fmt.Sprintf("*MUTE*  %s\nStatus: %s\nOwner: %s\nReason: %s\nUntil: %s",
			code(x.mute.Condition()), x.text(d.now), prose(x.mute.Owner), prose(x.mute.Reason),
			timeText(x.mute.Until)))
	}
	for _, x := range d.excerpt.reportNotices {
		add("*NOTICE*  " + strings.TrimPrefix(prose(x.Target)+": ", ": ") + prose(x.Text))
	}
	for _, e := range entries(d.excerpt.openGaps) {
		since := d.since(e)
		add(fmt.Sprintf("*OPEN  %s*  %s  %s\n%s: %s", strings.ToUpper(e.group.Severity.String()),
			code(e.group.Target), code(e.group.Summary()), since.Label, since.Text))
	}
	if len(d.excerpt.iamChanges) > 0 {
		// IAM changes follow the announced gaps, but use only the space that the other paragraphs leave.
		count := min(len(d.excerpt.iamChanges), maxIAMChangesInText)
		for count > 0 && length+len(d.iamChangesParagraph(count))+2 > maxCardText {
			count--
		}
		if count > 0 {
			text = slices.Insert(text, announced, d.iamChangesParagraph(count))
		} else {
			omitted++
		}
	}
	source := "see the mail"
	if url := d.options.Sender.reportURL(); url != "" {
		source = "see " + code(url)
	}
	if omitted > 0 {
		text = append(text, fmt.Sprintf("_and %d more: %s_", omitted, source))
	}
	c := card{Version: "1.0", Source: "custom", ID: d.key}
	head := "[" + d.label() + "] Remotion IAM: " + strings.Join(d.subjectParts(), ", ")
	c.Content = cardContent{TextType: "client-markdown",
		Title: strings.TrimSuffix(head+" | "+prose(d.targetSummary()), " | ") + " | " +
			prose(d.report.Account),
		Description: strings.Join(text, "\n\n"), NextSteps: d.nextSteps()}
	c.Metadata = cardMetadata{ThreadID: d.thread, Summary: head + ". " + prose(d.topItem()),
		EventType: "remotion-audit." + string(d.reasons()[0]), AdditionalContext: map[string]string{
			"account": code(d.report.Account), "severity": d.severity().String(),
		}}
	for _, target := range d.targets() {
		c.Metadata.RelatedResources = append(c.Metadata.RelatedResources, prose(target))
		c.Content.Keywords = append(c.Content.Keywords, prose(target))
		if len(c.Content.Keywords) == 5 {
			break
		}
	}
	return marshal(c)
}

// title returns the section title of an auditor error.
func (c errorTransition) title() string {
	switch {
	case c.ended:
		return "VERIFIED AGAIN"
	case !c.error.limitsVerification():
		return "AUDITOR ERROR"
	}
	return "UNVERIFIED"
}

// paragraph returns an announced entry as a paragraph of a card.
func (d digest) paragraph(e entry) string {
	g := e.group
	title := strings.TrimSpace(e.title() + "  " + strings.ToUpper(g.Severity.String()))
	if d.options.Stateless {
		title = strings.ToUpper(g.Severity.String())
	}
	if e.closed {
		return fmt.Sprintf("*%s*  %s  %s\nDuration: %s", e.title(), code(g.Target),
			code(g.Summary()), durationText(d.now.Sub(e.since)))
	}
	text := fmt.Sprintf("*%s*  %s  %s\nImpact: %s\nCause: %s: %s", title, code(g.Target),
		code(g.Summary()), prose(g.Impact()), g.Cause, prose(g.Why))
	if e.previous != nil {
		text += "\nOld status: " + strings.Join(e.previous, ", ")
	}
	if !d.options.Stateless {
		since := d.since(e)
		text += "\n" + since.Label + ": " + since.Text
	}
	return text
}

// nextSteps returns the commands that repeat the audit. With an evidence bucket, it adds the
// command that mutes the gaps of the first announced entry that is not closed.
func (d digest) nextSteps() (list []string) {
	s := d.options.Sender
	for i, command := range report.CheckCommands(d.report, s.Function, s.Region, s.Settings) {
		list = append(list, []string{"Recheck: ", "Recheck with the function: "}[i]+code(command))
	}
	all := entries(d.excerpt.transitions)
	if i := slices.IndexFunc(all, func(e entry) bool { return !e.closed }); i >= 0 {
		if command := d.muteCommand(all[i].group); command != "" {
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
func code(s string) string { return "`" + inCode.Replace(oneLine(s)) + "`" }

// prose returns a text that contains names from outside the auditor, shortened and without markup.
func prose(s string) string {
	s = oneLine(s)
	if runes := []rune(s); len(runes) > maxForeignText {
		s = string(runes[:maxForeignText-1]) + "…"
	}
	return inProse.Replace(s)
}

// oneLine returns the text without line breaks and other characters that are not printable. It
// replaces each of them by U+FFFD.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
