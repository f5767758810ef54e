package output

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// The lengths of the parts of an annotation in characters. GitHub cuts longer ones.
const (
	annotationTitle = 250
	annotationText  = 4000
)

// writeGitHub writes workflow commands, which GitHub Actions shows as annotations: one for each gap
// and for what is unverified, the highest severity first, and one with the result. A known gap of a
// baseline is a notice.
// https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
func writeGitHub(w io.Writer, l listing) error {
	var b bytes.Buffer
	for _, e := range l.ordered(gap, unverified, known) {
		place := ""
		switch {
		case e.file != "":
			place = fmt.Sprintf("file=%s,line=%d,col=%d,", commandProperty(e.file), e.line, e.column)
		case l.placed:
			place = fmt.Sprintf("file=%s,line=1,", commandProperty(textfmt.SlashPath(l.accountPlace)))
		}
		title := e.title()
		if e.severity > 0 {
			title = e.severity.String() + ": " + title
		}
		if e.outcome == known {
			title = "known " + title
		}
		text := e.sentence()
		if e.fix != nil && e.fix.command != "" {
			text += ". Command: " + e.fix.command
		}
		fmt.Fprintf(&b, "::%s %stitle=%s::%s\n", e.command(), place,
			commandProperty(short(title, annotationTitle)), commandData(short(text, annotationText)))
	}
	text := fmt.Sprintf("%s %s: %s", l.status, l.subject, l.headline)
	if n := l.count(muted); n > 0 {
		text += fmt.Sprintf(" (muted gaps: %d)", n)
	}
	fmt.Fprintf(&b, "::notice title=%s::%s\n", commandProperty(contract.ToolName+" "+l.name),
		commandData(short(text, annotationText)))
	_, err := b.WriteTo(w)
	return err
}

// command returns the workflow command for the severity.
func (e *entry) command() string {
	if e.outcome == known {
		return "notice"
	}
	return e.ciLevel("notice")
}

// commandData escapes the text of a workflow command, as actions/toolkit does. The text follows a
// command on its line, so that a command within it has no effect.
func commandData(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// commandProperty escapes the value of a property.
func commandProperty(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandData(text))
}
