package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/checks"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// reserve is the time before the deadline that is kept for the alert and the metrics, but at most
// half of the time until the deadline: see withReserve.
const reserve = 10 * time.Second

// judgeReserve is the time between the end of the reads and the end of the judgement, but at most
// half of the time until the deadline: targets whose reads the deadline ended are judged in it. The
// judge evaluates the other targets while the collector reads.
const judgeReserve = 5 * time.Second

// App runs audits.
type App struct {
	Config Config
	Clients
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Installed is the release in the project of the user of the command; nil for none. With
	// REMOTION_VERSION=auto, the account is also judged by it.
	Installed *policies.Release
	// UpgradeTo is the release of a planned upgrade; nil for none.
	UpgradeTo *policies.Release
	// Organization are the service control policies of the account if they are known.
	Organization [][]iampolicy.Policy
	// ResourceControl are the resource control policies of the account if they are known.
	ResourceControl [][]iampolicy.Policy
	// OrganizationID returns the id of the account's organization; nil leaves it unknown. The client
	// of AWS Organizations would make the function larger, so only the command sets it.
	OrganizationID func(context.Context) (string, error)
	// Organizations reads the policies of the organization; nil leaves them unread.
	Organizations collect.OrganizationReader
	// Function is the name of the Lambda function, empty for the command.
	Function string
	// ConfigError is the error of ConfigFromEnv; nil for none. With an error, the function audits
	// nothing and sends an alert about the error.
	ConfigError error

	// beforeNeed runs before the judgement of each need; nil does nothing. Tests use it to take
	// virtual time.
	beforeNeed func()
}

// RunResult is what the function returns.
type RunResult struct {
	Command Command            `json:"command"`
	Status  audit.ReportStatus `json:"status,omitempty"`
	Account string             `json:"account"`
	// Summary and Problems come from the report. A test alert has none.
	*audit.Summary
	Problems int `json:"problems,omitempty"`
	// Announced is true if an alert was sent, Measured if the metrics were published. Reasons are the
	// reasons of the alert.
	Announced bool           `json:"announced"`
	Measured  bool           `json:"measured"`
	Reasons   []alert.Reason `json:"events,omitempty"`
	// StateErrors is the number of errors of the evidence bucket.
	StateErrors int `json:"stateErrors,omitempty"`
	// Subscriptions are the subscriptions of the topic, for a test alert.
	Subscriptions []alert.Subscription `json:"subscriptions,omitempty"`
	DryRun        bool                 `json:"dryRun"`
	// Changes counts the IAM changes of an event; nil for other events. If none of them is relevant,
	// there was no audit and Status is empty.
	Changes *ChangeCounts `json:"changes,omitempty"`
}

// Location is where an audit runs: account, partition and home region.
type Location struct {
	Account, Partition, Region string
}

// ParseFunctionARN returns the location in the ARN of the invoked function.
func ParseFunctionARN(functionARN string) (Location, error) {
	a, ok := arn.Parse(functionARN)
	if !ok || a.Account == "" || a.Region == "" {
		return Location{}, fmt.Errorf("the ARN of the invoked function, %q, has no account or region",
			functionARN)
	}
	return Location{Account: a.Account, Partition: a.Partition, Region: a.Region}, nil
}

// Plan returns the collector's plan for a location. Its error names the environment variable.
func (c Config) Plan(p Location) (collect.Plan, error) {
	if err := policies.ValidatePartition(p.Partition); err != nil {
		return collect.Plan{}, err
	}
	release, err := c.RemotionVersion.Release.In(p.Partition)
	if err != nil {
		return collect.Plan{}, fmt.Errorf("REMOTION_VERSION: %w", err)
	}
	regions, further := c.Regions.SplitAt(p)
	for _, region := range regions {
		if !isRegion(p.Partition, region) {
			return collect.Plan{},
				fmt.Errorf("REGIONS: %s is not a region of Remotion Lambda in partition %s: set the regions "+
					"to audit", region, p.Partition)
		}
	}
	plan := collect.Plan{
		Account: p.Account, Partition: p.Partition,
		Regions: regions, Further: further, OnlyWithFunctions: !c.Regions.all(),
		Release: release, Requested: c.RemotionVersion.Requested,
		Buckets: c.Buckets, Assumed: map[string][]string(c.AssumedContext),
		RenderRoles: []string{string(c.RenderRole)}, Named: c.ReadScope.named(),
	}
	for _, caller := range c.Callers {
		a, isARN := arn.Parse(caller.ARN)
		if isARN && a.Account != p.Account {
			return collect.Plan{},
				fmt.Errorf("CALLERS: %s is in account %s, but this audit runs in account %s: remove the "+
					"caller, or audit it with credentials of its account", caller.Name, a.Account,
					p.Account)
		}
		if isARN && a.Partition != p.Partition {
			return collect.Plan{},
				fmt.Errorf("CALLERS: %s is in partition %s, but this audit runs in partition %s: remove the "+
					"caller, or audit it with credentials of its account", caller.Name, a.Partition, p.Partition)
		}
		plan.Callers = append(plan.Callers, caller)
	}
	return plan, nil
}

// Report audits the location once and publishes nothing. At the context's deadline it returns the
// results so far. The reads end earlier than the judgement: see judgeReserve.
func (a *App) Report(ctx context.Context, p Location, runID string) (audit.Report, error) {
	i, err := a.Inspect(ctx, p, runID, Inspection{})
	return i.Report, err
}

// An Inspection limits an audit to some targets, and asks AWS's simulator further requests. Inspect
// sets Report, and Facts with the targets if Select is set.
type Inspection struct {
	// Select and Ask are those of collect.Plan; nil for none.
	Select func(targets []audit.TargetFacts) []int
	Ask    func(t audit.TargetFacts, releases []policies.Release) []needs.SimulationRequest

	// Known returns earlier documents of a target with gaps, for an undo; nil for none.
	Known func(audit.TargetFacts) []remedy.Known
	// Changes are the IAM changes that started the run.
	Changes []audit.IAMChange

	Report audit.Report
	Facts  audit.Facts

	// documents gets the documents of satisfied targets; nil for none.
	documents *evidence.DocumentRun
}

// Inspect audits the targets that an inspection selects, as Report does, and keeps their facts. All
// documents of these targets are in memory at the same time.
func (a *App) Inspect(ctx context.Context, p Location, runID string,
	i Inspection) (Inspection, error) {
	plan, err := a.Config.Plan(p)
	if err != nil {
		return i, err
	}
	plan.Select, plan.Ask = i.Select, i.Ask
	plan.Organization, plan.ResourceControl = a.Organization, a.ResourceControl
	plan.SeenRegions = sync.OnceValue(func() []string { return a.seenRegions(ctx, p) })
	plan.ListUsers = a.Function == ""
	if a.Installed != nil {
		installed, err := a.Installed.In(p.Partition)
		if err != nil {
			return i, err
		}
		plan.Installed = &installed
	}
	if a.UpgradeTo != nil {
		to, err := a.UpgradeTo.In(p.Partition)
		if err != nil {
			return i, err
		}
		to = to.Newest()
		plan.UpgradeTo = &to
	}
	started := a.now()
	outOfTime := func() bool {
		if a.beforeNeed != nil {
			a.beforeNeed()
		}
		return ctx.Err() != nil
	}
	reads, stop := a.withReserve(ctx, judgeReserve)
	defer stop()
	collector := a.collector()
	facts, targets := collector.Collect(reads, plan)
	checked := make(chan audit.CheckResult, 1)
	go func() { checked <- a.check(reads, collector, facts, i.Select == nil) }()
	judge := audit.NewJudge(facts, outOfTime)
	judge.Known, judge.Changes = i.Known, i.Changes
	kept := map[int]audit.TargetFacts{}
	for index, t := range targets {
		judge.Add(index, t)
		if i.documents != nil {
			i.addDocuments(t, judge.Satisfied(index), started)
		}
		if i.Select != nil {
			kept[index] = t
		}
	}
	i.Facts = facts
	for _, index := range slices.Sorted(maps.Keys(kept)) {
		i.Facts.Targets = append(i.Facts.Targets, kept[index])
	}
	judge.Checked(<-checked)
	i.Report = judge.Report()
	i.Report.Run = audit.Run{ID: runID, At: started.UTC().Truncate(time.Second), Auditor: a.id(),
		Version: releaseVersion()}
	return i, nil
}

// check reads and judges what the checks of the configuration are about, while the collector reads
// the targets. Without read, it makes no check.
func (a *App) check(ctx context.Context, c collect.Collector, facts audit.Facts,
	read bool) audit.CheckResult {
	set := a.Config.Checks.Set
	if !read {
		return checks.Judge(nil, set)
	}
	return checks.Judge(c.Checks(ctx, facts, set), set)
}

// collector returns a collector with the clients of the run.
func (a *App) collector() collect.Collector {
	return collect.Collector{Organizations: a.Organizations, IAM: a.IAM, Lambda: a.Lambda, STS: a.STS,
		OrganizationID: a.OrganizationID, Throttled: a.Throttled}
}

// Handle is the Lambda handler. It makes one run for one event. Gaps are not an error. A run that
// fails returns an error.
func (a *App) Handle(ctx context.Context, raw json.RawMessage) (RunResult, error) {
	event, err := ParseEvent(raw)
	if err != nil {
		return RunResult{}, a.fail(ctx, err)
	}
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return RunResult{},
			a.fail(ctx, errors.New("no Lambda context: the handler must be invoked by Lambda"))
	}
	place, err := ParseFunctionARN(lc.InvokedFunctionArn)
	if err != nil {
		return RunResult{}, a.fail(ctx, err)
	}
	if event.Command == TestAlert {
		if a.ConfigError != nil {
			return RunResult{Command: TestAlert, Account: place.Account}, a.fail(ctx, a.ConfigError)
		}
		return a.testAlert(ctx, event, place)
	}
	// Plan finds errors that depend on the location, such as the ARN of another account.
	plan, configErr := a.Config.Plan(place)
	if configErr = cmp.Or(a.ConfigError, configErr); configErr != nil {
		return a.notifyConfigError(ctx, place, lc.AwsRequestID, event.DryRun, configErr)
	}
	for _, c := range a.Config.Sessions() {
		a.Log.InfoContext(ctx, "session audited as its role", "role", c.Name, "session", c.Session)
	}
	started, throttled := a.now(), a.Throttled()
	result := RunResult{Command: Audit, Account: place.Account, DryRun: event.DryRun}
	trigger := audit.Trigger{By: event.By}
	if event.Changes != nil {
		var counts ChangeCounts
		trigger, counts = a.dropIrrelevant(ctx, plan, *event.Changes)
		result.Changes = &counts
		if counts.Relevant+counts.Unreadable == 0 {
			return result, nil
		}
	}
	waitForInputs := func() alertInputs { return alertInputs{} }
	if !event.DryRun {
		waitForInputs = a.loadAlertInputs(ctx, place)
	}
	audited, err := a.runAudit(ctx, place, lc.AwsRequestID, trigger.Changes)
	s := waitForInputs()
	if err != nil {
		return RunResult{}, a.fail(ctx, err)
	}
	audited.report.Run.Trigger = &trigger
	r := audited.report
	if !event.DryRun {
		r, err = a.notify(ctx, audited, s, place, throttled, &result)
	}
	result.Status, result.Summary, result.Problems = r.Status, &r.Summary, len(r.Problems)
	for _, p := range r.Problems {
		a.Log.WarnContext(ctx, "read failed", "target", p.Target, "what", p.What, "why", p.Why,
			"grant", p.Grant)
	}
	for _, n := range r.Notices {
		a.Log.InfoContext(ctx, "notice", "kind", n.Kind, "target", n.Target, "text", n.Text)
	}
	for _, g := range report.Gaps(r) {
		a.Log.WarnContext(ctx, "gap", "target", g.Target, "status", g.Status, "severity",
			g.Severity.String(),
			"cause", g.Cause, "actions", g.Actions(), "examples", g.Examples(), "why", g.Why)
	}
	a.Log.InfoContext(ctx, "audit done", "status", r.Status, "requirements", r.Summary.Requirements,
		"gaps", r.Summary.Gaps, "muted", r.Summary.GapsMuted, "unverified", r.Summary.Unverified,
		"announced", result.Announced,
		"trigger", trigger.By, "changes", len(trigger.Changes)+trigger.More, "took",
		a.now().Sub(started).String())
	return result, a.fail(ctx, err)
}

// auditResult holds the reports of a run.
type auditResult struct {
	report audit.Report
	// firstAttempt is the report of the first attempt if report is from a second attempt; else nil.
	firstAttempt *audit.Report
	// documents are those of the satisfied targets; nil without an evidence bucket.
	documents *evidence.DocumentRun
}

// runAudit audits the account. It repeats an incomplete audit once if there is time. A failure in
// both attempts is reported at once, and a failure that the second attempt does not repeat is not
// reported.
func (a *App) runAudit(ctx context.Context, place Location, runID string,
	changes []audit.IAMChange) (auditResult, error) {
	ctx, stop := a.withReserve(ctx, reserve)
	defer stop()
	started := time.Now()
	first, err := a.inspectWithDocuments(ctx, place, runID, changes)
	if r := first.report; err != nil || !r.MayImprove() || !r.Completed() {
		return first, err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*time.Since(started) {
		return first, nil
	}
	again, err := a.inspectWithDocuments(ctx, place, runID, changes)
	again.firstAttempt = &first.report
	return again, err
}

// flags returns the flags of `remotion-audit audit` for this configuration, without callers and
// regions.
func (c Config) flags() (list []string) {
	add := func(flag, value string) {
		if value != "" {
			list = append(list, flag, value)
		}
	}
	if c.RenderRole != policies.RoleName {
		add("--render-role", string(c.RenderRole))
	}
	if c.RemotionVersion.Requested != "auto" {
		add("--remotion-version", c.RemotionVersion.Requested)
	}
	add("--buckets", c.Buckets.String())
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(c.AssumedContext)) {
		for _, value := range c.AssumedContext[key] {
			pairs = append(pairs, key+"="+value)
		}
	}
	add("--context", strings.Join(pairs, ","))
	if !c.Checks.IsAll() {
		add("--checks", c.Checks.String())
	}
	if c.ReadScope.named() {
		add("--read-scope", string(c.ReadScope))
	}
	return list
}

// withReserve returns a context that ends earlier than ctx: by the time keep, or by half of the
// remaining time if that is less. If ctx has no deadline, the returned context has none, either.
func (a *App) withReserve(ctx context.Context,
	keep time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	remaining := time.Until(deadline)
	return context.WithTimeout(ctx, remaining-min(keep, remaining/2))
}

// fail logs an error and returns it, so that Lambda reports it. Errors are logged only here.
func (a *App) fail(ctx context.Context, err error) error {
	if err != nil {
		a.Log.ErrorContext(ctx, "run failed", "error", err.Error())
	}
	return err
}

func (a *App) now() time.Time {
	if a.Now != nil {
		return a.Now()
	}
	return time.Now()
}

func (a *App) id() string {
	switch {
	case a.Config.AuditorID != "":
		return string(a.Config.AuditorID)
	case a.Function != "":
		return a.Function
	}
	return "remotion-audit"
}
