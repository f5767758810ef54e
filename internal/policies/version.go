package policies

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

// firstPublished is the last release candidate of 3.0.0. It is the first release with the two
// policies of 3.0.0.
const firstPublished = "v3.0.0-rc.15"

// Find returns the release with that number, such as 4.0.240 or 4.0.0-alpha.2, in partition aws.
// For "latest" and "auto" it returns the newest range. A release newer than the catalogue belongs
// to the newest range, and its method NewerThanCatalogue returns true.
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

// In returns the release for another partition. It fails if Remotion does not support the
// partition, or if the release is older than Remotion's support for the partition.
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
	return Release{}, fmt.Errorf("partition %s needs Remotion %s or later, got release %s",
		partition, list[0].Since, r.Name())
}

// NewerThanCatalogue reports whether the requested release is newer than the catalogue. The audit
// then uses the policies of the newest known range.
func (r Release) NewerThanCatalogue() bool {
	return r.Version != "" && compare(r.Version, latest(r.Partition).Until) > 0
}

// KnownUntil returns the newest release of the catalogue for a release that is newer. What the
// release needs is known as far as that release tells. It is empty for a known release.
func (r Release) KnownUntil() string {
	if !r.NewerThanCatalogue() {
		return ""
	}
	return r.Until
}

// UnknownMajor reports whether the release is of a newer major version than the catalogue. Such a
// release may need anything: what it needs is unverified.
func (r Release) UnknownMajor() bool {
	return r.NewerThanCatalogue() && r.Major() != latest(r.Partition).Major()
}

// Major returns the major version of the release, such as 4.
func (r Release) Major() string {
	return strings.TrimPrefix(semver.Major("v"+cmp.Or(r.Version, r.Until)), "v")
}

// Problem says why the needs of a release of an unknown major version are unverified, as a sentence
// without a full stop. It is empty for any other release.
func (r Release) Problem() string {
	if !r.UnknownMajor() {
		return ""
	}
	return fmt.Sprintf("Remotion %s is of a newer major version than the catalogue, which ends at %s",
		r.Version, r.Until)
}

// Newest returns the single release of that number, or for a range its newest known release.
func (r Release) Newest() Release {
	r.Version = cmp.Or(r.Version, r.Until)
	return r
}

// Notice returns a sentence about a release that is newer than the catalogue. It is empty for a
// known release. States of the auditor contain the text, so a change would announce it again.
func (r Release) Notice() string {
	if !r.NewerThanCatalogue() {
		return ""
	}
	return fmt.Sprintf("Remotion %s is newer than %s, the newest release in this catalogue: the "+
		"policies of %s apply", r.Version, r.Until, r)
}

// Before reports whether the release is older than the release of that number.
func (r Release) Before(version string) bool { return compare(r.number(), version) < 0 }

// Compare orders two releases by their numbers, the older one first. The zero Release is the
// oldest.
func (r Release) Compare(o Release) int { return compare(r.number(), o.number()) }

// number returns the release number for sorting: Version, or Since for a whole range.
func (r Release) number() string {
	if r.Version != "" {
		return r.Version
	}
	return r.Since
}

// compare orders two releases by their numbers, written without a v.
func compare(a, b string) int { return semver.Compare("v"+a, "v"+b) }
