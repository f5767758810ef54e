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

// Purpose is the set of operations that a caller performs. A web application that only renders does
// not need permission to create functions.
type Purpose string

const (
	// Render starts renders and reads their results.
	Render Purpose = "render"
	// Deploy sets up functions, sites and buckets.
	Deploy Purpose = "deploy"
	// All is both Render and Deploy.
	All Purpose = "all"
)

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
	// Purposes are the purposes of a caller that need the permission. For a role it is Render.
	Purposes []Purpose `json:"purposes"`
	// Reason states what Remotion uses the permission for, as a verb phrase: "creates the function".
	Reason string `json:"reason"`
	// Breakage classifies the failure without the permission; Impact describes it in a clause.
	Breakage Breakage `json:"breakage"`
	Impact   string   `json:"impact"`
	Severity Severity `json:"severity"`
	// Source is the URL of the page or issue that supports these facts.
	Source string `json:"source"`
}

// NeededFor reports whether a caller with that purpose needs the requirement. A render role needs
// every requirement.
func (r Requirement) NeededFor(p Purpose) bool {
	return r.Kind == Role || p == All || slices.Contains(r.Purposes, p)
}
