package app

import (
	"context"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/collect"
)

// ChangeCounts counts the messages of an event about IAM.
type ChangeCounts struct {
	// Touching are changes that touch an audited principal, or may.
	Touching int `json:"touching"`
	// Dropped are all others: changes that touch nobody audited, calls that failed, what was told
	// twice.
	Dropped int `json:"dropped"`
	// Unreadable are messages that nobody can read. What they tell might touch somebody: they are
	// audited for.
	Unreadable int `json:"unreadable"`
}

const (
	// maxReportedChanges is how many changes a report keeps, and maxLogged how many the log names.
	maxReportedChanges = 100
	maxLoggedChanges   = 20
)

// dropIrrelevant drops the changes that touch nobody whom the plan audits. Whom the others touch is
// asked in little time: what is not known by then counts as touching.
func (a *App) dropIrrelevant(ctx context.Context, plan collect.Plan,
	all cloudtrail.Batch) (audit.Trigger, ChangeCounts) {
	for _, u := range all.Why {
		a.Log.ErrorContext(ctx, "a message of the queue cannot be read", "messageId", u.Message, "error",
			u.Err.Error(), "begins", u.Begins)
	}
	all = all.Of(plan.Account)
	asking, stop := context.WithTimeout(ctx, sideTaskTimeout)
	defer stop()
	if deadline, ok := ctx.Deadline(); ok {
		asking, stop = context.WithTimeout(asking, time.Until(deadline)/4)
		defer stop()
	}
	touching, problems := collect.Collector{IAM: a.IAM, Lambda: a.Lambda}.AffectedBy(asking, plan,
		all.Changes)
	for _, p := range problems {
		a.Log.WarnContext(ctx, "could not look up whom changes touch", "target", p.Target, "what", p.What,
			"why", p.Why, "grant", p.Grant)
	}
	counts := ChangeCounts{
		Touching:   len(touching) + all.More,
		Dropped:    all.Dropped + len(all.Changes) - len(touching),
		Unreadable: all.Unreadable,
	}
	told := touching[:min(len(touching), maxReportedChanges)]
	trigger := audit.Trigger{By: audit.TriggeredByChanges, Changes: told,
		More: counts.Touching - len(told), Unreadable: all.Unreadable}
	for _, c := range told[:min(len(told), maxLoggedChanges)] {
		a.Log.InfoContext(ctx, "change", "eventId", c.ID, "at", c.At, "who", c.ActorWithAddress(), "what",
			c.Description(), "targets", c.Targets, "unsure", c.Unsure)
	}
	if counts.Touching+counts.Unreadable == 0 {
		var what []string
		for _, c := range all.Changes[:min(len(all.Changes), maxLoggedChanges)] {
			what = append(what, c.Description())
		}
		a.Log.InfoContext(ctx, "changes dropped: they touch nobody audited", "dropped", counts.Dropped,
			"what", what)
	}
	return trigger, counts
}
