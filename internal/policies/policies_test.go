package policies

import (
	"slices"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func TestEveryRequirementIsExplained(t *testing.T) {
	for _, r := range releases {
		for _, kind := range Kinds {
			for _, req := range r.Requirements(kind) {
				if req.unexplained() {
					t.Errorf("%s %s: %s %s: %s on %s has no complete Consequence", r.Partition, r, kind,
						req.Sid, req.Action, req.Resource)
				}
			}
		}
	}
}

// unexplained reports whether a field of the Consequence is missing.
func (r Requirement) unexplained() bool {
	return r.Since == "" ||
		r.Kind == User && r.Operations == nil && r.Breakage != NoBreakage ||
		r.Reason == "" || r.Breakage == "" ||
		r.Impact == "" || r.Severity == 0 || r.Source == ""
}

// TestSinceAndUntil checks that exactly the releases from Since to Until have a requirement.
func TestSinceAndUntil(t *testing.T) {
	for _, partition := range Partitions() {
		list := Releases(partition)
		for _, kind := range Kinds {
			for _, req := range Union(list, kind) {
				for _, r := range list {
					within := compare(r.Since, req.Since) >= 0 &&
						(req.Until == "" || compare(r.Until, req.Until) <= 0)
					if has := slices.ContainsFunc(r.Requirements(kind), func(o Requirement) bool {
						return o.id() == req.id()
					}); has != within {
						t.Errorf("%s %s %s on %s, from %q to %q: %s has the requirement: %v", partition, kind, req.Action,
							req.Resource, req.Since, req.Until, r, has)
					}
				}
				if req.Until != "" && req.Until == latest(partition).Until {
					t.Errorf("%s: Until is %s, the newest release; want an empty Until", req.Action, req.Until)
				}
			}
		}
	}
}

// TestRangesAreOrderedAndDistinct checks that the ranges of a partition do not overlap, and that
// two adjacent ranges differ in a document.
func TestRangesAreOrderedAndDistinct(t *testing.T) {
	for _, partition := range Partitions() {
		list := Releases(partition)
		for i, r := range list {
			if compare(r.Since, r.Until) > 0 {
				t.Errorf("%s ends before it starts", r)
			}
			if i == 0 {
				continue
			}
			before := list[i-1]
			if compare(before.Until, r.Since) >= 0 {
				t.Errorf("%s overlaps %s", before, r)
			}
			if before.Document(User) == r.Document(User) && before.Document(Role) == r.Document(Role) {
				t.Errorf("%s and %s have the same documents", before, r)
			}
		}
	}
}

// TestRequirementsCoverEverySid checks that each statement has a requirement. The expected numbers
// were counted in the documents that Remotion prints.
func TestRequirementsCoverEverySid(t *testing.T) {
	tests := []struct {
		version    string
		user, role int
	}{
		{"4.0.61", 32, 15},
		{"4.0.240", 32, 15},
		{"4.0.417", 32, 15},
		{"4.0.418", 33, 15},
		{"4.0.999", 33, 15},
		{"latest", 33, 15},
		{"auto", 33, 15},
	}
	for _, test := range tests {
		release, err := Find(test.version)
		if err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[PolicyKind]int{User: test.user, Role: test.role} {
			reqs := release.Requirements(kind)
			if len(reqs) != want {
				t.Errorf("%s %s: %d requirements, want %d", test.version, kind, len(reqs), want)
			}
			doc, err := iampolicy.Parse(release.Document(kind))
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range doc.Statements {
				if !slices.ContainsFunc(reqs, func(r Requirement) bool { return r.Sid == s.Sid }) {
					t.Errorf("%s %s: no requirement for Sid %s", test.version, kind, s.Sid)
				}
			}
		}
	}
}
