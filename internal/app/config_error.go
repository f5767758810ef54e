package app

import (
	"context"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// notifyConfigError sends an alert about a wrong configuration, as one auditor error until the
// configuration is corrected. Nothing is audited, so no gap opens or closes and no metric is
// published. The topic and the bucket come from the valid part of the configuration.
// notifyConfigError logs the errors of the alert and returns the given error.
func (a *App) notifyConfigError(ctx context.Context, place Location, runID string, dryRun bool,
	configErr error) (RunResult, error) {
	result := RunResult{Command: Audit, Account: place.Account, Status: audit.StatusUnverified,
		DryRun: dryRun}
	err := a.fail(ctx, configErr)
	if dryRun {
		return result, err
	}
	r := audit.Evaluate(audit.Facts{Account: place.Account, Partition: place.Partition,
		Problems: []audit.Problem{{
			What: audit.ProblemConfiguration,
			Why:  strings.ReplaceAll(configErr.Error(), "\n", "; "),
			Remedy: "correct the parameter of the CloudFormation stack, or the property of the CDK " +
				"construct: the next deployment overwrites the function's environment",
		}}})
	r.Run = audit.Run{ID: runID, At: a.now().UTC().Truncate(time.Second), Auditor: a.id(),
		Version: releaseVersion()}
	// RepeatAfter is zero if REPEAT_AFTER is invalid. Zero would send the alert again on every run.
	notifier := *a
	if notifier.Config.RepeatAfter == 0 {
		notifier.Config.RepeatAfter = defaultRepeat
	}
	alertCtx, stop := a.withReserve(ctx, reserve/2)
	defer stop()
	out, failed := notifier.deliver(alertCtx,
		// A configuration error is certain. As its own first attempt, it needs no second run.
		auditResult{report: r, firstAttempt: &r},
		notifier.loadAlertInputs(ctx, place)(), place)
	a.recordDelivery(ctx, out, &result)
	_ = a.fail(ctx, failed) // only logged: the configuration error is returned
	result.Problems = len(r.Problems)
	return result, err
}
