package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

const (
	// maxTargetsInMail is the number of targets that a mail lists.
	maxTargetsInMail = 20
	// maxEffects is the number of effects that a mail lists for one root cause.
	maxEffects = 12
)

// mailWriter writes the plain text body of a message.
type mailWriter struct {
	text
	x excerpt
	// others and reclassified are the announced gaps: see splitReclassified. entries groups others.
	reclassified []alert.GapTransition
	entries      []entry
	// changes are the IAM changes that no section shows yet. shownChanges is the number of all that
	// the mail shows.
	changes      []audit.IAMChange
	shownChanges int
	// explained has the targets whose policies the mail already compares with Remotion's documents.
	// copied has the commands, links and causes that the mail already contains.
	explained, copied map[string]bool
}

// mail returns the plain text body. The first lines of an announced gap are what breaks, the cause
// and the repair, because a phone shows only these. Details follow after all announcements.
func mail(x excerpt) string {
	w := mailWriter{x: x, explained: map[string]bool{}, copied: map[string]bool{},
		changes: distinctChanges(x.iamChanges)}
	w.shownChanges = len(w.changes)
	others, reclassified := splitReclassified(x.gaps)
	w.reclassified, w.entries = reclassified, leadFirst(entries(others), x.head.lead)
	w.writeRefusal()
	for _, e := range w.entries {
		if e.closed {
			w.writeClosed(e)
		} else {
			w.writeOpen(e)
		}
	}
	if reclassified != nil {
		w.writeReclassified()
	}
	// What a message announces comes before what was announced before.
	if _, since := w.unverifiedTargets(); since.IsZero() {
		w.writeErrors()
		w.writeUnverified()
	} else {
		w.writeUnverified()
		w.writeErrors()
	}
	w.writeIAMChanges()
	for _, n := range x.mutes {
		w.writeMute(n)
	}
	for _, n := range x.notices {
		w.section("Notice: " + strings.TrimPrefix(n.Target+": ", ": ") + n.Text)
		w.indented(withAuditFlags(x, n).Command)
	}
	w.writeStillOpen()
	w.writeDetails()
	w.writeUnverifiedDetails()
	w.writeNotices()
	w.writeOmitted()
	w.writeAbout()
	w.writeCommands()
	return w.b.String()
}

// writeOpen writes an announced entry that is not closed.
func (w *mailWriter) writeOpen(e entry) {
	r, from, g := w.x.digest.Report, w.x.from, e.group
	title := "[" + strings.ToUpper(g.Severity.String()) + "] " + g.Title(r)
	if word := reasonWords[e.reason]; word != "" {
		title += " (" + word + ")"
	}
	w.section(title)
	w.field("Who", g.Principal())
	w.writeBrief(g)
	w.writeChangesOf(e)
	w.writeExplanation(g.Target)
	w.field("Console", w.once(consolePage(r, g)))
	w.command("Mute for 24 hours", muteCommand(from.Bucket, g))
}

// writeBrief writes the cause and the repair of a group of open gaps. Gaps of one target with the
// same cause can be in two groups, of which the second refers to the first.
func (w *mailWriter) writeBrief(g report.Group) {
	b := briefOf(w.x.digest.Report, w.x.from, g)
	if w.once(g.Principal()+"\n"+g.Why+"\n"+b.cause) == "" {
		w.line("Cause and fix: as above")
		return
	}
	w.field("Cause", b.cause)
	for _, f := range b.fixes {
		switch {
		case f.text != "":
			w.field("Fix", f.text)
		case f.where != "":
			w.line("Fix in " + f.where + ":")
		default:
			w.line("Fix:")
		}
		w.indented(f.diff...)
	}
	if b.further != "" {
		w.line(textfmt.Capitalize(b.further) + ".")
	}
	w.command(b.label, w.once(b.command))
}

// once returns a text the first time, and "" after that.
func (w *mailWriter) once(s string) string {
	if w.copied[s] {
		return ""
	}
	w.copied[s] = true
	return s
}

// writeChangesOf writes the IAM changes that affect the principal of an entry. For a gap that is
// new or worse and that no known change explains, it writes the command that lists the changes.
func (w *mailWriter) writeChangesOf(e entry) {
	known := false
	w.changes = slices.DeleteFunc(slices.Clone(w.changes), func(c audit.IAMChange) bool {
		if !slices.Contains(c.Targets, e.group.Target) {
			return false
		}
		known = true
		w.writeChange(c)
		return true
	})
	d := w.x.digest
	if known || d.Stateless || e.group.Cause == audit.SCP || e.group.Cause == audit.RCP ||
		slices.ContainsFunc(d.IAMChanges,
			func(c audit.IAMChange) bool { return slices.Contains(c.Targets, e.group.Target) }) {
		return
	}
	if slices.Contains([]alert.Reason{alert.ReasonOpened, alert.ReasonReopened, alert.ReasonWorse},
		e.reason) {
		w.command("Changed by: unknown to this run. CloudTrail may list the call",
			lookupCommand(d.Report, e.group))
	}
}

// writeChange writes an IAM change. It names CloudTrail as the source, because CloudTrail can be
// late, and the change is not certainly the cause.
func (w *mailWriter) writeChange(c audit.IAMChange) {
	label := "Changed by"
	if c.Unsure {
		label = "Perhaps changed by"
	}
	w.field(label, iamChangeText(c)+" (CloudTrail)")
}

// writeIAMChanges writes the IAM changes that no entry shows, and counts those that the mail omits.
func (w *mailWriter) writeIAMChanges() {
	if len(w.changes) > 0 {
		w.section("IAM CHANGES")
		for _, c := range w.changes {
			w.writeChange(c)
		}
	}
	if omitted := len(w.x.digest.IAMChanges) - w.shownChanges; omitted > 0 {
		s := textfmt.Plural(omitted, "more IAM change")
		if w.x.from.reportURL() != "" {
			s += ": see the full report"
		}
		w.section(s)
	}
}

// writeExplanation writes which of Remotion's documents the policies of a target resemble, once for
// each target. An old document often explains all gaps.
func (w *mailWriter) writeExplanation(target string) {
	if w.explained[target] {
		return
	}
	w.explained[target] = true
	for _, n := range w.x.report.Notices {
		if n.Kind == audit.NoticeDocument && n.Target == target {
			w.field("Policy", n.Text)
		}
	}
}

// writeClosed writes an announced entry whose gaps are closed.
func (w *mailWriter) writeClosed(e entry) {
	d, g := w.x.digest, e.group
	open := textfmt.Duration(d.Now.Sub(e.since))
	title := textfmt.Capitalize(strings.ToLower(e.title()))
	if e.reason == alert.ReasonRetired {
		w.section(title + ": " + g.Principal())
		w.line("Not recovered: the audit no longer covers the target, the region or the requirement.")
	} else {
		w.section(title + " after " + open + ": " + g.Principal())
	}
	for _, changed := range w.changes {
		if slices.Contains(changed.Targets, g.Target) {
			w.writeChange(changed)
		}
	}
	w.changes = slices.DeleteFunc(slices.Clone(w.changes), func(c audit.IAMChange) bool {
		return slices.Contains(c.Targets, g.Target)
	})
	w.field("Was "+string(g.Status), g.Summary())
	if g.RootCause() == "" {
		w.field("Old cause", g.Why)
	}
	w.field("Opened", textfmt.Time(e.since)+", "+open+" ago")
}

// writeReclassified writes the findings that an upgrade of the auditor judges otherwise.
func (w *mailWriter) writeReclassified() {
	w.section(judgementChanged(w.x.digest))
	for _, f := range reclassifiedFields(w.reclassified) {
		w.field(f.Label, f.Text)
	}
}

// writeRefusal writes the error about an alert that was given up, if the mail has no space for its
// section. Such a mail is short because of that error.
func (w *mailWriter) writeRefusal() {
	refusal := func(e alert.ErrorTransition) bool { return e.Error.What == alert.RefusedWhat }
	i := slices.IndexFunc(w.x.digest.Errors, refusal)
	if i >= 0 && !slices.ContainsFunc(w.x.errors, refusal) {
		w.line(w.x.digest.Errors[i].Problem + ": " + w.x.digest.Errors[i].Why)
	}
}

// writeErrors writes the auditor errors that are not about an audited target, and the errors that
// ended.
func (w *mailWriter) writeErrors() {
	for _, e := range w.x.errors {
		if !e.Ended && !e.Error.LimitsVerification() {
			w.section("[ERROR] " + e.Problem)
			w.field("Cause", e.Why)
			w.field("Impact", e.Impact)
			w.field("Fix", e.Remedy)
		}
	}
	first := true
	for _, e := range w.x.errors {
		if !e.Ended {
			continue
		}
		s := errorText(w.x.digest, e)
		if strings.HasPrefix(s, "the ") { // the name of a principal keeps its spelling
			s = textfmt.Capitalize(s)
		}
		if first {
			w.section(s)
		} else {
			w.line(s)
		}
		first = false
	}
}

func (w *mailWriter) writeMute(n alert.MuteNotice) {
	w.section("Mute of " + n.Mute.Condition())
	w.field("Status", muteStatus(n, w.x.digest.Now))
	w.field("Owner", n.Mute.Owner)
	w.field("Reason", n.Mute.Reason)
	w.field("Until", textfmt.Time(n.Mute.Until))
}

// writeStillOpen writes the open gaps that were announced before.
func (w *mailWriter) writeStillOpen() {
	list := openEntries(w.x, w.reclassified)
	for i, e := range list {
		if i == 0 {
			w.section("ALSO OPEN")
		} else {
			w.line("")
		}
		w.line("[" + strings.ToUpper(e.group.Severity.String()) + "] " + e.group.Title(w.x.digest.Report))
		w.field("Who", e.group.Principal())
		w.writeBrief(e.group)
		f := since(w.x.digest, e)
		w.field(f.Label, f.Text)
	}
}

// writeDetails writes what the first lines of each announced entry leave out.
func (w *mailWriter) writeDetails() {
	d := w.x.digest
	for _, e := range w.entries {
		if e.closed {
			continue
		}
		g := e.group
		w.section("DETAILS: " + g.Principal() + ", " + strings.ToLower(g.Title(d.Report)))
		effects := g.Effects()
		for _, f := range effects[:min(len(effects), maxEffects)] {
			what := cmp.Or(strings.Join(f.Actions, ", "), g.Target)
			w.line("- " + f.Severity.String() + ": " + what + strings.TrimSuffix(": "+f.Impact, ": "))
		}
		if more := len(effects) - maxEffects; more > 0 {
			w.line("- " + textfmt.More(more, "effect"))
		}
		w.field("Status", fmt.Sprintf("%s (%s)", g.Status, g.Cause))
		w.field("Old status", strings.Join(e.previous, ", "))
		if g.RootCause() == "" {
			w.field("Resource", textfmt.Some(g.Examples(), 1))
			w.writeNeededBy(g)
			w.writeEvidence(g)
		}
		if f := since(d, e); e.olderThan(d) && !d.Stateless {
			w.field(f.Label, f.Text)
		}
	}
}

// maxNeededBy is the number of releases that a mail names for one root cause.
const maxNeededBy = 6

// writeNeededBy writes the releases that need the permissions of a group, if the account is judged
// by several releases, and the notes on the findings.
func (w *mailWriter) writeNeededBy(g report.Group) {
	var releases, notes []string
	known := map[string]bool{} // an account can have thousands of releases
	for _, f := range g.Findings {
		for _, release := range f.Releases {
			if !known[release] {
				releases = append(releases, release)
			}
			known[release] = true
		}
		for _, note := range f.Notes {
			notes = textfmt.AppendNew(notes, note)
		}
	}
	if len(w.x.digest.Report.Remotion.Releases) > 1 {
		w.field("Needed by", strings.Join(textfmt.Shorten(releases, maxNeededBy, ""), ", "))
	}
	for _, note := range notes {
		w.field("Note", note)
	}
}

// writeEvidence writes the results of the engine and of the simulator.
func (w *mailWriter) writeEvidence(g report.Group) {
	if f := g.Findings[0]; f.Sid != audit.TrustSid && (f.Simulated != "" || f.Inspected != "") {
		w.field("Evidence", fmt.Sprintf("policy documents: %s; AWS simulator: %s",
			cmp.Or(f.Inspected, "unknown"), cmp.Or(f.Simulated, "unknown")))
	}
}

// writeNotices writes the notices that the mail shows but does not announce.
func (w *mailWriter) writeNotices() {
	first := true
	for _, n := range accompanyingNotices(w.x) {
		if n.Kind == audit.NoticeDocument && w.explained[n.Target] {
			continue
		}
		if first {
			w.section("NOTICES")
			first = false
		}
		s := strings.TrimPrefix(n.Target+": ", ": ") + n.Text
		if n.Severity > 0 {
			s = n.Severity.String() + ": " + s
		}
		w.line("- " + s)
		w.indented(n.Command)
	}
}

// accompanyingNotices returns the notices that a mail shows but does not announce. It leaves out
// the notice about the read scope, which is a setting and is announced once. Without a state, no
// notice is announced, so each mail shows all notices.
func accompanyingNotices(x excerpt) (list []audit.Notice) {
	for _, n := range x.report.Notices {
		if !slices.Contains(x.digest.Notices, n) &&
			(n.Kind != audit.NoticeReadScope || x.digest.Stateless) {
			list = append(list, withAuditFlags(x, n))
		}
	}
	return list
}

// writeOmitted counts what the mail has no space for.
func (w *mailWriter) writeOmitted() {
	omitted := w.x.omittedFindings()
	if omitted <= 0 {
		return
	}
	elsewhere := "run the audit below to see all of them."
	if url := w.x.from.reportURL(); url != "" {
		elsewhere = "see " + url + "."
	}
	w.section(textfmt.Plural(omitted, "more finding") + " not shown for lack of space: " + elsewhere)
}

// writeAbout writes the account, the releases, the targets, the run, and the next reminder.
func (w *mailWriter) writeAbout() {
	d, r := w.x.digest, w.x.digest.Report
	w.section("ABOUT THIS AUDIT")
	w.field("Account", r.Account)
	w.field("Result", report.Headline(r))
	if len(r.Targets) > 0 {
		w.field("Regions", strings.Join(r.Regions, " "))
		w.field("Remotion", r.Remotion.Release)
		w.field("Deployed", deployedText(r.Remotion))
	}
	for _, t := range r.Targets[:min(len(r.Targets), maxTargetsInMail)] {
		w.field("Target", report.TargetLine(t))
	}
	if more := len(r.Targets) - maxTargetsInMail; more > 0 {
		w.line(textfmt.Capitalize(textfmt.More(more, "target")))
	}
	w.field("Checks", report.ChecksLine(r))
	if muted := r.Summary.GapsMuted; muted > 0 {
		w.field("Muted", textfmt.Plural(muted, "gap")+", not announced")
	}
	if !r.Run.At.IsZero() {
		w.field("Run", fmt.Sprintf("%s %s by %s %s", r.Run.At.UTC().Format(time.RFC3339), r.Run.ID,
			r.Run.Auditor, r.Run.Version))
	}
	w.field("Full report", w.x.from.reportURL())
	switch {
	case d.Stateless && w.x.from.Bucket == "":
		w.field("Next reminder", "on every run with gaps or errors, because EVIDENCE_BUCKET is not set")
	case d.Stateless:
		w.field("Next reminder",
			"on every run with gaps or errors, because the stored state cannot be used")
	case !d.NextReminder.IsZero():
		w.field("Next reminder", textfmt.Time(d.NextReminder)+" if nothing changes")
	}
}

// maxDeployed is the number of releases of deployed functions that a mail names.
const maxDeployed = 8

// deployedText counts the deployed functions by release. It is empty without functions.
func deployedText(r audit.Remotion) string {
	if len(r.Deployed) == 0 {
		return ""
	}
	functions := 0
	var parts []string
	for _, d := range r.Deployed {
		functions += d.Functions
		name := cmp.Or(d.Release, "unknown release")
		if d.Functions > 1 {
			name = fmt.Sprintf("%d x %s", d.Functions, name)
		}
		parts = append(parts, name)
	}
	return textfmt.Plural(functions, "function") + ": " +
		strings.Join(textfmt.Shorten(parts, maxDeployed, "release"), ", ")
}

// writeCommands writes the commands that print Remotion's policies and repeat the audit.
func (w *mailWriter) writeCommands() {
	r := w.x.digest.Report
	var compare []string
	for _, kind := range kindsWithGaps(r) {
		if command := w.once(policyCommand(r, kind)); command != "" {
			compare = append(compare, command)
		}
	}
	if compare != nil {
		w.section("COMPARE with the policy that Remotion documents:")
		w.indented(compare...)
	}
	w.section("RECHECK after a change:")
	w.indented(checkCommands(r, w.x.from)...)
}

func kindsWithGaps(r audit.Report) (kinds []policies.PolicyKind) {
	for _, kind := range policies.Kinds {
		if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
			return f.Gap() && f.Policy == kind &&
				(f.Cause == audit.NoGrant || f.Cause == audit.NarrowerGrant)
		}) {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
