package remotion_test

import (
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
	"github.com/remotion-audit/remotion-audit/test/e2e/remotion"
)

var published = flag.Bool("published", false,
	"compare the catalogue with the releases at its boundaries, which npm downloads")

const tarballs = "node_modules/.packages"

// TestTheCatalogueEqualsASampleOfPackages compares the catalogue with a sample of published
// packages, which includes the newest known release. `make catalogue` compares all boundaries.
func TestTheCatalogueEqualsASampleOfPackages(t *testing.T) {
	skipUnlessReady(t)
	text, err := os.ReadFile("package.json")
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Sample []string }
	if err := json.Unmarshal(text, &manifest); err != nil {
		t.Fatal(err)
	}
	ranges := map[string]bool{}
	for _, pkg := range manifest.Sample {
		version, ok := strings.CutPrefix(pkg, remotion.Lambda+"@")
		if !ok {
			continue
		}
		t.Run(version, func(t *testing.T) {
			d, err := remotion.Published{Dir: ".", Tarballs: tarballs}.Documents(t.Context(), version)
			if errors.Is(err, fs.ErrNotExist) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, difference := range remotion.Differs(version, d) {
				t.Error(difference)
			}
		})
		release := policytest.Release(t, version)
		ranges[release.String()] = true
	}
	if len(ranges) < 4 {
		t.Errorf("the sample covers %d ranges, want at least 4", len(ranges))
	}
	newest, err := pkg.Documents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range remotion.Differs(remotion.Version, newest) {
		t.Error(difference)
	}
}

// TestPublished compares the catalogue with the packages at all boundaries in the npm registry.
// `make catalogue` runs this test.
func TestPublished(t *testing.T) {
	if !*published {
		t.Skip("runs with -published: make catalogue")
	}
	packages := remotion.Published{Dir: ".", Tarballs: tarballs, Fetch: true}
	versions, err := packages.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cache := map[string]remotion.Documents{}
	documents := func(version string) (remotion.Documents, error) {
		if d, ok := cache[version]; ok {
			return d, nil
		}
		d, err := packages.Documents(t.Context(), version)
		if err == nil {
			cache[version] = d
		} else if !errors.Is(err, remotion.ErrUnpublished) {
			t.Fatalf("Remotion %s: %v", version, err)
		}
		return d, err
	}
	// The next release replaces a release that cannot run because a package is not in the registry.
	boundaries := remotion.Boundaries(versions)
	for i := 0; i < len(boundaries); i++ {
		version := boundaries[i]
		if _, err := documents(version); err != nil {
			t.Logf("%-12s cannot run, the next release is used: %v", version, err)
			versions = slices.DeleteFunc(versions, func(v string) bool { return v == version })
			boundaries, i = remotion.Boundaries(versions), -1
		}
	}
	if len(boundaries) < len(policies.Releases(policies.AWS)) {
		t.Fatalf("npm has %d releases at the boundaries of %d ranges: %s", len(boundaries),
			len(policies.Releases(policies.AWS)), boundaries)
	}
	newest, until := boundaries[len(boundaries)-1], policies.Latest().Until
	for _, version := range boundaries {
		release := policytest.Release(t, version)
		differences := remotion.Differs(version, cache[version])
		switch {
		case len(differences) == 0 && release.NewerThanCatalogue():
			t.Logf("%-12s equals %s; the catalogue was checked up to %s: set Until of its newest ranges to "+
				"%s", version, release, until, version)
		case len(differences) == 0:
			t.Logf("%-12s equals %s", version, release)
		case version == newest && release.NewerThanCatalogue():
			since := firstDifferent(versions, until, newest, documents)
			t.Errorf("%s\n%s", strings.Join(differences, "\n"),
				remotion.Advice(since, newest, cache[newest]))
		default:
			t.Error(strings.Join(differences, "\n"))
		}
	}
}

// firstDifferent returns the first release after until with documents that differ from the
// catalogue. It uses binary search between until and newest.
func firstDifferent(versions []string, until, newest string,
	documents func(string) (remotion.Documents, error)) string {
	from, to := slices.Index(versions, until)+1, slices.Index(versions, newest)
	for from < to {
		middle := (from + to) / 2
		d, err := documents(versions[middle])
		switch {
		case err != nil:
			versions = slices.Delete(slices.Clone(versions), middle, middle+1)
			to--
		case len(remotion.Differs(versions[middle], d)) > 0:
			to = middle
		default:
			from = middle + 1
		}
	}
	return versions[to]
}

func TestBoundaries(t *testing.T) {
	got := remotion.Boundaries([]string{"2.1.2", "3.0.0-rc.15", "3.0.0", "3.0.31", "3.3.7", "3.3.8",
		"4.0.24", "4.0.39", "4.0.399",
		"4.0.417", "4.0.418", "4.0.508", "4.0.512", "4.0.523", "4.1.0"})
	want := []string{"3.0.0-rc.15", "3.0.0", "3.3.7", "3.3.8", "4.0.24", "4.0.39", "4.0.399",
		"4.0.417", "4.0.418", "4.0.508", "4.0.512", "4.1.0"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := remotion.Boundaries(nil); got != nil {
		t.Errorf("boundaries of no releases: %s", got)
	}
}

// cataloguedDocuments returns the documents of a release in the catalogue, as the package returns
// them.
func cataloguedDocuments(t *testing.T, version string) remotion.Documents {
	t.Helper()
	r := policytest.Release(t, version)
	d := remotion.Documents{User: strings.TrimSuffix(r.Document(policies.User), "\n"),
		Role: strings.TrimSuffix(r.Document(policies.Role), "\n")}
	if china, err := r.In(policies.China); err == nil {
		d.China = &remotion.Documents{User: strings.TrimSuffix(china.Document(policies.User), "\n"),
			Role: strings.TrimSuffix(china.Document(policies.Role), "\n")}
	}
	return d
}

func TestDiffers(t *testing.T) {
	newest := cataloguedDocuments(t, "4.0.527")
	changed := newest
	changed.User = strings.Replace(newest.User, `"s3:PutBucketPolicy",`, `"s3:PutBucketTagging",`, 1)
	spaced := newest
	spaced.Role += " "
	withoutChina := newest
	withoutChina.China = nil
	for _, test := range []struct {
		name, version string
		d             remotion.Documents
		want          string
	}{
		{"equal documents have no difference", "4.0.527", newest, ""},
		{"equal documents of a newer release have no difference", "4.0.600", newest, ""},
		{"equal documents of an older release have no difference", "3.3.7",
			cataloguedDocuments(t, "3.0.0"), ""},
		{"another action is an added and a missing grant", "4.0.600", changed,
			"the user policy of Remotion 4.0.600 in aws differs from that of 4.0.418 and later: " +
				"adds s3:PutBucketTagging on arn:aws:s3:::remotionlambda-*, lacks s3:PutBucketPolicy on " +
				"arn:aws:s3:::remotionlambda-*"},
		{"an additional space is a difference of the text", "4.0.527", spaced,
			"the role policy of Remotion 4.0.527 in aws differs from that of 4.0.418 and later: only the " +
				"text differs, the grants are equal"},
		{"missing policies for China are a difference", "4.0.527", withoutChina,
			"Remotion 4.0.527 has no policies for aws-cn, but the catalogue has: 4.0.510 and later"},
		{"policies for China before 4.0.510 are a difference", "4.0.509", newest,
			"Remotion 4.0.509 has policies for aws-cn, but the catalogue does not: partition aws-cn needs " +
				"Remotion 4.0.510 or later"},
		{"a policy that is not JSON is a difference", "4.0.527", remotion.Documents{User: "undefined",
			Role:  newest.Role,
			China: newest.China}, "the user policy of Remotion 4.0.527 in aws differs from that"},
		{"a release before the catalogue is an error", "2.1.2", newest, "older than the catalogue"},
	} {
		got := strings.Join(remotion.Differs(test.version, test.d), "\n")
		if !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// TestAdvice checks that the advice names each file and its new entry.
func TestAdvice(t *testing.T) {
	d := cataloguedDocuments(t, "4.0.527")
	d.User = strings.Replace(d.User, `"s3:PutBucketPolicy",`,
		"\"s3:PutBucketPolicy\",\n        \"s3:PutBucketTagging\",", 1)
	advice := remotion.Advice("4.0.590", "4.0.600", d)
	for _, want := range []string{
		"The catalogue ends at Remotion " + policies.Latest().Until +
			". Since 4.0.590 (the newest is 4.0.600) the policies differ.",
		"internal/policies/data/user-4.0.590.json:\n" + d.User + "\n",
		`{Partition: "aws", Since: "4.0.590", Until: "4.0.600", ` +
			`user: "user-4.0.590", role: "role-4.0.61"}`,
		"the user policy adds s3:PutBucketTagging on arn:aws:s3:::remotionlambda-*",
		"docs/releases.md",
	} {
		if !strings.Contains(advice, want) {
			t.Errorf("no %q in\n%s", want, advice)
		}
	}
	if strings.Contains(advice, "aws-cn") {
		t.Errorf("the advice mentions the unchanged policies for China:\n%s", advice)
	}
}
