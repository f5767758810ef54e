package policies

import "slices"

// Union returns the requirements of all the releases: each permission once, with the releases that
// need it in NeededBy. Those of the newest release come first, in its document's order; then those
// that only an older release needs. All releases are of one partition.
//
// The newest release alone is not enough: releases also drop requirements of older ones.
func Union(releases []Release, kind PolicyKind) []Requirement {
	ordered := slices.Clone(releases)
	slices.SortStableFunc(ordered, func(a, b Release) int { return compare(b.number(), a.number()) })
	var list []Requirement
	at := map[requirementID]int{}
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

// number returns the release number for sorting: its own, or the first of its range.
func (r Release) number() string {
	if r.Version != "" {
		return r.Version
	}
	return r.Since
}
