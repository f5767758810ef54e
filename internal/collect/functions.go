package collect

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsname"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// maxTagReads is the number of concurrent reads of tags in a region. Lambda allows 15 such calls a
// second. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxTagReads = 8

// listing holds the functions of Remotion in one region.
type listing struct {
	functions []audit.Function
	// disabled is true if the region is not enabled in the account, forbidden if a service control
	// policy denies the list of functions.
	disabled, forbidden bool
	snapshot
}

// listFunctions lists the functions of all regions of the plan concurrently and returns them in the
// order of the regions. The lists use at most a third of the remaining time, so that a region
// without an answer does not delay the audit. The tags use at most two thirds.
func (r *run) listFunctions(ctx context.Context) []listing {
	if r.lambda == nil || r.plan.Named {
		return make([]listing, len(r.plan.Regions)+len(r.plan.Further))
	}
	tags := ctx
	if deadline, ok := ctx.Deadline(); ok {
		third := time.Until(deadline) / 3
		var stopLists, stopTags context.CancelFunc
		tags, stopTags = context.WithTimeout(ctx, 2*third)
		defer stopTags()
		ctx, stopLists = context.WithTimeout(ctx, third)
		defer stopLists()
	}
	regions := slices.Concat(r.plan.Regions, r.plan.Further)
	listings := make([]listing, len(regions))
	parallelN(len(regions), func(i int) {
		listings[i] = r.listRegion(ctx, regions[i])
		listings[i].readTags(tags, r, regions[i])
	})
	return listings
}

// listRegion lists the functions of Remotion in a region. It rejects names that are invalid in
// Lambda, because such a name could act as a pattern.
func (r *run) listRegion(ctx context.Context, region string) (l listing) {
	in := func(o *lambda.Options) { o.Region = region }
	what := "the functions in " + region
	seen := map[string]bool{}
	answered := false // a region that answered once is enabled, and its functions may be listed
	pages := lambda.NewListFunctionsPaginator(r.lambda, &lambda.ListFunctionsInput{})
	next := func(ctx context.Context,
		_ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
		return pages.NextPage(ctx, in)
	}
	err := eachPage(ctx, pages.HasMorePages, next, func(out *lambda.ListFunctionsOutput) {
		answered = true
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
						Release: r.inPartition(origin.Release), Layers: layersOf(c),
						Subnets: subnetsOf(c), SecurityGroups: securityGroupsOf(c)})
			}
			seen[name] = true
		}
	})
	switch {
	case err == nil:
	case !answered && isRefusal(err) && r.notEnabledIn(ctx, region):
		l.disabled = true
		return l
	case !answered && isForbidden(err):
		l.forbidden = true
		return l
	default:
		s := problemOf(ctx, what, "lambda:ListFunctions", err)
		if !awsname.AlwaysEnabled(region) &&
			hasCode(err, "UnrecognizedClientException", "InvalidClientTokenId") {
			s.problems[0].Remedy = regionalRemedy
		}
		l.merge(s)
	}
	slices.SortFunc(l.functions, func(a, b audit.Function) int {
		return strings.Compare(a.Name, b.Name)
	})
	return l
}

// readTags sets the release of functions from their tags if their names do not show it. It drops
// functions that were deleted after the list of functions was read. The tags that the deadline cuts
// off are one problem, with their number.
func (l *listing) readTags(ctx context.Context, r *run, region string) {
	if r.rolesOnly {
		return
	}
	var unknown []int
	for i, f := range l.functions {
		if !f.Known() {
			unknown = append(unknown, i)
		}
	}
	gone := make([]bool, len(unknown))
	results := make([]snapshot, len(unknown))
	parallelAtMost(maxTagReads, len(unknown), func(n int) {
		f := &l.functions[unknown[n]]
		function := arn.ARN{Partition: r.plan.Partition, Service: "lambda", Region: f.Region,
			Account: r.plan.Account, Resource: "function:" + f.Name}.String()
		out, err := r.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: &function},
			func(o *lambda.Options) { o.Region = region })
		switch {
		case err == nil:
			f.Release = r.inPartition(policies.ParseTag(out.Tags))
		case hasCode(err, "ResourceNotFoundException"):
			gone[n] = true
		default:
			results[n] = problemOf(ctx, "the tags of functions in "+f.Region, "lambda:ListTags", err)
		}
	})
	cutOff := 0
	var problem audit.Problem
	for _, result := range results {
		if result.cutOff {
			cutOff, problem = cutOff+1, result.problems[0]
			continue
		}
		l.merge(result)
	}
	if cutOff > 0 {
		problem.What = fmt.Sprintf("the tags of %d of %d functions in %s", cutOff, len(unknown), region)
		l.merge(snapshot{cutOff: true, problems: []audit.Problem{problem}})
	}
	if slices.Contains(gone, true) {
		l.dropDeleted(ctx, r, region, func(i int) bool {
			n, ok := slices.BinarySearch(unknown, i)
			return ok && gone[n]
		})
	}
}

// dropDeleted drops the functions that were deleted after the list of functions was read: gone
// reports that Lambda did not find a function. A function that Lambda still lists is a problem, and
// so is one about which a second list says nothing.
func (l *listing) dropDeleted(ctx context.Context, r *run, region string, gone func(i int) bool) {
	again := r.listRegion(ctx, region)
	l.merge(again.snapshot)
	var left []audit.Function
	listed := map[string]bool{}
	for _, f := range again.functions {
		listed[f.Name] = true
	}
	for i, f := range l.functions {
		switch {
		case !gone(i):
			left = append(left, f)
		case listed[f.Name] || again.problems != nil || again.disabled || again.forbidden:
			left = append(left, f)
			l.problems = append(l.problems, audit.Problem{What: "the tags of functions in " + region,
				Why:    "Lambda contradicts itself: it lists function " + f.Name + ", but does not find it",
				Remedy: serviceRemedy})
		}
	}
	l.functions = left
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

// subnetsOf and securityGroupsOf return what Lambda tells about the VPC of a function: nil for a
// function without a VPC, for which Lambda returns empty lists or none.
func subnetsOf(c types.FunctionConfiguration) []string {
	if c.VpcConfig == nil || len(c.VpcConfig.SubnetIds) == 0 {
		return nil
	}
	return c.VpcConfig.SubnetIds
}

func securityGroupsOf(c types.FunctionConfiguration) []string {
	if c.VpcConfig == nil || len(c.VpcConfig.SecurityGroupIds) == 0 {
		return nil
	}
	return c.VpcConfig.SecurityGroupIds
}

// survey holds the audited regions and the functions that are deployed there.
type survey struct {
	regions   []string
	functions []audit.Function
	skipped   []audit.UnlistedRegion
	problems  []audit.Problem
	// forbidden are the regions that the organization forbids to list, without another sign that
	// Remotion runs there.
	forbidden []string
}

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
			if why := r.trace(region); why != "" {
				problems = append(problems, refusedProblem(region, why))
			}
			continue
		case l.forbidden:
			why := r.suspicion(region)
			if why != "" {
				problems = append(problems, unlistedProblem(region, why))
			} else {
				s.forbidden = append(s.forbidden, region)
			}
			audited := configured || why != ""
			s.skipped = append(s.skipped, audit.UnlistedRegion{Region: region, Why: organizationDenies,
				Audited: audited})
			if !audited {
				continue
			}
		}
		if configured || l.forbidden || !r.plan.OnlyWithFunctions || len(l.functions) > 0 {
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

// accountReleases returns the releases that the account is judged by: those of the deployed
// functions and the installed one. Without any of them, it returns nil. If there is an installed
// one and functions are not listed, the newest known release stands for theirs.
func (r *run) accountReleases(functions []audit.Function) []policies.Release {
	if r.plan.Named && r.plan.Installed != nil {
		functions = []audit.Function{{}}
	}
	return r.releases(functions, r.plan.Installed)
}

// roleReleases returns the releases that a render role is judged by: those of its functions, and
// the installed one if a function of that release would get the role. Without functions, it returns
// nil: the role is judged by the releases of the account. anyRole is true if the role of new
// functions is not audited; each of the others may then be that of the next function.
func (r *run) roleReleases(t *target, anyRole bool) []policies.Release {
	if len(t.facts.Functions) == 0 || t.fromFunction && !anyRole {
		return r.releases(t.facts.Functions, nil)
	}
	return r.releases(t.facts.Functions, r.plan.Installed)
}

// releases returns the distinct releases of the functions and a further release if it is not nil,
// oldest first. The newest known release replaces an unknown release of a function.
func (r *run) releases(functions []audit.Function,
	further *policies.Release) (list []policies.Release) {
	for _, f := range functions {
		release := f.Release
		if !f.Known() {
			release = r.plan.Release.Newest()
		}
		if !slices.Contains(list, release) {
			list = append(list, release)
		}
	}
	if further != nil && !slices.Contains(list, *further) {
		list = append(list, *further)
	}
	return policies.Ordered(list)
}
