package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/evidence"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// configuration returns what the configuration audits in a location. It returns the zero value if
// the configuration is invalid.
func (a *App) configuration(place Location) alert.Configuration {
	plan, err := a.Config.Plan(place)
	if err != nil || a.ConfigError != nil {
		return alert.Configuration{}
	}
	c := alert.Configuration{Targets: a.Config.targets(),
		Regions: slices.Concat(plan.Regions, plan.Further)}
	slices.Sort(c.Targets)
	slices.Sort(c.Regions)
	settings := struct {
		Requested, ReadScope string
		Buckets              string
		Assumed              map[string][]string
		// Checks is empty for all checks, so that the hash is that of releases without checks.
		Checks string `json:",omitempty"`
	}{Requested: plan.Requested, ReadScope: string(a.Config.ReadScope),
		Buckets: a.Config.Buckets.String(), Assumed: map[string][]string(a.Config.AssumedContext)}
	if !a.Config.Checks.IsAll() {
		settings.Checks = a.Config.Checks.String()
	}
	sum := sha256.Sum256([]byte(textfmt.JSON(settings)))
	c.Settings = hex.EncodeToString(sum[:8])
	return c
}

// seenTimeout limits the read of the state during the audit, which waits for it.
const seenTimeout = 5 * time.Second

// seenRegions returns the regions in which earlier runs found functions of Remotion. It returns nil
// without a state that can be read: the ledger reports why.
func (a *App) seenRegions(ctx context.Context, place Location) []string {
	bucket := a.bucket(place.Account)
	if bucket == nil {
		return nil
	}
	ctx, stop := context.WithTimeout(ctx, seenTimeout)
	defer stop()
	text, _, err := bucket.Get(ctx, evidence.StateKey(place.Account, a.id()))
	if err != nil {
		return nil
	}
	state, err := alert.ParseState(text)
	if err != nil {
		return nil
	}
	return state.RegionsWithFunctions()
}
