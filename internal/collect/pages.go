package collect

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// errRepeatedMarker is the error of a list whose pages lead back to an earlier page.
var errRepeatedMarker = errors.New("AWS answered with the marker of an earlier page, so the list " +
	"has no end")

// eachPage calls visit for each page of a paginator. It ends with errRepeatedMarker if a page has
// the marker of an earlier page.
func eachPage[Out, Options any](ctx context.Context, more func() bool,
	next func(context.Context, ...func(*Options)) (*Out, error), visit func(*Out)) error {
	seen := map[string]bool{}
	for more() {
		out, err := next(ctx)
		if err != nil {
			return err
		}
		visit(out)
		if marker := markerOf(out); marker != nil {
			if seen[*marker] {
				return errRepeatedMarker
			}
			seen[*marker] = true
		}
	}
	return nil
}

// markerOf returns the marker of the next page; nil on the last page.
func markerOf(page any) *string {
	switch page := page.(type) {
	case *iam.ListUserPoliciesOutput:
		return page.Marker
	case *iam.ListGroupPoliciesOutput:
		return page.Marker
	case *iam.ListRolePoliciesOutput:
		return page.Marker
	case *iam.ListAttachedUserPoliciesOutput:
		return page.Marker
	case *iam.ListAttachedGroupPoliciesOutput:
		return page.Marker
	case *iam.ListAttachedRolePoliciesOutput:
		return page.Marker
	case *iam.ListGroupsForUserOutput:
		return page.Marker
	case *iam.ListRolesOutput:
		return page.Marker
	case *iam.SimulatePrincipalPolicyOutput:
		return page.Marker
	case *lambda.ListFunctionsOutput:
		return page.NextMarker
	}
	panic("markerOf does not know the pages of this list")
}
