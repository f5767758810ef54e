package audit

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Function is a deployed function of Remotion.
type Function struct {
	Name, Region string
	// Role is the ARN of the execution role in the function's configuration. The role may have been
	// deleted.
	Role string
	// Release is the Remotion release that deployed the function. It is zero if neither the name nor
	// the tags of the function show the release.
	Release policies.Release
	// Layers are the ARNs of the layer versions of the function.
	Layers []string
	// Subnets and SecurityGroups are those of the VPC of the function; nil for a function without one.
	Subnets, SecurityGroups []string
}

func (f Function) String() string { return f.Name + " (" + f.Region + ")" }

// Known reports whether the release is known.
func (f Function) Known() bool { return f.Release != (policies.Release{}) }

// UnlistedRegion is a region without a list of functions. Why is the reason. Audited is true if the
// region is audited in spite of that.
type UnlistedRegion struct {
	Region, Why string
	Audited     bool
}

// judgedBy returns the releases that the account is judged by.
func (f Facts) judgedBy() []policies.Release {
	if len(f.Releases) > 0 {
		return f.Releases
	}
	return []policies.Release{f.Release}
}

// judgedBy returns the releases that a target is judged by: its own, else those of the account.
func (t TargetFacts) judgedBy(account []policies.Release) []policies.Release {
	if len(t.Releases) > 0 {
		return t.Releases
	}
	return account
}

// SimulatedReleases returns the releases with the requirements that the collector must simulate:
// the releases that the account is judged by, the newest known release, and the release of a
// planned upgrade.
func (f Facts) SimulatedReleases() []policies.Release {
	list := slices.Clone(f.judgedBy())
	if known := policies.Releases(f.Partition); len(known) > 0 {
		list = append(list, known[len(known)-1])
	}
	if f.UpgradeTo != nil {
		list = append(list, *f.UpgradeTo)
	}
	return list
}

// Deployed counts the functions of one release.
type Deployed struct {
	// Release is a version, or a range of versions if the functions' names show only a date. It is
	// empty if the release is unknown.
	Release   string   `json:"release"`
	Functions int      `json:"functions"`
	Regions   []string `json:"regions"`
}

// deployed counts the functions by release, in the order of functions, with unknown releases last.
func deployed(functions []Function) []Deployed {
	var list []Deployed
	for _, f := range functions {
		name := ""
		if f.Known() {
			name = f.Release.Name()
		}
		i := slices.IndexFunc(list, func(d Deployed) bool { return d.Release == name })
		if i < 0 {
			i = len(list)
			list = append(list, Deployed{Release: name})
		}
		list[i].Functions++
		if !slices.Contains(list[i].Regions, f.Region) {
			list[i].Regions = append(list[i].Regions, f.Region)
		}
	}
	slices.SortStableFunc(list, func(a, b Deployed) int {
		switch {
		case a.Release == "" && b.Release != "":
			return 1
		case b.Release == "" && a.Release != "":
			return -1
		}
		return 0
	})
	return list
}

// remotion describes the releases that the account is judged by, and the deployed functions.
func (f Facts) remotion() Remotion {
	by := f.judgedBy()
	newest := by[len(by)-1]
	r := Remotion{Requested: f.Requested, Since: newest.Since, Release: newest.String(),
		Deployed: deployed(f.Functions)}
	for _, release := range by {
		r.KnownUntil = cmp.Or(r.KnownUntil, release.KnownUntil())
	}
	if len(f.Releases) > 0 {
		names := make([]string, len(by))
		for i, release := range by {
			names[i] = release.Name()
		}
		r.Releases, r.Release = names, textfmt.Enumerate(names, maxEnumerated)
		if newest.Version != "" && !newest.NewerThanCatalogue() {
			r.Since = newest.Version
		}
	}
	if f.Installed != nil {
		r.Installed = f.Installed.Name()
	}
	return r
}

// maxEnumerated is the number of elements that a text enumerates.
const maxEnumerated = 5

// inferredNote explains an inferred answer.
func (t TargetFacts) inferredNote(q needs.SimulationRequest) string {
	first := t.Scope.Regions[0]
	if q.Region == first {
		return "inferred: AWS allowed the action on other resources in " + first
	}
	return "inferred: AWS allowed the action in " + first + ", and another action of the service in " +
		q.Region
}

func namesOf(functions []Function) string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.String()
	}
	return textfmt.Enumerate(names, maxEnumerated)
}

// withFunctions adds the affected functions to a finding about the render role itself. It makes a
// satisfied finding Missing if a function is configured with another ARN than that of the role: the
// role was created again under another path, and the configured role does not exist.
func withFunctions(f Finding, t TargetFacts) Finding {
	var stale []Function
	if t.Presence == Present {
		for _, fn := range t.Functions {
			if fn.Role != t.ARN {
				stale = append(stale, fn)
			}
		}
	}
	switch {
	case stale != nil && f.Status == Satisfied:
		f.Status, f.Cause, f.Covered, f.ExampleARN, f.Statements = Missing, TargetMissing, 0,
			stale[0].Role, nil
		f.Why = fmt.Sprintf("deployed functions use role %s, which does not exist: the role with that "+
			"name has the ARN %s", stale[0].Role, t.ARN)
		f.Inspected = string(Missing)
		f.Notes = addNote(f.Notes, "deployed functions with that role: "+namesOf(stale))
	case f.Status.Gap() && len(t.Functions) > 0:
		f.Notes = addNote(f.Notes, "deployed functions with this role: "+namesOf(t.Functions))
	}
	return f
}

// functionsByRegion counts the functions of each audited region. It returns nil if they were not
// listed.
func (f Facts) functionsByRegion() map[string]int {
	if f.Undiscovered {
		return nil
	}
	counts := map[string]int{}
	for _, region := range f.Regions {
		counts[region] = 0
	}
	for _, fn := range f.Functions {
		counts[fn.Region]++
	}
	return counts
}
