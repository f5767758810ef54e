package app

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/alert"
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
		Buckets              []string
		Assumed              map[string][]string
	}{Requested: plan.Requested, ReadScope: string(a.Config.ReadScope), Buckets: plan.Buckets,
		Assumed: map[string][]string(a.Config.AssumedContext)}
	sum := sha256.Sum256([]byte(textfmt.JSON(settings)))
	c.Settings = hex.EncodeToString(sum[:8])
	return c
}
