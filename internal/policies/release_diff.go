package policies

import "slices"

// A Change is what an upgrade does to one of the two policies. Both lists are in the order of the
// documents they are of.
type ReleaseDiff struct {
	Kind PolicyKind `json:"policy"`
	// Added is what the release asks for and none of those before did; Dropped the reverse. What was
	// dropped may go once nothing of the releases before is in use.
	Added   []Requirement `json:"added"`
	Dropped []Requirement `json:"dropped"`
}

// Diff tells what changes for whoever has the policies of some releases, such as those of the
// deployed functions, and goes to another one. A way back is as good. All releases are of one
// partition.
func Diff(from []Release, to Release, kind PolicyKind) ReleaseDiff {
	old, wanted := Union(from, kind), Union([]Release{to}, kind)
	return ReleaseDiff{Kind: kind, Added: without(wanted, old), Dropped: without(old, wanted)}
}

// without lists the requirements that are not among others.
func without(list, others []Requirement) []Requirement {
	return slices.DeleteFunc(slices.Clone(list), func(r Requirement) bool {
		return slices.ContainsFunc(others, func(o Requirement) bool { return o.id() == r.id() })
	})
}
