package output

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditText writes the report, with the times when its gaps opened before its last lines.
func auditText(w io.Writer, a Audit, v textfmt.View) error {
	body, about := report.Parts(a.Report, v)
	var b strings.Builder
	b.WriteString(body)
	if len(a.Open) > 0 {
		b.WriteString("\n" + v.Painted(textfmt.Strong, "OPEN SINCE") + "\n")
		if err := OpenGaps(&b, a.Open); err != nil {
			return err
		}
	}
	b.WriteString(about)
	_, err := io.WriteString(w, b.String())
	return err
}

// OpenGaps writes gaps as text, each with the time when it opened.
func OpenGaps(w io.Writer, gaps []alert.Gap) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, g := range gaps {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", g.Since.UTC().Format("2006-01-02 15:04Z"),
			textfmt.OneLine(g.Target), textfmt.OneLine(cmp.Or(g.Action, "does not exist")), g.Cause)
	}
	return table.Flush()
}

// diffText writes the comparison: how much changes, then each policy.
func diffText(w io.Writer, c policies.Comparison, v textfmt.View) error {
	p := diffPage{view: v}
	head := fmt.Sprintf("Remotion %s to %s", strings.Join(textfmt.OneLines(c.From), ", "),
		textfmt.OneLine(c.To))
	if c.Partition != policies.AWS {
		head += " in " + textfmt.OneLine(c.Partition)
	}
	change, tone := diffVerdict(c)
	p.wrapped("", "", head+": "+change, tone)
	for _, n := range c.Notices {
		p.wrapped("", "notice: ", textfmt.OneLine(n), textfmt.Plain)
	}
	if c.Problem != "" {
		p.wrapped("", "unverified: ", textfmt.OneLine(c.Problem), textfmt.Unknown)
	}
	for _, policy := range c.Policies {
		p.b.WriteByte('\n')
		title := string(policy.Kind) + " policy: "
		if len(policy.Added)+len(policy.Dropped) == 0 {
			p.wrapped("", "", title+noChange(c), textfmt.Strong)
			continue
		}
		p.wrapped("", "", fmt.Sprintf("%s%d added, %d dropped", title, len(policy.Added),
			len(policy.Dropped)), textfmt.Strong)
		for _, r := range policy.Added {
			p.requirement(r, "+ ", "impact if missing", textfmt.Added)
		}
		for _, r := range policy.Dropped {
			p.requirement(r, "- ", "impact if missing while an older release is in use",
				textfmt.Removed)
		}
	}
	_, err := p.b.WriteTo(w)
	return err
}

// diffVerdict returns what the comparison says about all policies together.
func diffVerdict(c policies.Comparison) (string, textfmt.Tone) {
	var added, dropped int
	for _, p := range c.Policies {
		added, dropped = added+len(p.Added), dropped+len(p.Dropped)
	}
	switch {
	case added > 0:
		return fmt.Sprintf("%s added, %d dropped", textfmt.Plural(added, "permission"), dropped),
			textfmt.High
	case dropped > 0 && c.Problem == "":
		return fmt.Sprintf("no permission added, %d dropped", dropped), textfmt.Good
	case c.Problem != "":
		return noChange(c), textfmt.Unknown
	}
	return noChange(c), textfmt.Good
}

// diffPage is the text of a comparison.
type diffPage struct {
	b    bytes.Buffer
	view textfmt.View
}

// wrapped writes a text in a tone, with a mark before its first line and blanks before the others.
func (p *diffPage) wrapped(indent, mark, text string, tone textfmt.Tone) {
	for i, line := range textfmt.Wrap(text, p.view.Columns()-len(indent)-len(mark)) {
		start := mark
		if i > 0 {
			start = strings.Repeat(" ", len(mark))
		}
		p.b.WriteString(indent + p.view.Painted(tone, start+line) + "\n")
	}
}

// noChange returns what the comparison says about a policy without a known change.
func noChange(c policies.Comparison) string {
	switch {
	case c.Problem != "":
		return "no known change, which is unverified"
	case c.KnownUntil != "":
		return "no change, as far as " + c.KnownUntil + " tells"
	}
	return "no change"
}

// breakageTexts explain how a missing permission becomes visible.
var breakageTexts = map[policies.Breakage]string{
	policies.Hard:      "the call fails",
	policies.Swallowed: "Remotion ignores the error",
	policies.Warned:    "Remotion prints a warning",
	policies.Feature:   "only this feature fails",
}

// requirement writes one permission of the comparison.
func (p *diffPage) requirement(r policies.Requirement, sign, impactLabel string,
	tone textfmt.Tone) {
	span := "since " + r.Since
	if r.Until != "" {
		span = r.Since + "-" + r.Until
	}
	impact := impactLabel + ": " + r.Impact
	if text := breakageTexts[r.Breakage]; text != "" {
		impact += " (" + text + ")"
	}
	p.wrapped("", sign, r.Action+" on "+r.Resource, tone)
	for _, text := range []string{
		fmt.Sprintf("statement %s, documented %s; severity %s", r.Sid, span, r.Severity),
		"the permission " + r.Reason, impact, r.Source,
	} {
		p.wrapped("    ", "", text, textfmt.Plain)
	}
}
