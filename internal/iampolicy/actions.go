package iampolicy

import (
	"slices"
	"strings"
)

// actionClasses groups the actions of the need into classes: all actions of a class match the same
// statements. It returns the shortest action of each class. An action that a statement names
// exactly is spelled as in the statement, and any other action is in lower case. The list may be
// incomplete if the search has spent its budget.
func (g Grants) actionClasses(n *Need, s *search) (actions []string) {
	var statements []extent
	written := map[string]string{}
	for _, p := range g.policies() {
		if p.Document == nil {
			continue
		}
		for i := range p.Document.Statements {
			s := &p.Document.Statements[i]
			e := extent{not: s.NotAction != nil}
			asWritten := slices.Concat(s.Action, s.NotAction) // exactly one of the two is set
			for j := range s.actions {
				e.patterns = append(e.patterns, &s.actions[j])
				if s.actions[j].exact {
					written[s.actions[j].text] = asWritten[j]
				}
			}
			statements = append(statements, e)
		}
	}
	l := n.actions()
	s.eachClass(&l, statements, func(action string) bool {
		if text, ok := written[action]; ok {
			action = text
		}
		actions = append(actions, action)
		return false
	})
	return actions
}

// eachClass groups the names of a language by the set of extents that contain them, and calls visit
// with the shortest name of each group, shortest first, until visit returns true.
func (s *search) eachClass(l *language, list []extent, visit func(name string) bool) {
	w, goals := s.walk(l, []clause{{statements: list}})
	if w == nil {
		return
	}
	seen := map[string]bool{}
	key := make([]byte, len(list))
	w.visit(func(state []uint64) bool {
		w.steps -= len(w.members)
		if !w.members[0].accepts(state) {
			return false
		}
		for i := range goals[0].extents {
			key[i] = '0'
			if w.matched(&goals[0].extents[i], state) {
				key[i] = '1'
			}
		}
		if seen[string(key)] {
			return false
		}
		seen[string(key)] = true
		return visit(w.name(len(w.from) - 1))
	})
}

// service returns the service prefix of an action, or "" if the prefix contains a wildcard.
func service(action string) string {
	s, _, _ := strings.Cut(action, ":")
	if !consistsOf(s, legalInHead) {
		return ""
	}
	return s
}
