package alert

import (
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Judgement describes how an auditor judges. After an upgrade of the auditor, the same account can
// have other findings: a requirement is new or gone, or its severity is another one. The first run
// after such an upgrade announces these findings as reclassified.
type Judgement struct {
	// Rules identifies the requirements and the rules. Two auditors with the same text give the same
	// report for the same account. If it is empty, no finding is reclassified.
	Rules string
	// Version is the version of the auditor, for texts.
	Version string
}

// Reclassification is why a finding is not the same as before an upgrade of the auditor.
type Reclassification string

// The values of Reclassification.
const (
	// Rejudged means that an open gap has another severity or status.
	Rejudged Reclassification = "rejudged"
	// Required means that the gap is about a requirement that the auditor did not judge before.
	Required Reclassification = "required"
	// NotRequired means that the requirement of an open gap is gone.
	NotRequired Reclassification = "not-required"
	// NowSatisfied means that the requirement of an open gap is satisfied: by its judgement, or
	// because the account changed at the same time.
	NowSatisfied Reclassification = "now-satisfied"
	// NotMuted means that a mute which hid the gap does not match it any more.
	NotMuted Reclassification = "not-muted"
)

// Previous is a gap before its reclassification. Mute is the mute that hid it; nil for none.
type Previous struct {
	Status   audit.Status
	Cause    audit.Cause
	Severity policies.Severity
	Mute     *mute.Mute
}

// Judged holds the requirements that a run judged, as "ACTION RESOURCE" in order, by policy kind
// and purpose: "user render". A gap in a requirement that is not in it was not judged before. The
// ids of the checks that it made are under "check".
type Judged map[string][]string

func judgedKey(kind policies.PolicyKind, purpose policies.Purpose) string {
	return string(kind) + " " + string(purpose)
}

// judgedIn returns the requirements of a report. For targets of which the report has no findings,
// they are those of the previous runs.
func judgedIn(r audit.Report, previous Judged) Judged {
	keys := map[targetPolicy]string{}
	for _, t := range r.Targets {
		keys[targetPolicy{t.Name, t.Kind.Policy()}] = judgedKey(t.Kind.Policy(), t.Purpose)
	}
	found := map[string]map[string]bool{}
	keys[targetPolicy{policy: audit.CheckKind}] = string(audit.CheckKind)
	for _, f := range r.Findings {
		if f.IsCheck() {
			if found[string(audit.CheckKind)] == nil {
				found[string(audit.CheckKind)] = map[string]bool{}
			}
			found[string(audit.CheckKind)][f.Sid] = true
			continue
		}
		id := IdentityOf(f)
		key := keys[targetPolicy{f.Target, f.Policy}]
		if id.Resource == "" || key == "" { // the target itself, or its trust policy
			continue
		}
		if found[key] == nil {
			found[key] = map[string]bool{}
		}
		found[key][f.Action+" "+f.Resource] = true
	}
	judged := Judged{}
	for _, key := range keys {
		if list := slices.Sorted(maps.Keys(found[key])); list != nil {
			judged[key] = list
		} else if list := previous[key]; list != nil {
			judged[key] = list
		}
	}
	if len(judged) == 0 {
		return previous
	}
	return judged
}

//go:embed data/judged-2026-11.json
var judgedUntil202611 []byte

// judgedAtFirst returns the requirements of the releases until November 2026, which did not store
// them: those of all Remotion releases that they knew.
var judgedAtFirst = sync.OnceValue(func() (judged Judged) {
	if err := json.Unmarshal(judgedUntil202611, &judged); err != nil {
		panic(err) // a test reads the file
	}
	return judged
})

// knows reports whether a requirement was judged for a purpose. It is true if nothing is known
// about the purpose. A check is known by its id.
func (j Judged) knows(kind policies.PolicyKind, purpose policies.Purpose, id Identity) bool {
	if kind == audit.CheckKind {
		return slices.Contains(j[string(kind)], id.Sid)
	}
	list, ok := j[judgedKey(kind, purpose)]
	return !ok || id.Resource == "" || slices.Contains(list, id.Action+" "+id.Resource)
}

// judgedBefore reports whether an earlier run judged the requirement of a finding, so that a gap in
// it shows a change of the account.
//
// A gap that only covers some resources, or depends on a condition, can come from a stricter rule.
func (l *lifecycle) judgedBefore(f audit.Finding) bool {
	if (f.Status == audit.Partial || f.Status == audit.Conditional) && !f.IsCheck() {
		return false
	}
	purpose := policies.Purpose("")
	for _, t := range l.report.Targets {
		if t.Name == f.Target && t.Kind.Policy() == f.Policy {
			purpose = t.Purpose
		}
	}
	before := l.previous.Judged
	if l.previous.Judgement == "" {
		before = judgedAtFirst()
	}
	return before.knows(f.Policy, purpose, IdentityOf(f))
}

// isRejudged reports whether another version of the auditor, with another judgement, wrote the
// state.
func isRejudged(previous State, o Options) bool {
	return !o.Stateless && o.Judgement.Rules != "" && !previous.Baseline.IsZero() &&
		previous.Judgement != o.Judgement.Rules
}

// reclassifiedOpen returns why an open gap has to be announced as reclassified, or "". previous is
// the stored gap, g the gap to store.
func (l *lifecycle) reclassifiedOpen(f audit.Finding,
	previous, g Gap) (Reclassification, Previous) {
	was := Previous{Status: g.NotifiedStatus, Cause: previous.Cause, Severity: g.NotifiedSeverity}
	switch {
	case !l.rejudged:
	case previous.Muted && !previous.Since.IsZero() && previous.Closed.IsZero():
		i := slices.IndexFunc(l.mutes, func(m mute.Mute) bool { return m.Matches(findingOf(previous)) })
		if i >= 0 {
			return NotMuted, Previous{Status: previous.Status, Cause: previous.Cause,
				Severity: previous.Severity, Mute: &l.mutes[i]}
		}
	case g.Notified.IsZero() && !l.judgedBefore(f):
		return Required, Previous{}
	case !g.Notified.IsZero() && (g.Severity != g.NotifiedSeverity ||
		statusRank(g.Status) != statusRank(g.NotifiedStatus)):
		return Rejudged, was
	}
	return "", Previous{}
}

// reclassifiedClosed returns why a gap that ended has to be announced as reclassified, or "".
func (l *lifecycle) reclassifiedClosed(previous Gap, f audit.Finding,
	inReport bool) Reclassification {
	k := l.knowledge[targetPolicy{previous.Target, previous.Policy}]
	switch {
	case !l.rejudged || !k.audited || k.missing || previous.targetMissing() || l.coverage.lost ||
		!l.coverage.complete || inReport && f.Status == audit.Unverified:
		return ""
	case inReport:
		return NowSatisfied
	case !k.known:
		return "" // the report says nothing about the target
	}
	return NotRequired
}

// auditorVersion returns a version for texts: of a build between two releases, only the commit.
func auditorVersion(version string) string {
	version, _, _ = strings.Cut(version, "+")
	if parts := strings.Split(version, "-"); len(parts) > 2 && len(parts[len(parts)-1]) == 12 {
		return parts[len(parts)-1]
	}
	return version
}
