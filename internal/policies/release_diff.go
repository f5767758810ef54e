package policies

import "slices"

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
