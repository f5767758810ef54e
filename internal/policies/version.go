package policies

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// firstPublished is the first release with the two policies of 3.0.0: its last release candidate.
const firstPublished = "v3.0.0-rc.15"

// Find returns the release with that number, such as 4.0.240 or 4.0.0-alpha.2, in partition aws;
// for "latest" and "auto" the newest range. A release newer than the catalogue belongs to the
// newest range, and says so: Newer.
func Find(version string) (Release, error) {
	if version == "auto" || version == "latest" {
		return Latest(), nil
	}
	v := "v" + strings.TrimPrefix(version, "v")
	if core, _, _ := strings.Cut(v, "-"); !semver.IsValid(v) || strings.Count(core, ".") < 2 {
		return Release{},
			fmt.Errorf("%s is not a Remotion release: write auto, latest or a number such as %s",
				clip(version), Latest().Until)
	}
	if semver.Compare(v, firstPublished) < 0 {
		return Release{},
			fmt.Errorf("release %s is older than the catalogue of Remotion, which starts at %s",
				clip(version), releases[0].Since)
	}
	list := Releases(AWS)
	found := list[0]
	for _, r := range list {
		if semver.Compare(v, "v"+r.Since) >= 0 {
			found = r
		}
	}
	found.Version = v[1:]
	return found, nil
}

// In returns the release as it is in another partition. It is an error if Remotion does not run
// there, or the release did not yet.
func (r Release) In(partition string) (Release, error) {
	if err := ValidatePartition(partition); err != nil {
		return Release{}, err
	}
	if r.Partition == partition {
		return r, nil
	}
	newest := r.Version
	if newest == "" {
		newest = r.Until
	}
	list := Releases(partition)
	for i := len(list) - 1; i >= 0; i-- {
		if compare(newest, list[i].Since) >= 0 {
			list[i].Version = r.Version
			return list[i], nil
		}
	}
	//lint:ignore ST1005 Remotion is a name
	return Release{}, fmt.Errorf("Remotion supports partition %s since %s: release %s is older",
		partition, list[0].Since, r.Name())
}

// Newer reports whether the release that was asked for is newer than the catalogue: it is judged by
// the newest that is known.
func (r Release) Newer() bool {
	return r.Version != "" && compare(r.Version, latest(r.Partition).Until) > 0
}

// Notice is a sentence for a release that is newer than the catalogue; empty for one that is known.
func (r Release) Notice() string {
	if !r.Newer() {
		return ""
	}
	return fmt.Sprintf("Remotion %s is newer than this catalogue, which was checked up to %s: it is "+
		"judged by the policies of %s", r.Version, r.Until, r)
}

// compare orders two releases by their numbers, written without a v.
func compare(a, b string) int { return semver.Compare("v"+a, "v"+b) }

// clip quotes text from outside for an error, and cuts it to what a person would read.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}
