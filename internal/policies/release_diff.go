package policies

import (
	"cmp"
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/contract"
)

// ComparisonVersion is the version of a Comparison's JSON form.
const ComparisonVersion = "1"

// A Comparison shows what an upgrade changes in Remotion's policies.
type Comparison struct {
	SchemaVersion string `json:"schemaVersion"`
	// Tool is the command that made the comparison.
	Tool      *contract.Tool `json:"tool,omitempty"`
	Partition string         `json:"partition"`
	// From and To are the names of the old releases and of the new release.
	From []string `json:"from"`
	To   string   `json:"to"`
	// Notices are about releases that are newer than the catalogue.
	Notices []string `json:"notices,omitempty"`
	// Problem says why the comparison is unverified: a release is of an unknown major version.
	// KnownUntil is the newest release of the catalogue, if a release is newer.
	Problem    string `json:"problem,omitempty"`
	KnownUntil string `json:"knownUntil,omitempty"`
	// Policies are in the order of the kinds that were compared.
	Policies []ReleaseDiff `json:"policies"`
}

// Compare compares the policies of some kinds. For from and to, see Diff.
func Compare(from []Release, to Release, kinds []PolicyKind) Comparison {
	c := Comparison{SchemaVersion: ComparisonVersion, Partition: to.Partition, To: to.Name()}
	for _, r := range from {
		c.From = append(c.From, r.Name())
	}
	for _, r := range append(slices.Clone(from), to) {
		c.Problem, c.KnownUntil = cmp.Or(c.Problem, r.Problem()), cmp.Or(c.KnownUntil, r.KnownUntil())
		// About an unknown major version, the problem is all that is known.
		notice := r.Notice()
		if notice != "" && !r.UnknownMajor() && !slices.Contains(c.Notices, notice) {
			c.Notices = append(c.Notices, notice)
		}
	}
	for _, kind := range kinds {
		c.Policies = append(c.Policies, Diff(from, to, kind))
	}
	return c
}

// A ReleaseDiff is the change of one of the two policies by an upgrade. Added is in the order of
// the new document, Dropped in the order of the old ones.
type ReleaseDiff struct {
	Kind PolicyKind `json:"policy"`
	// Added lists the requirements of the new release that no old release has. Dropped lists the
	// requirements of the old releases that the new release does not have. A dropped permission can be
	// removed when none of the old releases is in use.
	Added   []Requirement `json:"added"`
	Dropped []Requirement `json:"dropped"`
}

// Diff returns the changes from the union of some releases, such as those of the deployed
// functions, to another release. The other release may be older: a downgrade. All releases belong
// to one partition.
func Diff(from []Release, to Release, kind PolicyKind) ReleaseDiff {
	old, wanted := Union(from, kind), Union([]Release{to}, kind)
	return ReleaseDiff{Kind: kind, Added: without(wanted, old), Dropped: without(old, wanted)}
}

// without returns the requirements of list that others does not contain.
func without(list, others []Requirement) []Requirement {
	return slices.DeleteFunc(slices.Clone(list), func(r Requirement) bool {
		return slices.ContainsFunc(others, func(o Requirement) bool { return o.id() == r.id() })
	})
}
