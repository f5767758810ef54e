package alert

import (
	"slices"
	"sort"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// MaxBytes is what SNS takes as one message, attributes included.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MaxBytes = 256 * 1024

// size is what SNS counts.
func (m Message) size() int {
	n := len(m.Subject) + len(m.Structure())
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// fitMessage returns the message that tells the most of so many units and is not too big.
func fitMessage(units int, tell func(int) Message) Message {
	m := tell(units)
	if m.size() <= MaxBytes {
		return m
	}
	return tell(max(0, sort.Search(units, func(n int) bool { return tell(n).size() > MaxBytes })-1))
}

// units counts what can be cut: whole changes, errors, notices, findings and problems, and last
// what comes along: the report's own notices, and calls to IAM.
func (n digest) units() int {
	return len(n.transitions) + len(n.errorTransitions) + len(n.muteNotices) + len(n.reportNotices) +
		len(n.openGaps) + len(n.problems) + len(n.unverified) + len(n.report.Notices) + n.cuttable()
}

// maxReleases is how many releases, and deployed ones, a report and each of its findings have in a
// message that was cut.
const maxReleases = 100

// truncate keeps the first units. What is announced is cut last, and the worst of it at the very
// end. The attributes go by all that is announced, whatever is shown.
func (n digest) truncate(units int) digest {
	n.omitted = n.units() - units
	take := func(length int) int {
		k := min(units, length)
		units -= k
		return k
	}
	n.excerpt = &excerpt{
		changes:  n.transitions[:take(len(n.transitions))],
		errors:   n.errorTransitions[:take(len(n.errorTransitions))],
		notices:  n.muteNotices[:take(len(n.muteNotices))],
		worth:    n.reportNotices[:take(len(n.reportNotices))],
		standing: n.openGaps[:take(len(n.openGaps))],
	}
	n.excerpt.report = n.report
	n.excerpt.report.Problems = append([]audit.Problem{}, n.problems[:take(len(n.problems))]...)
	known := map[Identity]bool{}
	for _, list := range [][]transition{n.excerpt.changes, n.excerpt.standing} {
		for _, c := range list {
			known[c.gap.Identity], known[identityOf(c.finding)] = true, true
		}
	}
	for _, f := range n.unverified[:take(len(n.unverified))] {
		known[identityOf(f)] = true
	}
	n.excerpt.report.Notices = n.report.Notices[:take(len(n.report.Notices))]
	n.excerpt.calls = n.iamChanges[:take(n.cuttable())]
	n.excerpt.report.Run = withoutIAMChanges(n.report.Run)
	n.excerpt.report.Findings, n.excerpt.report.Targets = []audit.Finding{},
		slices.Clone(n.report.Targets)
	for _, f := range n.report.Findings {
		if known[identityOf(f)] && f.Muted == nil && f.Status != audit.Satisfied {
			if n.omitted > 0 { // thousands of releases must not push out gaps
				f.Releases = f.Releases[:min(len(f.Releases), maxReleases)]
			}
			n.excerpt.report.Findings = append(n.excerpt.report.Findings, f)
		}
	}
	if n.omitted > 0 { // any number of targets has to fit
		n.excerpt.report.Targets = n.report.Targets[:min(len(n.report.Targets), maxTargets)]
		by := &n.excerpt.report.Remotion // and of releases
		by.Releases, by.Deployed = by.Releases[:min(len(by.Releases), maxReleases)],
			by.Deployed[:min(len(by.Deployed), maxReleases)]
	}
	return n
}

// excerpt is the part of the news that fits into a message.
type excerpt struct {
	changes  []transition
	errors   []errorTransition
	notices  []muteNotice
	worth    []audit.Notice
	standing []transition
	calls    []audit.IAMChange
	// report has the findings and problems that fit, and none that is satisfied or muted.
	report audit.Report
}
