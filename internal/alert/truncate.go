package alert

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// MaxBytes is the maximum size of a message in SNS, attributes included.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MaxBytes = 256 * 1024

// size returns the size of the message as SNS counts it, in bytes.
func (m Message) size() int {
	n := len(m.Subject) + len(m.Structure())
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// fitMessage returns the message with the most units that does not exceed MaxBytes. build returns
// the message with the first n units. If no message fits, fitMessage returns build(0).
func fitMessage(units int, build func(n int) Message) Message {
	m := build(units)
	if m.size() <= MaxBytes {
		return m
	}
	low, high := 0, max(0, units-1)
	for low < high {
		middle := (low + high + 1) / 2
		if build(middle).size() <= MaxBytes {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return build(low)
}

// units counts the parts that can be cut: announcements, open gaps, problems and unverified
// findings, and last the notices of the report and the IAM changes.
func (n digest) units() int {
	return len(n.transitions) + len(n.errorTransitions) + len(n.muteNotices) + len(n.reportNotices) +
		len(n.openGaps) + len(n.problems) + len(n.unverified) + len(n.report.Notices) +
		n.shownIAMChanges()
}

// maxReleases bounds each list of releases in a truncated message: the releases and the deployed
// releases of the report, and the releases of each finding.
const maxReleases = 100

// truncate returns the digest with an excerpt of the first units. Announcements come first, the
// worst before the others. The attributes of the message still cover all announcements.
func (n digest) truncate(units int) digest {
	n.omitted = n.units() - units
	takeUnits := func(length int) int {
		k := min(units, length)
		units -= k
		return k
	}
	n.excerpt = &excerpt{
		transitions:      n.transitions[:takeUnits(len(n.transitions))],
		errorTransitions: n.errorTransitions[:takeUnits(len(n.errorTransitions))],
		muteNotices:      n.muteNotices[:takeUnits(len(n.muteNotices))],
		reportNotices:    n.reportNotices[:takeUnits(len(n.reportNotices))],
		openGaps:         n.openGaps[:takeUnits(len(n.openGaps))],
	}
	n.excerpt.report = n.report
	n.excerpt.report.Problems = append([]audit.Problem{}, n.problems[:takeUnits(len(n.problems))]...)
	shown := map[Identity]bool{}
	for _, list := range [][]transition{n.excerpt.transitions, n.excerpt.openGaps} {
		for _, c := range list {
			shown[c.gap.Identity], shown[identityOf(c.finding)] = true, true
		}
	}
	for _, f := range n.unverified[:takeUnits(len(n.unverified))] {
		shown[identityOf(f)] = true
	}
	n.excerpt.report.Notices = n.report.Notices[:takeUnits(len(n.report.Notices))]
	n.excerpt.iamChanges = n.iamChanges[:takeUnits(n.shownIAMChanges())]
	n.excerpt.report.Run = withoutIAMChanges(n.report.Run)
	n.excerpt.report.Findings, n.excerpt.report.Targets = []audit.Finding{},
		slices.Clone(n.report.Targets)
	for _, f := range n.report.Findings {
		if shown[identityOf(f)] && f.Muted == nil && f.Status != audit.Satisfied {
			if n.omitted > 0 { // thousands of releases must not displace gaps
				f.Releases = f.Releases[:min(len(f.Releases), maxReleases)]
			}
			n.excerpt.report.Findings = append(n.excerpt.report.Findings, f)
		}
	}
	if n.omitted > 0 { // nothing else bounds the targets and releases
		n.excerpt.report.Targets = n.report.Targets[:min(len(n.report.Targets), maxTargets)]
		remotion := &n.excerpt.report.Remotion
		remotion.Releases = remotion.Releases[:min(len(remotion.Releases), maxReleases)]
		remotion.Deployed = remotion.Deployed[:min(len(remotion.Deployed), maxReleases)]
	}
	return n
}

// excerpt is the part of a digest that fits into a message.
type excerpt struct {
	transitions      []transition
	errorTransitions []errorTransition
	muteNotices      []muteNotice
	reportNotices    []audit.Notice
	openGaps         []transition
	iamChanges       []audit.IAMChange
	// report contains the findings and problems that fit. It contains no satisfied or muted findings.
	report audit.Report
}
