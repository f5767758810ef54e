package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// expiresSoon is how long before the end of a mute a notice announces the end.
const expiresSoon = 7 * 24 * time.Hour

// muteNotice announces a mute that is new, changed, ends soon, or hides more or fewer gaps.
type muteNotice struct {
	mute mute.Mute
	kind muteNoticeKind
	// effect describes how many gaps the mute hides.
	effect   string
	severity policies.Severity
}

type muteNoticeKind string

const (
	muteNew      muteNoticeKind = "new"
	muteChanged  muteNoticeKind = "changed"
	muteExpiring muteNoticeKind = "expiring"
	muteWorse    muteNoticeKind = "hides more"
	muteUnused   muteNoticeKind = "unused"
)

// muteNotices compares the mutes in force with the mutes of the state. It returns the notices, and
// the mutes to store after the notices are announced.
func (l *lifecycle) muteNotices() (seen []SeenMute, notices []muteNotice) {
	for _, m := range l.mutes {
		hid, worst, unsure := l.hiddenGaps(m)
		current := SeenMute{Mute: m, Hid: hid, HidWorst: worst,
			Expiring: m.Until.Sub(l.now) <= expiresSoon, Unused: hid == 0 && !unsure}
		effect := "hides nothing"
		switch {
		case hid > 0:
			effect = fmt.Sprintf("hides %s (highest severity: %s)", report.Plural(hid, "gap"), worst)
		case unsure:
			effect = "may hide unverified requirements"
		}
		add := func(kind muteNoticeKind) {
			notices = append(notices, muteNotice{m, kind, effect, max(worst, policies.Low)})
		}
		i := slices.IndexFunc(l.previous.Mutes, func(s SeenMute) bool { return s.Compare(m) == 0 })
		if i < 0 || !l.previous.Mutes[i].Equal(m) {
			if i < 0 {
				add(muteNew)
			} else {
				add(muteChanged)
			}
			seen = append(seen, current)
			continue
		}
		previous := l.previous.Mutes[i]
		if current.Expiring && !previous.Expiring {
			add(muteExpiring)
		}
		if hid > previous.Hid || worst > previous.HidWorst {
			add(muteWorse)
		} else {
			// Keeping the highest numbers avoids a notice each time that a gap reopens.
			current.Hid, current.HidWorst = previous.Hid, previous.HidWorst
		}
		if current.Unused && !previous.Unused {
			add(muteUnused)
		}
		current.Unused = current.Unused || unsure && previous.Unused
		seen = append(seen, current)
	}
	return seen, notices
}

// sentence returns the notice as a sentence that names the mute.
func (n muteNotice) sentence(now time.Time) string {
	return "mute of " + n.mute.Condition() + ": " + n.text(now)
}

// text returns the notice without the name of the mute.
func (n muteNotice) text(now time.Time) string {
	switch n.kind {
	case muteNew:
		return "new mute, " + n.effect
	case muteChanged:
		return "changed mute, " + n.effect
	case muteExpiring:
		return "ends in " + durationText(n.mute.Until.Sub(now)) + ", " + n.effect
	case muteWorse:
		return "now " + n.effect + ", more or worse gaps than announced before"
	}
	return "hides nothing and can be removed"
}

// hiddenGaps counts the gaps that a mute hides, and returns the highest of their severities. unsure
// is true if the mute may also hide gaps that this run could not verify.
func (l *lifecycle) hiddenGaps(m mute.Mute) (n int, worst policies.Severity, unsure bool) {
	for _, f := range l.report.Findings {
		switch {
		case f.Status.Gap() && m.Matches(f):
			n++
			worst = max(worst, f.Severity)
		case f.Status == audit.Unverified && m.Concerns(f),
			identityOf(f).targetMissing() && f.Status.Gap() &&
				m.MatchesTarget(f.Target):
			unsure = true
		}
	}
	return n, worst, unsure || l.unknownTargets()
}
