package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// expiresSoon is how long before the end of a mute a notice announces the end.
const expiresSoon = 7 * 24 * time.Hour

// MuteNotice announces a mute that is new, changed, ends soon, or hides more or fewer gaps.
type MuteNotice struct {
	Mute mute.Mute
	Kind MuteNoticeKind
	// Effect describes how many gaps the mute hides. The dedupKey is derived from Effect, so a change
	// of its text announces the notices of overlapping releases twice.
	Effect   string
	Severity policies.Severity
}

// MuteNoticeKind is why a mute is announced.
type MuteNoticeKind string

const (
	// MuteNew means that the mute is new.
	MuteNew MuteNoticeKind = "new"
	// MuteChanged means that the mute has another reason, owner or end.
	MuteChanged MuteNoticeKind = "changed"
	// MuteExpiring means that the mute ends within expiresSoon.
	MuteExpiring MuteNoticeKind = "expiring"
	// MuteWorse means that the mute hides more or worse gaps than announced.
	MuteWorse MuteNoticeKind = "hides more"
	// MuteUnused means that the mute hides nothing.
	MuteUnused MuteNoticeKind = "unused"
)

// muteNotices compares the mutes in force with the mutes of the state. It returns the notices, and
// the mutes to store after the notices are announced. notSeen are open gaps that are not in the
// report.
func muteNotices(previous []SeenMute, inForce mute.List, r audit.Report, notSeen []Gap,
	now time.Time) (seen []SeenMute, notices []MuteNotice) {
	for _, m := range inForce {
		hid, worst, unsure := hiddenGaps(r, notSeen, m)
		current := SeenMute{Mute: m, Hid: hid, HidWorst: worst,
			Expiring: m.Until.Sub(now) <= expiresSoon, Unused: hid == 0 && !unsure}
		effect := "hides nothing"
		switch {
		case hid > 0:
			effect = fmt.Sprintf("hides %s (highest severity: %s)", textfmt.Plural(hid, "gap"), worst)
		case unsure:
			effect = "may hide unverified requirements"
		}
		add := func(kind MuteNoticeKind) {
			notices = append(notices, MuteNotice{m, kind, effect, max(worst, policies.Low)})
		}
		i := slices.IndexFunc(previous, func(s SeenMute) bool { return s.Compare(m) == 0 })
		if i < 0 || !previous[i].Equal(m) {
			if i < 0 {
				add(MuteNew)
			} else {
				add(MuteChanged)
			}
			seen = append(seen, current)
			continue
		}
		before := previous[i]
		if current.Expiring && !before.Expiring {
			add(MuteExpiring)
		}
		if hid > before.Hid || worst > before.HidWorst {
			add(MuteWorse)
		} else {
			// Keeping the highest numbers avoids a notice each time that a gap reopens.
			current.Hid, current.HidWorst = before.Hid, before.HidWorst
		}
		if current.Unused && !before.Unused {
			add(MuteUnused)
		}
		current.Unused = current.Unused || unsure && before.Unused
		seen = append(seen, current)
	}
	return seen, notices
}

// hiddenGaps counts the gaps that a mute hides, and returns the highest of their severities. unsure
// is true if the mute may also hide gaps that this run could not verify or did not see.
func hiddenGaps(r audit.Report, notSeen []Gap,
	m mute.Mute) (n int, worst policies.Severity, unsure bool) {
	for _, f := range r.Findings {
		switch {
		case f.Status.Gap() && m.Matches(f):
			n++
			worst = max(worst, f.Severity)
		case f.Status == audit.Unverified && m.Concerns(f),
			IdentityOf(f).targetMissing() && f.Status.Gap() &&
				m.MatchesTarget(f.Target):
			unsure = true
		}
	}
	return n, worst, unsure || unknownTargets(r) ||
		slices.ContainsFunc(notSeen, func(g Gap) bool { return m.Matches(findingOf(g)) })
}
