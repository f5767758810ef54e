package remedy

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// containment is the answer to the question whether a document allows only what others allow. The
// zero value means that it does not.
type containment struct {
	Contained bool
	// Example is a request that the document allows and the others do not; nil if Contained, or if the
	// engine could not decide.
	Example *Example
}

// contained decides whether every request that the Allow statements of a document allow is also
// allowed by grants, under the conditions of the statement. Denies of the document do not count. An
// action that does not exist allows nothing. skip reports patterns that do not count; it may be
// nil.
func contained(b *iampolicy.Budget, d *iampolicy.Document, grants iampolicy.Grants,
	skip func(statement int, pattern string) bool) containment {
	premises := filtered(d, iampolicy.Allow).Premises()
	at := 0
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect != iampolicy.Allow {
			continue
		}
		premise := premises[at]
		at++
		if verbatim(s, d.Version, grants) {
			continue
		}
		if e, ok := statementWithin(b, s, i, d.Version, premise, grants, skip); !ok {
			return containment{Example: e}
		}
	}
	return containment{Contained: true}
}

// verbatim reports whether grants without denies has the statement.
func verbatim(s *iampolicy.Statement, version string, grants iampolicy.Grants) bool {
	if grants.Boundary != nil || grants.Organization != nil || grants.ResourceControl != nil {
		return false
	}
	found := false
	for _, p := range grants.Identity {
		for i := range p.Document.Statements {
			o := &p.Document.Statements[i]
			if o.Effect == iampolicy.Deny {
				return false
			}
			found = found || p.Document.Version == version && sameStatement(s, o)
		}
	}
	return found
}

// statementWithin decides about one statement. The example is nil if the engine cannot decide.
func statementWithin(b *iampolicy.Budget, s *iampolicy.Statement, at int, version string,
	premise *iampolicy.Premise, grants iampolicy.Grants,
	skip func(int, string) bool) (*Example, bool) {
	actions, resources := s.Action, s.Resource
	if actions == nil {
		actions = []string{"*"}
	}
	if resources == nil {
		resources = []string{"*"}
	}
	for _, action := range actions {
		if u, unknown := iamactions.Check(action); unknown && u.Nearest != "" {
			continue
		}
		if skip != nil && skip(at, action) {
			continue
		}
		for _, resource := range resources {
			if skip != nil && skip(at, resource) {
				continue
			}
			text := resource
			if version == iampolicy.Version {
				text = iampolicy.Widen(resource)
			}
			written := resource
			if s.NotResource != nil {
				written = ""
			}
			need, err := iampolicy.NewNeed(action, text)
			if err != nil {
				if _, actionErr := iampolicy.NewNeed(action, "*"); actionErr != nil {
					return nil, false // the engine cannot express the action
				}
				continue // no resource matches such a pattern
			}
			c := grants.CoverWithin(b, need.Within(premise, written), nil)
			if c.Status == iampolicy.Satisfied {
				continue
			}
			if c.Status == iampolicy.Unverified {
				return nil, false
			}
			e := &Example{Action: c.ExampleAction, Resource: c.ExampleARN}
			if e.Action == "" {
				e.Action = action
			}
			if e.Resource == "" {
				e.Resource = resource
			}
			return e, false
		}
	}
	return nil, true
}

// patternsWithin decides whether actions on resources are all within grants.
func (r *repair) patternsWithin(actions, resources []string, grants iampolicy.Grants) (*Example,
	bool) {
	d := allowing([]iampolicy.Statement{{Effect: iampolicy.Allow, Action: slices.Clone(actions),
		Resource: slices.Clone(resources)}})
	if len(d.Statements) == 0 {
		return nil, false
	}
	c := contained(r.budget, d, grants, nil)
	return c.Example, c.Contained
}
