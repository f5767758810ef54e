package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// JSON writes the report for programs. docs/report.schema.json describes it.
func JSON(w io.Writer, r audit.Report) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Text writes the report for a terminal.
func Text(w io.Writer, r audit.Report) error {
	var p page
	p.line("%s  %s", strings.ToUpper(string(r.Status)), Headline(r))
	p.line("")
	p.head("", r)
	for _, t := range r.Targets {
		p.field("", "target", "%s", targetLine(t))
	}
	p.body(r)
	p.muted(r)
	p.line("")
	p.field("", "assumed", "%s", strings.Join(cleanAll(r.AssumedContext), " "))
	return p.writeTo(w)
}

// head says what was judged, and by what.
func (p *page) head(indent string, r audit.Report) {
	p.field(indent, "account", "%s", clean(r.Account))
	if len(r.Targets) == 0 {
		return // nothing was judged: the auditor is misconfigured
	}
	p.field(indent, "regions", "%s", strings.Join(cleanAll(r.Regions), " "))
	p.judgedBy(indent, r.Remotion)
}

func targetLine(t audit.TargetReport) string {
	kind := string(t.Kind)
	switch {
	case t.Kind == audit.Caller && t.Purpose == policies.Render:
		kind += " that only renders"
	case t.Kind == audit.Caller && t.Purpose == policies.Deploy:
		kind += " that only deploys"
	}
	s := t.Summary
	line := fmt.Sprintf("%s (%s): %d of %d satisfied", clean(t.Name), kind, s.Satisfied,
		s.Requirements)
	if s.Gaps > 0 {
		line += ", " + Plural(s.Gaps, "gap")
	}
	if s.GapsMuted > 0 {
		line += fmt.Sprintf(", %d muted", s.GapsMuted)
	}
	if s.Unverified > 0 {
		line += fmt.Sprintf(", %d unverified", s.Unverified)
	}
	if t.CutOff {
		line += ", cut off by the deadline"
	}
	return line
}

// page gathers lines. Labels stand in a column, prose is wrapped behind them.
type page struct {
	b strings.Builder
	// releases is how many the account is judged by.
	releases int
}

const (
	proseWidth = 86
	labelWidth = 12 // "conditional" and a blank
)

func (p *page) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (p *page) field(indent, label, format string, args ...any) {
	for i, l := range wrap(fmt.Sprintf(format, args...), proseWidth) {
		if i > 0 {
			label = ""
		}
		p.line("%s%-*s%s", indent, labelWidth, label, l)
	}
}

func (p *page) writeTo(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// body writes what is wrong: gaps first, then what could not be learnt, then what is worth knowing.
func (p *page) body(r audit.Report) {
	p.releases = len(r.Remotion.Releases)
	p.explains(r)
	for _, g := range Gaps(r) {
		p.line("")
		p.line("%s  %s", strings.ToUpper(g.Severity.String()), g.Who())
		p.group(g)
	}
	p.blind(r, nil)
	p.upgrade(r.Upgrade)
	p.notices(r)
}

// muted lists what is a gap, and silenced.
func (p *page) muted(r audit.Report) {
	groups := Grouped(mutedOf(r))
	if groups == nil {
		return
	}
	p.line("")
	p.line("MUTED")
	for _, g := range groups {
		p.field("  ", string(g.Status), "%s: %s", g.Who(), g.What())
		for _, by := range g.collect(func(f audit.Finding) string {
			return fmt.Sprintf("by %s until %s: %s", f.Muted.Owner, f.Muted.Until.UTC().Format(time.RFC3339),
				f.Muted.Reason)
		}) {
			p.field("  ", "", "%s", clean(by))
		}
	}
}

func (p *page) group(g Group) {
	p.field("  ", string(g.Status), "%s", g.What())
	p.on(g)
	p.neededBy(g)
	p.field("  ", "impact", "%s", clean(g.Impact()))
	p.field("  ", "why", "%s: %s", g.Cause, clean(g.Why))
	for _, note := range g.collect(func(f audit.Finding) string {
		return strings.Join(f.Notes, "; ")
	}) {
		p.field("  ", "note", "%s", clean(note))
	}
	p.seen(g)
}

func (p *page) on(g Group) {
	examples := cleanAll(g.Examples())
	switch n := len(examples); n {
	case 0:
	case 1:
		p.field("  ", "on", "%s", examples[0])
	default:
		p.field("  ", "on", "%s and %d more", examples[0], n-1)
	}
}

// seen tells what each of the two sources says.
func (p *page) seen(g Group) {
	if f := g.Findings[0]; f.Sid != audit.TrustSid && (f.Simulated != "" || f.Inspected != "") {
		p.field("  ", "seen", "inspected %s, simulated %s", orUnknown(f.Inspected),
			orUnknown(f.Simulated))
	}
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
