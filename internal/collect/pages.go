package collect

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// errRepeatedMarker is the error of a list whose pages lead back to an earlier page.
var errRepeatedMarker = errors.New("AWS answered with the marker of an earlier page, so the list " +
	"has no end")

// errTooLong is the error of a list that is longer than AWS allows.
var errTooLong = errors.New("the list is longer than AWS allows")

// maxPages is the largest number of pages of a list. A page of functions has 50 of them.
const maxPages = 1000

// The largest numbers of items that are read. A user is in at most 10 groups, an entity has at most
// 20 attached policies, and inline policies with at most 10,240 characters. A managed policy has at
// most 5 versions. An account has at most 10,000 roles. Lambda has no limit for functions.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const (
	maxGroups    = 100
	maxAttached  = 100
	maxInline    = 500
	maxVersions  = 100
	maxListed    = 20_000
	maxSimulated = 20_000
)

// eachPage calls visit for each page of a paginator. It ends with errRepeatedMarker if a page has
// the marker of an earlier page, and with errTooLong before it visits more items than AWS allows.
func eachPage[Out, Options any](ctx context.Context, more func() bool,
	next func(context.Context, ...func(*Options)) (*Out, error), visit func(*Out)) error {
	seen := map[string]bool{}
	for items := 0; more(); {
		out, err := next(ctx)
		if err != nil {
			return err
		}
		marker, n, most := contentOf(out)
		if items += n; items > most || len(seen) == maxPages {
			return errTooLong
		}
		visit(out)
		if marker != nil {
			if seen[*marker] {
				return errRepeatedMarker
			}
			seen[*marker] = true
		}
	}
	return nil
}

// contentOf returns the marker of the next page, nil on the last page. It also returns the number
// of items of a page, and the largest number of items of the whole list.
func contentOf(page any) (marker *string, items, most int) {
	switch page := page.(type) {
	case *iam.ListUserPoliciesOutput:
		return page.Marker, len(page.PolicyNames), maxInline
	case *iam.ListGroupPoliciesOutput:
		return page.Marker, len(page.PolicyNames), maxInline
	case *iam.ListRolePoliciesOutput:
		return page.Marker, len(page.PolicyNames), maxInline
	case *iam.ListAttachedUserPoliciesOutput:
		return page.Marker, len(page.AttachedPolicies), maxAttached
	case *iam.ListAttachedGroupPoliciesOutput:
		return page.Marker, len(page.AttachedPolicies), maxAttached
	case *iam.ListAttachedRolePoliciesOutput:
		return page.Marker, len(page.AttachedPolicies), maxAttached
	case *iam.ListGroupsForUserOutput:
		return page.Marker, len(page.Groups), maxGroups
	case *iam.ListRolesOutput:
		return page.Marker, len(page.Roles), maxListed
	case *iam.SimulatePrincipalPolicyOutput:
		return page.Marker, simulated(page.EvaluationResults), maxSimulated
	case *iam.ListPolicyVersionsOutput:
		return page.Marker, len(page.Versions), maxVersions
	case *lambda.ListFunctionsOutput:
		return page.NextMarker, len(page.Functions), maxListed
	}
	panic("contentOf does not know the pages of this list")
}

// simulated returns the number of results with all that is in them.
func simulated(results []types.EvaluationResult) (items int) {
	for _, r := range results {
		items += 1 + len(r.MatchedStatements) + len(r.MissingContextValues)
		for _, s := range r.ResourceSpecificResults {
			items += 1 + len(s.MatchedStatements) + len(s.MissingContextValues)
		}
	}
	return items
}
