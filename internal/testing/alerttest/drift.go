package alerttest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert/mute"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Drift is an account in which the status of requirements changes at random.
type Drift struct {
	Rand     *rand.Rand
	targets  []string
	findings map[string]audit.Finding
}

// NewDrift returns an account without gaps. Equal seeds give equal changes.
func NewDrift(seed uint64) *Drift {
	d := &Drift{Rand: rand.New(rand.NewPCG(seed, 4)), targets: []string{"user/u", "user/v", "user/w"},
		findings: map[string]audit.Finding{}}
	for _, target := range d.targets {
		for _, action := range []string{"a", "b", "c"} {
			d.findings[target+action] = Finding(target, action, audit.Satisfied, policies.High)
		}
	}
	return d
}

// Step changes up to three requirements, and returns the report of the account.
func (d *Drift) Step() audit.Report {
	statuses := []audit.Status{audit.Satisfied, audit.Satisfied, audit.Satisfied, audit.Missing,
		audit.Denied, audit.Partial, audit.Conditional, audit.Unverified}
	keys := slices.Sorted(maps.Keys(d.findings))
	for range d.Rand.IntN(4) {
		key := keys[d.Rand.IntN(len(keys))]
		f := d.findings[key]
		g := Finding(f.Target, f.Action, statuses[d.Rand.IntN(len(statuses))],
			policies.Severity(1+d.Rand.IntN(4)))
		if g.Status.Gap() {
			g.Cause = audit.Causes()[d.Rand.IntN(6)]
			g.ExampleARN = fmt.Sprintf("arn:aws:s3:::x%d", d.Rand.Int())
		}
		d.findings[key] = g
	}
	var findings []audit.Finding
	for _, key := range keys {
		findings = append(findings, d.findings[key])
	}
	return Report(d.targets, findings...)
}

// EachDrift runs a subtest for each of several accounts, with the number of runs to make.
func EachDrift(t *testing.T, test func(t *testing.T, d *Drift, runs int)) {
	runs := 500
	if testing.Short() {
		runs = 100
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { test(t, NewDrift(seed), runs) })
	}
}

// Mutes returns a mute of one requirement of the account.
func (d *Drift) Mutes() mute.List {
	return mute.List{{Target: "user/w", Action: "a", Owner: "kim", Reason: "r",
		Until: Start.Add(200 * 24 * time.Hour)}}
}

// Wait returns a random time until the next run.
func (d *Drift) Wait() time.Duration {
	waits := []time.Duration{time.Minute, time.Hour, 7 * time.Hour, 30 * time.Hour}
	return waits[d.Rand.IntN(len(waits))]
}
