package audit

import (
	"fmt"
	"slices"
	"strings"
	"weak"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/recognize"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// NoticeKind is the subject of a notice.
type NoticeKind string

const (
	// NoticeDocument means that a policy is, or resembles, one of Remotion's documents.
	NoticeDocument NoticeKind = "document"
	// NoticeUnknownAction means that a policy names actions that do not exist.
	NoticeUnknownAction NoticeKind = "unknown-action"
	// NoticeNewerRelease means that a release is newer than the catalogue.
	NoticeNewerRelease NoticeKind = "newer-release"
	// NoticeUnknownRelease means that the release of deployed functions is unknown.
	NoticeUnknownRelease NoticeKind = "unknown-release"
	// NoticeUpgrade means that the newest known release needs more than the account grants.
	NoticeUpgrade NoticeKind = "upgrade"
	// NoticeCustomName means that the documented policies do not cover a function's or bucket's name.
	NoticeCustomName NoticeKind = "custom-name"
	// NoticeRenderRole means that the default render role does not exist and no function uses it.
	NoticeRenderRole NoticeKind = "render-role"
	// NoticeRegionSkipped means that a region is not audited, or is audited without a list of
	// functions.
	NoticeRegionSkipped NoticeKind = "region-skipped"
	// NoticeUncalled means that documented permissions are not granted, which Remotion never uses.
	NoticeUncalled NoticeKind = "uncalled"
	// NoticeBucketRole means that a bucket has no configured role, and which role the audit assumes.
	NoticeBucketRole NoticeKind = "bucket-role"
	// NoticeVPC means that functions are in a VPC, which needs more than the audit requires.
	NoticeVPC NoticeKind = "vpc"
	// NoticeOtherLayers means that functions have further layers beside Remotion's.
	NoticeOtherLayers NoticeKind = "other-layers"
	// NoticeInsights means that Lambda Insights cannot be enabled in some regions.
	NoticeInsights NoticeKind = "insights"
	// NoticeReadScope means that the read scope prevents discovery.
	NoticeReadScope NoticeKind = "read-scope"
	// NoticeFunctionUpdate means that the last update of a function failed.
	NoticeFunctionUpdate NoticeKind = "function-update"
	// NoticeFunctionSize means that a function has another timeout or disk than its name says.
	NoticeFunctionSize NoticeKind = "function-size"
	// NoticeFunctionRuntime means that Lambda deprecated the runtime of a function.
	NoticeFunctionRuntime NoticeKind = "function-runtime"

	// NoticeAdministrator means that a target may do everything, or almost everything.
	NoticeAdministrator NoticeKind = "administrator-access"
	// NoticeServiceWildcard means that a target may use every action of a service on all resources.
	NoticeServiceWildcard NoticeKind = "service-wildcard"
	// NoticeUserPolicyOnRole means that a render role has the user policy.
	NoticeUserPolicyOnRole NoticeKind = "user-policy-on-role"
	// NoticeDeployRights means that a caller that deploys nothing may deploy.
	NoticeDeployRights NoticeKind = "deploy-rights"
	// NoticeUnneeded means that rights were added to a copy of Remotion's document.
	NoticeUnneeded NoticeKind = "unneeded-rights"
)

// Notice is information that is not a gap.
type Notice struct {
	Kind NoticeKind `json:"kind"`
	// Severity is set for a notice about an over-grant.
	Severity policies.Severity `json:"severity,omitzero"`
	// Target is user/NAME or role/NAME; empty for the account.
	Target string `json:"target,omitempty"`
	// Text is a sentence, without a full stop.
	Text string `json:"text"`
	// Command is a command that shows more details; empty for none.
	Command string `json:"command,omitempty"`
	// Tightened has the documents without an over-grant; nil if there are none that are proved.
	Tightened *remedy.Tightening `json:"tightened,omitempty"`
}

// notices returns the notices of a report about the targets. Notices about documents come first,
// because an old document often explains the gaps.
func (f Facts) notices(targets []*judgement) []Notice {
	var list []Notice
	for _, t := range targets {
		list = append(list, t.documents...)
	}
	list = append(list, f.releaseNotices()...)
	if f.UpgradeTo == nil { // else the report has a section about it
		list = append(list, f.upgradeNotice(targets)...)
	}
	list = append(list, f.nameNotices(targets)...)
	list = append(list, f.resourceNotices(targets)...)
	if f.NoDefaultRole {
		list = append(list, Notice{Kind: NoticeRenderRole, Text: fmt.Sprintf(
			"there is no role %s, and no deployed function uses it: the role is not "+
				"audited", policies.RoleName)})
	}
	if f.Undiscovered {
		list = append(list,
			Notice{Kind: NoticeReadScope, Text: ReadScopeText})
	}
	list = append(list, f.unlistedNotices()...)
	for _, t := range targets {
		list = append(list, t.overGrants...)
	}
	return list
}

// ReadScopeText is the text of NoticeReadScope. The alert state recognizes the notice by this text.
const ReadScopeText = "READ_SCOPE=named: deployed functions are not listed, so their regions, " +
	"releases and roles are unknown; the audit covers only the configured names"

// recognized is the result of recognize.Policy.
type recognized struct {
	recognition recognize.Recognition
	ok          bool
}

// recognizedKey identifies a document, without keeping it in memory, and the kind of policy that
// its principal needs. The collector parses equal documents once.
type recognizedKey struct {
	document weak.Pointer[iampolicy.Document]
	on       policies.PolicyKind
}

// recognize returns the result of recognize.Policy for a document of a target. It compares each
// document once.
func (j *Judge) recognize(doc *iampolicy.Document,
	on policies.PolicyKind) (recognize.Recognition, bool) {
	key := recognizedKey{weak.Make(doc), on}
	found, ok := j.recognized[key]
	if !ok {
		found.recognition, found.ok = recognize.Policy(doc, on)
		j.recognized[key] = found
	}
	return found.recognition, found.ok
}

// releaseNotices returns notices about releases that are newer than the catalogue, and about
// functions of an unknown release. A release of an unknown major version is a problem instead: no
// policies are known to apply to it.
func (f Facts) releaseNotices() (list []Notice) {
	releases := slices.Clone(f.judgedBy())
	if f.UpgradeTo != nil {
		releases = append(releases, *f.UpgradeTo)
	}
	for _, release := range releases {
		n := Notice{Kind: NoticeNewerRelease, Text: release.Notice()}
		if release.NewerThanCatalogue() && !release.UnknownMajor() && !slices.Contains(list, n) {
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
			judged = "; the account must also satisfy the newest known release"
		}
		list = append(list, Notice{Kind: NoticeUnknownRelease, Text: fmt.Sprintf(
			"neither name nor tags show the Remotion release of %s%s", namesOf(unknown), judged)})
	}
	return list
}

// upgradeNotice returns a notice that lists the permissions that the newest known release needs and
// the account does not grant. It returns nil if there are none.
func (f Facts) upgradeNotice(targets []*judgement) []Notice {
	var ungranted []string
	for _, t := range targets {
		for _, finding := range t.upgrade {
			if what := finding.Action + " for " + finding.Target; finding.Status.Gap() &&
				!slices.Contains(ungranted, what) {
				ungranted = append(ungranted, what)
			}
		}
	}
	if ungranted == nil {
		return nil
	}
	newest := f.newest()
	return []Notice{{Kind: NoticeUpgrade,
		Text: fmt.Sprintf("Remotion %s needs permissions that are not granted: %s", newest,
			textfmt.Enumerate(ungranted, maxEnumerated)),
		Command: "remotion-audit audit --upgrade-to " + newest.Until,
	}}
}

// nameNotices returns notices about functions and buckets with custom names.
func (f Facts) nameNotices(targets []*judgement) (list []Notice) {
	var functions []Function
	for _, fn := range f.Functions {
		if !policies.NamedByRemotion(fn.Name) {
			functions = append(functions, fn)
		}
	}
	if functions != nil {
		list = append(list, Notice{Kind: NoticeCustomName,
			Text: "the documented policies cover only functions named remotion-render-*, but not " +
				namesOf(functions)})
	}
	var buckets []string
	for _, t := range targets {
		for _, b := range t.buckets {
			if !slices.Contains(buckets, b) {
				buckets = append(buckets, b)
			}
		}
	}
	if buckets != nil {
		list = append(list, Notice{Kind: NoticeCustomName,
			Text: "the documented policies cover only buckets named remotionlambda-*, but not " +
				textfmt.Enumerate(buckets, maxEnumerated)})
	}
	return list
}

// unlistedNotices returns one notice for all unlisted regions with the same reason.
func (f Facts) unlistedNotices() (list []Notice) {
	type reason struct {
		why     string
		audited bool
	}
	regions := map[reason][]string{}
	var reasons []reason
	for _, s := range f.Unlisted {
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
