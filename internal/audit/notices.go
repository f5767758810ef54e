package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A NoticeKind says what a notice is about.
type NoticeKind string

const (
	// NoticeDocument: a policy is one of Remotion's documents, or was.
	NoticeDocument NoticeKind = "document"
	// NoticeNewerRelease: a release is newer than the catalogue.
	NoticeNewerRelease NoticeKind = "newer-release"
	// NoticeUnknownRelease: of deployed functions nobody knows the release.
	NoticeUnknownRelease NoticeKind = "unknown-release"
	// NoticeUpgrade: the newest known release needs more than the account grants.
	NoticeUpgrade NoticeKind = "upgrade"
	// NoticeCustomName: the documented policies do not cover the name of a function or a bucket.
	NoticeCustomName NoticeKind = "custom-name"
	// NoticeRenderRole: nobody has the default render role, and no function uses it.
	NoticeRenderRole NoticeKind = "render-role"
	// NoticeRegionSkipped: a region is not audited.
	NoticeRegionSkipped NoticeKind = "region-skipped"
	// NoticeReadScope: nothing is discovered.
	NoticeReadScope NoticeKind = "read-scope"
)

// A Notice is worth knowing, and no gap.
type Notice struct {
	Kind NoticeKind `json:"kind"`
	// Target is whom it is about, empty for the account.
	Target string `json:"target,omitempty"`
	// Text is a sentence, without a full stop.
	Text string `json:"text"`
	// Command shows more, where there is more.
	Command string `json:"command,omitempty"`
}

// notices are those of the report, whose findings are there: which documents the policies are comes
// first, because that often explains the gaps.
func (f Facts) notices(r Report) []Notice {
	var list []Notice
	for i, t := range f.Targets {
		list = append(list, documents(t, r.Targets[i].Summary.Gaps > 0)...)
	}
	list = append(list, f.releaseNotices()...)
	if f.UpgradeTo == nil { // else the report has more than a line about it
		list = append(list, f.upgradeNotice()...)
	}
	list = append(list, f.nameNotices()...)
	if f.NoDefaultRole {
		list = append(list, Notice{Kind: NoticeRenderRole, Text: fmt.Sprintf(
			"there is no role %s, and no deployed function uses it: it is not audited", policies.RoleName)})
	}
	if f.Undiscovered {
		list = append(list,
			Notice{Kind: NoticeReadScope,
				Text: "READ_SCOPE=named: deployed functions are not listed, so neither their regions and " +
					"releases nor the roles that they really have " +
					"are known: what is audited is what the configuration names"})
	}
	return append(list, f.skipNotices()...)
}

// documents says which of Remotion's documents the policies of a target are. Where nothing is
// missing it speaks of older ones alone: a role that is a caller as well has the policies of both.
func documents(t TargetFacts, gaps bool) (list []Notice) {
	for _, p := range t.Grants.Identity {
		r, ok := policies.Recognize(p.Document, t.Kind.Policy())
		if !ok || !gaps && (r.Until == "" || r.Misplaced()) {
			continue
		}
		list = append(list, Notice{Kind: NoticeDocument, Target: t.Name, Text: p.ID + ": " + r.String()})
	}
	return list
}

// releaseNotices tell of releases that the catalogue does not know.
func (f Facts) releaseNotices() (list []Notice) {
	releases := slices.Clone(f.judgedBy())
	if f.UpgradeTo != nil {
		releases = append(releases, *f.UpgradeTo)
	}
	for _, release := range releases {
		n := Notice{Kind: NoticeNewerRelease, Text: release.Notice()}
		if release.Newer() && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	var unknown []Function
	for _, fn := range f.Functions {
		if !fn.Known() {
			unknown = append(unknown, fn)
		}
	}
	if unknown != nil {
		judged := ""
		if f.Requested == "auto" {
			judged = ": the newest known release is judged by as well"
		}
		list = append(list, Notice{Kind: NoticeUnknownRelease, Text: fmt.Sprintf(
			"neither name nor tags tell the Remotion release of %s%s", namesOf(unknown), judged)})
	}
	return list
}

// upgradeNotice tells in one line what the newest known release needs and the account does not
// grant.
func (f Facts) upgradeNotice() []Notice {
	known := policies.Releases(f.Partition)
	if len(known) == 0 {
		return nil
	}
	newest := known[len(known)-1]
	var lacks []string
	for _, finding := range f.beyond(newest) {
		if what := finding.Action + " for " + finding.Target; finding.Status.Gap() &&
			!slices.Contains(lacks, what) {
			lacks = append(lacks, what)
		}
	}
	if lacks == nil {
		return nil
	}
	return []Notice{{Kind: NoticeUpgrade,
		Text: fmt.Sprintf("what Remotion %s needs is not granted: %s", newest,
			joinSome(lacks, " and ")),
		Command: "remotion-audit audit --upgrade-to " + newest.Until,
	}}
}

// nameNotices tell of names that Remotion did not give.
func (f Facts) nameNotices() (list []Notice) {
	const enough = "so a documented policy, unmodified, is not enough"
	var functions []Function
	for _, fn := range f.Functions {
		if !policies.NamedByRemotion(fn.Name) {
			functions = append(functions, fn)
		}
	}
	if functions != nil {
		list = append(list, Notice{Kind: NoticeCustomName, Text: fmt.Sprintf(
			"Remotion documents its policies for functions named remotion-render-*, and these are not: "+
				"%s; %s", namesOf(functions), enough)})
	}
	var buckets []string
	for _, t := range f.Targets {
		for _, b := range t.Place.Buckets {
			if !policies.BucketNamedByRemotion(b) && !slices.Contains(buckets, b) {
				buckets = append(buckets, b)
			}
		}
	}
	if buckets != nil {
		list = append(list, Notice{Kind: NoticeCustomName, Text: fmt.Sprintf(
			"Remotion documents its policies for buckets named remotionlambda-*, and these are not: %s; %s",
			joinSome(buckets, " and "), enough)})
	}
	return list
}

// skipNotices gather the regions that are skipped for the same reason.
func (f Facts) skipNotices() (list []Notice) {
	type reason struct {
		why     string
		audited bool
	}
	regions := map[reason][]string{}
	var reasons []reason
	for _, s := range f.Skipped {
		r := reason{s.Why, s.Audited}
		if regions[r] == nil {
			reasons = append(reasons, r)
		}
		regions[r] = append(regions[r], s.Region)
	}
	for _, r := range reasons {
		format := "not audited: %s: %s"
		if r.audited {
			format = "audited without a list of functions: %s: %s"
		}
		list = append(list,
			Notice{Kind: NoticeRegionSkipped, Text: fmt.Sprintf(format, strings.Join(regions[r], ", "),
				r.why)})
	}
	return list
}
