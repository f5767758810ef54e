package alert

import (
	"fmt"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// expiresSoon is how long before its end a mute is announced once more.
const expiresSoon = 7 * 24 * time.Hour

// A notice is something worth knowing about a mute.
type muteNotice struct {
	mute Mute
	kind muteNoticeKind
	// hides says what the mute hides now.
	hides    string
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

// muteNotices looks at the mutes in force: who silences what, and whether that is still right. It
// returns what is remembered of them once the notices are out.
func (l *lifecycle) muteNotices() (seen []SeenMute, notices []muteNotice) {
	for _, m := range l.mutes {
		hid, worst, unsure := l.hides(m)
		now := SeenMute{Mute: m, Hid: hid, HidWorst: worst, Expiring: m.Until.Sub(l.now) <= expiresSoon,
			Unused: hid == 0 && !unsure}
		hides := "hides nothing"
		switch {
		case hid > 0:
			hides = fmt.Sprintf("hides %s, the worst %s", report.Plural(hid, "gap"), worst)
		case unsure:
			hides = "hides what could not be looked at"
		}
		say := func(kind muteNoticeKind) {
			notices = append(notices, muteNotice{m, kind, hides, max(worst, policies.Low)})
		}
		i := slices.IndexFunc(l.previous.Mutes, func(s SeenMute) bool { return s.compare(m) == 0 })
		if i < 0 || !l.previous.Mutes[i].same(m) {
			if i < 0 {
				say(muteNew)
			} else {
				say(muteChanged)
			}
			seen = append(seen, now)
			continue
		}
		was := l.previous.Mutes[i]
		if now.Expiring && !was.Expiring {
			say(muteExpiring)
		}
		if hid > was.Hid || worst > was.HidWorst {
			say(muteWorse)
		} else {
			now.Hid, now.HidWorst = was.Hid, was.HidWorst // what comes and goes is not told each time
		}
		if now.Unused && !was.Unused {
			say(muteUnused)
		}
		now.Unused = now.Unused || unsure && was.Unused
		seen = append(seen, now)
	}
	return seen, notices
}

// said is the notice in a few words.
func (n muteNotice) said(now time.Time) string {
	switch n.kind {
	case muteNew:
		return "new: it " + n.hides
	case muteChanged:
		return "changed: it " + n.hides
	case muteExpiring:
		return "ends in " + durationText(n.mute.Until.Sub(now)) + ": it " + n.hides
	case muteWorse:
		return "hides more than when it was set: it " + n.hides
	}
	return "hides nothing: it can be removed"
}

func (m Mute) same(o Mute) bool {
	return m.compare(o) == 0 && m.Reason == o.Reason && m.Owner == o.Owner && m.Until.Equal(o.Until)
}

// hides counts the gaps that a mute hides. Unsure says that there may be more among what is not
// known.
func (l *lifecycle) hides(m Mute) (n int, worst policies.Severity, unsure bool) {
	for _, f := range l.report.Findings {
		switch {
		case f.Status.Gap() && m.Matches(f):
			n++
			worst = max(worst, f.Severity)
		case f.Status == audit.Unverified && m.concerns(f), identityOf(f).whole() && f.Status.Gap() &&
			glob(m.Target, f.Target):
			unsure = true
		}
	}
	return n, worst, unsure || l.unknownTargets()
}
