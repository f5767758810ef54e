package policies

import (
	"slices"
	"testing"
)

// TestEachRecordedCallIsRequired checks that a requirement covers each call that the published code
// of a release makes, for its operation, its release and its bucket. Calls in notRequired are
// called, but never required.
func TestEachRecordedCallIsRequired(t *testing.T) {
	for _, c := range Calls() {
		_, never := notRequired[calledAction{c.Who, "", c.Action}]
		_, here := notRequired[calledAction{c.Who, Operation(c.Operation), c.Action}]
		if never || here {
			continue
		}
		for _, version := range c.Releases {
			if !slices.ContainsFunc(useTable, func(u Use) bool { return u.covers(c, version) }) {
				t.Errorf("%s %s: %s of a %s in %s is called, but no use covers it", c.Who, c.Operation,
					c.Action, c.Resource, version)
			}
		}
	}
}

// TestEachRequirementIsCalled checks that the published code makes a call for each use, in each
// recorded release with the use, and that a denial fails as the use says or worse. What AWS itself
// checks is not called.
func TestEachRequirementIsCalled(t *testing.T) {
	releases := recordedReleases()
	for _, u := range useTable {
		if checkedByAWS[u.Action] || u.Kind == Role && u.Insights || u.OldNames {
			continue
		}
		operations := u.Operations
		if u.Kind == Role {
			operations = []Operation{""}
		}
		for _, o := range operations {
			for _, version := range releases {
				if !u.in(Release{Version: version}) {
					continue
				}
				worst := -1
				for _, c := range Calls() {
					one := u
					if u.Kind == User {
						one.Operations = []Operation{o}
					}
					if slices.Contains(c.Releases, version) && one.covers(c, version) {
						worst = max(worst, slices.Index(breakages, c.Denied))
					}
				}
				if worst < 0 {
					t.Errorf("%s %s: %s of %s is required in %s, but not called", u.Kind, o, u.Action,
						u.Buckets, version)
				} else if worst < slices.Index(breakages, u.Breakage) {
					t.Errorf("%s %s: %s of %s in %s is %q, but the record says %q", u.Kind, o, u.Action,
						u.Buckets, version, u.Breakage, breakages[worst])
				}
			}
		}
	}
}

// TestWhatIsNotRequiredIsCalled checks that notRequired has no dead rows.
func TestWhatIsNotRequiredIsCalled(t *testing.T) {
	for a, reason := range notRequired {
		if reason == "" || !slices.ContainsFunc(Calls(), func(c Call) bool {
			return c.Who == a.who && c.Action == a.action &&
				(a.operation == "" || Operation(c.Operation) == a.operation)
		}) {
			t.Errorf("%s %s: %q; no release calls it", a.who, a.action, reason)
		}
	}
}

// breakages orders the ways in which a denial becomes visible, the mildest first.
var breakages = []Breakage{Swallowed, Warned, Feature, Hard}

func recordedReleases() (versions []string) {
	for _, c := range Calls() {
		for _, v := range c.Releases {
			if !slices.Contains(versions, v) {
				versions = append(versions, v)
			}
		}
	}
	return versions
}

// covers reports whether the use requires the permission of a recorded call in a release.
func (u *Use) covers(c Call, version string) bool {
	bucket := map[string]BucketRole{"bucket": MainBucket, "object": MainBucket,
		"other bucket": OutputBucket, "other object": OutputBucket}[c.Resource]
	return u.Kind == c.Who && u.Action == c.Action && u.in(Release{Version: version}) &&
		(u.Kind == Role || slices.Contains(u.Operations, Operation(c.Operation))) &&
		u.Insights == (c.Resource == "Insights layer") &&
		(bucket == "" || slices.Contains(u.Buckets, bucket))
}
