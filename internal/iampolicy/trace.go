package iampolicy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
)

// Truth says whether a part of a statement matches a request. The zero value means no.
type Truth uint8

// The values of Truth.
const (
	No Truth = iota
	// Open means that the result depends on a value that the request does not have.
	Open
	Yes
)

// truthIn returns the truth of a result and of whether values of the missing keys could change it.
func truthIn(holds, open bool) Truth {
	switch {
	case open:
		return Open
	case holds:
		return Yes
	}
	return No
}

// A Trace says how one statement takes part in the decision on a request. Resource and Condition
// are set also for a statement whose action does not match.
type Trace struct {
	Match
	Action              bool
	Resource, Condition Truth
	// ForPrincipal says whether the statement is about the principal. It is Yes for a statement of a
	// policy that is not the policy of a resource.
	ForPrincipal Truth
	// ActionPattern and ResourcePattern are the first patterns of the statement that match the
	// request: those that include it, or in a NotAction or a NotResource, those that exclude it. They
	// are empty if none matches.
	ActionPattern, ResourcePattern string
	// Holds reports whether the statement applies, as Evaluate sees it: the missing keys are absent.
	Holds bool

	ctx Context
}

// Trace returns how each statement of a policy takes part in the decision on a request, in the
// order of the statements. It is empty for a policy without a document.
func (p *Policy) Trace(layer Layer, r Request) (list []Trace) {
	if p.Document == nil {
		return nil
	}
	for i := range p.Document.Statements {
		s := &p.Document.Statements[i]
		list = append(list, newTrace(s.matchOf(p, layer, i), r))
	}
	return list
}

// newTrace returns how a statement takes part in the decision on a request.
func newTrace(m Match, r Request) Trace {
	s := m.Statement
	lowered := strings.ToLower(r.Action)
	t := Trace{Match: m, Action: s.matchesAction(lowered), ForPrincipal: Yes, ctx: r.Context}
	if at := slices.IndexFunc(s.actions, func(a pattern) bool { return a.match(lowered) }); at >= 0 {
		t.ActionPattern = slices.Concat(s.Action, s.NotAction)[at]
	}
	if at := slices.IndexFunc(s.resources, func(a pattern) bool {
		resolved, _ := a.resolve(r.Context, false)
		return resolved.match(r.Resource)
	}); at >= 0 {
		t.ResourcePattern = t.Resources()[at]
	}
	matches, open := s.matchesResource(&r)
	met, undecided := s.conditionsHold(r.Context)
	t.Resource, t.Condition = truthIn(matches, open), truthIn(met, undecided)
	t.Holds = t.Action && matches && met
	return t
}

// ConditionText names the conditions that decide about the statement, with the values that it wants
// and those of the request: the conditions that are met, or those that are not met, or those that
// depend on unknown values. It is empty for a statement without a condition.
func (t Trace) ConditionText() string {
	switch {
	case len(t.Conditions) == 0:
		return ""
	case t.Condition == Yes:
		return t.metText(t.ctx)
	case t.Condition == No:
		return t.unmetText(t.ctx)
	}
	return strings.TrimPrefix(t.undecidedText(t.ctx), "under ")
}

// maxCompared is the number of patterns of a statement that Miss compares with a resource.
const maxCompared = 200

// Miss returns how the nearest resource pattern of the statement misses an example. need is the
// pattern that is needed, or the example itself. ok is false for a statement with NotResource.
func (t Trace) Miss(action, need, example string) (m NearMatch, ok bool) {
	if len(t.Statement.Resource) == 0 {
		return m, false
	}
	limited := *t.Statement
	limited.Resource = limited.Resource[:min(len(limited.Resource), maxCompared)]
	_, m = nearest([]Match{{t.Policy, t.Layer, t.Index, &limited}}, need, example)
	m.noResource = m.Kind == NotARN && iamactions.TakesNoResource(action)
	return m, true
}

// Misnamed returns a name in the statement that is no action and that probably stands for the
// action. It compares at most most names, and subtracts them from most.
func (t Trace) Misnamed(action string, most *int) (u iamactions.Unknown, ok bool) {
	service, _, _ := strings.Cut(strings.ToLower(action), ":")
	for _, name := range t.Statement.Action {
		if !similarService(name, service) || strings.ContainsAny(name, "*?") {
			continue
		}
		if *most--; *most < 0 {
			return u, false
		}
		if u, unknown := iamactions.Check(name); unknown && strings.EqualFold(u.Nearest, action) {
			return u, true
		}
	}
	return u, false
}

// TraceTrust returns how each statement of a trust policy takes part in the decision whether a
// service principal may assume the role. Resource says whether the statement names the principal.
func (d *Document) TraceTrust(service string) (list []Trace) {
	for i := range d.Statements {
		s := &d.Statements[i]
		t := Trace{Match: Match{"trust policy", Identity, i + 1, s},
			Action: s.matchesAction("sts:assumerole")}
		matches, open := s.matchesService(service)
		met, undecided := s.conditionsHold(nil)
		t.Resource, t.Condition = truthIn(matches, open), truthIn(met, undecided)
		t.Holds = t.Action && matches && met
		list = append(list, t)
	}
	return list
}

// ResourceMatches reports whether a resource pattern without policy variables matches a resource.
func ResourceMatches(pattern, resource string) bool { return matchesResource(pattern, resource) }
