package policies

import "slices"

// Union returns what any of the releases needs: each permission once, with the releases that need
// it in NeededBy. Those of the newest release come first, in its document's order; then what only
// an older one needs. All releases are of one partition.
//
// A newer release does not need all that an older one did, so the newest alone does not do.
func Union(releases []Release, kind PolicyKind) []Requirement {
	ordered := slices.Clone(releases)
	slices.SortStableFunc(ordered, func(a, b Release) int { return compare(b.number(), a.number()) })
	var list []Requirement
	at := map[id]int{}
	for _, release := range ordered {
		for _, req := range release.Requirements(kind) {
			i, ok := at[req.id()]
			if !ok {
				i = len(list)
				at[req.id()] = i
				list = append(list, req)
			}
			if !slices.Contains(list[i].NeededBy, release.Name()) {
				list[i].NeededBy = slices.Insert(list[i].NeededBy, 0, release.Name())
			}
		}
	}
	return list
}

// number orders a release among others: its own, or the first of its range.
func (r Release) number() string {
	if r.Version != "" {
		return r.Version
	}
	return r.Since
}
