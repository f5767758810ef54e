package policies

import (
	"slices"
	"strings"
	"testing"
)

func actions(list []Requirement) string {
	var names []string
	for _, r := range list {
		names = append(names, r.Action)
	}
	return strings.Join(names, " ")
}

func TestDiff(t *testing.T) {
	for _, test := range []struct {
		from, to       string
		kind           PolicyKind
		added, dropped string
	}{
		{"3.3.7", "3.3.8", User, "", "iam:GetUser"},
		{"3.3.8", "3.3.12", User, "", "s3:PutBucketWebsite s3:DeleteBucketWebsite"},
		{"3.3.53", "3.3.54", User, "lambda:PutRuntimeManagementConfig", ""},
		{"3.3.86", "3.3.87", User, "s3:PutBucketOwnershipControls s3:PutBucketPublicAccessBlock", ""},
		{"4.0.31", "4.0.32", User, "s3:PutLifecycleConfiguration", ""},
		{"4.0.50", "4.0.51", User, "lambda:TagResource", ""},
		{"4.0.60", "4.0.61", User, "lambda:GetLayerVersion", ""},
		{"4.0.60", "4.0.61", Role, "logs:CreateLogGroup logs:CreateLogStream logs:PutLogEvents", ""},
		{"4.0.417", "4.0.418", User, "s3:PutBucketPolicy", ""},
		{"4.0.417", "4.0.418", Role, "", ""},
		{"4.0.240", "4.0.240", User, "", ""},
		{"3.3.8 4.0.51", "4.0.527", User, "s3:PutBucketPolicy lambda:GetLayerVersion",
			"s3:PutBucketWebsite s3:DeleteBucketWebsite"},
		{"4.0.527 4.0.240", "4.0.527", User, "", ""},
		{"4.0.527", "4.0.240", User, "", "s3:PutBucketPolicy"},
	} {
		var from []Release
		for _, version := range strings.Fields(test.from) {
			from = append(from, find(t, version))
		}
		c := Diff(from, find(t, test.to), test.kind)
		if c.Kind != test.kind || actions(c.Added) != test.added || actions(c.Dropped) != test.dropped {
			t.Errorf("%s to %s, %s: adds %q, drops %q; want %q and %q",
				test.from, test.to, test.kind, actions(c.Added), actions(c.Dropped), test.added, test.dropped)
		}
	}
}

// TestDiffIsSymmetric checks that an upgrade adds what the reverse downgrade drops.
// TestCompare checks the names, the notices and the order of a comparison.
func TestCompare(t *testing.T) {
	var releases []Release
	for _, version := range []string{"4.0.51", "4.0.900", "4.0.900"} {
		r, err := Find(version)
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, r)
	}
	c := Compare(releases[:2], releases[2], []PolicyKind{Role, User})
	if !slices.Equal(c.From, []string{"4.0.51", "4.0.900"}) || c.To != "4.0.900" ||
		c.Partition != AWS || c.SchemaVersion != ComparisonVersion {
		t.Errorf("%+v", c)
	}
	if !slices.Equal(c.Notices, []string{releases[2].Notice()}) {
		t.Errorf("the notices are %q, want one", c.Notices)
	}
	unknown, err := Find("17.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if c := Compare(releases[:1], unknown, nil); c.Notices != nil || c.Problem != unknown.Problem() {
		t.Errorf("an unknown major version has the notices %q and the problem %q", c.Notices, c.Problem)
	}
	if len(c.Policies) != 2 || c.Policies[0].Kind != Role || c.Policies[1].Kind != User {
		t.Errorf("the policies are %+v, want role and user", c.Policies)
	}
}

func TestDiffIsSymmetric(t *testing.T) {
	for _, a := range Releases(AWS) {
		for _, b := range Releases(AWS) {
			for _, kind := range Kinds {
				upgrade, downgrade := Diff([]Release{a}, b, kind), Diff([]Release{b}, a, kind)
				sorted := func(list []Requirement) string {
					words := strings.Fields(actions(list))
					slices.Sort(words)
					return strings.Join(words, " ")
				}
				if sorted(upgrade.Added) != sorted(downgrade.Dropped) ||
					sorted(upgrade.Dropped) != sorted(downgrade.Added) {
					t.Errorf("%s and %s, %s: upgrade %+v, downgrade %+v", a, b, kind, upgrade, downgrade)
				}
			}
		}
	}
}
