package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// problemOfRelease is the beginning of the What of a Problem about a release.
const problemOfRelease = "the needs of Remotion "

// OfRelease reports whether the catalogue does not know the major version of a release. Another
// audit has the same problem, and all targets are known in spite of it.
func (p Problem) OfRelease() bool { return strings.HasPrefix(p.What, problemOfRelease) }

// releaseProblems returns a problem for each major version of Remotion that the account is judged
// by or is to be upgraded to, and that the catalogue does not know.
func (f Facts) releaseProblems() (list []Problem) {
	releases := slices.Clone(f.judgedBy())
	if f.UpgradeTo != nil {
		releases = append(releases, *f.UpgradeTo)
	}
	for _, r := range releases {
		if !r.UnknownMajor() {
			continue
		}
		what := problemOfRelease + r.Major()
		if slices.ContainsFunc(list, func(p Problem) bool { return p.What == what }) {
			continue
		}
		list = append(list, Problem{What: what, Why: r.Problem(), Remedy: remedyOfRelease(r)})
	}
	return list
}

func remedyOfRelease(r policies.Release) string {
	return fmt.Sprintf("update remotion-audit to a version that knows this release; until then, the "+
		"audit covers only what Remotion %s needs", r)
}
