package remedy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/iamactions"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// correctAction replaces an action that does not exist, if the action of the gap was probably
// meant.
func (r *repair) correctAction(g *gap) bool {
	for _, w := range r.editable() {
		for i := range w.doc.Statements {
			s := w.doc.Statements[i]
			if !plain(&s) {
				continue
			}
			at := slices.IndexFunc(s.Action, func(a string) bool {
				return strings.EqualFold(r.meant(a), g.Action)
			})
			if at < 0 {
				continue
			}
			old := s.Action[at]
			s.Action = slices.Clone(s.Action)
			s.Action[at] = g.Action
			if _, ok := r.patternsWithin([]string{g.Action}, s.Resource, r.within(w, r.required)); !ok {
				continue
			}
			if r.replace(w, i, s, g, Change{Kind: CorrectAction, Old: []string{old},
				New:  []string{g.Action},
				Text: fmt.Sprintf("%s is no action: %s was meant%s", old, g.Action, w.sharedText())}) {
				return true
			}
		}
	}
	return false
}

// meant returns the action that a name which does not exist probably stands for, or an empty text.
// The search for it takes long, so that the repair does it once for each name.
func (r *repair) meant(action string) string {
	nearest, ok := r.nearest[action]
	if !ok {
		if u, unknown := iamactions.Check(action); unknown {
			nearest = u.Nearest
		}
		if r.nearest == nil {
			r.nearest = map[string]string{}
		}
		r.nearest[action] = nearest
	}
	return nearest
}

// correctResource corrects a resource pattern that almost matches what the gap needs. A misspelt
// pattern is replaced unless it matches a resource that exists. The right pattern is added beside a
// pattern that is right for other resources.
func (r *repair) correctResource(g *gap) bool {
	for _, w := range r.editable() {
		for i := range w.doc.Statements {
			s := w.doc.Statements[i]
			if !plain(&s) || !matchesAction(&s, g.Action) {
				continue
			}
			for at := range s.Resource {
				if r.correctPattern(w, i, at, g) {
					return true
				}
			}
		}
	}
	return false
}

// correctPattern corrects one resource pattern of a statement.
func (r *repair) correctPattern(w *working, i, at int, g *gap) bool {
	s := w.doc.Statements[i]
	old := s.Resource[at]
	for _, n := range g.Needs {
		for _, pattern := range g.patterns {
			miss := iampolicy.NearMatchOf(old, pattern, n.Resource)
			misspelt, near := r.classify(miss, &s, g)
			if !near {
				continue
			}
			for _, right := range candidates(miss, pattern) {
				if right == old || slices.Contains(s.Resource, right) {
					continue
				}
				if r.applyPattern(w, i, at, right, misspelt && !r.exists(old), miss, g) {
					return true
				}
			}
		}
	}
	return false
}

// candidates are the right patterns to try, the smallest difference first.
func candidates(miss iampolicy.NearMatch, pattern string) []string {
	right, ok := miss.Corrected()
	if !ok || right == pattern {
		return []string{pattern}
	}
	return []string{right, pattern}
}

// classify reports whether a pattern almost matches, and whether it is misspelt: no resource of
// that form is meant.
func (r *repair) classify(miss iampolicy.NearMatch, s *iampolicy.Statement, g *gap) (misspelt,
	near bool) {
	switch miss.Kind {
	case iampolicy.Typo, iampolicy.WrongCase, iampolicy.WrongPartition, iampolicy.WrongService,
		iampolicy.FewFields:
		return true, true
	case iampolicy.WrongRegion:
		partition := policies.AWS
		if a, ok := arn.Parse(r.target.ARN); ok {
			partition = a.Partition
		}
		known := slices.Concat(policies.Regions(partition), policies.FormerRegions(partition))
		return !strings.ContainsAny(miss.Got, "*?") && !slices.Contains(known, miss.Got), true
	case iampolicy.WrongAccount, iampolicy.NotObjects, iampolicy.NotBucket, iampolicy.NotStreams:
		return false, true
	case iampolicy.NotARN:
		// An action without resources on an ARN never matches. The statement is only for this action.
		only := len(s.Action) == 1 && strings.EqualFold(s.Action[0], g.Action)
		return only, only
	}
	return false, false
}

// exists reports whether a pattern matches a resource of the account.
func (r *repair) exists(pattern string) bool {
	for _, resource := range r.target.Resources {
		need, err := iampolicy.NewLiteralNeed("s3:GetObject", resource)
		if err == nil && single("*", pattern).CoverWithin(r.budget, need, nil).Status ==
			iampolicy.Satisfied {
			return true
		}
	}
	return false
}

// applyPattern puts the right pattern in the place of the at-th pattern of a statement, or beside
// it, if that closes the gap and allows no more than needed. If it allows more, the correction is a
// candidate for Fix.Wider.
func (r *repair) applyPattern(w *working, i, at int, right string, replace bool,
	miss iampolicy.NearMatch, g *gap) bool {
	s := w.doc.Statements[i]
	c := Change{Kind: AddResource, New: []string{right}, Miss: &miss,
		Text: fmt.Sprintf("%s does not match: %s%s", miss.Pattern, miss, w.sharedText())}
	if replace {
		c.Kind, c.Old = CorrectResource, []string{miss.Pattern}
		s.Resource = slices.Clone(s.Resource)
		s.Resource[at] = right
	} else {
		s.Resource = append(slices.Clone(s.Resource), right)
	}
	if example, ok := r.patternsWithin(s.Action, []string{right}, r.within(w, r.documented)); !ok {
		if example != nil {
			r.wider = append(r.wider, widerCandidate{w: w, at: i, statement: s, change: c,
				example: r.plainExample(w, *example, s.Action, right)})
		}
		return false
	}
	if !r.replace(w, i, s, g, c) {
		return false
	}
	if before := w.policy.Document; replace && before != nil && i < len(before.Statements) {
		w.dropped[i] = append(w.dropped[i], miss.Pattern)
	}
	return true
}

// plainExample returns a request that a reader knows instead of the shortest one: an action that
// exists, on a pattern of resources, that is not needed either.
func (r *repair) plainExample(w *working, e Example, actions []string,
	resource string) Example {
	var deletes, others []string
	for _, pattern := range actions {
		for _, action := range iamactions.Matching(pattern) {
			if _, name, _ := strings.Cut(action, ":"); strings.HasPrefix(name, "Delete") {
				deletes = append(deletes, action)
			} else {
				others = append(others, action)
			}
		}
	}
	const most = 40
	slices.SortStableFunc(deletes, func(a, b string) int { return len(a) - len(b) })
	list := append(deletes, others...)
	limit := r.within(w, r.documented)
	for _, action := range list[:min(len(list), most)] {
		if _, ok := r.patternsWithin([]string{action}, []string{resource}, limit); !ok {
			return Example{Action: action, Resource: resource}
		}
	}
	return e
}

// A widerCandidate is a correction that allows more than what is needed.
type widerCandidate struct {
	w         *working
	at        int
	statement iampolicy.Statement
	change    Change
	example   Example
}

// matchesAction reports whether a statement names an action.
func matchesAction(s *iampolicy.Statement, action string) bool {
	return matchesAny(s.Action, action)
}

// matchesAny reports whether an action matches one of the patterns.
func matchesAny(patterns []string, action string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		need, err := iampolicy.NewNeed(pattern, "*")
		return err == nil && need.Includes(action, "")
	})
}
