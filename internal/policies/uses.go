package policies

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A Use is one way in which Remotion uses a permission, and what happens without it.
type Use struct {
	Kind   PolicyKind
	Action string
	// Operations are the operations that use the permission. A render role has none: it needs
	// everything that its functions call.
	Operations []Operation
	// Buckets are the roles of the buckets that the action is called for. It is empty for an action on
	// something else.
	Buckets []BucketRole
	// OldNames is true if the action is called only for Remotion's buckets without the region in
	// their names.
	OldNames bool
	// Insights is true for the resources of CloudWatch Lambda Insights, which have only such uses.
	Insights bool
	// Since and Until are the first and the last release with the use; empty without such a bound.
	Since, Until string
	// Reason states what Remotion uses the permission for, as a verb phrase: "creates the function".
	Reason string
	Effect
	// Otherwise is the effect if Remotion can do the same with another permission, which Instead
	// names, and that permission is granted. Instead is empty without such an alternative.
	Instead   string
	Otherwise Effect
	// UnlessGiven names what a caller can give to Remotion so that it does not need the permission;
	// empty for nothing.
	UnlessGiven string
	// Source is the URL of the page or issue that supports the use.
	Source string
}

// Effect is what happens without a permission. Impact is a clause that reports print.
type Effect struct {
	Breakage Breakage
	Impact   string
	Severity Severity
	// InSomeCases is true if only some renders or deploys stop.
	InSomeCases bool
}

// stops returns what the effect stops for the operations of a use.
func (e Effect) stops(operations []Operation) Stops {
	some := e.InSomeCases || e.Breakage == Feature || len(operations) > 0 &&
		!slices.ContainsFunc(operations, func(o Operation) bool { return o != Sites })
	switch {
	case e.Severity == Critical && some:
		return SomeRenders
	case e.Severity == Critical:
		return Renders
	case e.Severity == High && e.Breakage == Warned:
		return BucketPrivacy
	case e.Severity == High && some:
		return SomeDeploys
	case e.Severity == High:
		return Deploys
	}
	return Features
}

// uses returns the uses of the requirement by the operations of a purpose, in releases, for buckets
// of some roles. If bucketRoles is nil, the roles of buckets do not matter.
func (r Requirement) uses(p Purpose, releases []Release, bucketRoles []BucketRole) (list []*Use) {
	if r.Undocumented && r.used != nil {
		bucketRoles, list = nil, slices.Clone(r.used)
	} else {
		list = slices.Clone(usesByAction()[useKey{r.Kind, r.Action, r.IsInsights()}])
	}
	operations := p.Operations()
	return slices.DeleteFunc(list, func(u *Use) bool {
		return r.Kind == User && !overlap(u.Operations, operations) ||
			bucketRoles != nil && u.Buckets != nil && !overlap(u.Buckets, bucketRoles) ||
			!slices.ContainsFunc(releases, u.in)
	})
}

func overlap[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// WriteUses writes what decides when a permission is needed, and how severe it is to miss it,
// without the texts for users.
func WriteUses(w io.Writer) {
	for _, u := range append(slices.Clone(useTable), insightsElsewhere) {
		fmt.Fprintln(w, u.Kind, u.Action, u.Operations, u.Buckets, u.OldNames, u.Insights, u.Since,
			u.Until, u.Severity, u.Instead, u.Otherwise.Severity)
	}
}

// in reports whether a release has the use. A range of releases has the uses of its last release,
// because a new function would be of that release.
func (u *Use) in(r Release) bool {
	version := cmp.Or(r.Version, r.Until)
	return (u.Since == "" || compare(version, u.Since) >= 0) &&
		(u.Until == "" || compare(version, u.Until) <= 0)
}

// IsInsights reports whether the permission is for CloudWatch Lambda Insights, an optional feature.
// Buckets and layers of the account's own can have the word in their names.
func (r Requirement) IsInsights() bool {
	return strings.Contains(r.Resource, ":layer:LambdaInsightsExtension") ||
		strings.Contains(r.Resource, ":log-group:/aws/lambda-insights")
}

type useKey struct {
	kind     PolicyKind
	action   string
	insights bool
}

// combined returns the consequence of several uses. granted reports whether an alternative
// permission is granted; nil means that none is. The highest severity decides; reasons and impacts
// follow the severity.
func combined(list []*Use, granted func(action string) bool) Consequence {
	type effect struct {
		Effect
		use *Use
	}
	var effects []effect
	var operations []Operation
	for _, u := range list {
		e := effect{u.Effect, u}
		if u.Instead != "" && granted != nil && granted(u.Instead) {
			e.Effect = u.Otherwise
		}
		effects = append(effects, e)
		operations = append(operations, u.Operations...)
	}
	slices.SortStableFunc(effects, func(a, b effect) int { return int(b.Severity) - int(a.Severity) })
	var c Consequence
	var reasons, impacts []string
	for i, e := range effects {
		if i == 0 {
			c.Breakage, c.Severity, c.Source = e.Breakage, e.Severity, e.use.Source
		}
		c.Stops = max(c.Stops, e.stops(e.use.Operations))
		reasons, impacts = textfmt.AppendNew(reasons, e.use.Reason), textfmt.AppendNew(impacts, e.Impact)
	}
	for _, o := range Operations() {
		if slices.Contains(operations, o) {
			c.Operations = append(c.Operations, o)
		}
	}
	c.Reason, c.Impact = enumerate(reasons), enumerate(impacts)
	return c
}

// enumerate joins clauses. Clauses with commas are separated by semicolons.
func enumerate(clauses []string) string {
	separator := ", and "
	for _, c := range clauses {
		if strings.Contains(c, ", ") {
			separator = "; "
		}
	}
	if len(clauses) > 2 {
		separator = "; "
	}
	return strings.Join(clauses, separator)
}
