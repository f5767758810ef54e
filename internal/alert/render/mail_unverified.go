package render

import (
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// writeUnverified writes what an incomplete audit could not check, why, and the repair. It writes
// nothing about a complete audit.
func (w *mailWriter) writeUnverified() {
	x, access := w.x, w.x.report.Access()
	targets, since := w.unverifiedTargets()
	indeterminate := x.digest.Counts.Indeterminate
	if access == nil && targets == nil && since.IsZero() && indeterminate == 0 &&
		len(x.report.Problems) == 0 && len(w.unverifiedRequirements()) == 0 {
		return
	}
	title := "[UNVERIFIED] Could not check"
	if unchecked := report.Unchecked(x.digest.Report); unchecked != "" {
		title += ": " + unchecked
	}
	w.section(title)
	for _, target := range targets {
		w.field("Who", target)
	}
	w.writeAccess(access)
	w.writeProblems()
	if access == nil && len(x.report.Problems) == 0 {
		for _, line := range w.unverifiedRequirements() {
			w.field("Cause", line)
		}
	}
	if indeterminate > 0 {
		w.field("Known gaps", textfmt.Plural(indeterminate, "gap")+notRechecked)
	}
	if !since.IsZero() && !x.digest.Stateless {
		w.field("Since", textfmt.Time(since))
	}
}

// notRechecked follows the number of known gaps that this run could not recheck.
const notRechecked = " not rechecked, possibly still open"

// unverifiedTargets returns the announced targets that are not verified, except those that a
// problem of the report names, and when the oldest announced error began.
func (w *mailWriter) unverifiedTargets() (targets []string, since time.Time) {
	for _, e := range w.x.errors {
		if e.Ended || !e.Error.LimitsVerification() {
			continue
		}
		if since.IsZero() || e.Error.Since.Before(since) {
			since = e.Error.Since
		}
		switch {
		case e.Problem == "" && e.Error.Unverified:
			targets = append(targets, e.Error.Target+", not verified at all")
		case e.Problem == "":
			targets = append(targets, e.Error.Target+", not fully verified")
		case !slices.ContainsFunc(w.x.report.Problems, func(p audit.Problem) bool {
			return p.Target == e.Error.Target && p.What == e.Problem
		}):
			targets = append(targets, e.Error.Target+": "+e.Problem)
		}
	}
	return targets, since
}

// writeAccess writes which permissions the auditor lacks, and the policy that grants them.
func (w *mailWriter) writeAccess(access *audit.AuditorAccess) {
	if access == nil {
		return
	}
	layers := w.writeLacks(access.Lacks)
	if layers != nil {
		w.field("Fix", "a grant does not help against a Deny or a limit of another layer: allow the "+
			"actions to the auditor in: "+strings.Join(layers, ", "))
	}
	if access.Policy != nil {
		to := "the user or role of the auditor"
		if access.AttachTo != "" {
			to = access.AttachTo
		}
		w.field("Fix", "add this policy to "+to+":")
		w.indented(textfmt.JSON(access.Policy))
		if len(w.x.digest.Report.Targets) > 0 {
			w.line("Or run the audit command below as an administrator.")
		}
		w.command("All permissions that the auditor needs", auditorCommand(w.x.digest.Report))
	}
	w.field("AWS error", access.Error)
}

// writeLacks writes the denied actions. Those with the same targets share a line. It returns the
// layers that block some of them.
func (w *mailWriter) writeLacks(lacks []audit.DeniedAction) (layers []string) {
	var keys []string
	actions := map[string][]string{}
	for _, d := range lacks {
		targets := slices.Clone(d.Targets)
		if d.More > 0 {
			targets = append(targets, textfmt.More(d.More, "target"))
		}
		key := " on " + strings.Join(targets, ", ")
		if d.Layer != "" {
			layers = textfmt.AppendNew(layers, d.Layer)
			key += ", blocked by: " + d.Layer
		}
		keys = textfmt.AppendNew(keys, key)
		actions[key] = append(actions[key], d.Action)
	}
	for _, key := range keys {
		w.field("Cause", "the auditor lacks "+strings.Join(actions[key], ", ")+key)
	}
	return layers
}

// writeProblems writes the problems that no grant for the auditor solves, and what solves them.
func (w *mailWriter) writeProblems() {
	var remedies []string
	for _, p := range w.x.report.Problems {
		if p.Grant != "" {
			continue
		}
		s := p.What + ": " + p.Why
		if p.Target != "" && p.Target != audit.AccountTarget {
			s = p.Target + ": " + s
		}
		w.field("Cause", s)
		if p.Remedy != "" {
			remedies = textfmt.AppendNew(remedies, p.Remedy)
		}
	}
	for _, remedy := range remedies {
		w.field("Fix", remedy)
	}
}

// maxUnverifiedActions is the number of actions that the details of unverified requirements list. A
// longer list would hide the cause.
const maxUnverifiedActions = 4

// unverifiedRequirements describes the unverified requirements with their causes: one line for each
// target and cause, and for checks one for each cause.
func (w *mailWriter) unverifiedRequirements() (lines []string) {
	checks := map[string][]string{} // by cause: an account can have many functions with one cause
	var causes []string
	for _, g := range report.Grouped(w.x.report.Findings) {
		if g.Status != audit.Unverified {
			continue
		}
		if g.IsCheck() {
			causes = textfmt.AppendNew(causes, g.Why)
			for _, f := range g.Findings {
				checks[g.Why] = append(checks[g.Why], f.Sid+" of "+f.Target)
			}
			continue
		}
		what := strings.Join(g.Actions(), ", ")
		if len(g.Actions()) > maxUnverifiedActions {
			what = textfmt.Plural(len(g.Findings), "requirement")
		}
		lines = append(lines, g.Target+", "+what+": "+g.Why)
	}
	for _, why := range causes {
		lines = append(lines, textfmt.Enumerate(checks[why], maxUnverifiedActions)+": "+why)
	}
	return lines
}

// writeUnverifiedDetails writes the unverified requirements, if the section about what could not be
// checked has other causes.
func (w *mailWriter) writeUnverifiedDetails() {
	lines := w.unverifiedRequirements()
	if len(lines) == 0 || w.x.report.Access() == nil && len(w.x.report.Problems) == 0 {
		return
	}
	w.section("DETAILS: not verified")
	for _, line := range lines {
		w.line("- " + line)
	}
}
