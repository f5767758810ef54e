package app

import (
	"context"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/collect"
)

// ChangeCounts counts the messages of an event with IAM changes.
type ChangeCounts struct {
	// Relevant is the number of changes that affect or may affect an audited principal.
	Relevant int `json:"touching"`
	// Dropped is the number of messages that start no audit: changes without effect on an audited
	// principal, failed calls and duplicates.
	Dropped int `json:"dropped"`
	// Unreadable is the number of messages that could not be read. An unreadable message starts an
	// audit, because it may contain a relevant change.
	Unreadable int `json:"unreadable"`
}

const (
	// maxReportedChanges is the largest number of IAM changes in a report, maxLoggedChanges the
	// largest number in the log.
	maxReportedChanges = 100
	maxLoggedChanges   = 20
)

// dropIrrelevant removes changes that cannot affect an audited principal. It returns the trigger
// with the other changes, and counts. A change that is not resolved within a short time limit
// counts as relevant.
func (a *App) dropIrrelevant(ctx context.Context, plan collect.Plan,
	all cloudtrail.Batch) (audit.Trigger, ChangeCounts) {
	for _, u := range all.Errors {
		a.Log.ErrorContext(ctx, "unreadable message in the queue of IAM changes", "messageId",
			u.MessageID, "error", u.Err.Error(), "prefix", u.Prefix)
	}
	all = all.InAccount(plan.Account)
	resolving, stop := context.WithTimeout(ctx, sideTaskTimeout)
	defer stop()
	if deadline, ok := ctx.Deadline(); ok {
		resolving, stop = context.WithTimeout(resolving, time.Until(deadline)/4)
		defer stop()
	}
	relevant, problems := a.collector().AffectedBy(resolving, plan, all.Changes)
	for _, p := range problems {
		a.Log.WarnContext(ctx, "resolving affected principals failed", "target", p.Target, "what", p.What,
			"why", p.Why, "grant", p.Grant)
	}
	counts := ChangeCounts{
		Relevant:   len(relevant) + all.More,
		Dropped:    all.Dropped + len(all.Changes) - len(relevant),
		Unreadable: all.Unreadable,
	}
	reported := relevant[:min(len(relevant), maxReportedChanges)]
	trigger := audit.Trigger{By: audit.TriggeredByChanges, Changes: reported,
		More: counts.Relevant - len(reported), Unreadable: all.Unreadable}
	for _, c := range reported[:min(len(reported), maxLoggedChanges)] {
		a.Log.InfoContext(ctx, "change", "eventId", c.ID, "at", c.At, "who", c.ActorWithAddress(), "what",
			c.Description(), "targets", c.Targets, "unsure", c.Unsure)
	}
	if counts.Relevant+counts.Unreadable == 0 {
		var dropped []string
		for _, c := range all.Changes[:min(len(all.Changes), maxLoggedChanges)] {
			dropped = append(dropped, c.Description())
		}
		a.Log.InfoContext(ctx, "IAM changes without effect on an audited principal", "dropped",
			counts.Dropped,
			"what", dropped)
	}
	return trigger, counts
}
