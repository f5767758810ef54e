package app

import (
	"context"
	"slices"
	"sync"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/collect"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// ReportWithFixes audits the account as Report does. For each target with gaps, it also reads the
// earlier versions of the managed policies, and lets AWS simulate the failing requests with the
// edited documents. It calls AWS more often than Report only for targets with gaps. A call that
// fails makes the proof incomplete, which the fix says; it is no error.
func (a *App) ReportWithFixes(ctx context.Context, p Location, runID string) (audit.Report, error) {
	all := func(targets []audit.TargetFacts) (indexes []int) {
		for i := range targets {
			indexes = append(indexes, i)
		}
		return indexes
	}
	i, err := a.Inspect(ctx, p, runID, Inspection{Select: all, Known: a.earlierDocuments(ctx, p)})
	if err != nil {
		return i.Report, err
	}
	for n := range i.Report.Fixes {
		fix := &i.Report.Fixes[n]
		at := slices.IndexFunc(i.Facts.Targets, func(t audit.TargetFacts) bool {
			return t.Name == fix.Target && t.Kind.Policy() == fix.Policy
		})
		if at >= 0 && fix.Withheld == "" {
			a.proveLive(ctx, i.Facts, i.Facts.Targets[at], fix)
		}
	}
	return i.Report, nil
}

// earlierDocuments returns a function that reads the earlier documents of a target: the earlier
// versions of its managed policies, and with an evidence bucket those of the last run that found
// the target satisfied. What cannot be read is unknown.
func (a *App) earlierDocuments(ctx context.Context,
	p Location) func(audit.TargetFacts) []remedy.Known {
	stored := sync.OnceValue(func() []*evidence.Documents {
		if a.Config.EvidenceBucket == "" {
			return nil
		}
		bucket := evidence.Bucket{Client: a.S3, Name: string(a.Config.EvidenceBucket), Owner: p.Account}
		list, err := bucket.Documents(ctx)
		if err != nil {
			a.Log.WarnContext(ctx, "the documents of earlier runs are unknown", "error", err.Error())
		}
		return list
	})
	return func(t audit.TargetFacts) []remedy.Known {
		known, _ := a.collector().EarlierVersions(ctx, t.Grants)
		for _, d := range stored() {
			known = append(known, d.Known(t)...)
		}
		return known
	}
}

// proveLive lets AWS simulate the failing requests with the edited documents.
func (a *App) proveLive(ctx context.Context, facts audit.Facts, t audit.TargetFacts,
	fix *remedy.Fix) {
	t.Assumed = facts.Assumed
	requests := facts.FixRequests(t, *fix)
	if len(requests) == 0 {
		return
	}
	var edits []collect.Replacement
	for _, e := range fix.Edits {
		edits = append(edits, collect.Replacement{Location: e.Location, Document: e.After})
	}
	live := remedy.Live{Requests: len(requests)}
	for _, answer := range a.collector().SimulateEdits(ctx, t, requests, edits) {
		q := answer.Request
		switch cause := answer.StillDenied(); {
		case answer.NotSimulated != "":
			live.NotSimulated++
			if live.Why == "" {
				live.Why = answer.NotSimulated
			}
		case cause == "":
			live.Allowed++
		default:
			live.Denied = append(live.Denied, remedy.LiveDenial{Example: remedy.Example{
				Action: q.Action, Resource: q.Resource}, Cause: cause})
		}
	}
	fix.SetLive(live)
}
