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
func (d digest) units() int {
	return len(d.transitions) + len(d.errorTransitions) + len(d.muteNotices) + len(d.reportNotices) +
		len(d.openGaps) + len(d.problems) + len(d.unverified) + len(d.report.Notices) +
		d.shownIAMChanges()
}

// maxReleases bounds each list of releases in a truncated message: the releases and the deployed
// releases of the report, and the releases of each finding.
const maxReleases = 100

// truncate returns the digest with an excerpt of the first units. Announcements come first, the
// worst announcements before all others. The attributes of the message still cover all
// announcements.
func (d digest) truncate(units int) digest {
	d.omitted = d.units() - units
	takeUnits := func(length int) int {
		k := min(units, length)
		units -= k
		return k
	}
	d.excerpt = &excerpt{
		transitions:      d.transitions[:takeUnits(len(d.transitions))],
		errorTransitions: d.errorTransitions[:takeUnits(len(d.errorTransitions))],
		muteNotices:      d.muteNotices[:takeUnits(len(d.muteNotices))],
		reportNotices:    d.reportNotices[:takeUnits(len(d.reportNotices))],
		openGaps:         d.openGaps[:takeUnits(len(d.openGaps))],
	}
	d.excerpt.report = d.report
	d.excerpt.report.Problems = append([]audit.Problem{}, d.problems[:takeUnits(len(d.problems))]...)
	shown := map[Identity]bool{}
	for _, list := range [][]transition{d.excerpt.transitions, d.excerpt.openGaps} {
		for _, c := range list {
			shown[c.gap.Identity], shown[identityOf(c.finding)] = true, true
		}
	}
	for _, f := range d.unverified[:takeUnits(len(d.unverified))] {
		shown[identityOf(f)] = true
	}
	d.excerpt.report.Notices = d.report.Notices[:takeUnits(len(d.report.Notices))]
	d.excerpt.iamChanges = d.iamChanges[:takeUnits(d.shownIAMChanges())]
	d.excerpt.report.Run = withoutIAMChanges(d.report.Run)
	d.excerpt.report.Findings, d.excerpt.report.Targets = []audit.Finding{},
		slices.Clone(d.report.Targets)
	for _, f := range d.report.Findings {
		if shown[identityOf(f)] && f.Muted == nil && f.Status != audit.Satisfied {
			if d.omitted > 0 { // thousands of releases must not displace gaps
				f.Releases = f.Releases[:min(len(f.Releases), maxReleases)]
			}
			d.excerpt.report.Findings = append(d.excerpt.report.Findings, f)
		}
	}
	if d.omitted > 0 { // nothing else bounds the targets and releases
		d.excerpt.report.Targets = d.report.Targets[:min(len(d.report.Targets), maxTargets)]
		remotion := &d.excerpt.report.Remotion
		remotion.Releases = remotion.Releases[:min(len(remotion.Releases), maxReleases)]
		remotion.Deployed = remotion.Deployed[:min(len(remotion.Deployed), maxReleases)]
	}
	return d
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
