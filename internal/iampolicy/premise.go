package iampolicy

import (
	"slices"
	"strings"
)

// A Premise says in which contexts a policy document requires the requests of a need, and which of
// the requests it does not require. See Need.Within.
type Premise struct {
	statement *Statement
	// excluded match the requests that the document does not allow: its Deny statements, and the
	// actions or resources that NotAction or NotResource of the statement names.
	excluded []exclusion
	// names is the exclusion of the statement's NotResource, or nil.
	names *exclusion
}

// An exclusion is a statement with the texts of its resources.
type exclusion struct {
	*Statement
	texts map[string]bool
}

// Premises returns the premises of the statements of a document. A Deny has none.
func (d *Document) Premises() []*Premise {
	var denies []exclusion
	for i := range d.Statements {
		if s := &d.Statements[i]; s.Effect == Deny {
			denies = append(denies, newExclusion(s))
		}
	}
	list := make([]*Premise, len(d.Statements))
	for i := range d.Statements {
		s := &d.Statements[i]
		if s.Effect == Deny {
			continue
		}
		p := &Premise{statement: s, excluded: denies}
		if s.NotAction != nil {
			p.exclude(d, Statement{Action: s.NotAction, Resource: []string{"*"}})
		}
		if s.NotResource != nil {
			p.names = p.exclude(d, Statement{Action: []string{"*"}, Resource: s.NotResource})
		}
		list[i] = p
	}
	return list
}

func newExclusion(s *Statement) exclusion {
	e := exclusion{s, make(map[string]bool, len(s.resources))}
	for i := range s.resources {
		e.texts[s.resourceText(i)] = true
	}
	return e
}

func (e *exclusion) hasVariables() bool {
	return slices.ContainsFunc(e.resources, func(p pattern) bool { return p.dynamic })
}

func (p *Premise) exclude(d *Document, s Statement) *exclusion {
	s.compile(d.Version == Version)
	e := newExclusion(&s)
	p.excluded = append(slices.Clip(p.excluded), e)
	return &e
}

// resourceText returns the text of a resource pattern. It marks a text with variables, because the
// same text without variables matches other names.
func (s *Statement) resourceText(i int) string { return markVariables(s.resources[i].text, s) }

func markVariables(text string, s *Statement) string {
	if s.variables && strings.Contains(text, "${") {
		return openValue + text
	}
	return text
}

// Refuses reports whether no request with the values of the context meets the statement's
// condition.
func (p *Premise) Refuses(ctx Context) bool {
	met, undecided := p.statement.conditionsHold(ctx)
	return !met && !undecided
}

// Within returns the need limited to what a statement of a required document allows: to contexts
// that meet the statement's condition, and to requests that the document does not deny. If the
// context of Cover has a value that does not meet the condition, the condition does not limit the
// need. resource is the statement's pattern as written, or "" for NotResource. It may have
// variables: the need then has to include the resources for each of their values, see Widen.
func (n Need) Within(p *Premise, resource string) Need {
	n.premise, n.written = p, markVariables(resource, p.statement)
	return n
}

// Widen replaces each policy variable of a resource pattern by a '*', and ${*} and ${?} by a '?'.
// The result matches the resources for each value of the variables. In the first five fields of an
// ARN, it does not match values with a colon.
func Widen(text string) string {
	return replaceVariables(text, func(a atom) string {
		if a.kind == literal {
			return "?"
		}
		return "*"
	})
}

// coversWritten reports whether the statement matches each resource of the need, in each context,
// because its patterns have the same texts as those of the required statement.
func (s *Statement) coversWritten(n *Need) bool {
	switch {
	case n.premise == nil:
		return false
	case s.NotResource != nil:
		return n.premise.names != nil && n.premise.names.includesEach(s)
	case n.premise.names != nil:
		return false
	}
	for i := range s.resources {
		if s.resourceText(i) == n.written {
			return true
		}
	}
	return false
}

// includesEach reports whether the exclusion has each resource pattern of a statement.
func (e *exclusion) includesEach(s *Statement) bool {
	for i := range s.resources {
		if !e.texts[s.resourceText(i)] {
			return false
		}
	}
	return true
}

// includesResourcesOf reports whether the exclusion matches each resource that a statement matches,
// in each context, because its patterns have the same texts.
func (e *exclusion) includesResourcesOf(s *Statement) bool {
	if (e.NotResource != nil) != (s.NotResource != nil) {
		return false
	}
	if s.NotResource == nil {
		return e.includesEach(s)
	}
	other := newExclusion(s)
	return other.includesEach(e.Statement)
}

// includesActionsOf reports whether the exclusion matches each action that a statement matches,
// because its patterns have the same texts.
func (e *exclusion) includesActionsOf(s *Statement) bool {
	switch {
	case (e.NotAction != nil) != (s.NotAction != nil):
		return false
	case s.NotAction != nil:
		return isSubset(e.actions, s.actions)
	}
	return isSubset(s.actions, e.actions)
}

// isSubset reports whether each pattern of a is also in b.
func isSubset(a, b []pattern) bool {
	texts := make(map[string]bool, len(b))
	for i := range b {
		texts[b[i].text] = true
	}
	return !slices.ContainsFunc(a, func(p pattern) bool { return !texts[p.text] })
}

// excludes reports whether the premise excludes each request that a Deny matches, because an
// exclusion with the same resources matches the action, and its conditions follow from those of the
// Deny. An empty action stands for each action that the Deny matches.
func (n *Need) excludes(s *Statement, action string, a *assumption) bool {
	if n.premise == nil {
		return false
	}
	possible, open := a.conditions(s)
	if !possible {
		return true
	}
	denied := a.with(open)
	for i := range n.premise.excluded {
		e := &n.premise.excluded[i]
		a.budget.left -= len(s.resources)
		matches := action != "" && e.matchesAction(action) || action == "" && e.includesActionsOf(s)
		if matches && e.includesResourcesOf(s) && denied.certain(e.Statement) {
			return true
		}
	}
	return false
}

// excludesAll reports whether the premise excludes all requests of an action in each context.
func (n *Need) excludesAll(action string, a *assumption) bool {
	if n.premise == nil {
		return false
	}
	for i := range n.premise.excluded {
		e := &n.premise.excluded[i]
		if e.matchesAction(action) && e.coversAll(&Need{resources: n.resources}) &&
			a.certain(e.Statement) {
			return true
		}
	}
	return false
}

// withExclusions returns the grants with a further level that has the exclusions of the need's
// premise, so that all actions of a class match the same exclusions.
func (g Grants) withExclusions(n *Need) Grants {
	if n.premise == nil || len(n.premise.excluded) == 0 {
		return g
	}
	d := &Document{}
	for i := range n.premise.excluded {
		d.Statements = append(d.Statements, *n.premise.excluded[i].Statement)
	}
	g.Organization = append(slices.Clip(g.Organization), []Policy{{Document: d}})
	return g
}

// allows reports whether the required document allows a request in a context: the context meets
// the statement's condition, as far as known values do not decide it, and no exclusion matches.
func (p *Premise) allows(a *assumption, r *Request, action string) bool {
	for _, list := range a.premises {
		for _, c := range list {
			if met, _ := c.holds(r.Context); !met {
				return false
			}
		}
	}
	if matches, _ := p.statement.matchesResource(r); !matches {
		return false
	}
	for i := range p.excluded {
		e := &p.excluded[i]
		if !e.matchesAction(action) {
			continue
		}
		matches, _ := e.matchesResource(r)
		if met, _ := e.conditionsHold(r.Context); matches && met {
			return false
		}
	}
	return true
}
