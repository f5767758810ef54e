package render

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// MaxBytes is the maximum size of a message in SNS, attributes included.
// https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
const MaxBytes = 256 * 1024

// minBytes is the smallest limit that maxBytes returns.
const minBytes = 4 * 1024

// maxBytes returns the maximum size of the message: a quarter after each alert that was refused.
func maxBytes(d alert.Digest) int { return max(MaxBytes>>min(2*d.Refusals, 8), minBytes) }

// sizeOf returns the size of the message as SNS counts it, in bytes.
func sizeOf(m alert.Message) int {
	n := len(m.Subject) + len(m.Structure())
	for _, a := range m.Attributes {
		n += len(a.Name) + len(a.Type) + len(a.Value)
	}
	return n
}

// manyUnits is the number of units of a long digest. The largest message has fewer.
const manyUnits = 2000

// fitMessage returns the message with the most units that does not exceed limit. build returns the
// message with the first n units. If no message fits, fitMessage returns build(0). Of a long digest
// it builds no message with far more units than fit, because each costs time for its units.
func fitMessage(units, limit int, build func(n int) alert.Message) alert.Message {
	fitting, tooMany := 0, units+1
	for n := min(units, manyUnits); n < tooMany; n = min(2*n, units) {
		m := build(n)
		switch {
		case sizeOf(m) > limit:
			tooMany = n
		case n == units:
			return m
		default:
			fitting = n
		}
	}
	for fitting+1 < tooMany {
		middle := (fitting + tooMany) / 2
		if sizeOf(build(middle)) <= limit {
			fitting = middle
		} else {
			tooMany = middle
		}
	}
	return build(fitting)
}

// excerpt is the part of a digest that fits into a message, with the sender of the message.
type excerpt struct {
	digest alert.Digest
	from   Sender
	head   head

	gaps       []alert.GapTransition
	errors     []alert.ErrorTransition
	mutes      []alert.MuteNotice
	notices    []audit.Notice
	openGaps   []alert.GapTransition
	iamChanges []audit.IAMChange
	// report contains the findings and problems that fit. It contains no satisfied or muted findings.
	report audit.Report
	// omitted counts the units that do not fit.
	omitted int
}

// units counts the parts that can be cut: announcements, open gaps, problems and unverified
// findings, and last the notices of the report and the IAM changes.
func units(d alert.Digest) int {
	return len(d.Gaps) + len(d.Errors) + len(d.Mutes) + len(d.Notices) + len(d.OpenGaps) +
		len(d.Report.Problems) + len(d.Unverified) + len(d.Report.Notices) + shownIAMChanges(d)
}

// shownIAMChanges returns the number of IAM changes in a message that is not too big.
func shownIAMChanges(d alert.Digest) int { return min(len(d.IAMChanges), maxIAMChanges) }

// omittedFindings counts the units that do not fit, except IAM changes. The section of IAM changes
// counts the omitted changes.
func (x excerpt) omittedFindings() int {
	return x.omitted - (shownIAMChanges(x.digest) - len(x.iamChanges))
}

// maxReleases bounds each list of releases in a truncated message: the releases and the deployed
// releases of the report, and the releases of each finding.
const maxReleases = 100

// excerptOf returns the excerpt with the first n units. Announcements come first, the worst
// announcements before all others.
func excerptOf(d alert.Digest, from Sender, h head, n int) excerpt {
	x := excerpt{digest: d, from: from, head: h, omitted: units(d) - n}
	takeUnits := func(length int) int {
		k := min(n, length)
		n -= k
		return k
	}
	x.gaps = d.Gaps[:takeUnits(len(d.Gaps))]
	x.errors = d.Errors[:takeUnits(len(d.Errors))]
	x.mutes = d.Mutes[:takeUnits(len(d.Mutes))]
	x.notices = d.Notices[:takeUnits(len(d.Notices))]
	x.openGaps = d.OpenGaps[:takeUnits(len(d.OpenGaps))]
	x.report = d.Report
	problems := d.Report.Problems[:takeUnits(len(d.Report.Problems))]
	x.report.Problems = append([]audit.Problem{}, problems...)
	shown := map[alert.Identity]bool{}
	for _, list := range [][]alert.GapTransition{x.gaps, x.openGaps} {
		for _, c := range list {
			shown[c.Gap.Identity], shown[alert.IdentityOf(c.Finding)] = true, true
		}
	}
	for _, f := range d.Unverified[:takeUnits(len(d.Unverified))] {
		shown[alert.IdentityOf(f)] = true
	}
	x.report.Notices = d.Report.Notices[:takeUnits(len(d.Report.Notices))]
	x.iamChanges = d.IAMChanges[:takeUnits(shownIAMChanges(d))]
	x.report.Run = withoutIAMChanges(d.Report.Run)
	x.report.Findings, x.report.Targets = []audit.Finding{}, slices.Clone(d.Report.Targets)
	for _, f := range d.Report.Findings {
		if shown[alert.IdentityOf(f)] && f.Muted == nil && f.Status != audit.Satisfied {
			if x.omitted > 0 { // thousands of releases must not displace gaps
				f.Releases = f.Releases[:min(len(f.Releases), maxReleases)]
			}
			x.report.Findings = append(x.report.Findings, f)
		}
	}
	x.report.Fixes = fixesOf(x.report.Findings, d.Report.Fixes, x.omitted > 0)
	if x.omitted > 0 { // nothing else bounds the targets and releases
		x.report.Targets = d.Report.Targets[:min(len(d.Report.Targets), maxTargets)]
		remotion := &x.report.Remotion
		remotion.Releases = remotion.Releases[:min(len(remotion.Releases), maxReleases)]
		remotion.Deployed = remotion.Deployed[:min(len(remotion.Deployed), maxReleases)]
	}
	return x
}

// fixesOf returns the fixes of the targets that findings are about. They have no documents from
// before the edit, which the account has, and in a message that is too big no documents at all.
func fixesOf(findings []audit.Finding, fixes []remedy.Fix, short bool) (list []remedy.Fix) {
	for _, fix := range fixes {
		if short && len(list) == maxTargets {
			break
		}
		if slices.ContainsFunc(findings, func(f audit.Finding) bool {
			return f.Target == fix.Target && f.Policy == fix.Policy
		}) {
			list = append(list, fix.Shortened(!short))
		}
	}
	return list
}
