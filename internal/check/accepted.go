package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// accepted returns what policies may grant beyond the needs of a target without excess: what
// LeastPrivilege grants for it, and for a target in any account and any region, without names of
// its own, also what Remotion's document grants for the purpose. A document is wider than the
// needs: it grants GetObject on buckets, and layers by their prefix.
func accepted(t Target, scope needs.Scope, release policies.Release) (list []iampolicy.Need,
	err error) {
	add := func(doc *iampolicy.Document, included func(action string) bool) error {
		for _, s := range doc.Statements {
			for _, action := range s.Action {
				if !included(action) {
					continue
				}
				for _, resource := range s.Resource {
					need, err := iampolicy.NewNeed(action, variables.ReplaceAllString(resource, "*"))
					if err != nil {
						return err
					}
					list = append(list, need)
				}
			}
		}
		return nil
	}
	scope.Account, scope.RenderRole = t.Account, t.RenderRole
	if scope.Regions[0] == needs.AnyRegion {
		scope.Functions = map[string][]string{ // LeastPrivilege then takes the first region as a sample
			policies.Regions(scope.Partition)[0]: scope.Functions[needs.AnyRegion]}
		scope.Regions = nil
	}
	for _, caller := range []string{"", t.Principal} { // LeastPrivilege for any caller is wider
		scope.Caller = caller
		doc, err := iampolicy.Parse(needs.LeastPrivilege([]policies.Release{release}, t.Kind, t.Purpose,
			scope))
		if err == nil {
			err = add(doc, func(string) bool { return true })
		}
		if err != nil {
			return nil, err
		}
	}
	if t.Account != "" || len(scope.Regions) > 0 || scope.NamedBuckets || len(t.Functions) > 0 {
		return list, nil
	}
	releases := []policies.Release{release}
	documented := policies.Union(releases, t.Kind)
	return list, add(release.Policy(t.Kind), func(action string) bool {
		if t.Purpose == policies.All {
			return true // even an action that no release calls
		}
		return slices.ContainsFunc(documented, func(r policies.Requirement) bool {
			_, used := r.For(t.Purpose, releases, policies.MainBucket)
			return used && r.Action == action
		})
	})
}

// variables matches the policy variables of a resource.
var variables = regexp.MustCompile(`\$\{[^}]*\}`)

// withImpossible adds needs that contain requests which no call makes: of an action for objects on
// a bucket, of an action for a bucket on objects, and of an action for log streams on a log group.
// A policy with both kinds of actions in one statement grants such requests without any effect.
func withImpossible(wanted []iampolicy.Need) []iampolicy.Need {
	var list []iampolicy.Need
	for _, n := range wanted {
		var others []string
		if bucket, isObject := strings.CutSuffix(n.Resource, "/*"); isObject {
			others = append(others, bucket)
		} else if strings.HasPrefix(n.Action, "s3:") && n.Resource != "*" {
			others = append(others, n.Resource+"/*")
		}
		if group, _, isStream := strings.Cut(n.Resource, ":log-stream:"); isStream {
			others = append(others, group, group+":*")
		}
		for _, resource := range others {
			if need, err := iampolicy.NewNeed(n.Action, resource); err == nil {
				list = append(list, need)
			}
		}
	}
	return slices.Concat(wanted, list)
}
