package checks

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

var concurrencyQuota = Check{
	ID:      ConcurrencyQuota,
	Subject: "quotas",
	Fails: "critical if the concurrent executions that are left in a region are not enough for the " +
		"smallest render; medium if a long render with the defaults of Remotion needs more",
	Reads:  []string{"lambda:GetAccountSettings"},
	Source: "https://www.remotion.dev/docs/lambda/troubleshooting/rate-limit",
	judge:  judgeConcurrencyQuota,
}

// The releases in which a render changed what it takes.
const (
	// rendersDirectlySince is the first release that renders in the launch invocation if the caller
	// sets concurrency to 1. Earlier releases always invoke a further function.
	rendersDirectlySince = "4.0.517"
	// concurrencySince is the first checked release with the option concurrency. Earlier releases have
	// framesPerLambda only.
	concurrencySince = "4.0.323"
	// streamsSince is the first release that invokes the functions of a render synchronously. Earlier
	// releases invoke them asynchronously, so that Lambda delays what exceeds the quota.
	// https://www.remotion.dev/docs/lambda/how-lambda-works
	streamsSince = "4.0.165"
)

// FramesPerFunction returns the number of frames that each function of a render gets if the caller
// sets neither framesPerLambda nor concurrency. All releases have the same formula: 20 frames or
// more for each function, and from 75 functions for the shortest video to 150 for 10 minutes.
// https://www.remotion.dev/docs/lambda/concurrency
func FramesPerFunction(frames int) int {
	concurrency := 75 + float64(min(frames, longRender))/longRender*75
	each := math.Max(float64(frames)/concurrency, 20)
	functions := math.Ceil(float64(frames) / each)
	return int(math.Ceil(float64(frames) / functions))
}

// longRender is the number of frames from which the number of functions does not rise: 10 minutes
// at 30 frames per second.
const longRender = 18_000

// executions returns the concurrent executions that a default render of some frames takes: its
// functions, and the one that launches them.
func executions(frames int) int {
	each := FramesPerFunction(frames)
	return (frames+each-1)/each + 1
}

// mostExecutions is the largest number of executions that a default render takes. A long video has
// 150 functions, and 151 where the formula rounds the quotient of floating-point numbers up: the
// first time at 19,207 frames.
const mostExecutions = 152

// framesWithin returns the largest number of frames with which each default render, also a shorter
// one, takes at most some executions.
func framesWithin(available int) int {
	for frames := 1; frames <= 2*longRender; frames++ {
		if executions(frames) > available {
			return frames - 1
		}
	}
	return 2 * longRender
}

// leastExecutions returns the executions that the smallest render of a release takes: the launch
// and one function, or the launch alone. An unknown release is judged as the newest one.
func leastExecutions(r policies.Release) int {
	if r != (policies.Release{}) && r.Before(rendersDirectlySince) {
		return 2
	}
	return 1
}

func judgeConcurrencyQuota(j *judge, c Check) {
	if len(j.Regions) == 0 {
		j.notChecked(c.Subject)
	}
	for _, region := range j.Regions {
		f := j.finding(c, "region/"+region.Name, "lambda:InvokeFunction",
			j.arn("servicequotas", region.Name, policies.QuotaResource), region.Name)
		f.Reason = "runs the functions of a render at the same time"
		f.Impact = "renders are throttled (TooManyRequestsException)"
		f.Breakage, f.Severity, f.Stops = policies.Hard, policies.Critical, policies.Renders
		var functions []audit.Function
		for _, fn := range j.Functions {
			if fn.Region == region.Name && fn.Reserved == nil {
				functions = append(functions, fn.Function)
			}
		}
		f.Releases = releaseNames(functions)
		if region.Limits == nil {
			j.addUnread(f, region.Unread)
			continue
		}
		if functions == nil { // ReservedConcurrency judges them
			f.Notes = append(f.Notes, "all functions of Remotion have reserved concurrency")
			j.add(f)
			continue
		}
		l := *region.Limits
		all := capacity{available: l.Unreserved, functions: functions, of: fmt.Sprintf(
			"%s leaves %s for functions without reserved concurrency (quota %d, reserved %d)",
			region.Name, textfmt.Plural(l.Unreserved, "concurrent execution"), l.Total,
			l.Total-l.Unreserved)}
		all.judge(j, &f)
		if f.Status.Gap() {
			f.Remedy += "raise the quota of concurrent executions"
			if l.Total > l.Unreserved {
				f.Remedy += ", or release reserved concurrency of other functions"
			}
			f.Command = textfmt.ShellWords("aws", "service-quotas", "request-service-quota-increase",
				"--region", region.Name, "--service-code", "lambda", "--quota-code",
				strings.TrimPrefix(policies.QuotaResource, "lambda/"), "--desired-value",
				strconv.Itoa(wantedQuota(l.Total)))
			f.Notes = append(f.Notes, "in an organization, the first request for a higher quota can "+
				"need iam:CreateServiceLinkedRole for servicequotas.amazonaws.com")
		}
		j.add(f)
	}
}

// wantedQuota returns the quota to request: AWS's default, or more if the account has it already.
func wantedQuota(total int) int {
	const byDefault = 1000
	if total < byDefault {
		return byDefault
	}
	return total + byDefault
}

// capacity is a number of concurrent executions that some functions share.
type capacity struct {
	available int
	functions []audit.Function
	// of says where the number comes from, as a sentence without a full stop.
	of string
}

// judge judges whether renders get the executions that they take, and notes the functions that it
// stops.
func (c capacity) judge(j *judge, f *audit.Finding) {
	least, most := math.MaxInt, 0
	for _, fn := range c.functions {
		least, most = min(least, leastExecutions(fn.Release)), max(most, leastExecutions(fn.Release))
	}
	options, delayed := c.options()
	switch {
	case c.available < most:
		f.Status, f.Cause = audit.Denied, audit.Quota
		f.Why = fmt.Sprintf("%s, and a render takes at least %d", c.of, most)
		if c.available >= least {
			f.Why += " with a release before " + rendersDirectlySince
		}
	case c.available >= mostExecutions:
		return
	case c.available == 1:
		f.Status, f.Cause, f.Severity = audit.Conditional, audit.Quota, policies.Medium
		f.Stops = policies.Renders
		f.Why = c.of + ", and only a render with concurrency 1 takes no more"
		f.Impact = "renders fail (TooManyRequestsException) unless they set concurrency to 1"
		f.Remedy = "set concurrency to 1 in renderMediaOnLambda() (--concurrency), or "
	default:
		frames := framesWithin(c.available)
		f.Status, f.Cause, f.Severity = audit.Conditional, audit.Quota, policies.Medium
		f.Stops = policies.SomeRenders
		f.Why = fmt.Sprintf("%s, and by default a render of more than %d frames can take more (at most "+
			"%d)", c.of, frames, mostExecutions)
		f.Impact = fmt.Sprintf("renders of more than %d frames fail (TooManyRequestsException) unless "+
			"they set %s", frames, options)
		if delayed {
			f.Impact = fmt.Sprintf("renders of more than %d frames are throttled, so that they take longer "+
				"or fail, unless they set %s", frames, options)
		}
		functions := c.available - 1
		f.Remedy = fmt.Sprintf("set framesPerLambda to at least the frames of the video divided by %d, "+
			"or ", functions)
		if options != "framesPerLambda" {
			f.Remedy = fmt.Sprintf("set concurrency to at most %d in renderMediaOnLambda() "+
				"(--concurrency), or framesPerLambda to at least the frames of the video divided by %d, or ",
				functions, functions)
		}
	}
	for _, fn := range c.functions {
		if c.available < leastExecutions(fn.Release) || c.available == 1 {
			j.limited[function{fn.Region, fn.Name}] = true
		}
		if c.available < leastExecutions(fn.Release) {
			j.stopped[function{fn.Region, fn.Name}] = true
		}
	}
}

// options returns the options of all releases that limit the functions of a render. delayed is true
// if a release invokes them asynchronously.
func (c capacity) options() (options string, delayed bool) {
	options = "concurrency or framesPerLambda"
	for _, fn := range c.functions {
		if fn.Known() && fn.Release.Before(concurrencySince) {
			options = "framesPerLambda"
		}
		delayed = delayed || fn.Known() && fn.Release.Before(streamsSince)
	}
	return options, delayed
}

// releaseNames returns the names of the known releases of functions, oldest first.
func releaseNames(functions []audit.Function) (names []string) {
	var releases []policies.Release
	for _, fn := range functions {
		if fn.Known() {
			releases = append(releases, fn.Release)
		}
	}
	for _, r := range policies.Ordered(releases) {
		names = textfmt.AppendNew(names, r.Name())
	}
	return names
}
