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

	"github.com/remotion-audit/remotion-audit/internal/e2e/remotion"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

var published = flag.Bool("published", false,
	"check the catalogue against the releases at its boundaries, which npm fetches")

const tarballs = "node_modules/.packages"

// A sample of the catalogue is held to the published packages with every run of the tests, the
// newest release among it; `make catalogue` takes all boundaries.
func TestSample(t *testing.T) {
	ready(t)
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
		release, err := policies.Find(version)
		if err != nil {
			t.Fatal(err)
		}
		ranges[release.String()] = true
	}
	if len(ranges) < 4 {
		t.Errorf("the sample is of %d ranges", len(ranges))
	}
	newest, err := pkg.Documents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, difference := range remotion.Differs(remotion.Version, newest) {
		t.Error(difference)
	}
}

// The whole catalogue, against what npm has today: `make catalogue`.
func TestPublished(t *testing.T) {
	if !*published {
		t.Skip("runs with -published: make catalogue")
	}
	packages := remotion.Published{Dir: ".", Tarballs: tarballs, Fetch: true}
	versions, err := packages.Versions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]remotion.Documents{}
	documents := func(version string) (remotion.Documents, error) {
		if d, ok := seen[version]; ok {
			return d, nil
		}
		d, err := packages.Documents(t.Context(), version)
		if err == nil {
			seen[version] = d
		} else if !errors.Is(err, remotion.ErrUnpublished) {
			t.Fatalf("Remotion %s: %v", version, err)
		}
		return d, err
	}
	// A release that cannot run without what is not there leaves its place to its neighbour.
	boundaries := remotion.Boundaries(versions)
	for i := 0; i < len(boundaries); i++ {
		version := boundaries[i]
		if _, err := documents(version); err != nil {
			t.Logf("%-12s cannot run, its neighbour is taken: %v", version, err)
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
		release, err := policies.Find(version)
		if err != nil {
			t.Fatal(err)
		}
		differences := remotion.Differs(version, seen[version])
		switch {
		case len(differences) == 0 && release.Newer():
			t.Logf("%-12s as %s; the catalogue was checked up to %s: write %s as the Until of its newest "+
				"ranges", version, release, until, version)
		case len(differences) == 0:
			t.Logf("%-12s as %s", version, release)
		case version == newest && release.Newer():
			since := firstDifferent(versions, until, newest, documents)
			t.Errorf("%s\n%s", strings.Join(differences, "\n"), remotion.Advice(since, newest, seen[newest]))
		default:
			t.Error(strings.Join(differences, "\n"))
		}
	}
}

// firstDifferent finds, between the newest release of the catalogue and the newest published, the
// first one with other documents, by halving.
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
		t.Errorf("of nothing: %s", got)
	}
}

// catalogued are the documents of a release by the catalogue, as the package returns them.
func catalogued(t *testing.T, version string) remotion.Documents {
	t.Helper()
	r, err := policies.Find(version)
	if err != nil {
		t.Fatal(err)
	}
	d := remotion.Documents{User: strings.TrimSuffix(r.Document(policies.User), "\n"),
		Role: strings.TrimSuffix(r.Document(policies.Role), "\n")}
	if china, err := r.In(policies.China); err == nil {
		d.China = &remotion.Documents{User: strings.TrimSuffix(china.Document(policies.User), "\n"),
			Role: strings.TrimSuffix(china.Document(policies.Role), "\n")}
	}
	return d
}

func TestDiffers(t *testing.T) {
	newest := catalogued(t, "4.0.527")
	more := newest
	more.User = strings.Replace(newest.User, `"s3:PutBucketPolicy",`, `"s3:PutBucketTagging",`, 1)
	spaced := newest
	spaced.Role += " "
	alone := newest
	alone.China = nil
	for _, test := range []struct {
		name, version string
		d             remotion.Documents
		want          string
	}{
		{"the same", "4.0.527", newest, ""},
		{"a newer one with the same", "4.0.600", newest, ""},
		{"an older one with the same", "3.3.7", catalogued(t, "3.0.0"), ""},
		{"another action", "4.0.600", more,
			"the user policy of Remotion 4.0.600 in aws is not that of 4.0.418 and later: " +
				"adds s3:PutBucketTagging on arn:aws:s3:::remotionlambda-*, lacks s3:PutBucketPolicy on " +
				"arn:aws:s3:::remotionlambda-*"},
		{"space", "4.0.527", spaced,
			"the role policy of Remotion 4.0.527 in aws is not that of 4.0.418 and later: it is written " +
				"in another way, and grants the same"},
		{"no policies for China", "4.0.527", alone,
			"Remotion 4.0.527 has no policies for aws-cn, and the catalogue has: 4.0.510 and later"},
		{"policies for China too early", "4.0.509", newest,
			"Remotion 4.0.509 has policies for aws-cn, and in the catalogue: Remotion supports partition " +
				"aws-cn since 4.0.510"},
		{"no policy at all", "4.0.527", remotion.Documents{User: "undefined", Role: newest.Role,
			China: newest.China}, "the user policy of Remotion 4.0.527 in aws is not that"},
		{"a release before all", "2.1.2", newest, "older than the catalogue"},
	} {
		got := strings.Join(remotion.Differs(test.version, test.d), "\n")
		if !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// What to add is said to the file and the line.
func TestAdvice(t *testing.T) {
	d := catalogued(t, "4.0.527")
	d.User = strings.Replace(d.User, `"s3:PutBucketPolicy",`,
		"\"s3:PutBucketPolicy\",\n        \"s3:PutBucketTagging\",", 1)
	advice := remotion.Advice("4.0.590", "4.0.600", d)
	for _, want := range []string{
		"The catalogue ends at Remotion " + policies.Latest().Until +
			"; from 4.0.590 on (the newest is 4.0.600) the policies are others.",
		"internal/policies/data/user-4.0.590.json:\n" + d.User + "\n",
		`{Partition: "aws", Since: "4.0.590", Until: "4.0.600", user: "user-4.0.590", role: "role-4.0.61"}`,
		"the user policy adds s3:PutBucketTagging on arn:aws:s3:::remotionlambda-*",
		"docs/releases.md",
	} {
		if !strings.Contains(advice, want) {
			t.Errorf("no %q in\n%s", want, advice)
		}
	}
	if strings.Contains(advice, "aws-cn") {
		t.Errorf("nothing changed in China:\n%s", advice)
	}
}
