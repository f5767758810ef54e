package remedy

import (
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// exceptions returns forms of a Deny that do not deny the gaps of a barrier, the narrowest first. A
// form is the list of statements in the place of the Deny; an empty form removes it.
func (r *repair) exceptions(d *iampolicy.Document, i int, b *barrier) (
	forms [][]iampolicy.Statement) {
	s := &d.Statements[i]
	groups := r.exemptions(r.deniedBy(s, d.Version, b.gaps))
	foreign := b.cause == iampolicy.SCP || b.w.shared
	forms = append(forms, r.splitActions(s, groups, foreign)...)
	if form, ok := r.splitResources(s, groups, foreign); ok {
		forms = append(forms, form)
	}
	if form, ok := excludeResources(s, groups); ok {
		forms = append(forms, form)
	}
	if foreign {
		forms = append(forms, []iampolicy.Statement{r.exceptPrincipal(*s)})
	}
	return append(forms, nil)
}

// deniedBy returns the gaps that a statement alone denies. An exception for the others would add
// what the statement does not deny.
func (r *repair) deniedBy(s *iampolicy.Statement, version string, gaps []*gap) (list []*gap) {
	alone, ok := compiled(&iampolicy.Document{Version: version,
		Statements: []iampolicy.Statement{*s}})
	if !ok {
		return gaps
	}
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{everything, {Document: alone}}}
	for _, g := range gaps {
		if !r.satisfied(g, grants) {
			list = append(list, g)
		}
	}
	return list
}

// An exemption is a group of actions with the same resources.
type exemption struct{ actions, resources []string }

// exemptions groups the actions of gaps by their resources. An action has the resources of all of
// its gaps.
func (r *repair) exemptions(gaps []*gap) (list []exemption) {
	var actions []string
	resources := map[string][]string{}
	for _, g := range gaps {
		actions = textfmt.AppendNew(actions, g.Action)
		for _, p := range r.exempted(g) {
			resources[g.Action] = textfmt.AppendNew(resources[g.Action], p)
		}
	}
	for _, action := range actions {
		at := slices.IndexFunc(list, func(e exemption) bool {
			return slices.Equal(e.resources, resources[action])
		})
		if at < 0 {
			at = len(list)
			list = append(list, exemption{resources: resources[action]})
		}
		list[at].actions = append(list[at].actions, action)
	}
	return list
}

// splitActions splits a Deny of actions: it stays for the other actions, and the exempted actions
// are denied on the other resources only. The second form does not deny the exempted actions at
// all, for resources that no list of patterns can tell apart. With NotAction, or with a Deny of all
// actions, the exempted actions become exceptions.
func (r *repair) splitActions(s *iampolicy.Statement, groups []exemption, foreign bool) (
	forms [][]iampolicy.Statement) {
	var exempt []string
	for _, e := range groups {
		for _, action := range e.actions {
			exempt = textfmt.AppendNew(exempt, action)
		}
	}
	rest := *s
	without, ok := withoutActions(s.Action, exempt)
	switch {
	case s.NotAction != nil:
		rest.NotAction = slices.Concat(s.NotAction, exempt)
	case ok:
		rest.Action = without
	case slices.Contains(s.Action, "*"):
		rest.Action, rest.NotAction = nil, exempt
	default:
		return nil
	}
	var form []iampolicy.Statement
	if rest.NotAction != nil || len(rest.Action) > 0 {
		form = append(form, rest)
	}
	short := slices.Clone(form)
	for _, e := range groups {
		form = append(form, r.elsewhere(s, e, foreign)...)
	}
	forms = append(forms, named(form, s))
	if !foreign && len(short) > 0 && len(short) < len(form) {
		forms = append(forms, named(short, s))
	}
	return forms
}

// withoutActions returns patterns of actions that match what a list matches, except some actions.
// It
// reports false if a pattern of the list spans services.
func withoutActions(list, exempt []string) (out []string, ok bool) {
	for _, pattern := range list {
		switch {
		case !slices.ContainsFunc(exempt, func(action string) bool {
			return matchesAny([]string{pattern}, action)
		}):
			out = append(out, pattern)
		case strings.ContainsAny(pattern, "*?"):
			names := iamactions.Matching(pattern)
			if len(names) == 0 {
				return nil, false
			}
			out = append(out, complement(pattern, names, exempt)...)
		}
	}
	return out, true
}

// complement returns patterns for the actions that exist and match a pattern, except some. Below a
// pattern that ends in its only wildcard, it uses the shortest prefixes that no exempted action
// has.
func complement(pattern string, names, exempt []string) (out []string) {
	prefix, _, _ := strings.Cut(pattern, "*")
	short := strings.TrimSuffix(pattern, "*") == prefix && !strings.Contains(pattern, "?")
	isExempt := func(name string) bool {
		return slices.ContainsFunc(exempt, func(e string) bool { return strings.EqualFold(e, name) })
	}
	var split func(length int, names []string)
	split = func(length int, names []string) {
		switch {
		case short && len(names) > 1 && !slices.ContainsFunc(names, isExempt):
			out = append(out, names[0][:length]+"*")
		case len(names) == 1 || !short:
			for _, name := range names {
				if !isExempt(name) {
					out = append(out, name)
				}
			}
		default:
			for start := 0; start < len(names); {
				if len(names[start]) == length {
					if !isExempt(names[start]) {
						out = append(out, names[start])
					}
					start++
					continue
				}
				end := start + 1
				for end < len(names) && strings.EqualFold(names[end][:min(length+1, len(names[end]))],
					names[start][:length+1]) {
					end++
				}
				split(length+1, names[start:end])
				start = end
			}
		}
	}
	names = slices.Clone(names)
	slices.Sort(names)
	split(len(prefix), names)
	return out
}

// elsewhere returns the statements that deny the actions of an exemption on other resources. If
// foreign is true, other principals stay denied on the exempted resources, too.
func (r *repair) elsewhere(s *iampolicy.Statement, e exemption, foreign bool) (
	list []iampolicy.Statement) {
	deny := func(resource, notResource []string) iampolicy.Statement {
		return iampolicy.Statement{Effect: iampolicy.Deny, Action: e.actions, Resource: resource,
			NotResource: notResource, Conditions: s.Conditions}
	}
	switch {
	case slices.Contains(e.resources, "*"): // no other resource is left
	case s.NotResource != nil:
		list = append(list, deny(nil, slices.Concat(s.NotResource, e.resources)))
	case slices.Equal(s.Resource, []string{"*"}):
		list = append(list, deny(nil, e.resources))
	default:
		if rest := r.outside(s.Resource, e); len(rest) > 0 {
			list = append(list, deny(rest, nil))
		}
	}
	if foreign {
		resources := e.resources
		if s.Resource != nil && !slices.Equal(s.Resource, []string{"*"}) {
			resources = s.Resource
		}
		list = append(list, r.exceptPrincipal(deny(resources, nil)))
	}
	return list
}

// outside returns the patterns that the exemption does not cover.
func (r *repair) outside(patterns []string, e exemption) []string {
	return slices.DeleteFunc(slices.Clone(patterns), func(p string) bool {
		_, ok := r.patternsWithin(e.actions[:1], []string{p}, single(e.actions[0], e.resources...))
		return ok
	})
}

// splitResources splits a Deny of all actions of one service, or of all actions: it stays on other
// resources, and on the exempted resources it denies all actions but the exempted ones. No service
// has actions on the resources of another service.
func (r *repair) splitResources(s *iampolicy.Statement, groups []exemption, foreign bool) (
	[]iampolicy.Statement, bool) {
	if foreign || s.NotAction != nil || s.NotResource != nil || len(s.Action) != 1 ||
		!slices.Equal(s.Resource, []string{"*"}) || s.Action[0] != "*" {
		return nil, false
	}
	var resources []string
	for _, e := range groups {
		for _, p := range e.resources {
			resources = textfmt.AppendNew(resources, p)
		}
	}
	if slices.Contains(resources, "*") {
		return nil, false
	}
	rest := *s
	rest.Resource, rest.NotResource = nil, resources
	form := []iampolicy.Statement{rest}
	for _, e := range groups {
		form = append(form, iampolicy.Statement{Effect: iampolicy.Deny, NotAction: e.actions,
			Resource: e.resources, Conditions: s.Conditions})
	}
	return named(form, s), true
}

// excludeResources makes the exempted resources an exception of a Deny, for all of its actions.
func excludeResources(s *iampolicy.Statement, groups []exemption) ([]iampolicy.Statement, bool) {
	with := *s
	for _, e := range groups {
		switch {
		case slices.Contains(e.resources, "*"):
			return nil, false
		case s.NotResource != nil:
			with.NotResource = slices.Concat(with.NotResource, e.resources)
		case slices.Equal(s.Resource, []string{"*"}):
			with.Resource, with.NotResource = nil, slices.Concat(with.NotResource, e.resources)
		default:
			return nil, false
		}
	}
	return []iampolicy.Statement{with}, true
}

// exceptPrincipal returns a Deny that does not apply to the target.
func (r *repair) exceptPrincipal(s iampolicy.Statement) iampolicy.Statement {
	const operator, key = "ArnNotEquals", "aws:PrincipalArn"
	s.Conditions = slices.Clone(s.Conditions)
	for i, c := range s.Conditions {
		if (c.Operator == operator || c.Operator == "ArnNotLike" || c.Operator == "StringNotEquals" ||
			c.Operator == "StringNotLike") && strings.EqualFold(c.Key, key) {
			s.Conditions[i].Values = append(slices.Clone(c.Values), r.target.ARN)
			return s
		}
	}
	c := iampolicy.Condition{Operator: operator, Key: key, Values: []string{r.target.ARN}}
	at := slices.IndexFunc(s.Conditions, func(o iampolicy.Condition) bool {
		return o.Operator == operator
	})
	s.Conditions = slices.Insert(s.Conditions, max(at, 0), c)
	return s
}

// named gives the first statement of a form the Sid of the original, and no Sid to the others.
func named(form []iampolicy.Statement, s *iampolicy.Statement) []iampolicy.Statement {
	for i := range form {
		form[i].Sid = ""
	}
	if len(form) > 0 {
		form[0].Sid = s.Sid
	}
	return form
}
