package app

import (
	"context"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// notifyConfigError tells whoever gets the alerts that the configuration is wrong, as one auditor
// error for as long as it is: nothing was looked at, so no gap opens or closes, and no metric is
// published. What of the configuration can be read decides who is told, and what is remembered. The
// error is the given one, and what else went wrong.
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
			Remedy: "correct it where the auditor is deployed (template.yaml's parameters, or the " +
				"construct's props), not in the function's environment alone",
		}}})
	r.Run = audit.Run{ID: runID, At: a.now().UTC().Truncate(time.Second), Auditor: a.id()}
	// However often one looks, it is wrong: no second run has to confirm it.
	told := *a
	if told.Config.RepeatAfter == 0 {
		told.Config.RepeatAfter = defaultRepeat
	}
	announcing, stop := a.withReserve(ctx, reserve/2)
	defer stop()
	out, failed := told.deliver(announcing, auditResult{report: r, first: &r},
		told.loadAlertInputs(ctx, place)(), place)
	a.logDelivery(ctx, out, &result)
	a.fail(ctx, failed)
	result.Problems = len(r.Problems)
	return result, err
}
