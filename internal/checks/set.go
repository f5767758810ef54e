package checks

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// Set is a set of checks. The zero value has all checks.
type Set struct {
	off []ID // in the order of All
}

// maxQuoted is the number of characters of a wrong id that an error quotes.
const maxQuoted = 100

// ParseSet reads a value of CHECKS: "all", "none", or ids with commas, of which "-id" removes one.
// A list that only removes checks removes them from all checks. The error names each unknown id,
// with the nearest one.
func ParseSet(text string) (Set, error) {
	const form = `use "all", "none", or ids with commas, such as ConcurrencyQuota or ` +
		"-ConcurrencyQuota"
	var added, removed []ID
	var errs []error
	all, none, seen := false, false, map[string]bool{}
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		id, remove := strings.CutPrefix(item, "-")
		switch {
		case item == "":
			continue
		case seen[id]:
			errs = append(errs, fmt.Errorf("duplicate %s", textfmt.Quote(id, maxQuoted)))
		case item == "all":
			all = true
		case item == "none":
			none = true
		case item == "-all", item == "-none":
			errs = append(errs, fmt.Errorf("%q is no check: %s", item, form))
		case !slices.Contains(ids(), id):
			hint := textfmt.DidYouMean(id, "", append(ids(), "all", "none"))
			if hint == "" {
				hint = ": the checks are " + strings.Join(ids(), ", ")
			}
			errs = append(errs, fmt.Errorf("unknown check %s%s", textfmt.Quote(id, maxQuoted), hint))
		case remove:
			removed = append(removed, ID(id))
		default:
			added = append(added, ID(id))
		}
		seen[id] = true
	}
	switch {
	case errs != nil:
		return Set{}, errors.Join(errs...)
	case len(seen) == 0:
		return Set{}, errors.New("must name at least one check: " + form)
	case none && len(seen) > 1:
		return Set{}, errors.New(`"none" cannot be combined with other checks: ` + form)
	case all && added != nil:
		return Set{}, errors.New(`"all" cannot be combined with checks that it contains: ` + form)
	}
	var s Set
	for _, c := range All() {
		if none || added != nil && !slices.Contains(added, c.ID) || slices.Contains(removed, c.ID) {
			s.off = append(s.off, c.ID)
		}
	}
	return s, nil
}

// Has reports whether the set contains a check.
func (s Set) Has(id ID) bool { return !slices.Contains(s.off, id) }

// Empty reports whether the set contains no check.
func (s Set) Empty() bool { return len(s.off) == len(All()) }

// IsAll reports whether the set contains all checks.
func (s Set) IsAll() bool { return len(s.off) == 0 }

// String returns the shortest text that ParseSet reads as the set.
func (s Set) String() string {
	switch {
	case s.IsAll():
		return "all"
	case s.Empty():
		return "none"
	}
	var list []string
	for _, id := range s.off {
		list = append(list, "-"+string(id))
	}
	return strings.Join(list, ",")
}
