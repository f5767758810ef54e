package alert

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/remotion-audit/remotion-audit/internal/report"
)

// card is an Amazon Q Developer custom notification, which Slack and Microsoft Teams show.
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
	// maxCard is how long the text of a card may get. One block of a Slack message takes 3000
	// characters.
	maxCard = 2800
	// maxWord bounds a text of somebody else's in a card.
	maxWord = 300
)

// card is the https body for chat. What does not fit is in the mail, and the card says so.
func (n digest) card() string {
	var text []string
	length, left := 0, n.omittedFindings()
	add := func(paragraph string) {
		if length += len(paragraph) + 2; length > maxCard {
			left++
			return
		}
		text = append(text, paragraph)
	}
	add(prose(report.Headline(n.report)))
	for _, l := range lines(n.excerpt.changes) {
		add(n.paragraph(l))
	}
	announced := len(text)
	for _, e := range n.excerpt.errors {
		add("*" + e.title() + "*  " + prose(n.said(e)))
	}
	if held := n.counts.held; held > 0 {
		add(report.Plural(held, "gap") +
			" open before could not be looked at again, and may still be there.")
	}
	if len(n.excerpt.changes) == 0 {
		announced = len(text)
	}
	for _, x := range n.excerpt.notices {
		add(fmt.Sprintf("*MUTE* of %s  %s\nowner %s, until %s: %s", code(x.mute.what()), x.said(n.now),
			prose(x.mute.Owner), timeText(x.mute.Until), prose(x.mute.Reason)))
	}
	for _, x := range n.excerpt.worth {
		add("*NOTICE*  " + strings.TrimPrefix(prose(x.Target)+": ", ": ") + prose(x.Text))
	}
	for _, l := range lines(n.excerpt.standing) {
		since := n.since(l)
		add(fmt.Sprintf("*OPEN  %s*  %s  %s %s %s", strings.ToUpper(l.group.Severity.String()),
			code(l.group.Target), code(l.group.What()), since.Label, since.Text))
	}
	if len(n.excerpt.calls) > 0 {
		// They stand beside what is announced, and go first where there is no room.
		count := min(len(n.excerpt.calls), maxSpelt)
		for count > 0 && length+len(n.iamChangesParagraph(count))+2 > maxCard {
			count--
		}
		if count > 0 {
			text = slices.Insert(text, announced, n.iamChangesParagraph(count))
		} else {
			left++
		}
	}
	elsewhere := "the mail has them"
	if full := n.options.Sender.full(); full != "" {
		elsewhere = "see " + code(full)
	}
	if left > 0 {
		text = append(text, fmt.Sprintf("_and %d more: %s_", left, elsewhere))
	}
	c := card{Version: "1.0", Source: "custom", ID: n.key}
	head := "[" + n.label() + "] Remotion IAM: " + strings.Join(n.subjectParts(), ", ")
	c.Content = cardContent{TextType: "client-markdown",
		Title: strings.TrimSuffix(head+" | "+prose(n.who()), " | ") + " | " +
			prose(n.report.Account),
		Description: strings.Join(text, "\n\n"), NextSteps: n.steps()}
	c.Metadata = cardMetadata{ThreadID: n.thread, Summary: head + ". " + prose(n.first()),
		EventType: "remotion-audit." + string(n.reasons()[0]), AdditionalContext: map[string]string{
			"account": code(n.report.Account), "severity": n.severity().String(),
		}}
	for _, target := range n.targets() {
		c.Metadata.RelatedResources = append(c.Metadata.RelatedResources, prose(target))
		c.Content.Keywords = append(c.Content.Keywords, prose(target))
		if len(c.Content.Keywords) == 5 {
			break
		}
	}
	return marshal(c)
}

// title is what messages call an error.
func (c errorTransition) title() string {
	switch {
	case c.ended:
		return "CAN LOOK AGAIN"
	case !c.error.sight():
		return "AUDITOR ERROR"
	}
	return "COULD NOT LOOK"
}

func (n digest) paragraph(l line) string {
	g := l.group
	title := strings.TrimSpace(titles[l.event] + "  " + strings.ToUpper(g.Severity.String()))
	if n.options.Stateless {
		title = strings.ToUpper(g.Severity.String())
	}
	if l.closed {
		return fmt.Sprintf("*%s*  %s  %s after %s", titles[l.event], code(g.Target), code(g.What()),
			durationText(n.now.Sub(l.since)))
	}
	text := fmt.Sprintf("*%s*  %s  %s\n%s", title, code(g.Target), code(g.What()), prose(g.Impact()))
	text += fmt.Sprintf("\n%s: %s", g.Cause, prose(g.Why))
	if l.was != nil {
		text += "\nwas " + strings.Join(l.was, ", ")
	}
	if !n.options.Stateless {
		since := n.since(l)
		text += "\n" + since.Label + " " + since.Text
	}
	return text
}

// steps are what to do next: how to check, and how to mute the worst of it.
func (n digest) steps() (list []string) {
	s := n.options.Sender
	for i, command := range report.CheckCommands(n.report, s.Function, s.Region, s.Settings) {
		list = append(list, []string{"Check again: ", "Or have the function check: "}[i]+code(command))
	}
	for _, c := range n.excerpt.changes {
		if c.gap.Closed.IsZero() {
			l := lines(n.excerpt.changes)[0]
			if command := n.muteCommand(l.group); command != "" {
				list = append(list, "Mute the first for 24 hours: "+code(command))
			}
			break
		}
	}
	return list
}

var (
	// inCode are what could end a code span, or be a mention or a link even within one.
	inCode = strings.NewReplacer("`", "ˋ", "<", "‹", ">", "›", "&", "＆")
	// inProse are besides those what is markup, a mention or a link outside of one.
	inProse = strings.NewReplacer("`", "ˋ", "<", "‹", ">", "›", "&", "＆", "@", "＠", "*", "∗", "_", "＿",
		"~", "∼", "[", "［", "]", "］",
		"|", "｜", "#", "＃", "!", "ǃ", "://", ":⁄⁄", "\\", "＼")
)

// code shows a text of somebody else's as it is, within a code span.
func code(s string) string { return "`" + inCode.Replace(oneLine(s)) + "`" }

// prose takes the markup out of a text that somebody else's names are in.
func prose(s string) string {
	s = oneLine(s)
	if runes := []rune(s); len(runes) > maxWord {
		s = string(runes[:maxWord-1]) + "…"
	}
	return inProse.Replace(s)
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
