package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeUnread writes about the targets whose policies could not be read: what AWS's simulator
// answers, and what is not read. It writes nothing if the policies of all targets were read.
func (p *page) writeUnread(r audit.Report) {
	var unread []string
	for _, t := range r.Targets {
		if text := simulatorText(r, t); text != "" {
			if unread == nil {
				p.line("")
			}
			unread = append(unread, t.Name)
			p.field("", "AWS simulator", "%s", text)
		}
	}
	for _, target := range unread {
		var parts []string
		for _, pr := range r.Problems {
			if pr.Target == target {
				parts = append(parts, textfmt.OneLine(pr.What))
			}
		}
		p.field("", "Not read", "%s: %s", textfmt.OneLine(target), textfmt.Some(parts, maxUnread))
	}
}

// maxUnread is the number of unread parts that the report lists for a target.
const maxUnread = 3

// simulatorText counts what AWS's simulator answers about a target. It is empty if all policies of
// the target were read, or if AWS answered nothing.
func simulatorText(r audit.Report, t audit.TargetReport) string {
	var allowed, unanswered int
	var denied []string
	unread := false
	for _, f := range r.Findings {
		if f.Target != t.Name || f.Policy != t.Kind.Policy() || f.Sid == audit.TrustSid {
			continue
		}
		unread = unread || f.Inspected == "unknown"
		switch {
		// Reports of earlier releases have satisfied findings about unread policies.
		case f.Simulated == "allowed" || f.Status == audit.Satisfied:
			allowed++
		case f.Simulated == "":
			unanswered++
		case !slices.Contains(denied, f.Action):
			denied = append(denied, f.Action)
		}
	}
	name := textfmt.OneLine(t.Name)
	switch {
	case !unread || allowed == 0 && denied == nil:
		return ""
	case denied == nil && unanswered == 0:
		return fmt.Sprintf("allows %s of %s that the audit simulates",
			textfmt.All(allowed, "requirement"), name)
	}
	text := fmt.Sprintf("allows %s of %s", textfmt.Plural(allowed, "requirement"), name)
	if denied != nil {
		text += " and denies " + textfmt.Enumerate(textfmt.OneLines(denied), maxUnread)
	}
	if unanswered > 0 {
		text += fmt.Sprintf("; it gives no answer about %d", unanswered)
	}
	return text
}

// Callers returns the audited callers in the syntax of CALLERS. Without them, another
// principal that runs the command would audit itself.
func Callers(r audit.Report) string {
	var list []string
	for _, t := range r.Targets {
		if t.Kind != audit.Caller {
			continue
		}
		entry := t.Name
		if t.Purpose != policies.All {
			entry += "=" + string(t.Purpose)
		}
		list = append(list, entry)
	}
	if list == nil {
		return "none"
	}
	return strings.Join(list, ",")
}
