package collect

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// maxTagged is the maximum number of functions in a region for which tags are read. Only functions
// with a name that does not show the release need their tags. Lambda allows 15 such calls a second.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxTagged = 100

// listing holds the functions of Remotion in one region.
type listing struct {
	functions []audit.Function
	// disabled is true if the region is not enabled in the account, forbidden if a service control
	// policy denies the list of functions.
	disabled, forbidden bool
	snapshot
}

// listFunctions lists the functions of all regions of the plan concurrently and returns them in the
// order of the regions. It uses at most a third of the remaining time, so that a region without an
// answer does not delay the audit.
func (r *run) listFunctions(ctx context.Context) []listing {
	if r.lambda == nil || r.plan.Named {
		return make([]listing, len(r.plan.Regions)+len(r.plan.Further))
	}
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, time.Until(deadline)/3)
		defer stop()
	}
	regions := slices.Concat(r.plan.Regions, r.plan.Further)
	listings := make([]listing, len(regions))
	parallelN(len(regions), func(i int) { listings[i] = r.listRegion(ctx, regions[i]) })
	return listings
}

// listRegion lists the functions of Remotion in a region and reads their tags where needed. It
// rejects names that are invalid in Lambda, because such a name could act as a pattern.
func (r *run) listRegion(ctx context.Context, region string) (l listing) {
	in := func(o *lambda.Options) { o.Region = region }
	what := "the functions in " + region
	seen := map[string]bool{}
	pages := lambda.NewListFunctionsPaginator(r.lambda, &lambda.ListFunctionsInput{},
		func(o *lambda.ListFunctionsPaginatorOptions) {
			o.StopOnDuplicateToken = true
		})
	next := func(ctx context.Context,
		_ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
		return pages.NextPage(ctx, in)
	}
	err := eachPage(ctx, pages.HasMorePages, next, func(out *lambda.ListFunctionsOutput) {
		for _, c := range out.Functions {
			name := aws.ToString(c.FunctionName)
			origin := policies.ParseFunctionName(name)
			switch {
			case seen[name] || !origin.Remotion &&
				!policies.DeployedByRemotion(aws.ToString(c.Description), layersOf(c)):
			case !awsname.IsFunction(name):
				l.problems = append(l.problems,
					audit.Problem{What: what, Why: fmt.Sprintf("%.80q is not a valid function name", name)})
			default:
				l.functions = append(l.functions,
					audit.Function{Name: name, Region: region, Role: aws.ToString(c.Role),
						Release: r.inPartition(origin.Release)})
			}
			seen[name] = true
		}
	})
	switch {
	case err == nil:
	case isDisabled(err):
		l.disabled = true
		return l
	case isForbidden(err):
		l.forbidden = true
		return l
	default:
		l.merge(problemOf(ctx, what, "lambda:ListFunctions", err))
	}
	l.readTags(ctx, r, in)
	slices.SortFunc(l.functions, func(a, b audit.Function) int {
		return strings.Compare(a.Name, b.Name)
	})
	return l
}

// readTags sets the release of functions from their tags if their names do not show it. It drops
// functions that were deleted after the list of functions was read.
func (l *listing) readTags(ctx context.Context, r *run, in func(*lambda.Options)) {
	if r.rolesOnly {
		return
	}
	var unknown []int
	for i, f := range l.functions {
		if !f.Known() && len(unknown) < maxTagged {
			unknown = append(unknown, i)
		}
	}
	gone := make([]bool, len(unknown))
	l.merge(parallel(len(unknown), func(n int) (result snapshot) {
		f := &l.functions[unknown[n]]
		function := arn.ARN{Partition: r.plan.Partition, Service: "lambda", Region: f.Region,
			Account: r.plan.Account, Resource: "function:" + f.Name}.String()
		out, err := r.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: &function}, in)
		switch {
		case err == nil:
			f.Release = r.inPartition(policies.ParseTag(out.Tags))
		case hasCode(err, "ResourceNotFoundException"):
			gone[n] = true
		default:
			result = problemOf(ctx, "the tags of functions in "+f.Region, "lambda:ListTags", err)
		}
		return result
	}))
	for n := len(unknown) - 1; n >= 0; n-- {
		if gone[n] {
			l.functions = slices.Delete(l.functions, unknown[n], unknown[n]+1)
		}
	}
}

// inPartition returns the release in the audited partition, or the zero Release if the partition
// does not have the release.
func (r *run) inPartition(release policies.Release) policies.Release {
	if release == (policies.Release{}) {
		return release
	}
	in, err := release.In(r.plan.Partition)
	if err != nil {
		return policies.Release{}
	}
	return in
}

func layersOf(c types.FunctionConfiguration) []string {
	arns := make([]string, len(c.Layers))
	for i, layer := range c.Layers {
		arns[i] = aws.ToString(layer.Arn)
	}
	return arns
}

// survey holds the audited regions and the functions that are deployed there.
type survey struct {
	regions   []string
	functions []audit.Function
	skipped   []audit.UnlistedRegion
	problems  []audit.Problem
}

const (
	notEnabled         = "the region is not enabled in this account"
	organizationDenies = "a service control policy of the organization denies lambda:ListFunctions " +
		"in this region"
)

// survey selects the regions to audit, as described at Plan.Regions, and returns them with their
// functions. If no region is enabled, survey returns the configured regions and adds a problem.
func (r *run) survey(listings []listing) (s survey) {
	var problems []audit.Problem
	for i, region := range slices.Concat(r.plan.Regions, r.plan.Further) {
		l, configured := listings[i], i < len(r.plan.Regions)
		problems = append(problems, l.problems...)
		switch {
		case l.disabled:
			s.skipped = append(s.skipped, audit.UnlistedRegion{Region: region, Why: notEnabled})
			continue
		case l.forbidden && !configured:
			s.skipped = append(s.skipped, audit.UnlistedRegion{Region: region, Why: organizationDenies})
			continue
		case l.forbidden:
			s.skipped = append(s.skipped, audit.UnlistedRegion{Region: region, Why: organizationDenies,
				Audited: true})
		}
		if configured || !r.plan.OnlyWithFunctions || len(l.functions) > 0 {
			s.regions = append(s.regions, region)
			s.functions = append(s.functions, l.functions...)
		}
	}
	s.problems = mergeRegions(problems)
	if s.regions == nil {
		s.regions = r.plan.Regions
		s.problems = append(s.problems,
			audit.Problem{What: "any region", Why: "none of " + strings.Join(s.regions, ", ") +
				" is enabled in this account",
				Remedy: "set REGIONS (--regions) to enabled regions"})
	}
	return s
}

// mergeRegions merges problems that differ only in the region.
func mergeRegions(problems []audit.Problem) (list []audit.Problem) {
	for _, p := range problems {
		what, region, _ := strings.Cut(p.What, " in ")
		i := slices.IndexFunc(list, func(o audit.Problem) bool {
			return strings.HasPrefix(o.What, what+" in ") && o.Why == p.Why && o.Grant == p.Grant
		})
		switch {
		case i < 0:
			list = append(list, p)
		case !slices.Contains(strings.Split(strings.TrimPrefix(list[i].What, what+" in "), ", "), region):
			list[i].What += ", " + region
		}
	}
	return list
}

// autoRelease is the value of Plan.Requested that selects the deployed releases.
const autoRelease = "auto"

// releases returns the distinct releases of the deployed functions, oldest first. The newest known
// release replaces an unknown release. Without functions, releases returns nil.
func (r *run) releases(functions []audit.Function) (list []policies.Release) {
	for _, f := range functions {
		release := f.Release
		if !f.Known() {
			release = r.plan.Release
			release.Version = release.Until
		}
		if !slices.Contains(list, release) {
			list = append(list, release)
		}
	}
	return policies.Ordered(list)
}

// isDisabled reports whether an error means that the region is not enabled.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func isDisabled(err error) bool {
	return hasCode(err, "UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired")
}

// isForbidden reports whether an error's message says that a service control policy denies the
// call. https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func isForbidden(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && isDenied(api) &&
		strings.Contains(api.ErrorMessage(), "service control policy")
}
