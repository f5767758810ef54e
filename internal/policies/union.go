package policies

import "slices"

// Union returns the requirements of all the releases: each permission once, with the releases that
// need the permission in NeededBy. The requirements of the newest release come first, in the order
// of its document. The requirements that only older releases have follow. All releases belong to
// one partition.
//
// The newest release is not enough, because releases also drop requirements of older releases.
func Union(releases []Release, kind PolicyKind) []Requirement {
	ordered := slices.Clone(releases)
	slices.SortStableFunc(ordered, func(a, b Release) int { return compare(b.number(), a.number()) })
	var list []Requirement
	index := map[requirementID]int{}
	for _, release := range ordered {
		for _, req := range release.Requirements(kind) {
			i, ok := index[req.id()]
			if !ok {
				i = len(list)
				index[req.id()] = i
				list = append(list, req)
			}
			if !slices.Contains(list[i].NeededBy, release.Name()) {
				list[i].NeededBy = slices.Insert(list[i].NeededBy, 0, release.Name())
			}
		}
	}
	return list
}
