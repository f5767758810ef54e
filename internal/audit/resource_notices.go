package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// resourceNotices returns notices about documented permissions that nothing uses, about buckets
// without a configured role, and about functions in a VPC.
func (f Facts) resourceNotices(targets []*judgement) (list []Notice) {
	var assumed []string
	for _, t := range targets {
		if len(t.uncalled) > 0 {
			text := fmt.Sprintf(
				"%s %s documented but not granted; nothing fails, because Remotion does not call %s",
				textfmt.Enumerate(t.uncalled, maxEnumerated), textfmt.Verb(len(t.uncalled), "is", "are"),
				textfmt.Verb(len(t.uncalled), "it", "them"))
			if slices.Contains(t.uncalled, oldNamesAction) {
				text += ", unless a bucket has an old name without its region (" + oldNamesAction +
					"): add such a bucket to BUCKETS"
			}
			list = append(list, Notice{Kind: NoticeUncalled, Target: t.target.Name, Text: text})
		}
		for _, b := range t.assumed {
			assumed = textfmt.AppendNew(assumed, b)
		}
	}
	var withoutInsights []string
	for _, t := range targets {
		for _, region := range t.withoutInsights {
			withoutInsights = textfmt.AppendNew(withoutInsights, region)
		}
	}
	if withoutInsights != nil {
		slices.Sort(withoutInsights)
		list = append(list, Notice{Kind: NoticeInsights, Text: fmt.Sprintf("the documented policy does "+
			"not cover the layers of Lambda Insights in %s: functions with Insights cannot be deployed "+
			"there until lambda:GetLayerVersion is granted on them", strings.Join(withoutInsights, ", "))})
	}
	if assumed != nil {
		list = append(list, Notice{Kind: NoticeBucketRole, Text: fmt.Sprintf(
			"BUCKETS names no role for %s: the audit assumes that it only receives outputs; write "+
				"NAME=output or NAME=site", textfmt.Enumerate(assumed, maxEnumerated))})
	}
	var inVPC, layered []Function
	for _, fn := range f.Functions {
		if fn.hasOtherLayers() {
			layered = append(layered, fn)
		}
		if fn.Subnets != nil {
			inVPC = append(inVPC, fn)
		}
	}
	if layered != nil {
		list = append(list, Notice{Kind: NoticeOtherLayers, Text: fmt.Sprintf("%s %s layers beside "+
			"Remotion's: if customLayerArns names them, the next deploy needs lambda:GetLayerVersion on "+
			"them, which the audit does not check", namesOf(layered),
			textfmt.Verb(len(layered), "has", "have"))})
	}
	if inVPC != nil {
		list = append(list, Notice{Kind: NoticeVPC, Text: fmt.Sprintf("%s %s in a VPC: Lambda can also "+
			"need ec2:AssignPrivateIpAddresses, ec2:UnassignPrivateIpAddresses, ec2:DescribeSubnets and "+
			"ec2:GetSecurityGroupsForVpc in the role policy, and the VPC needs a route to S3 and Lambda; "+
			"the audit checks neither", namesOf(inVPC), textfmt.Verb(len(inVPC), "is", "are"))})
	}
	return list
}

// oldNamesAction is the action that Remotion calls only for its buckets without the region in their
// names. The audit does not list buckets.
const oldNamesAction = "s3:GetBucketLocation"

// hasOtherLayers reports whether a function has layers of Remotion and of others, apart from Lambda
// Insights, and its release can deploy both.
func (f Function) hasOtherLayers() bool {
	return slices.ContainsFunc(f.Layers, policies.RemotionLayer) &&
		(!f.Known() || f.Release.DeploysOwnLayers()) &&
		slices.ContainsFunc(f.Layers, func(layer string) bool {
			return !policies.RemotionLayer(layer) && !policies.InsightsLayer(layer)
		})
}

// uncalledOf returns the documented permissions that a target does not grant and that Remotion does
// not call in these releases, in the order of the documents. It needs the documents of the target.
func (j *Judge) uncalledOf(t TargetFacts, releases []policies.Release) (actions []string) {
	if t.Presence != Present || len(t.Unread) > 0 {
		return nil
	}
	for _, r := range j.uncalledRequirements(t, releases) {
		if j.stopped() {
			return actions
		}
		if !slices.ContainsFunc(t.Scope.Needed(r), func(n needs.Need) bool {
			return t.grants(n.SimulationRequest, n.Resource)
		}) {
			actions = textfmt.AppendNew(actions, r.Action)
		}
	}
	return actions
}

// withoutInsightsOf returns the audited regions in which a caller that deploys cannot attach the
// Lambda Insights extension, because only a policy beyond the documented one grants its layer, and
// in which no function has the extension. It needs the documents of the target.
func (j *Judge) withoutInsightsOf(t TargetFacts, releases []policies.Release) (regions []string) {
	if t.Presence != Present || len(t.Unread) > 0 || !t.Purpose.Deploys() {
		return nil
	}
	for _, r := range policies.Undocumented(releases, t.Kind.Policy(), t.Scope.Regions) {
		for _, n := range t.Scope.Needed(r) {
			if j.stopped() {
				return regions
			}
			if !slices.Contains(t.Scope.InsightsRegions, n.Region) &&
				!t.grants(n.SimulationRequest, n.Resource) {
				regions = textfmt.AppendNew(regions, n.Region)
			}
		}
	}
	return regions
}

// bucketsOf returns the names of the buckets that the documented policies do not cover, and the
// buckets without a configured role for which the audit assumes one.
func bucketsOf(t TargetFacts) (custom, assumed []string) {
	for _, bucket := range t.Scope.Buckets {
		if !policies.BucketNamedByRemotion(bucket.Name) {
			custom = append(custom, bucket.Name)
			if bucket.Assumed {
				assumed = append(assumed, bucket.Name+" ("+strings.Join(bucket.Words(), "+")+")")
			}
		}
	}
	return custom, assumed
}
