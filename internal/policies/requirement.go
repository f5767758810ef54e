package policies

import (
	"fmt"
	"slices"
)

// PolicyKind is one of Remotion's two policies.
type PolicyKind string

const (
	// User is the policy of a caller, which runs Remotion's CLI or SDK.
	User PolicyKind = "user"
	// Role is the policy of the render role, the role of Remotion's functions.
	Role PolicyKind = "role"
)

// Kinds lists both kinds in the order of reports.
var Kinds = []PolicyKind{User, Role}

// Severity is how serious a gap is. The zero value is invalid.
type Severity uint8

// The severities, in ascending order.
const (
	_        Severity = iota
	Low               // validation or quotas
	Medium            // a feature degrades
	High              // deploys stop, or the next bucket would be public
	Critical          // renders stop
)

var severities = [...]string{"", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[s] }

// MarshalText writes the severity in lower case.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Severity) UnmarshalText(text []byte) error {
	i := slices.Index(severities[:], string(text))
	if i <= 0 {
		return fmt.Errorf("%q is not a severity: write critical, high, medium or low", text)
	}
	*s = Severity(i)
	return nil
}

// Breakage is how a missing permission becomes visible.
type Breakage string

const (
	// Hard means that the call fails, and the render or the deploy fails with it.
	Hard Breakage = "hard failure"
	// Swallowed means that Remotion continues silently, or with a line in a verbose log.
	Swallowed Breakage = "swallowed"
	// Warned means that Remotion prints a warning and continues.
	Warned Breakage = "warned"
	// Feature means that only an optional feature fails.
	Feature Breakage = "feature"
	// NoBreakage means that nothing breaks, because no release uses the permission.
	NoBreakage Breakage = "nothing"
)

// A Requirement is one permission that a Remotion release needs.
type Requirement struct {
	Kind PolicyKind `json:"policy"`
	// Sid, Action and Resource are copied from the document. Resource is a pattern for any account
	// and region.
	Sid      string `json:"sid"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// Since and Until are the first and the last release with the requirement. Until is empty if the
	// newest known release has it.
	Since string `json:"since"`
	Until string `json:"until,omitempty"`
	// Undocumented is true if no document grants the requirement: see the function Undocumented.
	Undocumented bool `json:"undocumented,omitempty"`
	// NeededBy lists the names of the releases that need the requirement. Union and Undocumented set
	// it; Union orders the names, oldest first.
	NeededBy []string `json:"neededBy,omitempty"`
	Consequence
	used []*Use
	// foreign is true if the buckets of the requirement are not Remotion's own.
	foreign bool
}

// A requirementID identifies a requirement. It leaves out the Sid: the Sids of the role policy are
// numbers, which shift when a statement is added.
type requirementID struct {
	kind             PolicyKind
	action, resource string
}

func (r Requirement) id() requirementID { return requirementID{r.Kind, r.Action, r.Resource} }

// Consequence holds the facts about a permission that its document leaves out.
type Consequence struct {
	// Operations are the operations of a caller that use the permission; nil for a role.
	Operations []Operation `json:"operations,omitempty"`
	// Reason states what Remotion uses the permission for, as a verb phrase: "creates the function".
	Reason string `json:"reason"`
	// Breakage classifies the failure without the permission; Impact describes it in a clause.
	Breakage Breakage `json:"breakage"`
	Impact   string   `json:"impact"`
	Severity Severity `json:"severity"`
	// Stops is what stops without the permission.
	Stops Stops `json:"stops"`
	// Source is the URL of the page or issue that supports these facts.
	Source string `json:"source"`
}

// For returns the requirement as the operations of a purpose use it in releases: with their reason,
// impact and severity. If bucketRoles is not nil, only uses of buckets with such a role count. ok
// is false if there is no such use, so that nothing fails without the permission.
func (r Requirement) For(p Purpose, releases []Release, bucketRoles ...BucketRole) (_ Requirement,
	ok bool) {
	r.used = r.uses(p, releases, bucketRoles)
	if len(r.used) == 0 {
		return r, false
	}
	r.foreign = len(bucketRoles) > 0 && !slices.Contains(bucketRoles, MainBucket)
	r.Consequence = r.combined(nil)
	return r, true
}

// ForOldNames reports whether the permission is needed only for Remotion's buckets without the
// region in their names. It is valid for a requirement that For returned.
func (r Requirement) ForOldNames() bool {
	return len(r.used) > 0 && !slices.ContainsFunc(r.used, func(u *Use) bool { return !u.OldNames })
}

// AsDocumented returns the requirement without its uses: everything that its document grants is
// needed.
func (r Requirement) AsDocumented() Requirement {
	r.used = nil
	return r
}

// Given returns the consequence of the missing permission if others are granted: Remotion can do
// some things in two ways. It is valid for a requirement that For returned.
func (r Requirement) Given(granted func(action string) bool) Consequence {
	if len(r.used) == 0 {
		return r.Consequence
	}
	return r.combined(granted)
}

// combined returns the consequence of the uses. Without a permission for a bucket that is not
// Remotion's own, only the renders and the sites stop that use the bucket.
func (r Requirement) combined(granted func(action string) bool) Consequence {
	c := combined(r.used, granted)
	switch {
	case r.foreign && c.Stops == Renders:
		c.Stops = SomeRenders
	case r.foreign && c.Stops == Deploys:
		c.Stops = SomeDeploys
	}
	return c
}

// neverCalled is the consequence of a permission that is documented and not used.
var neverCalled = Consequence{Reason: "is in the documented policy, but no release calls it",
	Breakage: NoBreakage, Impact: "none, because no release calls the action", Severity: Low,
	Stops: Features, Source: permissionsPage}
