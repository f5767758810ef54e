package alert

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// announcedKinds are the kinds of notices that are announced, because they need action before they
// lead to gaps or to targets that are not audited. A message shows notices of other kinds but does
// not announce them: their texts name functions, regions and policies, and each change of these
// would be announced.
var announcedKinds = []audit.NoticeKind{audit.NoticeNewerRelease, audit.NoticeUpgrade,
	audit.NoticeRenderRole, audit.NoticeReadScope}

// maxNotices bounds the notices in the state. Only the report contains the other notices.
const maxNotices = 100

// SeenNotice is a notice as stored in the state. A notice with another text is another notice.
type SeenNotice struct {
	Kind   audit.NoticeKind `json:"kind"`
	Target string           `json:"target,omitempty"`
	Text   string           `json:"text"`
	// Seen is when a report last contained the notice. The state keeps the notice for closedRetention
	// after that time.
	Seen time.Time `json:"seen"`
}

// reportNotices returns the notices to store in the state, and the notices to announce. If a notice
// disappears because a listing failed, and returns within closedRetention, it is not announced
// again. If an older release that did not announce notices wrote the state, the current notices
// count as announced. With unconfirmed, new notices may only be due to functions that this run did
// not find: the next run announces them.
//
// With rejudged, a notice with another text than before an upgrade of the auditor is not announced
// again: a notice of the same kind about the same target was.
func reportNotices(previous State, r audit.Report, unconfirmed, rejudged bool,
	now time.Time) (seen []SeenNotice, announce []audit.Notice) {
	seen = []SeenNotice{}
	countAsAnnounced := previous.Notices == nil && !previous.Baseline.IsZero()
	equals := func(n audit.Notice) func(SeenNotice) bool {
		return func(s SeenNotice) bool {
			return s.Kind == n.Kind && s.Target == n.Target && s.Text == n.Text
		}
	}
	var known []SeenNotice
	for _, s := range previous.Notices {
		if now.Sub(s.Seen) < closedRetention {
			known = append(known, s)
		}
	}
	for _, n := range r.Notices {
		if !slices.Contains(announcedKinds, n.Kind) || slices.ContainsFunc(seen, equals(n)) ||
			len(seen) == maxNotices || unconfirmed && !slices.ContainsFunc(known, equals(n)) {
			continue
		}
		seen = append(seen, SeenNotice{n.Kind, n.Target, n.Text, now})
		if !countAsAnnounced && !slices.ContainsFunc(known, func(s SeenNotice) bool {
			return equals(n)(s) || rejudged && s.Kind == n.Kind && s.Target == n.Target
		}) {
			announce = append(announce, n)
		}
	}
	for _, s := range known {
		if len(seen) < maxNotices &&
			!slices.ContainsFunc(seen, equals(audit.Notice{Kind: s.Kind, Target: s.Target, Text: s.Text})) {
			seen = append(seen, s)
		}
	}
	return seen, announce
}
