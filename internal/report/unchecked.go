package report

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// uncheckedPart says how much could not be checked, and of which targets.
func uncheckedPart(r audit.Report) string {
	if len(r.Targets) == 0 {
		return "the account"
	}
	var targets []string
	for _, f := range unverifiedOf(r) {
		targets = textfmt.AppendNew(targets, textfmt.OneLine(f.Target))
	}
	n := r.Summary.Unverified
	if n == 0 {
		var what []string
		for _, p := range r.Problems {
			what = textfmt.AppendNew(what, fewRegions(textfmt.OneLine(p.What)))
		}
		return textfmt.Enumerate(what, 2)
	}
	text := fmt.Sprintf("%d of %s", n, textfmt.Plural(r.Summary.Requirements, "requirement"))
	if len(targets) > 0 && len(targets) < len(r.Targets) {
		text += " (" + textfmt.Some(targets, 2) + ")"
	}
	return text
}

// maxRegions is the number of regions that a title names.
const maxRegions = 3

// fewRegions shortens the regions at the end of what could not be read: a subject has no place for
// all of them.
func fewRegions(what string) string {
	if before, list, ok := strings.Cut(what, " in "); ok {
		regions := strings.Split(list, ", ")
		return before + " in " + textfmt.Enumerate(regions, maxRegions)
	}
	return what
}

// maxReasons is the number of reasons that a verdict gives, and maxReason the length of one.
const maxReasons, maxReason = 2, 240

// reasonsOf returns why requirements could not be checked: what AWS denies to the auditor, what
// could not be read, or else why the findings are unverified.
func reasonsOf(r audit.Report) (list []string) {
	var denied []string
	if access := r.Access(); access != nil {
		for _, d := range access.Lacks {
			denied = textfmt.AppendNew(denied, textfmt.OneLine(d.Action))
		}
		list = append(list, "AWS denies the auditor "+textfmt.Enumerate(denied, 3))
	}
	for _, p := range r.Problems {
		if p.Grant != "" {
			continue
		}
		text := textfmt.OneLine(p.Why)
		if len(r.Problems) > 1 || r.Summary.Unverified > 0 || len(r.Targets) == 0 {
			text = textfmt.OneLine(p.What) + ": " + text // else the title has it
		}
		list = textfmt.AppendNew(list, text)
	}
	if list == nil {
		for _, f := range unverifiedOf(r) {
			list = textfmt.AppendNew(list, textfmt.OneLine(f.Why))
		}
	}
	for i := range list {
		list[i] = textfmt.Truncate(strings.TrimSuffix(list[i], "."), maxReason)
	}
	if more := len(list) - maxReasons; more > 0 {
		list = append(list[:maxReasons:maxReasons], textfmt.Plural(more, "further reason")+" below")
	}
	return list
}
