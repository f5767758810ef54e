package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Function is a deployed function of Remotion's.
type Function struct {
	Name, Region string
	// Role is the ARN of its execution role, as Lambda has it: the role may be gone.
	Role string
	// Release is what deployed it; the zero Release where neither its name nor its tags tell.
	Release policies.Release
}

func (f Function) String() string { return f.Name + " (" + f.Region + ")" }

// Known reports whether the release is known.
func (f Function) Known() bool { return f.Release != (policies.Release{}) }

// A SkippedRegion was to be audited, and there is nothing to audit. If it is audited all the same,
// its functions alone could not be listed.
type SkippedRegion struct {
	Region, Why string
	Audited     bool
}

// judgedBy are the releases whose union the account has to grant.
func (f Facts) judgedBy() []policies.Release {
	if len(f.Releases) > 0 {
		return f.Releases
	}
	return []policies.Release{f.Release}
}

// by are the releases whose union one target has to grant.
func (t TargetFacts) by(account []policies.Release) []policies.Release {
	if len(t.Releases) > 0 {
		return t.Releases
	}
	return account
}

// Ahead are the releases whose needs have to be known: those of judgedBy, the newest known one, and
// the one to upgrade to.
func (f Facts) Ahead() []policies.Release {
	list := slices.Clone(f.judgedBy())
	if known := policies.Releases(f.Partition); len(known) > 0 {
		list = append(list, known[len(known)-1])
	}
	if f.UpgradeTo != nil {
		list = append(list, *f.UpgradeTo)
	}
	return list
}

// Deployed sums up the functions of one release.
type Deployed struct {
	// Release is a number, or a range where names have no more than a date; empty where it is not
	// known.
	Release   string   `json:"release"`
	Functions int      `json:"functions"`
	Regions   []string `json:"regions"`
}

// deployed sums the functions up by release, the unknown ones last, else as they are met.
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

// remotion says by which releases the account is judged, and what is deployed.
func (f Facts) remotion() Remotion {
	by := f.judgedBy()
	newest := by[len(by)-1]
	r := Remotion{Requested: f.Requested, Since: newest.Since, Release: newest.String(),
		Deployed: deployed(f.Functions)}
	if len(f.Releases) > 0 {
		names := make([]string, len(by))
		for i, release := range by {
			names[i] = release.Name()
		}
		r.Releases, r.Release = names, joinSome(names, " and ")
		if newest.Version != "" && !newest.Newer() {
			r.Since = newest.Version
		}
	}
	return r
}

// joinSome names a few of a list: "a, b and c", "a, b, c, d and 7 more".
func joinSome(list []string, last string) string {
	const most = 5
	switch n := len(list); {
	case n == 1:
		return list[0]
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most-1], ", "), n-most+1)
	}
	return strings.Join(list[:len(list)-1], ", ") + last + list[len(list)-1]
}

// inferredNote says of a question that AWS was not asked why its answer is known.
func (t TargetFacts) inferredNote(q policies.SimulationRequest) string {
	first := t.Place.Regions[0]
	if q.Region == first {
		return "AWS was asked about other resources in " + first
	}
	return "AWS was asked about it in " + first + ", and elsewhere about another action of the service"
}

func namesOf(functions []Function) string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.String()
	}
	return joinSome(names, " and ")
}

// onFunctions says of a finding about a render role itself which deployed functions it stops. A
// function that names its role by an ARN nobody has, because the role was made anew under another
// path, has no role.
func onFunctions(f Finding, t TargetFacts) Finding {
	var strayed []Function
	if t.Presence == Present {
		for _, fn := range t.Functions {
			if fn.Role != t.ARN {
				strayed = append(strayed, fn)
			}
		}
	}
	switch {
	case strayed != nil && f.Status == Satisfied:
		f.Status, f.Cause, f.Covered, f.ExampleARN, f.Statements = Missing, TargetMissing, 0,
			strayed[0].Role, nil
		f.Why = fmt.Sprintf("there is no role %s: the role of that name is %s", strayed[0].Role, t.ARN)
		f.Inspected = string(Missing)
		f.Notes = addNote(f.Notes, "deployed functions that are set to it: "+namesOf(strayed))
	case f.Status.Gap() && len(t.Functions) > 0:
		f.Notes = addNote(f.Notes, "deployed functions that run under it: "+namesOf(t.Functions))
	}
	return f
}
