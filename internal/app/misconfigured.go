package app

import (
	"context"
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// misconfigured tells whoever gets the alerts that the configuration is wrong, as one auditor error for as long as
// it is: nothing was looked at, so no gap opens or closes, and no metric is published. What of the configuration can
// be read decides who is told, and what is remembered. The error is the given one, and what else went wrong.
func (a *App) misconfigured(ctx context.Context, place Place, runID string, dryRun bool, wrong error) (Result, error) {
	result := Result{Command: Audit, Account: place.Account, Status: audit.CouldNotLook, DryRun: dryRun}
	err := a.fail(ctx, wrong)
	if dryRun {
		return result, err
	}
	r := audit.Evaluate(audit.Facts{Account: place.Account, Partition: place.Partition, Problems: []audit.Problem{{
		What:   audit.Misconfigured,
		Why:    strings.ReplaceAll(wrong.Error(), "\n", "; "),
		Remedy: "correct it where the auditor is deployed (template.yaml's parameters, or the construct's props), not in the function's environment alone",
	}}})
	r.Run = audit.Run{ID: runID, At: a.now().UTC().Truncate(time.Second), Auditor: a.id()}
	// However often one looks, it is wrong: no second run has to confirm it.
	told := *a
	if told.Config.RepeatAfter == 0 {
		told.Config.RepeatAfter = defaultRepeat
	}
	announcing, stop := a.before(ctx, reserve/2)
	defer stop()
	out, failed := told.announce(announcing, look{report: r, first: &r}, told.ask(ctx, place)(), place)
	a.note(ctx, out, &result)
	a.fail(ctx, failed)
	result.Problems = len(r.Problems)
	return result, err
}
