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

// fit returns the message that tells the most of so many units and is not too big.
func fit(units int, tell func(int) Message) Message {
	m := tell(units)
	if m.size() <= MaxBytes {
		return m
	}
	return tell(max(0, sort.Search(units, func(n int) bool { return tell(n).size() > MaxBytes })-1))
}

// units counts what can be cut: whole changes, errors, notices, findings and problems, and last what comes along:
// the report's own notices, and calls to IAM.
func (n news) units() int {
	return len(n.changes) + len(n.errors) + len(n.notices) + len(n.worth) + len(n.standing) + len(n.problems) + len(n.unknown) + len(n.report.Notices) + n.cuttable()
}

// maxReleases is how many releases, and deployed ones, a report and each of its findings have in a message
// that was cut.
const maxReleases = 100

// cut keeps the first units. What is announced is cut last, and the worst of it at the very end. The
// attributes go by all that is announced, whatever is shown.
func (n news) cut(units int) news {
	n.left = n.units() - units
	take := func(length int) int {
		k := min(units, length)
		units -= k
		return k
	}
	n.shown = &shown{
		changes: n.changes[:take(len(n.changes))], errors: n.errors[:take(len(n.errors))], notices: n.notices[:take(len(n.notices))],
		worth: n.worth[:take(len(n.worth))], standing: n.standing[:take(len(n.standing))],
	}
	n.shown.report = n.report
	n.shown.report.Problems = append([]audit.Problem{}, n.problems[:take(len(n.problems))]...)
	known := map[Identity]bool{}
	for _, list := range [][]change{n.shown.changes, n.shown.standing} {
		for _, c := range list {
			known[c.gap.Identity], known[identityOf(c.finding)] = true, true
		}
	}
	for _, f := range n.unknown[:take(len(n.unknown))] {
		known[identityOf(f)] = true
	}
	n.shown.report.Notices = n.report.Notices[:take(len(n.report.Notices))]
	n.shown.calls = n.calls[:take(n.cuttable())]
	n.shown.report.Run = withoutCalls(n.report.Run)
	n.shown.report.Findings, n.shown.report.Targets = []audit.Finding{}, slices.Clone(n.report.Targets)
	for _, f := range n.report.Findings {
		if known[identityOf(f)] && f.Muted == nil && f.Status != audit.Satisfied {
			if n.left > 0 { // thousands of releases must not push out gaps
				f.Releases = f.Releases[:min(len(f.Releases), maxReleases)]
			}
			n.shown.report.Findings = append(n.shown.report.Findings, f)
		}
	}
	if n.left > 0 { // any number of targets has to fit
		n.shown.report.Targets = n.report.Targets[:min(len(n.report.Targets), maxTargets)]
		by := &n.shown.report.Remotion // and of releases
		by.Releases, by.Deployed = by.Releases[:min(len(by.Releases), maxReleases)], by.Deployed[:min(len(by.Deployed), maxReleases)]
	}
	return n
}

// shown is the part of the news that fits into a message.
type shown struct {
	changes  []change
	errors   []errorChange
	notices  []notice
	worth    []audit.Notice
	standing []change
	calls    []audit.Change
	// report has the findings and problems that fit, and none that is satisfied or muted.
	report audit.Report
}
