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

// auditText writes the report, and then the gaps with the times when they opened.
func auditText(w io.Writer, a Audit, v textfmt.View) error {
	if err := report.Text(w, a.Report, v); err != nil || len(a.Open) == 0 {
		return err
	}
	if _, err := fmt.Fprintln(w, "\nOPEN SINCE"); err != nil {
		return err
	}
	return OpenGaps(w, a.Open)
}

// OpenGaps writes gaps as text, each with the time when it opened.
func OpenGaps(w io.Writer, gaps []alert.Gap) error {
	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, g := range gaps {
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", g.Since.UTC().Format("2006-01-02 15:04Z"), g.Target,
			cmp.Or(g.Action, "does not exist"), g.Cause)
	}
	return table.Flush()
}

// diffText writes the comparison, policy by policy.
func diffText(w io.Writer, c policies.Comparison, _ textfmt.View) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "Remotion %s to %s", strings.Join(c.From, ", "), c.To)
	if c.Partition != policies.AWS {
		fmt.Fprintf(&b, " in %s", c.Partition)
	}
	b.WriteByte('\n')
	for _, n := range c.Notices {
		fmt.Fprintf(&b, "notice: %s\n", n)
	}
	if c.Problem != "" {
		fmt.Fprintf(&b, "unverified: %s\n", c.Problem)
	}
	for _, p := range c.Policies {
		fmt.Fprintf(&b, "\n%s policy: ", p.Kind)
		if len(p.Added)+len(p.Dropped) == 0 {
			b.WriteString(noChange(c) + "\n")
			continue
		}
		fmt.Fprintf(&b, "%d added, %d dropped\n", len(p.Added), len(p.Dropped))
		for _, r := range p.Added {
			writeRequirement(&b, r, "+", "impact if missing")
		}
		for _, r := range p.Dropped {
			writeRequirement(&b, r, "-", "impact if missing while an older release is in use")
		}
	}
	_, err := b.WriteTo(w)
	return err
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

func writeRequirement(b *bytes.Buffer, r policies.Requirement, sign, impactLabel string) {
	span := "since " + r.Since
	if r.Until != "" {
		span = r.Since + "-" + r.Until
	}
	fmt.Fprintf(b, "%s %s on %s\n", sign, r.Action, r.Resource)
	fmt.Fprintf(b, "    statement %s, documented %s; severity %s\n", r.Sid, span, r.Severity)
	fmt.Fprintf(b, "    the permission %s\n", r.Reason)
	fmt.Fprintf(b, "    %s: %s", impactLabel, r.Impact)
	if text := breakageTexts[r.Breakage]; text != "" {
		fmt.Fprintf(b, " (%s)", text)
	}
	b.WriteByte('\n')
	fmt.Fprintf(b, "    %s\n", r.Source)
}
