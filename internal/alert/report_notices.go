package alert

import (
	"slices"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// announcedKinds are the notices of a report that are announced: somebody has to act on them before
// they become gaps, or a target nobody looks at. The others only go along with what is announced:
// their texts name functions, regions and policies, and change whenever those do.
var announcedKinds = []audit.NoticeKind{audit.NoticeNewerRelease, audit.NoticeUpgrade,
	audit.NoticeRenderRole, audit.NoticeReadScope}

// maxNotices bounds how many notices are remembered. Those beyond are in the report, and are not
// announced.
const maxNotices = 100

// A SeenNotice is what is remembered of a notice. One with another text is another notice.
type SeenNotice struct {
	Kind   audit.NoticeKind `json:"kind"`
	Target string           `json:"target,omitempty"`
	Text   string           `json:"text"`
	// Seen is when a report last had it. After a month without, it is forgotten.
	Seen time.Time `json:"seen"`
}

// reportNotices returns the notices that nobody was told of, and what is remembered of them once
// somebody is. A notice that comes and goes, because something cannot be listed now and then, is
// told once all the same. A state of a release that told no notices tells none: what is there now
// is as good as told.
func (l *lifecycle) reportNotices() (seen []SeenNotice, fresh []audit.Notice) {
	seen = []SeenNotice{}
	adopt := l.previous.Notices == nil && !l.previous.Baseline.IsZero()
	is := func(n audit.Notice) func(SeenNotice) bool {
		return func(s SeenNotice) bool {
			return s.Kind == n.Kind && s.Target == n.Target &&
				s.Text == n.Text
		}
	}
	var known []SeenNotice
	for _, s := range l.previous.Notices {
		if l.now.Sub(s.Seen) < closedRetention {
			known = append(known, s)
		}
	}
	for _, n := range l.report.Notices {
		if !slices.Contains(announcedKinds, n.Kind) || slices.ContainsFunc(seen, is(n)) ||
			len(seen) == maxNotices {
			continue
		}
		seen = append(seen, SeenNotice{n.Kind, n.Target, n.Text, l.now})
		if !adopt && !slices.ContainsFunc(known, is(n)) {
			fresh = append(fresh, n)
		}
	}
	for _, s := range known {
		if len(seen) < maxNotices &&
			!slices.ContainsFunc(seen, is(audit.Notice{Kind: s.Kind, Target: s.Target, Text: s.Text})) {
			seen = append(seen, s)
		}
	}
	return seen, fresh
}

// reportNoticeSection writes a notice.
func (n digest) reportNoticeSection(x audit.Notice) report.Section {
	s := report.Section{Title: "NOTICE", Fields: withText(report.Field{Label: "about", Text: x.Target},
		report.Field{Label: "says", Text: x.Text})}
	if x.Command != "" {
		s.Fields = append(s.Fields, report.Field{Label: "see", Text: n.withAuditFlags(x).Command,
			Command: true})
	}
	return s
}

// withAuditFlags has the command audit what this audit was about: by itself it audits whoever types
// it.
func (n digest) withAuditFlags(x audit.Notice) audit.Notice {
	if flags, ok := strings.CutPrefix(x.Command, "remotion-audit audit"); ok {
		x.Command = report.CheckCommands(n.report, "", "", n.options.Sender.Settings)[0] + flags
	}
	return x
}

// accompanyingNotices are the notices that only go along, as a mail shows them. What the auditor
// was told to leave alone is no news once it was told.
func (n digest) accompanyingNotices(notices []audit.Notice) (list []audit.Notice) {
	for _, x := range notices {
		if !slices.Contains(n.reportNotices, x) &&
			(x.Kind != audit.NoticeReadScope || n.options.Stateless) {
			list = append(list, n.withAuditFlags(x))
		}
	}
	return list
}
