package check

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

// A partComparison compares what two sets of identity policies with the same limits grant of the
// same needs.
type partComparison struct {
	budget            *iampolicy.Budget
	current, proposed iampolicy.Grants
	extra             iampolicy.Context
	// common has the texts of the proposed statements.
	common map[string]bool
	// reduced are the proposed policies without the Deny statements that both sides have.
	reduced []iampolicy.Policy
}

// versioned is a statement with the version of its document, which decides about policy variables.
type versioned struct {
	*iampolicy.Statement
	version string
}

func newPartComparison(b *iampolicy.Budget, current, proposed iampolicy.Grants,
	extra iampolicy.Context) *partComparison {
	p := &partComparison{budget: b, current: current, proposed: proposed, extra: extra,
		common: texts(proposed)}
	now := texts(current)
	for _, policy := range proposed.Identity {
		if policy.Document == nil {
			continue
		}
		d := &iampolicy.Document{Version: policy.Document.Version}
		for i := range policy.Document.Statements {
			s := policy.Document.Statements[i]
			if s.Effect == iampolicy.Allow || !now[(versioned{&s, d.Version}).text()] {
				d.Statements = append(d.Statements, s)
			}
		}
		if len(d.Statements) == len(policy.Document.Statements) {
			p.reduced = append(p.reduced, policy)
		} else if d, ok := compiled(d); ok {
			p.reduced = append(p.reduced, iampolicy.Policy{ID: policy.ID, Document: d})
		}
	}
	return p
}

// statements lists the statements of identity policies.
func statements(g iampolicy.Grants) (list []versioned) {
	for _, p := range g.Identity {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.Statements {
			list = append(list, versioned{&p.Document.Statements[i], p.Document.Version})
		}
	}
	return list
}

// texts returns the texts of all statements.
func texts(g iampolicy.Grants) map[string]bool {
	set := map[string]bool{}
	for _, s := range statements(g) {
		if text := s.text(); text != "" {
			set[text] = true
		}
	}
	return set
}

// text returns a text that equal statements share, or an empty text without an equal. Sids do not
// matter.
func (s versioned) text() string {
	one := *s.Statement
	one.Sid = ""
	text, err := json.Marshal(&iampolicy.Document{Version: s.version,
		Statements: []iampolicy.Statement{one}})
	if err != nil {
		return ""
	}
	return string(text)
}

// keeping returns grants, one for each Allow statement of the current policies that may concern
// the need. Grants allow a request if the proposed identity policies allow it, if the statement
// does not name it, or if a Deny of the current policies denies it. If each of the grants satisfies
// the need, the proposed policies allow every request of the need that the current ones allow,
// because both sides have the same limits. A statement counts as if its conditions were met, so the
// grants can lack a request that nothing loses. A statement that both sides have counts only if the
// proposed policies have a Deny of their own.
func (p *partComparison) keeping(need iampolicy.Need) (list []iampolicy.Grants) {
	always := slices.Concat(p.reduced, p.denied(need))
	denies := hasDeny(p.reduced)
	for _, s := range statements(p.current) {
		if s.Effect == iampolicy.Allow && (denies || !p.common[s.text()]) &&
			mayConcern(s.Statement, need) {
			list = append(list, iampolicy.Grants{Identity: append(slices.Clip(always),
				complement(s.Resource, s.NotResource))})
		}
	}
	return list
}

// maxCandidates is the number of requests that candidates returns.
const maxCandidates = 40

// candidates returns requests of the need about the resources that the policies name, with their
// wildcards replaced. One of them may be lost where the search finds no example.
func (p *partComparison) candidates(need iampolicy.Need) (list []iampolicy.Coverage) {
	if wild(need.Action) {
		return nil
	}
	for _, s := range slices.Concat(statements(p.proposed), statements(p.current)) {
		for _, pattern := range slices.Concat(s.Resource, s.NotResource) {
			name := strings.NewReplacer("*", "", "?", "a").Replace(pattern)
			if len(list) < maxCandidates && len(name) <= maxPatterns && need.Includes(need.Action, name) {
				list = append(list, iampolicy.Coverage{ExampleAction: need.Action, ExampleARN: name})
			}
		}
	}
	return list
}

// denied returns a policy that allows what the current policies deny without a condition.
func (p *partComparison) denied(need iampolicy.Need) (list []iampolicy.Policy) {
	for _, s := range statements(p.current) {
		if s.Effect == iampolicy.Deny && len(s.Conditions) == 0 && !s.hasVariables() &&
			concernsAll(s.Statement, need) {
			list = append(list, complement(s.NotResource, s.Resource))
		}
	}
	return list
}

// hasVariables reports whether a resource of the statement may have a policy variable.
func (s versioned) hasVariables() bool {
	return slices.ContainsFunc(slices.Concat(s.Resource, s.NotResource),
		func(pattern string) bool { return iampolicy.Widen(pattern) != pattern })
}

// hasDeny reports whether a policy has a Deny.
func hasDeny(list []iampolicy.Policy) bool {
	return slices.ContainsFunc(list, func(p iampolicy.Policy) bool {
		return slices.ContainsFunc(p.Document.Statements, func(s iampolicy.Statement) bool {
			return s.Effect == iampolicy.Deny
		})
	})
}

// complement returns a policy that allows every action on the resources that a statement with
// resources or notResources does not name. It allows nothing if a variable hides what the statement
// names.
func complement(resources, notResources []string) iampolicy.Policy {
	rest := iampolicy.Statement{Effect: iampolicy.Allow, Action: []string{"*"}}
	for _, r := range resources {
		rest.NotResource = append(rest.NotResource, iampolicy.Widen(r))
	}
	for _, r := range notResources {
		if iampolicy.Widen(r) == r {
			rest.Resource = append(rest.Resource, r)
		}
	}
	p := iampolicy.Policy{ID: "the rest", Document: &iampolicy.Document{Version: iampolicy.Version}}
	if rest.Resource == nil && rest.NotResource == nil {
		return p
	}
	if d, ok := compiled(&iampolicy.Document{Version: iampolicy.Version,
		Statements: []iampolicy.Statement{rest}}); ok {
		p.Document = d
	}
	return p
}

// mayConcern reports whether the actions of a statement may include actions of a need.
func mayConcern(s *iampolicy.Statement, need iampolicy.Need) bool {
	if s.Action == nil {
		return wild(need.Action) || concernsAll(s, need)
	}
	return slices.ContainsFunc(s.Action, func(pattern string) bool {
		n, err := iampolicy.NewNeed(pattern, "*")
		return err != nil || wild(need.Action) || n.Includes(need.Action, "")
	})
}

// concernsAll reports whether the actions of a statement include the single action of a need.
func concernsAll(s *iampolicy.Statement, need iampolicy.Need) bool {
	if wild(need.Action) {
		return false
	}
	includes := func(pattern string) bool {
		n, err := iampolicy.NewNeed(pattern, "*")
		return err == nil && n.Includes(need.Action, "")
	}
	if s.Action == nil {
		return !slices.ContainsFunc(s.NotAction, includes)
	}
	return slices.ContainsFunc(s.Action, includes)
}

func wild(pattern string) bool {
	for _, r := range pattern {
		if r == '*' || r == '?' {
			return true
		}
	}
	return false
}

// compiled writes a document and parses it, so that the engine can decide with it.
func compiled(d *iampolicy.Document) (*iampolicy.Document, bool) {
	text, err := json.Marshal(d)
	if err != nil {
		return nil, false
	}
	parsed, err := iampolicy.Parse(string(text))
	return parsed, err == nil
}
