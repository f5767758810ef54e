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

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// maxTagged is how many functions of a region are asked for their tags. Only those whose name does
// not tell the release are, and Lambda answers 15 such calls a second.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxTagged = 100

// A listing is what one region has of Remotion's functions.
type listing struct {
	functions []audit.Function
	// disabled and forbidden say that AWS does not know the account in the region, and that its
	// organization keeps it away from there.
	disabled, forbidden bool
	snapshot
}

// listFunctions lists the functions of the named regions and of those to look into, all at once. It
// takes a third of the time there is: a region that does not answer must not keep the others
// waiting.
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

// listRegion lists to the last page, then asks for the tags that are needed. Names come from
// outside: one that Lambda would refuse could be a pattern, and is no function.
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
	err := walk(ctx, pages.HasMorePages, next, func(out *lambda.ListFunctionsOutput) {
		for _, c := range out.Functions {
			name := aws.ToString(c.FunctionName)
			named := policies.ParseFunctionName(name)
			switch {
			case seen[name] || !named.Remotion &&
				!policies.LooksDeployed(aws.ToString(c.Description), layersOf(c)):
			case !policies.ValidFunctionName(name):
				l.problems = append(l.problems,
					audit.Problem{What: what, Why: fmt.Sprintf("%.80q is no name that Lambda takes", name)})
			default:
				l.functions = append(l.functions,
					audit.Function{Name: name, Region: region, Role: aws.ToString(c.Role),
						Release: r.here(named.Release)})
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
		l.add(failed(ctx, what, "lambda:ListFunctions", err))
	}
	l.readTags(ctx, r, in)
	slices.SortFunc(l.functions, func(a, b audit.Function) int {
		return strings.Compare(a.Name, b.Name)
	})
	return l
}

// readTags learns the release of functions whose name does not tell it. A function that has gone
// meanwhile is none.
func (l *listing) readTags(ctx context.Context, r *run, in func(*lambda.Options)) {
	if r.rolesOnly {
		return
	}
	var silent []int
	for i, f := range l.functions {
		if !f.Known() && len(silent) < maxTagged {
			silent = append(silent, i)
		}
	}
	gone := make([]bool, len(silent))
	l.add(parallel(len(silent), func(n int) (result snapshot) {
		f := &l.functions[silent[n]]
		arn := "arn:" + r.plan.Partition + ":lambda:" + f.Region + ":" + r.plan.Account + ":function:" +
			f.Name
		out, err := r.lambda.ListTags(ctx, &lambda.ListTagsInput{Resource: &arn}, in)
		switch {
		case err == nil:
			f.Release = r.here(policies.ParseTag(out.Tags))
		case hasCode(err, "ResourceNotFoundException"):
			gone[n] = true
		default:
			result = failed(ctx, "the tags of functions in "+f.Region, "lambda:ListTags", err)
		}
		return result
	}))
	for n := len(silent) - 1; n >= 0; n-- {
		if gone[n] {
			l.functions = slices.Delete(l.functions, silent[n], silent[n]+1)
		}
	}
}

// here is the release as it is in the audited partition; one that does not run there is not known.
func (r *run) here(release policies.Release) policies.Release {
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

// survey decides from the listings which regions are audited, and gathers what is deployed there.
type survey struct {
	regions   []string
	functions []audit.Function
	skipped   []audit.SkippedRegion
	problems  []audit.Problem
}

const (
	notEnabled = "the region is not enabled in this account"
	keptAway   = "a service control policy of the organization forbids lambda:ListFunctions there"
)

// survey makes the survey. A region that was named is audited unless it is not enabled; one of the
// others if it can be looked into and, if the plan says so, has functions.
func (r *run) survey(listings []listing) (s survey) {
	var problems []audit.Problem
	for i, region := range slices.Concat(r.plan.Regions, r.plan.Further) {
		l, named := listings[i], i < len(r.plan.Regions)
		problems = append(problems, l.problems...)
		switch {
		case l.disabled:
			s.skipped = append(s.skipped, audit.SkippedRegion{Region: region, Why: notEnabled})
			continue
		case l.forbidden && !named:
			s.skipped = append(s.skipped, audit.SkippedRegion{Region: region, Why: keptAway})
			continue
		case l.forbidden:
			s.skipped = append(s.skipped, audit.SkippedRegion{Region: region, Why: keptAway, Audited: true})
		}
		if named || !r.plan.OnlyWithFunctions || len(l.functions) > 0 {
			s.regions = append(s.regions, region)
			s.functions = append(s.functions, l.functions...)
		}
	}
	s.problems = together(problems)
	if s.regions == nil {
		s.regions = r.plan.Regions
		s.problems = append(s.problems,
			audit.Problem{What: "any region", Why: "none of " + strings.Join(s.regions, ", ") +
				" is enabled in this account",
				Remedy: "name regions that are enabled in REGIONS (--regions)"})
	}
	return s
}

// together makes one problem of those that differ in the region alone.
func together(problems []audit.Problem) (list []audit.Problem) {
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

// auto, as Plan.Requested, judges by what is deployed.
const auto = "auto"

// releases are those the account is judged by when they are to be what is deployed: each once, and
// the newest known where a function does not tell. None are there without functions.
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

// isDisabled reports that AWS does not know the credentials in the region: it is not enabled.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func isDisabled(err error) bool {
	return hasCode(err, "UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired")
}

// isForbidden reports that an organization's policy denies the call, as AWS's message says.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
func isForbidden(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && isDenied(api) &&
		strings.Contains(api.ErrorMessage(), "service control policy")
}
