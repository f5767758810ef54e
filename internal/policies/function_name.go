package policies

import (
	"regexp"
	"slices"
	"strings"
)

// A Deployed is what a function's name, or its tag, tells of the release of Remotion that made it.
type Deployed struct {
	// Remotion says that the name is one Remotion gives, and nobody else is likely to.
	Remotion bool
	// Release is the release, or the range where the name has no more than a date. It is the zero
	// Release where nothing is told.
	Release Release
}

var (
	// sized is the name of every function since 3.0.0. V is the release with hyphens, cut to ten
	// characters, and before 3.2.16 a date. Like Remotion's own parser it does not ask how the name
	// begins. Prereleases of 3.0.0 wrote the sizes without mem and disk.
	sized = regexp.MustCompile(`remotion-render-(.+?)-(?:mem)?\d+mb(?:-disk\d+mb)?-\d+sec$`)
	// random is the name of a function of 2021: an id behind the prefix.
	random = regexp.MustCompile(`^remotion-render-[a-z0-9]{5,10}$`)
	digit  = regexp.MustCompile(`[0-9]`)

	numbered = regexp.MustCompile(`^(\d+)-(\d+)-(\d+)(?:-+([0-9A-Za-z-]*))?$`)
	dated    = regexp.MustCompile(`^20\d\d-\d\d-\d\d`)
)

// ParseFunctionName reads the name of a Lambda function. Names of one's own, which Remotion takes
// since 4.0.540, tell nothing.
func ParseFunctionName(name string) Deployed {
	m := sized.FindStringSubmatch(name)
	if m == nil {
		return Deployed{Remotion: strings.HasPrefix(name, functionPrefix) && random.MatchString(name) &&
			digit.MatchString(name[len(functionPrefix):])}
	}
	d := Deployed{Remotion: true}
	if dated.MatchString(m[1]) {
		d.Release = Releases(AWS)[0]
		return d
	}
	if v := numbered.FindStringSubmatch(m[1]); v != nil {
		version := v[1] + "." + v[2] + "." + v[3]
		if pre := strings.Trim(v[4], "-"); pre != "" {
			version += "-" + pre
		}
		d.Release = released(version)
	}
	return d
}

// released is the release of that number, or the zero Release: what is written in names and tags
// may be anything, and of a future Remotion's.
func released(version string) Release {
	if version == "auto" || version == "latest" {
		return Release{}
	}
	r, err := Find(version)
	if err != nil {
		return Release{}
	}
	return r
}

// FormerRegions lists regions of a partition that releases before 4.0.473 supported and later ones
// do not: functions may be there still. https://github.com/remotion-dev/remotion/pull/7189
func FormerRegions(partition string) []string {
	if partition == AWS {
		return []string{"me-south-1"}
	}
	return nil
}

// Ordered sorts releases by their numbers, oldest first.
func Ordered(releases []Release) []Release {
	ordered := slices.Clone(releases)
	slices.SortStableFunc(ordered, func(a, b Release) int { return compare(a.number(), b.number()) })
	return ordered
}

// The marks of a function that Remotion deployed under whatever name.
const (
	// binariesAccount owns the layers with Chromium and its fonts.
	binariesAccount = "678892195805"
	description     = "Renders a Remotion video."
	// VersionTag has the release, since 4.0.51.
	VersionTag = "remotion-version"
)

// LooksDeployed reports whether a function is Remotion's by what it is made of.
func LooksDeployed(about string, layers []string) bool {
	return about == description || slices.ContainsFunc(layers, func(arn string) bool {
		parts := strings.Split(arn, ":")
		return len(parts) > 6 && parts[4] == binariesAccount &&
			strings.HasPrefix(parts[6], "remotion-binaries-")
	})
}

// ParseTag reads the tag that tells the release.
func ParseTag(tags map[string]string) Release { return released(tags[VersionTag]) }

// NamedByRemotion reports whether the documented policies, which grant remotion-render-*, cover a
// function of that name.
func NamedByRemotion(function string) bool { return strings.HasPrefix(function, functionPrefix) }

// BucketNamedByRemotion reports the same of a bucket: remotionlambda-*.
func BucketNamedByRemotion(bucket string) bool {
	return strings.HasPrefix(bucket, "remotionlambda-")
}

var functionName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ValidFunctionName reports whether Lambda takes that name: a name with a wildcard in it would
// become a pattern. https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
func ValidFunctionName(name string) bool { return functionName.MatchString(name) }
