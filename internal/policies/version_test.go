package policies

import (
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	for _, test := range []struct{ version, want string }{
		{"3.0.0-rc.15", "3.0.0-3.3.7"},
		{"3.0.0", "3.0.0-3.3.7"},
		{"3.0.1-alpha.7", "3.0.0-3.3.7"},
		{"3.3.7", "3.0.0-3.3.7"},
		{"3.3.8-beta", "3.0.0-3.3.7"},
		{"3.3.8", "3.3.8-3.3.11"},
		{"3.3.11", "3.3.8-3.3.11"},
		{"3.3.12", "3.3.12-3.3.53"},
		{"3.3.53", "3.3.12-3.3.53"},
		{"3.3.54", "3.3.54-3.3.86"},
		{"3.3.86", "3.3.54-3.3.86"},
		{"3.3.87", "3.3.87-4.0.31"},
		{"3.10.0", "3.3.87-4.0.31"},
		{"4.0.0-alpha.2048+deadbee", "3.3.87-4.0.31"},
		{"4.0.31", "3.3.87-4.0.31"},
		{"4.0.32", "4.0.32-4.0.50"},
		{"4.0.50", "4.0.32-4.0.50"},
		{"4.0.51", "4.0.51-4.0.60"},
		{"4.0.60", "4.0.51-4.0.60"},
		{"4.0.61", "4.0.61-4.0.417"},
		{"v4.0.240", "4.0.61-4.0.417"},
		{"4.0.240+build.7", "4.0.61-4.0.417"},
		{"4.0.417", "4.0.61-4.0.417"},
		{"4.0.418-rc.1", "4.0.61-4.0.417"},
		{"4.0.418", "4.0.418 and later"},
		{"4.0.527", "4.0.418 and later"},
		{"latest", "4.0.418 and later"},
		{"auto", "4.0.418 and later"},
	} {
		r, err := Find(test.version)
		if err != nil || r.String() != test.want || r.NewerThanCatalogue() || r.Notice() != "" {
			t.Errorf("Find(%q): %s, newer %v, notice %q, error %v; want %s", test.version, r,
				r.NewerThanCatalogue(), r.Notice(), err, test.want)
		}
	}
}

// TestUnknownMajor checks which releases may need anything, and how far the catalogue tells what
// the others need.
func TestUnknownMajor(t *testing.T) {
	until := Latest().Until
	for _, test := range []struct {
		version      string
		unknownMajor bool
		known        string
	}{
		{"3.0.0", false, ""}, {until, false, ""}, {"latest", false, ""},
		{"4.0.541", false, until}, {"4.1.0", false, until}, {"4.999.0-beta", false, until},
		{"5.0.0-alpha.1", true, until}, {"5.0.0", true, until}, {"17.2.3", true, until},
	} {
		for _, partition := range Partitions() {
			r, err := Find(test.version)
			if err != nil {
				t.Fatal(err)
			}
			if r, err = r.In(partition); err != nil {
				continue // older than the support of the partition
			}
			if r.UnknownMajor() != test.unknownMajor || r.KnownUntil() != test.known {
				t.Errorf("%s in %s: unknown major %v, known until %q; want %v and %q", test.version, partition,
					r.UnknownMajor(), r.KnownUntil(), test.unknownMajor, test.known)
			}
			if problem := r.Problem(); (problem != "") != test.unknownMajor {
				t.Errorf("%s: problem %q", test.version, problem)
			}
		}
	}
}

// TestNewest checks that a range is named by its newest known release, because "4.0.418 and later"
// reads as a downgrade from 4.0.520.
func TestNewest(t *testing.T) {
	for version, want := range map[string]string{"latest": Latest().Until, "4.0.240": "4.0.240",
		"5.0.0": "5.0.0"} {
		r, err := Find(version)
		if err != nil || r.Newest().Name() != want || r.Newest().String() != r.String() {
			t.Errorf("%s: %s, %v; want %s", version, r.Newest().Name(), err, want)
		}
	}
}

// TestFindNewer checks that a release newer than the catalogue gets the newest policies and a
// notice. This case is common.
func TestFindNewer(t *testing.T) {
	for _, version := range []string{"4.0.528", "4.0.540-alpha.1", "4.1.0", "5.0.0", "17.0.0"} {
		r, err := Find(version)
		if err != nil || r.Since != Latest().Since || !r.NewerThanCatalogue() {
			t.Fatalf("Find(%q): %s, newer %v, error %v", version, r, r.NewerThanCatalogue(), err)
		}
		for _, named := range []string{version, Latest().Until} {
			if !strings.Contains(r.Notice(), named) {
				t.Errorf("Find(%q): the notice does not name %s: %s", version, named, r.Notice())
			}
		}
	}
}

func TestFindErrors(t *testing.T) {
	for version, want := range map[string]string{
		"":                         "is not a Remotion release",
		"4":                        "is not a Remotion release",
		"4.0":                      "is not a Remotion release",
		"4.0-1.2":                  "is not a Remotion release",
		"newest":                   "is not a Remotion release",
		"4.0.1.2":                  "is not a Remotion release",
		"^4.0.240":                 "is not a Remotion release",
		"4.0.x":                    "is not a Remotion release",
		"4.0.01":                   "is not a Remotion release",
		" 4.0.240":                 "is not a Remotion release",
		"4-0-240":                  "is not a Remotion release",
		"vv4.0.240":                "is not a Remotion release",
		"4.0.\x00":                 "is not a Remotion release",
		"2022-04-20":               "is not a Remotion release",
		strings.Repeat("9", 1<<20): "is not a Remotion release",
		"2.6.15":                   "older than the catalogue of Remotion, which starts at 3.0.0",
		"3.0.0-alpha.1":            "older than the catalogue",
		"3.0.0-rc.2":               "older than the catalogue",
		"0.0.0":                    "older than the catalogue",
	} {
		r, err := Find(version)
		if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("Find(%.40q): %s, %v, want %q", version, r, err, want)
		}
	}
}

func TestIn(t *testing.T) {
	for _, test := range []struct{ version, partition, want, problem string }{
		{"4.0.240", "aws", "4.0.61-4.0.417", ""},
		{"4.0.510", "aws-cn", "4.0.510 and later", ""},
		{"4.0.527", "aws-cn", "4.0.510 and later", ""},
		{"latest", "aws-cn", "4.0.510 and later", ""},
		{"5.0.0", "aws-cn", "4.0.510 and later", ""},
		{"4.0.509", "aws-cn", "",
			"partition aws-cn needs Remotion 4.0.510 or later, got release 4.0.509"},
		{"3.0.0", "aws-cn", "", "needs Remotion 4.0.510 or later"},
		{"4.0.527", "aws-us-gov", "",
			`partition "aws-us-gov" (GovCloud) is not supported by Remotion: use aws or aws-cn`},
		{"4.0.527", "aws-iso", "",
			`partition "aws-iso" is not supported by Remotion: use aws or aws-cn`},
		{"4.0.527", "", "", `partition "" is not supported by Remotion`},
	} {
		found, err := Find(test.version)
		if err != nil {
			t.Fatal(err)
		}
		r, err := found.In(test.partition)
		if test.problem != "" {
			if err == nil || !strings.Contains(err.Error(), test.problem) {
				t.Errorf("%s in %q: %v, want %q", test.version, test.partition, err, test.problem)
			}
			continue
		}
		if err != nil || r.String() != test.want || r.Partition != test.partition ||
			r.Version != found.Version || r.NewerThanCatalogue() != found.NewerThanCatalogue() {
			t.Errorf("%s in %s: %+v, %v, want %s", test.version, test.partition, r, err, test.want)
		}
	}
}

// TestZeroRelease checks that all methods work on the zero Release, which ParseFunctionName returns
// for a name without a release.
func TestZeroRelease(t *testing.T) {
	var r Release
	if r.String() != "unknown" || r.Name() != "unknown" || r.NewerThanCatalogue() || r.Notice() != "" {
		t.Errorf("String %s, Name %s, newer %v, notice %q", r, r.Name(), r.NewerThanCatalogue(), r.Notice())
	}
}
