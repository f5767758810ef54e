package alert

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// closedRetention is how long a gap that is closed stays in the state, so that one that comes back
// is told apart from one that was never there.
const closedRetention = 30 * 24 * time.Hour

// A change is one thing there is to say about one gap.
type transition struct {
	reason Reason
	// gap is as it is remembered from now on. Closed tells that it is no gap any more.
	gap Gap
	// finding is the report's, or made of what is remembered when there is none any more.
	finding audit.Finding
}

// A lifecycle takes gaps from one run to the next.
type lifecycle struct {
	previous State
	report   audit.Report
	mutes    Mutes
	now      time.Time
	options  Options
	// seen are the findings by identity.
	seen map[Identity]audit.Finding
	// knowledge says what is known about a target: it is missing as a whole, or something about it is
	// known.
	knowledge map[targetPolicy]targetKnowledge
}

type targetPolicy struct {
	target string
	policy policies.PolicyKind
}

type targetKnowledge struct{ audited, missing, known bool }

func newLifecycle(previous State, r audit.Report, mutes Mutes, now time.Time,
	o Options) *lifecycle {
	l := &lifecycle{previous: previous, report: r, mutes: mutes, now: now, options: o,
		seen: map[Identity]audit.Finding{}, knowledge: map[targetPolicy]targetKnowledge{}}
	for _, t := range r.Targets {
		l.knowledge[targetPolicy{t.Name, t.Kind.Policy()}] = targetKnowledge{audited: true}
	}
	for _, f := range r.Findings {
		id := identityOf(f)
		// A target may be configured twice. The same requirement is then judged twice, and the worse
		// counts.
		if before, ok := l.seen[id]; !ok || statusRank(f.Status) > statusRank(before.Status) {
			l.seen[id] = f
		}
		k := l.knowledge[targetPolicy{f.Target, f.Policy}]
		k.missing = k.missing || id.whole() && f.Status.Gap()
		k.known = k.known || !id.whole() && f.Status != audit.Unverified
		l.knowledge[targetPolicy{f.Target, f.Policy}] = k
	}
	l.previous.Gaps = l.renumberSids(previous.Gaps)
	return l
}

// renumberSids gives gaps the Sids of the report. Releases number the statements of their documents
// anew; what an account is judged by changes with what is deployed in it, and the gap is the same.
func (l *lifecycle) renumberSids(gaps []Gap) []Gap {
	now := map[Identity]string{}
	for id := range l.seen {
		sid := id.Sid
		id.Sid = ""
		now[id] = max(now[id], sid) // a release has an action on a resource once
	}
	taken := map[Identity]bool{}
	for _, g := range gaps {
		taken[g.Identity] = true
	}
	gaps = slices.Clone(gaps)
	for i, g := range gaps {
		id := g.Identity
		id.Sid = ""
		sid, ok := now[id]
		id.Sid = sid
		if _, same := l.seen[g.Identity]; ok && !same && !taken[id] {
			gaps[i].Identity = id
			taken[id] = true
		}
	}
	return gaps
}

// gaps returns what is remembered of gaps from now on, before anything is announced, and what there
// is to say about them.
func (l *lifecycle) gaps() (gaps []Gap, changes []transition) {
	known := map[Identity]bool{}
	for _, was := range l.previous.Gaps {
		known[was.Identity] = true
		f, inReport := l.seen[was.Identity]
		switch {
		case inReport && f.Status.Gap():
			g, c := l.open(f, was)
			gaps, changes = append(gaps, g), append(changes, c...)
		case !was.Closed.IsZero():
			if l.now.Sub(was.Closed) < closedRetention {
				gaps = append(gaps, was)
			}
		default:
			event := l.closing(was, f, inReport)
			gone := was
			gone.Closed = l.now
			switch {
			case event == "": // nobody knows
				gaps = append(gaps, was)
				continue
			// this opening nobody heard of, the ones before it they did
			case was.Notified.IsZero() && was.Opened > 1:
				gone.Opened--
				gaps = append(gaps, gone)
				continue
			case was.Notified.IsZero():
				continue
			}
			gaps = append(gaps, was)
			changes = append(changes, l.suppressMuted(transition{event, gone, asFinding(was)}))
		}
	}
	for id, f := range l.seen {
		if f.Status.Gap() && !known[id] {
			g, c := l.open(f, Gap{Identity: id})
			gaps, changes = append(gaps, g), append(changes, c...)
		}
	}
	slices.SortFunc(gaps, func(a, b Gap) int { return a.compare(b.Identity) })
	slices.SortFunc(changes, func(a, b transition) int { return a.gap.compare(b.gap.Identity) })
	return gaps, l.reminders(changes)
}

// open takes a gap that is there to the next run.
func (l *lifecycle) open(f audit.Finding, was Gap) (Gap, []transition) {
	g := was
	g.Status, g.Cause, g.Severity, g.Why = f.Status, f.Cause, f.Severity, f.Why
	g.Muted, g.Region, g.Unlisted = f.Muted != nil, "", l.unknownTargets()
	if slices.Contains(l.report.Regions, f.Region) {
		g.Region = f.Region
	}
	if was.Since.IsZero() || !was.Closed.IsZero() {
		g.Since, g.Closed, g.Opened = l.now, time.Time{}, was.Opened+1
		g.Notified, g.NotifiedStatus, g.NotifiedSeverity, g.Reminders, g.Thread = time.Time{}, "", 0, 0,
			""
	}
	if g.Muted {
		return g, nil
	}
	var event Reason
	switch {
	case g.Notified.IsZero() && l.previous.Baseline.IsZero() && !l.options.Stateless:
		event = ReasonBaseline
	case g.Notified.IsZero() && g.Opened > 1:
		event = ReasonReopened
	case g.Notified.IsZero():
		event = ReasonOpened
	case g.Severity > g.NotifiedSeverity || statusRank(g.Status) > statusRank(g.NotifiedStatus):
		event = ReasonWorse
	case g.Severity < g.NotifiedSeverity || statusRank(g.Status) < statusRank(g.NotifiedStatus):
		event = ReasonPartlyRecovered
	default:
		event = ReasonReminder // if it is due
	}
	return g, []transition{{event, g, f}}
}

// closing says what became of a gap that the report does not show as one: recovered, retired, or
// nothing that anybody could tell.
func (l *lifecycle) closing(was Gap, f audit.Finding, inReport bool) Reason {
	k := l.knowledge[targetPolicy{was.Target, was.Policy}]
	switch {
	case inReport && f.Status == audit.Unverified:
		return ""
	case l.unknownTargets() && !was.Unlisted:
		return "" // it may be about a function, a region or a role that was not found this time
	case inReport && was.Region != "" && !slices.Contains(l.report.Regions, was.Region):
		return ReasonRetired // it is fine where it is still looked at
	case inReport:
		return ReasonRecovered
	case k.missing:
		return "" // the one gap that the target is missing stands for all of its others
	case k.audited && was.whole() && k.known:
		return ReasonRecovered
	case k.audited && was.whole():
		return ""
	case k.audited:
		return ReasonRetired
	case l.unknownTargets():
		return ""
	}
	return ReasonRetired
}

// indeterminate reports whether a gap that was told of is one that nobody can tell about now.
func (l *lifecycle) indeterminate(g Gap) bool {
	f, inReport := l.seen[g.Identity]
	return g.Closed.IsZero() && !g.Notified.IsZero() && !(inReport && f.Status.Gap()) &&
		l.closing(g, f, inReport) == "" &&
		!l.knowledge[targetPolicy{g.Target, g.Policy}].missing
}

// unknownTargets reports whether something went wrong that is not about any audited target: then a
// target that is not there may only not have been found, and so may the function whose release
// needs something.
func (l *lifecycle) unknownTargets() bool {
	return slices.ContainsFunc(l.report.Problems, func(p audit.Problem) bool {
		return !slices.ContainsFunc(l.report.Targets, func(t audit.TargetReport) bool {
			return t.Name == p.Target
		})
	})
}

// suppressMuted takes the event from a change about a gap that is muted: it is remembered, and not
// told.
func (l *lifecycle) suppressMuted(c transition) transition {
	if l.mutes.of(c.finding) != nil {
		c.reason = ""
	}
	return c
}

// reminders leaves out those that are not due. One that is due takes those along that soon would
// be, so that gaps which opened at different hours end up in one message.
func (l *lifecycle) reminders(changes []transition) []transition {
	due := func(c transition, early time.Duration) bool {
		return l.options.due(l.now, c.gap.Notified, c.gap.Reminders, c.gap.Severity == policies.Critical,
			early)
	}
	early := time.Duration(0)
	if slices.ContainsFunc(changes, func(c transition) bool {
		return c.reason == ReasonReminder &&
			due(c, 0)
	}) {
		early = l.options.RepeatAfter / 2
	}
	return slices.DeleteFunc(changes, func(c transition) bool {
		return c.reason == ReasonReminder &&
			!due(c, early)
	})
}

// asFinding is what is still known of a gap that the report does not show.
func asFinding(g Gap) audit.Finding {
	return audit.Finding{Target: g.Target, Policy: g.Policy, Sid: g.Sid, Action: g.Action,
		Resource: g.Resource,
		Status:   g.Status, Cause: g.Cause, Severity: g.Severity, Why: g.Why}
}

// statusRank orders statuses by how bad they are. Missing and denied are equally bad.
func statusRank(s audit.Status) int {
	switch s {
	case audit.Missing, audit.Denied:
		return 4
	case audit.Partial:
		return 3
	case audit.Conditional:
		return 2
	case audit.Unverified:
		return 1
	}
	return 0
}

// markGapsNotified notes in the gaps what is announced at now, in a thread.
func markGapsNotified(gaps []Gap, changes []transition, now time.Time, thread string) []Gap {
	gaps = slices.Clone(gaps)
	for _, c := range changes {
		i, ok := slices.BinarySearchFunc(gaps, c.gap.Identity, func(g Gap, id Identity) int {
			return g.compare(id)
		})
		if !ok {
			continue
		}
		g := c.gap
		if g.Closed.IsZero() {
			g.Notified, g.NotifiedStatus, g.NotifiedSeverity, g.Thread = now, g.Status, g.Severity, thread
			switch c.reason {
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
