package alert

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// closedRetention is how long the state keeps a closed gap, so that Plan can distinguish a reopened
// gap from a new gap. The state keeps notices for the same time.
const closedRetention = 30 * 24 * time.Hour

// GapTransition is a change of one gap that a message may announce.
type GapTransition struct {
	Reason Reason
	// Gap is the gap to store. A gap that ended has a Closed time.
	Gap Gap
	// Finding is the report's finding about an open gap. For a closed gap it is made from the stored
	// gap.
	Finding audit.Finding
	// Reclassified is why a finding is reclassified, and Previous the gap before that. Both are empty
	// for other reasons.
	Reclassified Reclassification
	Previous     Previous
}

// StatusChanged reports whether an open gap is worse or better than in its last announcement.
func (c GapTransition) StatusChanged() bool {
	return (c.Reason == ReasonWorse || c.Reason == ReasonPartlyRecovered) && c.Gap.Closed.IsZero() &&
		!c.Gap.Notified.IsZero()
}

// lifecycle compares the report of a run with the state of the previous run.
type lifecycle struct {
	previous State
	report   audit.Report
	mutes    mute.List
	now      time.Time
	options  Options
	// findings are the findings of the report, by identity.
	findings map[Identity]audit.Finding
	// knowledge contains what the report shows about each target and policy kind.
	knowledge map[targetPolicy]targetKnowledge
	coverage  coverage
	// rejudged is true if an auditor with another judgement wrote the state.
	rejudged bool
}

type targetPolicy struct {
	target string
	policy policies.PolicyKind
}

// targetKnowledge is what a report shows about a target. audited is true if the report contains the
// target, missing if the target does not exist, and known if a finding about it is verified.
type targetKnowledge struct{ audited, missing, known bool }

func newLifecycle(previous State, r audit.Report, mutes mute.List, now time.Time,
	o Options) *lifecycle {
	l := &lifecycle{previous: previous, report: r, mutes: mutes, now: now, options: o,
		findings: map[Identity]audit.Finding{}, knowledge: map[targetPolicy]targetKnowledge{},
		coverage: newCoverage(previous, r, o.Configured), rejudged: isRejudged(previous, o)}
	for _, t := range r.Targets {
		l.knowledge[targetPolicy{t.Name, t.Kind.Policy()}] = targetKnowledge{audited: true}
	}
	for _, f := range r.Findings {
		id := IdentityOf(f)
		// If a target is configured twice, the report contains each finding twice. The worse finding
		// counts.
		if before, ok := l.findings[id]; !ok || statusRank(f.Status) > statusRank(before.Status) {
			l.findings[id] = f
		}
		k := l.knowledge[targetPolicy{f.Target, f.Policy}]
		k.missing = k.missing || id.targetMissing() && f.Status.Gap()
		k.known = k.known || !id.targetMissing() && f.Status != audit.Unverified
		l.knowledge[targetPolicy{f.Target, f.Policy}] = k
	}
	l.previous.Gaps = l.splitByResource(l.renumberSids(previous.Gaps))
	return l
}

// splitByResource returns the gaps with the resources of the report. An upgrade of the auditor can
// split a requirement: a bucket of the account's own was a resource of the requirement about
// Remotion's buckets, and now has a requirement of its own. If the former is satisfied, a gap that
// covered some of its resources continues in the gaps about the same action on other resources.
func (l *lifecycle) splitByResource(gaps []Gap) (split []Gap) {
	if !l.rejudged {
		return gaps
	}
	known := map[Identity]bool{}
	for _, g := range gaps {
		known[g.Identity] = true
	}
	for _, g := range gaps {
		before, ok := l.findings[g.Identity]
		var parts []Gap
		if ok && before.Status == audit.Satisfied && g.Status == audit.Partial && g.Closed.IsZero() {
			for id, f := range l.findings {
				if id.Target == g.Target && id.Policy == g.Policy && id.Action == g.Action &&
					f.Status.Gap() && !known[id] {
					part := g
					part.Identity, known[id] = id, true
					parts = append(parts, part)
				}
			}
		}
		if parts == nil {
			parts = []Gap{g}
		}
		split = append(split, parts...)
	}
	return split
}

// renumberSids returns the gaps with the Sids of the report. Remotion releases number their
// statements differently, and a deployment may change the release that applies to the account. A
// gap with another Sid is the same gap.
func (l *lifecycle) renumberSids(gaps []Gap) []Gap {
	current := map[Identity]string{}
	for id := range l.findings {
		if id.Policy == audit.CheckKind {
			continue // the Sid is the id of a check, which does not change
		}
		sid := id.Sid
		id.Sid = ""
		current[id] = max(current[id], sid) // a release lists an action on a resource only once
	}
	taken := map[Identity]bool{}
	for _, g := range gaps {
		taken[g.Identity] = true
	}
	gaps = slices.Clone(gaps)
	for i, g := range gaps {
		id := g.Identity
		id.Sid = ""
		sid, ok := current[id]
		id.Sid = sid
		if _, unchanged := l.findings[g.Identity]; ok && !unchanged && !taken[id] {
			gaps[i].Identity = id
			taken[id] = true
		}
	}
	return gaps
}

// nextGaps returns the gaps to store if nothing is announced, and the transitions. Both are ordered
// by identity. A transition without a reason is stored but not announced.
func (l *lifecycle) nextGaps() (gaps []Gap, transitions []GapTransition) {
	known := map[Identity]bool{}
	for _, previous := range l.previous.Gaps {
		known[previous.Identity] = true
		f, inReport := l.findings[previous.Identity]
		switch {
		case inReport && f.Status.Gap():
			g, t := l.openGap(f, previous)
			gaps, transitions = append(gaps, g), append(transitions, t...)
		case !previous.Closed.IsZero():
			if l.now.Sub(previous.Closed) < closedRetention {
				gaps = append(gaps, previous)
			}
		default:
			reason, previous := l.confirmedReason(previous, f, inReport)
			closed := previous
			closed.Closed, closed.Missed = l.now, 0
			switch {
			case reason == "": // the report does not show whether the gap ended
				gaps = append(gaps, previous)
				continue
			// The gap reopened, but only its earlier openings were announced.
			case previous.Notified.IsZero() && previous.Opened > 1:
				closed.Opened--
				gaps = append(gaps, closed)
				continue
			case previous.Notified.IsZero():
				continue
			}
			gaps = append(gaps, previous)
			t := GapTransition{Reason: reason, Gap: closed, Finding: findingOf(previous)}
			if why := l.reclassifiedClosed(previous, f, inReport); why != "" {
				t.Reason, t.Reclassified = ReasonReclassified, why
				t.Previous = Previous{Status: previous.Status, Cause: previous.Cause,
					Severity: previous.Severity}
			}
			transitions = append(transitions, l.suppressMuted(t))
		}
	}
	for id, f := range l.findings {
		if f.Status.Gap() && !known[id] {
			g, t := l.openGap(f, Gap{Identity: id})
			gaps, transitions = append(gaps, g), append(transitions, t...)
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return a.compare(b.Identity) })
	slices.SortFunc(transitions, func(a, b GapTransition) int { return a.Gap.compare(b.Gap.Identity) })
	return gaps, l.dropEarlyReminders(transitions)
}

// openGap returns the gap to store for a finding, and the transition of the gap. A muted gap has no
// transition. previous is the stored gap. If the gap is new, previous has only an Identity.
func (l *lifecycle) openGap(f audit.Finding, previous Gap) (Gap, []GapTransition) {
	g := previous
	g.Status, g.Cause, g.Severity, g.Why = f.Status, f.Cause, f.Severity, f.Why
	g.Muted, g.Region, g.Unlisted = f.Muted != nil, "", unknownTargets(l.report)
	if slices.Contains(l.report.Regions, f.Region) {
		g.Region = f.Region
	}
	g.Missed = 0
	isNew := previous.Since.IsZero() || !previous.Closed.IsZero()
	if isNew {
		g.Since, g.Closed, g.Opened = l.now, time.Time{}, previous.Opened+1
		g.Notified, g.NotifiedStatus, g.NotifiedSeverity, g.Reminders, g.Thread = time.Time{}, "", 0, 0,
			""
	}
	if g.Muted ||
		(isNew || !l.coverage.another) && g.Notified.IsZero() && l.openingUnconfirmed(f) {
		return g, nil
	}
	if why, was := l.reclassifiedOpen(f, previous, g); why != "" {
		undelivered := g
		if why == NotMuted { // until the message is delivered, the mute matches the gap
			undelivered = previous
		}
		return undelivered, []GapTransition{{ReasonReclassified, g, f, why, was}}
	}
	var reason Reason
	switch {
	case g.Notified.IsZero() && l.previous.Baseline.IsZero() && !l.options.Stateless:
		reason = ReasonBaseline
	case g.Notified.IsZero() && g.Opened > 1:
		reason = ReasonReopened
	case g.Notified.IsZero():
		reason = ReasonOpened
	case g.Severity > g.NotifiedSeverity || statusRank(g.Status) > statusRank(g.NotifiedStatus):
		reason = ReasonWorse
	case g.Severity < g.NotifiedSeverity || statusRank(g.Status) < statusRank(g.NotifiedStatus):
		reason = ReasonPartlyRecovered
	default:
		reason = ReasonReminder // dropEarlyReminders removes a reminder that is not due
	}
	// With fewer functions, a gap covers fewer resources: its status says nothing until a second run
	// confirms them.
	if l.coverage.lost && (reason == ReasonPartlyRecovered ||
		reason == ReasonWorse && g.Severity <= g.NotifiedSeverity) {
		return g, nil
	}
	return g, []GapTransition{{Reason: reason, Gap: g, Finding: f}}
}

// openingUnconfirmed reports whether a new gap may only be due to functions that this run did not
// find. Without any function, other releases and another render role apply. The role of a region
// without functions is judged by the releases of other regions. The next run announces the gap.
func (l *lifecycle) openingUnconfirmed(f audit.Finding) bool {
	return l.coverage.lostAll || l.coverage.emptied && f.Policy == policies.Role
}

// closeReason returns why a stored gap that is not a gap in the report ended: ReasonRecovered or
// ReasonRetired. It returns "" if the report does not show whether the gap ended. The gap then
// stays open.
func (l *lifecycle) closeReason(previous Gap, f audit.Finding, inReport bool) Reason {
	k := l.knowledge[targetPolicy{previous.Target, previous.Policy}]
	switch {
	case inReport && f.Status == audit.Unverified:
		return ""
	case unknownTargets(l.report) && !previous.Unlisted:
		return "" // the gap may be about a function, region or role that this run did not find
	case inReport && previous.Region != "" && !slices.Contains(l.report.Regions, previous.Region):
		return ReasonRetired // the requirement is satisfied in the regions that are still audited
	case inReport:
		return ReasonRecovered
	case k.missing:
		return "" // the gap of the missing target replaces the target's other gaps
	case k.audited && previous.targetMissing() && k.known:
		return ReasonRecovered
	case k.audited && previous.targetMissing():
		return ""
	case k.audited:
		return ReasonRetired
	case unknownTargets(l.report):
		return ""
	}
	return ReasonRetired
}

// confirmedReason returns why a stored gap ended, like closeReason, but "" while only this run
// shows that. It also returns the gap to store if it stays open.
//
// A run may not find a function, a region or a role that still exists: AWS answered once with
// nothing. So a gap retires if the configuration changed, or if two runs did not find it. No gap
// recovers while a second run has to confirm that functions are gone: a gap is about all regions
// and roles, and its example shows only one of them.
func (l *lifecycle) confirmedReason(g Gap, f audit.Finding, inReport bool) (Reason, Gap) {
	reason := l.closeReason(g, f, inReport)
	switch c := l.coverage; {
	case reason == "":
		return "", g
	case l.reclassifiedClosed(g, f, inReport) != "": // the requirement did not vanish by chance
		g.Missed = 0
		return reason, g
	case reason == ReasonRecovered:
		g.Missed = 0
		if c.lost && !g.targetMissing() {
			reason = ""
		}
		return reason, g
	case c.reconfigured() && !l.rejudged, c.removed(g.Target, Configuration.targets),
		inReport && c.removed(g.Region, Configuration.regions):
		return reason, g
	}
	if g.Missed = missed(g.Missed, l.coverage.another); g.Missed < confirmingRuns {
		return "", g
	}
	return reason, g
}

// notSeen returns the gaps that stay open although the report does not contain them as gaps.
func (l *lifecycle) notSeen() (list []Gap) {
	for _, g := range l.previous.Gaps {
		if l.staysUnseen(g) {
			list = append(list, g)
		}
	}
	return list
}

// staysUnseen reports whether an open gap stays open although the report does not contain it as a
// gap.
func (l *lifecycle) staysUnseen(g Gap) bool {
	f, inReport := l.findings[g.Identity]
	if !g.Closed.IsZero() || inReport && f.Status.Gap() {
		return false
	}
	reason, _ := l.confirmedReason(g, f, inReport)
	return reason == ""
}

// indeterminate reports whether the gap was announced, but the report does not show whether the gap
// is still open.
func (l *lifecycle) indeterminate(g Gap) bool {
	return !g.Notified.IsZero() && l.staysUnseen(g) &&
		!l.knowledge[targetPolicy{g.Target, g.Policy}].missing
}

// unknownTargets reports whether the report has a problem that is not about an audited target or a
// check, such as functions that cannot be listed. Targets and functions that are not in the report
// may then still exist.
func unknownTargets(r audit.Report) bool {
	return slices.ContainsFunc(r.Problems, func(p audit.Problem) bool {
		return !p.OfRelease() && p.Target != audit.ChecksTarget &&
			!slices.ContainsFunc(r.Targets, func(t audit.TargetReport) bool { return t.Name == p.Target })
	})
}

// suppressMuted returns the transition, without its reason if the gap is muted. A transition
// without a reason is stored but not announced.
func (l *lifecycle) suppressMuted(c GapTransition) GapTransition {
	if l.mutes.LongestFor(c.Finding) != nil {
		c.Reason = ""
	}
	return c
}

// dropEarlyReminders returns the transitions without reminders that are not due. If a reminder is
// due, it keeps all reminders that are due within half of RepeatAfter, so that gaps that opened at
// different hours share a message.
func (l *lifecycle) dropEarlyReminders(transitions []GapTransition) []GapTransition {
	due := func(c GapTransition, early time.Duration) bool {
		return l.options.due(l.now, c.Gap.Notified, c.Gap.Reminders, c.Gap.Severity == policies.Critical,
			early)
	}
	early := time.Duration(0)
	if slices.ContainsFunc(transitions, func(c GapTransition) bool {
		return c.Reason == ReasonReminder && due(c, 0)
	}) {
		early = l.options.RepeatAfter / 2
	}
	return slices.DeleteFunc(transitions, func(c GapTransition) bool {
		return c.Reason == ReasonReminder && !due(c, early)
	})
}

// findingOf returns a finding with the values of a stored gap.
func findingOf(g Gap) audit.Finding {
	return audit.Finding{Target: g.Target, Policy: g.Policy, Sid: g.Sid, Action: g.Action,
		Resource: g.Resource, Status: g.Status, Cause: g.Cause, Severity: g.Severity, Why: g.Why}
}

// statusRank returns the rank of a status. A worse status has a higher rank. Missing and denied
// have the same rank, because both let nothing through: a change between them is not worth a
// message.
func statusRank(s audit.Status) int { return min(s.Rank(), audit.Missing.Rank()) }

// markGapsNotified returns the gaps to store after the transitions were announced at now, in the
// thread.
func markGapsNotified(gaps []Gap, transitions []GapTransition, now time.Time, thread string) []Gap {
	gaps = slices.Clone(gaps)
	for _, c := range transitions {
		i, ok := slices.BinarySearchFunc(gaps, c.Gap.Identity, func(g Gap, id Identity) int {
			return g.compare(id)
		})
		if !ok {
			continue
		}
		g := c.Gap
		if g.Closed.IsZero() {
			g.Notified, g.NotifiedStatus, g.NotifiedSeverity, g.Thread = now, g.Status, g.Severity, thread
			switch c.Reason {
			case ReasonReminder:
				g.Reminders++
			case ReasonPartlyRecovered:
			default:
				g.Reminders = 0
			}
		}
		gaps[i] = g
	}
	return gaps
}
