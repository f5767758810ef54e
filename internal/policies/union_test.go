package policies

import (
	"slices"
	"testing"
)

func find(t *testing.T, version string) Release {
	t.Helper()
	r, err := Find(version)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestUnion(t *testing.T) {
	all := []string{"3.0.31", "4.0.240", "4.0.527"}
	var releases []Release
	for _, version := range []string{"4.0.240", "4.0.527", "3.0.31", "4.0.240"} {
		releases = append(releases, find(t, version))
	}
	union := Union(releases, User)
	// The union contains the newest document and the requirements that only 3.0.31 has: two website
	// actions and GetUser.
	if want := len(Latest().Requirements(User)) + 3; len(union) != want {
		t.Errorf("%d requirements, want %d", len(union), want)
	}
	for action, want := range map[string][]string{
		"lambda:InvokeFunction": all,
		"s3:PutBucketPolicy":    {"4.0.527"},
		"lambda:TagResource":    {"4.0.240", "4.0.527"},
		"iam:GetUser":           {"3.0.31"},
		"s3:PutBucketWebsite":   {"3.0.31"},
	} {
		i := slices.IndexFunc(union, func(r Requirement) bool { return r.Action == action })
		if i < 0 || !slices.Equal(union[i].NeededBy, want) {
			t.Errorf("%s: %+v, want needed by %s", action, union, want)
		}
	}
	if i := slices.IndexFunc(union, func(r Requirement) bool {
		return r.Action == "iam:GetUser"
	}); union[i].Since != "3.0.0" || union[i].Until != "3.3.7" {
		t.Errorf("iam:GetUser is needed from %s to %s", union[i].Since, union[i].Until)
	}
}

// TestUnionOfRoles checks that the log statement of the role policy is one requirement, although
// its Sid changed from 3 to 4.
func TestUnionOfRoles(t *testing.T) {
	union := Union([]Release{find(t, "4.0.32"), find(t, "4.0.61")}, Role)
	if want := len(find(t, "4.0.61").Requirements(Role)); len(union) != want {
		t.Errorf("%d requirements, want %d", len(union), want)
	}
	for _, r := range union {
		want := []string{"4.0.32", "4.0.61"}
		if r.IsInsights() {
			want = want[1:]
		}
		if !slices.Equal(r.NeededBy, want) {
			t.Errorf("%s on %s (Sid %s): needed by %s, want %s", r.Action, r.Resource, r.Sid, r.NeededBy,
				want)
		}
	}
}

// TestUnionOfRanges checks that a whole range appears in NeededBy as a range.
func TestUnionOfRanges(t *testing.T) {
	for _, r := range Union(Releases(China), User) {
		if !slices.Equal(r.NeededBy, []string{"4.0.510 and later"}) {
			t.Errorf("%s: needed by %s", r.Action, r.NeededBy)
		}
	}
	if got := Union(nil, User); got != nil {
		t.Errorf("no releases need %v", got)
	}
}
