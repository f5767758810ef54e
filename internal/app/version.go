package app

import "runtime/debug"

// Release is the newest release in CHANGELOG.md, or the first one. Builds from a checkout have no
// other version.
const Release = "v0.1.0"

// devel is the version of a build from a checkout.
const devel = "(devel)"

// linked is the version of a binary that is published, such as v0.2.0. The linker sets it, because
// builds with -buildvcs=false record none.
var linked string

// Version returns the version of the module, or (devel) for a build from a checkout.
func Version() string {
	if linked != "" {
		return linked
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return devel
}

// releaseVersion returns Version, or Release for a build from a checkout.
func releaseVersion() string {
	if v := Version(); v != devel {
		return v
	}
	return Release
}
