package collect

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/checks"
)

// Checks reads what the checks of a set judge, for the functions in the facts of Collect. It
// returns nil if functions are not listed, or if the set is empty: it then reads nothing. When ctx
// ends, the reads that are left are facts with the deadline as the reason.
func (c Collector) Checks(ctx context.Context, facts audit.Facts,
	set checks.Set) *checks.Facts {
	if c.Lambda == nil || facts.Undiscovered || set.Empty() {
		return nil
	}
	read := &checks.Facts{Account: facts.Account, Partition: facts.Partition}
	for _, region := range facts.Regions {
		if slices.ContainsFunc(facts.Functions, func(f audit.Function) bool {
			return f.Region == region
		}) {
			read.Regions = append(read.Regions, checks.Region{Name: region})
		}
	}
	for _, f := range facts.Functions {
		read.Functions = append(read.Functions, checks.Function{Function: f})
	}
	skipFunctions(read.Functions)
	var reads []func()
	if set.Has(checks.ConcurrencyQuota) {
		for i := range read.Regions {
			reads = append(reads, func() { c.readLimits(ctx, &read.Regions[i]) })
		}
	}
	for i := range read.Functions {
		f := &read.Functions[i]
		if f.Skipped {
			continue
		}
		if set.ReadsSettings() {
			reads = append(reads, func() { c.readSettings(ctx, f) })
		}
		if set.Has(checks.ReservedConcurrency) {
			reads = append(reads, func() { c.readReserved(ctx, f) })
		}
	}
	parallelN(len(reads), func(i int) { reads[i]() })
	return read
}

// maxCheckedFunctions is the number of functions of a region that the checks read. Lambda allows 15
// such calls a second in a region, and the checks make two for each function.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxCheckedFunctions = 50

// skipFunctions marks the functions of the oldest releases in regions with more functions than the
// checks read.
func skipFunctions(functions []checks.Function) {
	byRegion := map[string][]*checks.Function{}
	for i := range functions {
		f := &functions[i]
		byRegion[f.Region] = append(byRegion[f.Region], f)
	}
	for _, list := range byRegion {
		slices.SortStableFunc(list, func(a, b *checks.Function) int {
			return b.Release.Compare(a.Release)
		})
		for _, f := range list[min(len(list), maxCheckedFunctions):] {
			f.Skipped = true
		}
	}
}

// readLimits reads the limits of Lambda in a region.
func (c Collector) readLimits(ctx context.Context, region *checks.Region) {
	out, err := c.Lambda.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{},
		func(o *lambda.Options) { o.Region = region.Name })
	if err != nil {
		region.Unread = problemOf(ctx, "the limits of Lambda in "+region.Name,
			"lambda:GetAccountSettings", err).problems[0]
		return
	}
	limits := limitsOf(out.AccountLimit)
	if limits == nil {
		region.Unread = audit.Problem{What: "the limits of Lambda in " + region.Name,
			Why: "the answer of AWS has no possible limits", Remedy: incompleteRemedy}
	}
	region.Limits = limits
}

// limitsOf returns the limits in an answer of Lambda, or nil if Lambda cannot have them.
func limitsOf(limit *types.AccountLimit) *checks.Limits {
	if limit == nil || limit.UnreservedConcurrentExecutions == nil {
		return nil
	}
	l := checks.Limits{Total: int(limit.ConcurrentExecutions),
		Unreserved: int(*limit.UnreservedConcurrentExecutions)}
	if l.Unreserved < 0 || l.Unreserved > l.Total {
		return nil
	}
	return &l
}

// readSettings reads the state and the configuration of a function.
func (c Collector) readSettings(ctx context.Context, f *checks.Function) {
	out, err := c.Lambda.GetFunctionConfiguration(ctx,
		&lambda.GetFunctionConfigurationInput{FunctionName: &f.Name},
		func(o *lambda.Options) { o.Region = f.Region })
	if err != nil {
		f.SettingsUnread = problemOf(ctx, "the settings of functions in "+f.Region,
			"lambda:GetFunctionConfiguration", err).problems[0]
		return
	}
	f.Settings = &checks.Settings{State: string(out.State),
		StateReason:          aws.ToString(out.StateReason),
		StateReasonCode:      string(out.StateReasonCode),
		LastUpdate:           string(out.LastUpdateStatus),
		LastUpdateReason:     aws.ToString(out.LastUpdateStatusReason),
		LastUpdateReasonCode: string(out.LastUpdateStatusReasonCode),
		Runtime:              string(out.Runtime), Timeout: int(aws.ToInt32(out.Timeout))}
	if out.EphemeralStorage != nil {
		f.Settings.Disk = int(aws.ToInt32(out.EphemeralStorage.Size))
	}
}

// readReserved reads the reserved concurrency of a function. Lambda answers with an empty object
// for a function without.
func (c Collector) readReserved(ctx context.Context, f *checks.Function) {
	out, err := c.Lambda.GetFunctionConcurrency(ctx,
		&lambda.GetFunctionConcurrencyInput{FunctionName: &f.Name},
		func(o *lambda.Options) { o.Region = f.Region })
	if err != nil {
		f.ReservedUnread = problemOf(ctx, "the reserved concurrency of functions in "+f.Region,
			"lambda:GetFunctionConcurrency", err).problems[0]
		return
	}
	n := out.ReservedConcurrentExecutions
	if n != nil && *n < 0 {
		f.ReservedUnread = audit.Problem{What: "the reserved concurrency of functions in " + f.Region,
			Why: "the answer of AWS has a negative number", Remedy: incompleteRemedy}
		return
	}
	f.ReservedRead = true
	if n != nil {
		reserved := int(*n)
		f.Reserved = &reserved
	}
}
