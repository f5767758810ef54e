package alert

import (
	"maps"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// confirmingRuns is the number of consecutive complete runs that must not find a target, a region
// or a function before it counts as gone. One answer of AWS that lacks it proves nothing.
const confirmingRuns = 2

// Configuration is the part of the configuration that decides what is audited. Plan compares it
// with that of the last run: a target that the configuration no longer names is retired at once.
// The zero value means that the configuration is unknown.
type Configuration struct {
	// Targets are the configured callers and render roles, and Regions the configured regions.
	Targets []string `json:"targets,omitempty"`
	Regions []string `json:"regions,omitempty"`
	// Settings identifies all other settings that decide which requirements apply.
	Settings string `json:"settings,omitempty"`
}

func (c Configuration) zero() bool {
	return len(c.Targets) == 0 && len(c.Regions) == 0 && c.Settings == ""
}

// SeenRegion is an audited region as stored in the state.
type SeenRegion struct {
	Region string `json:"region"`
	// Functions is the number of Remotion's functions that were found in the region.
	Functions int `json:"functions,omitempty"`
	// Missed counts the consecutive complete runs that did not audit the region or found fewer
	// functions there. After confirmingRuns such runs, the state has what the last run found.
	Missed int `json:"missed,omitempty"`
}

// RegionsWithFunctions returns the regions in which earlier runs found functions of Remotion, in
// the order of their names. Functions that only one run did not find are still counted.
func (s State) RegionsWithFunctions() (regions []string) {
	for _, seen := range s.Regions {
		if seen.Functions > 0 {
			regions = append(regions, seen.Region)
		}
	}
	return regions
}

// coverage is what a run found of that which earlier runs audited.
type coverage struct {
	before, now Configuration
	// another is false if the run repeats the last one, so that it confirms nothing.
	another bool
	// complete is false if the run could not list everything that is deployed.
	complete bool
	// regions are the regions to store, by name.
	regions []SeenRegion
	// lost is true if fewer functions than before were found and no second run confirms that, or a
	// region was not audited. lostAll is true if no function is left, and emptied if a region lost all
	// its functions.
	lost, lostAll, emptied bool
}

func newCoverage(previous State, r audit.Report, configured Configuration) coverage {
	c := coverage{now: configured, complete: !unknownTargets(r),
		another: r.Run.ID != previous.Run.ID || r.Run.ID == "" && !r.Run.At.Equal(previous.Run.At)}
	if previous.Configured != nil {
		c.before = *previous.Configured
	}
	found, regions := 0, map[string]SeenRegion{}
	for _, n := range r.FunctionsByRegion {
		found += n
	}
	for _, s := range previous.Regions {
		n, audited := r.FunctionsByRegion[s.Region]
		switch {
		case c.removed(s.Region, Configuration.regions):
			continue
		case r.FunctionsByRegion == nil, (!audited || n < s.Functions) && !c.complete:
		case audited && n >= s.Functions:
			s.Functions, s.Missed = n, 0
		default:
			if s.Missed = missed(s.Missed, c.another); s.Missed >= confirmingRuns {
				s.Functions, s.Missed = n, 0
				if !audited {
					continue
				}
			}
		}
		regions[s.Region] = s
		if s.Missed > 0 {
			c.lost = true
			c.emptied = c.emptied || n == 0 && s.Functions > 0
			c.lostAll = c.lostAll || found == 0 && s.Functions > 0
		}
	}
	for region, n := range r.FunctionsByRegion {
		if _, known := regions[region]; !known {
			regions[region] = SeenRegion{Region: region, Functions: n}
		}
	}
	for _, region := range slices.Sorted(maps.Keys(regions)) {
		c.regions = append(c.regions, regions[region])
	}
	return c
}

// missed returns the number of runs that did not find something, after such a run. A replay of a
// run does not count as another run.
func missed(before int, another bool) int {
	if another || before == 0 {
		return before + 1
	}
	return before
}

func (c Configuration) targets() []string { return c.Targets }
func (c Configuration) regions() []string { return c.Regions }

// removed reports whether the configuration named something before and does not name it now.
func (c coverage) removed(name string, list func(Configuration) []string) bool {
	return !c.before.zero() && !c.now.zero() && slices.Contains(list(c.before), name) &&
		!slices.Contains(list(c.now), name)
}

// reconfigured reports whether a setting changed that decides which requirements apply.
func (c coverage) reconfigured() bool {
	return !c.before.zero() && !c.now.zero() && c.before.Settings != c.now.Settings
}

// next returns the configuration to store. A run that could not list everything retires nothing, so
// the next run must still see what changed.
func (c coverage) next(previous *Configuration) *Configuration {
	if c.now.zero() || !c.complete && previous != nil {
		return previous
	}
	return &c.now
}
