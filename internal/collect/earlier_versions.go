package collect

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// The largest numbers of managed policies whose versions EarlierVersions reads, and of versions of
// one policy. IAM keeps five versions, with the default version.
const maxVersioned, maxEarlier = 10, 5

// EarlierVersions reads the versions of the account's managed policies in grants that are not the
// default version, newest first. They are candidates for an undo. A policy of AWS is not read. A
// failed read is a problem: the earlier versions are then unknown. The deployed function may not
// list versions, so only the command calls EarlierVersions, and only for a target with gaps.
func (c Collector) EarlierVersions(ctx context.Context,
	grants iampolicy.Grants) (known []remedy.Known, problems []audit.Problem) {
	list := slices.Clone(grants.Identity)
	if grants.Boundary != nil {
		list = append(list, *grants.Boundary)
	}
	seen := map[string]bool{}
	list = slices.DeleteFunc(list, func(p iampolicy.Policy) bool {
		at := p.Location
		managed := at.Kind == iampolicy.ManagedLocation || at.Kind == iampolicy.BoundaryLocation
		skip := !managed || p.ByAWS || at.ARN == "" || seen[string(at.Kind)+at.ARN]
		seen[string(at.Kind)+at.ARN] = true
		return skip
	})
	if len(list) > maxVersioned {
		problems = append(problems, audit.Problem{What: "earlier versions of managed policies",
			Why: fmt.Sprintf("only those of the first %d of %d policies are read", maxVersioned, len(list))})
		list = list[:maxVersioned]
	}
	type versions struct {
		known    []remedy.Known
		problems []audit.Problem
	}
	results := make([]versions, len(list))
	parallelN(len(list), func(i int) {
		results[i].known, results[i].problems = c.earlierVersions(ctx, list[i])
	})
	for _, r := range results {
		known, problems = append(known, r.known...), append(problems, r.problems...)
	}
	return known, problems
}

// earlierVersions reads the earlier versions of one policy.
func (c Collector) earlierVersions(ctx context.Context,
	p iampolicy.Policy) (known []remedy.Known, problems []audit.Problem) {
	what := "the earlier versions of " + p.ID
	var versions []types.PolicyVersion
	pages := iam.NewListPolicyVersionsPaginator(c.IAM,
		&iam.ListPolicyVersionsInput{PolicyArn: &p.Location.ARN})
	err := eachPage(ctx, pages.HasMorePages, pages.NextPage, func(out *iam.ListPolicyVersionsOutput) {
		versions = append(versions, out.Versions...)
	})
	if err != nil {
		return nil, problemOf(ctx, what, "iam:ListPolicyVersions", err).problems
	}
	versions = slices.DeleteFunc(versions, func(v types.PolicyVersion) bool {
		return v.IsDefaultVersion || v.VersionId == nil
	})
	slices.SortStableFunc(versions, func(a, b types.PolicyVersion) int {
		return aws.ToTime(b.CreateDate).Compare(aws.ToTime(a.CreateDate))
	})
	for _, v := range versions[:min(len(versions), maxEarlier)] {
		out, err := c.IAM.GetPolicyVersion(ctx,
			&iam.GetPolicyVersionInput{PolicyArn: &p.Location.ARN, VersionId: v.VersionId})
		switch {
		case isGone(err): // deleted after it was listed
			continue
		case err != nil:
			return known, problemOf(ctx, what, "iam:GetPolicyVersion", err).problems
		case out.PolicyVersion == nil:
			continue
		}
		text, err := url.PathUnescape(aws.ToString(out.PolicyVersion.Document))
		if err != nil {
			continue
		}
		// A version that does not parse is no undo: IAM stores documents of an older grammar.
		document, err := iampolicy.Parse(text)
		if err != nil {
			continue
		}
		k := remedy.Known{Location: p.Location, Document: document, Version: aws.ToString(v.VersionId)}
		if v.CreateDate != nil {
			k.At = v.CreateDate.UTC().Format(time.RFC3339)
		}
		known = append(known, k)
	}
	return known, problems
}
