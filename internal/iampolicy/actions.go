package iampolicy

import (
	"slices"
	"strings"
)

// actionClasses divides the actions of the need into classes that no statement tells apart, and
// returns the shortest action of each, in lower case or as a statement writes it. When the budget
// was spent there may be more.
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
			asWritten := slices.Concat(s.Action, s.NotAction) // one of them is set
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
	for _, action := range s.classes(&l, statements) {
		if text, ok := written[action]; ok {
			action = text
		}
		actions = append(actions, action)
	}
	return actions
}

// classes divides the names of a language into classes by which of the extents hold them, and
// returns the shortest name of each class, shortest first.
func (s *search) classes(l *language, list []extent) (names []string) {
	w, goals := s.walk(l, []clause{{statements: list}})
	if w == nil {
		return nil
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
		if !seen[string(key)] {
			seen[string(key)] = true
			names = append(names, w.name(len(w.from)-1))
		}
		return false
	})
	return names
}

// service is the prefix of an action, or "" where it is not settled.
func service(action string) string {
	s, _, _ := strings.Cut(action, ":")
	if !only(s, legalInHead) {
		return ""
	}
	return s
}
