package app

import (
	"context"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// notifyConfigError sends an alert about a wrong configuration, as one auditor error until it is
// corrected. Nothing is audited, so no gap opens or closes and no metric is published. The valid
// part of the configuration decides the topic and the state. It returns the given error and further
// ones.
func (a *App) notifyConfigError(ctx context.Context, place Location, runID string, dryRun bool,
	wrong error) (RunResult, error) {
	result := RunResult{Command: Audit, Account: place.Account, Status: audit.StatusUnverified,
		DryRun: dryRun}
	err := a.fail(ctx, wrong)
	if dryRun {
		return result, err
	}
	r := audit.Evaluate(audit.Facts{Account: place.Account, Partition: place.Partition,
		Problems: []audit.Problem{{
			What: audit.ProblemConfiguration,
			Why:  strings.ReplaceAll(wrong.Error(), "\n", "; "),
			Remedy: "correct the parameter of the CloudFormation stack, or the property of the CDK " +
				"construct: the next deployment overwrites the function's environment",
		}}})
	r.Run = audit.Run{ID: runID, At: a.now().UTC().Truncate(time.Second), Auditor: a.id()}
	// A configuration error is certain, so it needs no second run to confirm it.
	notifier := *a
	if notifier.Config.RepeatAfter == 0 {
		notifier.Config.RepeatAfter = defaultRepeat
	}
	announcing, stop := a.withReserve(ctx, reserve/2)
	defer stop()
	out, failed := notifier.deliver(announcing, auditResult{report: r, firstAttempt: &r},
		notifier.loadAlertInputs(ctx, place)(), place)
	a.logDelivery(ctx, out, &result)
	_ = a.fail(ctx, failed) // the log has it; the configuration error is returned
	result.Problems = len(r.Problems)
	return result, err
}
