package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
)

// history holds the mutes and the states in the evidence bucket.
type history struct {
	mutes  mute.List
	states []alert.State
}

// readHistory reads the mutes and the states from the evidence bucket. It writes the errors of
// single mutes to warnings.
func readHistory(ctx context.Context, bucket evidence.Bucket, now time.Time,
	warnings io.Writer) (h history, err error) {
	text, _, err := bucket.Get(ctx, evidence.MutesKey)
	if err != nil && !errors.Is(err, evidence.ErrMissing) {
		return h, err
	}
	mutes, invalid := mute.Parse(text, now)
	for _, w := range invalid {
		fmt.Fprintf(warnings, "%s: %v\n", evidence.MutesKey, w)
	}
	h.mutes = mutes
	h.states, err = bucket.States(ctx)
	return h, err
}

// muted applies the mutes to a report.
func (h history) muted(r audit.Report, now time.Time) audit.Report {
	return h.mutes.Apply(r, now)
}

// openGaps returns the gaps of the report that are open in a stored state.
func (h history) openGaps(r audit.Report) (gaps []alert.Gap) {
	for _, g := range openGaps(h.states) {
		if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
			return f.Status.Gap() && f.Target == g.Target && f.Policy == g.Policy && f.Sid == g.Sid &&
				f.Action == g.Action
		}) {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// openGaps returns the open gaps of all states, oldest first. If several states contain the same
// gap, it returns the oldest.
func openGaps(states []alert.State) (gaps []alert.Gap) {
	for _, s := range states {
		for _, g := range s.Gaps {
			if g.Closed.IsZero() {
				gaps = append(gaps, g)
			}
		}
	}
	slices.SortStableFunc(gaps, func(a, b alert.Gap) int { return a.Since.Compare(b.Since) })
	seen := map[alert.Identity]bool{}
	gaps = slices.DeleteFunc(gaps, func(g alert.Gap) bool {
		duplicate := seen[g.Identity]
		seen[g.Identity] = true
		return duplicate
	})
	slices.SortStableFunc(gaps, func(a, b alert.Gap) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Target, b.Target))
	})
	return gaps
}
