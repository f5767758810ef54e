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
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// reserve is the time kept from the deadline for announcing and metrics. A short timeout keeps
// half.
const reserve = 10 * time.Second

// App runs audits.
type App struct {
	Config Config
	Clients
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// UpgradeTo is a release to look ahead to; nil for none.
	UpgradeTo *policies.Release
	// Function is the name of the Lambda function, empty for the command.
	Function string
	// ConfigError is what is wrong with Config, nil for nothing: then nothing is audited, and that is
	// told.
	ConfigError error
}

// RunResult is what the function returns.
type RunResult struct {
	Command Command            `json:"command"`
	Status  audit.ReportStatus `json:"status,omitempty"`
	Account string             `json:"account"`
	// Summary and Problems are those of the report; a test alert has none.
	*audit.Summary
	Problems int `json:"problems,omitempty"`
	// Announced says that a message was published, Measured that the metrics were. Events are why
	// there was something to announce.
	Announced bool           `json:"announced"`
	Measured  bool           `json:"measured"`
	Reasons   []alert.Reason `json:"events,omitempty"`
	// StateErrors counts what went wrong with the evidence bucket.
	StateErrors int `json:"stateErrors,omitempty"`
	// Subscriptions are the topic's, of a test alert.
	Subscriptions []alert.Subscription `json:"subscriptions,omitempty"`
	DryRun        bool                 `json:"dryRun"`
	// Changes counts what an event about IAM told; nil for another event. If there was nothing to
	// audit for, there is no Status.
	Changes *ChangeCounts `json:"changes,omitempty"`
}

// Location is where an audit runs: account, partition and home region.
type Location struct {
	Account, Partition, Region string
}

// ParseFunctionARN reads a place from the ARN of the invoked function.
func ParseFunctionARN(functionARN string) (Location, error) {
	a, err := arn.Parse(functionARN)
	if err != nil || a.AccountID == "" || a.Region == "" {
		return Location{}, fmt.Errorf("the invoked function's ARN %q does not tell account and region",
			functionARN)
	}
	return Location{Account: a.AccountID, Partition: a.Partition, Region: a.Region}, nil
}

// Plan says what to collect in a place.
func (c Config) Plan(p Location) (collect.Plan, error) {
	if err := policies.ValidatePartition(p.Partition); err != nil {
		return collect.Plan{}, err
	}
	release, err := c.RemotionVersion.Release.In(p.Partition)
	if err != nil {
		return collect.Plan{}, fmt.Errorf("REMOTION_VERSION: %w", err)
	}
	regions, further := c.Regions.In(p)
	for _, region := range regions {
		if !isRegion(p.Partition, region) {
			return collect.Plan{},
				fmt.Errorf("REGIONS: %s is not a region of Remotion Lambda in partition %s: name the regions "+
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
		if caller.Account != "" && caller.Account != p.Account {
			return collect.Plan{},
				fmt.Errorf("CALLERS: %s is of account %s, and this is %s: audit it from there", caller.Name,
					caller.Account, p.Account)
		}
		plan.Callers = append(plan.Callers, caller.Caller)
	}
	return plan, nil
}

// Report audits the place once, and publishes nothing. It ends by the context's deadline with what
// is known by then.
func (a *App) Report(ctx context.Context, p Location, runID string) (audit.Report, error) {
	plan, err := a.Config.Plan(p)
	if err != nil {
		return audit.Report{}, err
	}
	if a.UpgradeTo != nil {
		to, err := a.UpgradeTo.In(p.Partition)
		if err != nil {
			return audit.Report{}, err
		}
		plan.UpgradeTo = &to
	}
	started := a.now()
	r := audit.Evaluate(collect.Collector{IAM: a.IAM, Lambda: a.Lambda,
		Throttled: a.Throttled}.Collect(ctx, plan))
	r.Run = audit.Run{ID: runID, At: started.UTC().Truncate(time.Second), Auditor: a.id()}
	return r, nil
}

// Handle is the Lambda handler: one event, one run. Gaps are no error; the run's own failures are.
func (a *App) Handle(ctx context.Context, raw json.RawMessage) (RunResult, error) {
	event, err := ParseEvent(raw)
	if err != nil {
		return RunResult{}, a.fail(ctx, err)
	}
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return RunResult{},
			a.fail(ctx, errors.New("not invoked by Lambda: there is no context to tell the account"))
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
	// some of what is wrong only the place shows: another account's ARN
	plan, wrong := a.Config.Plan(place)
	if wrong = cmp.Or(a.ConfigError, wrong); wrong != nil {
		return a.notifyConfigError(ctx, place, lc.AwsRequestID, event.DryRun, wrong)
	}
	started, throttled := a.now(), a.Throttled()
	result := RunResult{Command: Audit, Account: place.Account, DryRun: event.DryRun}
	trigger := audit.Trigger{By: event.By}
	if event.Changes != nil {
		var counts ChangeCounts
		trigger, counts = a.dropIrrelevant(ctx, plan, *event.Changes)
		result.Changes = &counts
		if counts.Touching+counts.Unreadable == 0 {
			return result, nil
		}
	}
	asked := func() alertInputs { return alertInputs{} }
	if !event.DryRun {
		asked = a.loadAlertInputs(ctx, place)
	}
	l, err := a.runAudit(ctx, place, lc.AwsRequestID)
	s := asked()
	if err != nil {
		return RunResult{}, a.fail(ctx, err)
	}
	l.report.Run.Trigger = &trigger
	r := l.report
	if !event.DryRun {
		r, err = a.notify(ctx, l, s, place, throttled, &result)
	}
	result.Status, result.Summary, result.Problems = r.Status, &r.Summary, len(r.Problems)
	for _, p := range r.Problems {
		a.Log.WarnContext(ctx, "could not look", "target", p.Target, "what", p.What, "why", p.Why,
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

// A look is what a run saw.
type auditResult struct {
	report audit.Report
	// first is the report before, if that was blind and there was time to look again; else nil.
	first *audit.Report
}

// runAudit audits. What could not be learnt is asked once more, so that a passing failure is not
// announced and a lasting one is, without waiting for the next run.
func (a *App) runAudit(ctx context.Context, place Location, runID string) (auditResult, error) {
	ctx, stop := a.withReserve(ctx, reserve)
	defer stop()
	started := time.Now()
	r, err := a.Report(ctx, place, runID)
	if err != nil || !r.Unverified() || !r.Completed() {
		return auditResult{report: r}, err
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*time.Since(started) {
		return auditResult{report: r}, nil
	}
	again, err := a.Report(ctx, place, runID)
	return auditResult{report: again, first: &r}, err
}

// flags are those of `remotion-audit audit` that make it audit as this configuration does, beyond
// callers and regions.
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
	add("--buckets", strings.Join(c.Buckets, ","))
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(c.AssumedContext)) {
		for _, value := range c.AssumedContext[key] {
			pairs = append(pairs, key+"="+value)
		}
	}
	add("--assumed-context", strings.Join(pairs, ","))
	if c.ReadScope.named() {
		add("--read-scope", string(c.ReadScope))
	}
	return list
}

// withReserve ends a context some time before its deadline: that long, or half of what is left if
// that is less. A context without a deadline gets none.
func (a *App) withReserve(ctx context.Context,
	keep time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(keep, left/2))
}

// fail logs an error, once and here, and returns it for Lambda to report.
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
