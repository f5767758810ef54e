package policies

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
)

// The prefixes of the names that Remotion gives to functions and buckets. The documented policies
// grant these names only.
const (
	FunctionPrefix = "remotion-render-"
	BucketPrefix   = "remotionlambda-"
)

// A FunctionOrigin holds the facts that the name of a function states about its origin.
type FunctionOrigin struct {
	// Remotion is true if the name has a form that Remotion gives and that other names rarely have.
	Remotion bool
	// Release is the release in the name, or a range if the name only has a date. It is the zero
	// Release if the name states neither.
	Release Release
}

var (
	// sizedName matches the name of every function since 3.0.0. The group is the release with hyphens,
	// truncated to ten characters. Before 3.2.16, the group is a date. Like Remotion's own parser,
	// sizedName accepts any text before remotion-render-. Prereleases of 3.0.0 wrote the sizes without
	// mem and disk.
	sizedName = regexp.MustCompile(`remotion-render-(.+?)-(?:mem)?\d+mb(?:-disk\d+mb)?-\d+sec$`)
	// randomName matches the name of a function of 2021: an id after the prefix.
	randomName = regexp.MustCompile(`^remotion-render-[a-z0-9]{5,10}$`)
	digit      = regexp.MustCompile(`[0-9]`)

	releasePart = regexp.MustCompile(`^(\d+)-(\d+)-(\d+)(?:-+([0-9A-Za-z-]*))?$`)
	datePart    = regexp.MustCompile(`^20\d\d-\d\d-\d\d`)
)

// ParseFunctionName parses the name of a Lambda function. For a custom name, which Remotion accepts
// since 4.0.540, it returns the zero FunctionOrigin.
func ParseFunctionName(name string) FunctionOrigin {
	m := sizedName.FindStringSubmatch(name)
	if m == nil {
		return FunctionOrigin{Remotion: strings.HasPrefix(name, FunctionPrefix) &&
			randomName.MatchString(name) &&
			digit.MatchString(name[len(FunctionPrefix):])}
	}
	origin := FunctionOrigin{Remotion: true}
	if datePart.MatchString(m[1]) {
		origin.Release = Releases(AWS)[0]
		return origin
	}
	if v := releasePart.FindStringSubmatch(m[1]); v != nil {
		version := v[1] + "." + v[2] + "." + v[3]
		if pre := strings.Trim(v[4], "-"); pre != "" {
			version += "-" + pre
		}
		origin.Release = releaseOrZero(version)
	}
	return origin
}

// releaseOrZero returns the release of that number. It returns the zero Release for any other text,
// because names and tags can contain any text, or the format of a future Remotion.
func releaseOrZero(version string) Release {
	if version == "auto" || version == "latest" {
		return Release{}
	}
	r, err := Find(version)
	if err != nil {
		return Release{}
	}
	return r
}

// FormerRegions lists the regions of a partition that Remotion supported only before 4.0.473. Such
// a region can still have functions.
// https://github.com/remotion-dev/remotion/pull/7189
func FormerRegions(partition string) []string {
	if partition == AWS {
		return []string{"me-south-1"}
	}
	return nil
}

// Ordered returns a copy of the releases, sorted by number, oldest first.
func Ordered(releases []Release) []Release {
	ordered := slices.Clone(releases)
	slices.SortStableFunc(ordered, Release.Compare)
	return ordered
}

// These properties show that Remotion deployed a function, even with a custom name.
const (
	// binariesAccount owns the layers with Chromium and its fonts.
	binariesAccount = "678892195805"
	// deployedDescription is the description that Remotion gives a function.
	deployedDescription = "Renders a Remotion video."
	// VersionTag is the key of the tag with the release, which Remotion sets since 4.0.51.
	VersionTag = "remotion-version"
)

// DeployedByRemotion reports whether the description or the layer ARNs of a function show that
// Remotion deployed it. The name of the function does not matter.
func DeployedByRemotion(description string, layers []string) bool {
	return description == deployedDescription || slices.ContainsFunc(layers, RemotionLayer)
}

// RemotionLayer reports whether the ARN of a layer version is of a layer with Chromium or fonts
// that Remotion publishes in partition aws.
func RemotionLayer(layer string) bool {
	a, _ := arn.Parse(layer)
	return a.Account == binariesAccount && strings.HasPrefix(a.Resource, "layer:remotion-binaries-")
}

// InsightsLayer reports whether the ARN of a layer version is of the Lambda Insights extension.
func InsightsLayer(layer string) bool {
	a, _ := arn.Parse(layer)
	return strings.HasPrefix(a.Resource, "layer:LambdaInsightsExtension")
}

// DeploysOwnLayers reports whether a release can deploy functions with layers of the account's own.
// An older release always attaches Remotion's layers: any other layer of its functions was attached
// later, by something else.
func (r Release) DeploysOwnLayers() bool {
	return compare(cmp.Or(r.Version, r.Until, ownLayersSince), ownLayersSince) >= 0
}

// ParseTag returns the release that the tag VersionTag states, or the zero Release.
func ParseTag(tags map[string]string) Release { return releaseOrZero(tags[VersionTag]) }

// NamedByRemotion reports whether the documented policies, which grant remotion-render-*, cover a
// function with that name.
func NamedByRemotion(function string) bool { return strings.HasPrefix(function, FunctionPrefix) }

// BucketNamedByRemotion reports whether the documented policies, which grant remotionlambda-*,
// cover a bucket with that name.
func BucketNamedByRemotion(bucket string) bool { return strings.HasPrefix(bucket, BucketPrefix) }
