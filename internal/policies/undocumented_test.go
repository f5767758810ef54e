package policies

import (
	"strings"
	"testing"
)

func TestUndocumented(t *testing.T) {
	everywhere := Regions(AWS)
	for _, test := range []struct {
		versions string
		kind     PolicyKind
		regions  []string
		want     int
		neededBy string
	}{
		{"4.0.527", User, everywhere, 4, "4.0.527"},
		{"4.0.60 4.0.61 4.0.61", User, everywhere, 4, "4.0.61"},
		{"4.0.527", User, []string{"eu-south-1", "us-east-1"}, 1, "4.0.527"},
		{"4.0.527", User, []string{"us-east-1"}, 0, ""},
		{"4.0.60", User, everywhere, 0, ""},
		{"4.0.527", Role, everywhere, 0, ""},
		{"", User, everywhere, 0, ""},
	} {
		var releases []Release
		for _, version := range strings.Fields(test.versions) {
			releases = append(releases, find(t, version))
		}
		got := Undocumented(releases, test.kind, test.regions)
		if len(got) != test.want {
			t.Errorf("%q %s in %s: %+v, want %d", test.versions, test.kind, test.regions, got, test.want)
		}
		for _, r := range got {
			if strings.Join(r.NeededBy, " ") != test.neededBy || r.Severity != Medium || r.unexplained() ||
				!r.Undocumented {
				t.Errorf("%q: requirement %+v", test.versions, r)
			}
		}
	}
	if got := Undocumented(Releases(China), User, Regions(China)); got != nil {
		t.Errorf("China has undocumented requirements: %+v", got)
	}
}
