package policies

import (
	"fmt"
	"slices"
)

// Purpose is what a caller is for. A web application that only renders does not need the right to
// create functions.
type Purpose string

const (
	// Render starts renders and reads their results.
	Render Purpose = "render"
	// Deploy sets up functions, sites and buckets.
	Deploy Purpose = "deploy"
	// All is both.
	All Purpose = "all"
)

// Severity says how much a gap hurts. The zero value is no severity at all.
type Severity uint8

const (
	_        Severity = iota
	Low               // validation or quotas
	Medium            // a feature degrades
	High              // deploys stop, or the next bucket would be public
	Critical          // renders stop
)

var severities = [...]string{"", "low", "medium", "high", "critical"}

func (s Severity) String() string { return severities[s] }

// MarshalText spells the severity in lower case.
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

// Breakage says how the lack of a permission shows.
type Breakage string

const (
	// Hard: the call fails and takes the render or the deploy with it.
	Hard Breakage = "hard failure"
	// Swallowed: Remotion goes on without a word, or with a line in a verbose log.
	Swallowed Breakage = "swallowed"
	// Warned: Remotion prints a warning and goes on.
	Warned Breakage = "warned"
	// Feature: only a feature that is not used by every project fails.
	Feature Breakage = "feature"
	// Nothing: no release calls it.
	Nothing Breakage = "nothing"
)

// A Requirement is one permission that a Remotion release asks for.
type Requirement struct {
	Kind PolicyKind `json:"policy"`
	// Sid, Action and Resource are the document's own. Resource is a pattern for any account and
	// region.
	Sid      string `json:"sid"`
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// Since and Until are the first and the last release that asks for it. Until is empty if the
	// newest known does.
	Since string `json:"since"`
	Until string `json:"until,omitempty"`
	// Undocumented says that no document grants it: see Undocumented.
	Undocumented bool `json:"undocumented,omitempty"`
	// NeededBy names, in a union of releases, those that need it, oldest first.
	NeededBy []string `json:"neededBy,omitempty"`
	Consequence
}

// An id tells requirements apart. Their Sid is no part of it: the role's are numbers, which shift
// when a statement is added.
type id struct {
	kind PolicyKind
	Grant
}

func (r Requirement) id() id { return id{r.Kind, Grant{r.Action, r.Resource}} }

// Consequence are what a document does not say of a permission.
type Consequence struct {
	// Purposes are the purposes of a caller that need it. For a role it is Render.
	Purposes []Purpose `json:"purposes"`
	// Reason is what Remotion uses it for.
	Reason string `json:"reason"`
	// Breakage and Impact say how its lack shows, in a word and in a sentence.
	Breakage Breakage `json:"breakage"`
	Impact   string   `json:"impact"`
	Severity Severity `json:"severity"`
	// Source is the page or issue that says so.
	Source string `json:"source"`
}

// For reports whether a caller with that purpose needs the requirement.
func (r Requirement) For(p Purpose) bool {
	return r.Kind == Role || p == All || slices.Contains(r.Purposes, p)
}
