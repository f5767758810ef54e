package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policyfile"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// A choice chooses from the principals of files.
type choice struct {
	// resources are the patterns of --resource. kind is the kind of --for; empty with --required.
	resources []string
	kind      policies.PolicyKind
	// seen are the addresses of all principals so far, and matched the patterns that chose one.
	seen    []string
	matched map[string]bool
}

// maxAddresses is the number of addresses that an error lists.
const maxAddresses = 10

// from chooses the principals to check: those of --resource; else the policy documents and the
// principals that look like Remotion's; else the only one. The notes say what is not checked.
func (c *choice) from(list []declaration) (chosen []declaration, notes []string, err error) {
	var declared []declaration
	for _, d := range list {
		if d.format == policyfile.PolicyDocument {
			chosen = append(chosen, d)
		} else {
			declared = append(declared, d)
		}
	}
	documents := len(chosen)
	picked := c.pick(declared)
	if picked == nil && documents == 0 && len(c.resources) == 0 && len(declared) > 0 {
		if len(declared) > 1 {
			return nil, nil, fmt.Errorf("it declares %d principals, and none looks like Remotion's: choose "+
				"with --resource: %s", len(declared), textfmt.Some(names(declared), maxAddresses))
		}
		picked = declared
	}
	chosen = append(chosen, picked...)
	var others []string
	for _, d := range declared {
		if !slices.ContainsFunc(picked, func(o declaration) bool {
			return o.file == d.file && o.Address == d.Address
		}) {
			others = append(others, d.name())
		}
	}
	if len(others) > 0 {
		notes = append(notes, fmt.Sprintf("%s not checked: %s (choose with --resource)",
			textfmt.Plural(len(others), "principal"), textfmt.Some(others, maxAddresses)))
	}
	return chosen, notes, nil
}

// pick returns the principals that the patterns choose, or that look like Remotion's.
func (c *choice) pick(list []declaration) (picked []declaration) {
	for _, d := range list {
		c.seen = textfmt.AppendNew(c.seen, d.Address)
		if len(c.resources) > 0 && c.matches(d.Principal) ||
			len(c.resources) == 0 && ofRemotion(d.Principal) {
			picked = append(picked, d)
		}
	}
	if len(c.resources) > 0 {
		return picked
	}
	fitting := slices.DeleteFunc(slices.Clone(picked), func(d declaration) bool {
		return !c.fits(d.Principal)
	})
	if len(fitting) > 0 {
		return fitting
	}
	return picked
}

// only returns the one principal that is chosen of a file.
func (c *choice) only(all []declaration) ([]declaration, error) {
	chosen, _, err := c.from(all)
	switch {
	case err != nil:
		return nil, err
	case len(all) == 0:
		return nil, fmt.Errorf("it declares no policy, role or user")
	case len(chosen) == 0:
		return nil, fmt.Errorf("--resource chooses none of its principals: %s",
			textfmt.Some(names(all), maxAddresses))
	case len(chosen) > 1:
		return nil, fmt.Errorf("it declares %d principals, and this flag takes one: choose it with "+
			"--resource: %s", len(chosen), textfmt.Some(names(chosen), maxAddresses))
	}
	return chosen, nil
}

func names(list []declaration) (names []string) {
	for _, d := range list {
		names = append(names, d.name())
	}
	return names
}

// matches reports whether a pattern of --resource matches the principal.
func (c *choice) matches(p policyfile.Principal) bool {
	found := false
	for _, pattern := range c.resources {
		for _, address := range append([]string{p.Address, p.Name}, p.Aliases...) {
			if address != "" && matchesStars(pattern, address) {
				if c.matched == nil {
					c.matched = map[string]bool{}
				}
				c.matched[pattern], found = true, true
			}
		}
	}
	return found
}

// matchesStars reports whether a text matches a pattern, in which * stands for any characters.
func matchesStars(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}

// unknown returns an error if a pattern of --resource chose nothing. It lists the addresses, the
// nearest first.
func (c *choice) unknown() error {
	for _, pattern := range c.resources {
		if c.matched[pattern] {
			continue
		}
		what := "--resource " + textfmt.Quote(pattern, 200) + " chooses nothing"
		if len(c.seen) == 0 {
			return fmt.Errorf("%s: no file declares a role or a user", what)
		}
		return fmt.Errorf("%s: the files declare %s", what, nearestOf(c.seen, pattern))
	}
	return nil
}

// nearestOf returns the names of a list in one line, those first that are nearest to a word.
func nearestOf(list []string, word string) string {
	list = slices.Clone(list)
	distance := func(name string) int {
		return textfmt.EditDistance(strings.ToLower(textfmt.Head(word, 200)),
			strings.ToLower(textfmt.Head(name, 200)))
	}
	slices.SortStableFunc(list, func(a, b string) int {
		return cmp.Compare(distance(a), distance(b))
	})
	return textfmt.Some(textfmt.OneLines(list), maxAddresses)
}

// remotionNames are parts of the names that Remotion gives to resources.
var remotionNames = []string{"remotion-render-", "remotionlambda-", policies.RoleName}

// ofRemotion reports whether a principal looks like one for Remotion: by its name, by a name of a
// policy, or because a policy names resources of Remotion.
func ofRemotion(p policyfile.Principal) bool {
	named := func(text string) bool { return strings.Contains(strings.ToLower(text), "remotion") }
	if named(p.Address) || named(p.Name) {
		return true
	}
	return slices.ContainsFunc(p.Policies, func(d policyfile.Document) bool {
		return named(d.Name) || slices.ContainsFunc(d.AtMost.Statements,
			func(s iampolicy.Statement) bool {
				return slices.ContainsFunc(s.Resource, func(resource string) bool {
					return slices.ContainsFunc(remotionNames, func(name string) bool {
						return strings.Contains(resource, name)
					})
				})
			})
	})
}

// fits reports whether requirements of the kind are for such a principal.
func (c *choice) fits(p policyfile.Principal) bool {
	caller := p.Kind == policyfile.User || p.Kind == policyfile.Group || isCaller(p)
	return c.kind == "" || caller == (c.kind == policies.User)
}

// callerActions are actions that a caller needs to deploy, and a render role never.
var callerActions = []string{"iam:PassRole", "lambda:CreateFunction"}

// isCaller reports whether the policies name an action that only callers need.
func isCaller(p policyfile.Principal) bool {
	return slices.ContainsFunc(p.Policies, func(d policyfile.Document) bool {
		return slices.ContainsFunc(d.AtMost.Statements, func(s iampolicy.Statement) bool {
			return s.Effect == iampolicy.Allow && slices.ContainsFunc(s.Action, func(action string) bool {
				return slices.ContainsFunc(callerActions, func(name string) bool {
					return strings.EqualFold(action, name)
				})
			})
		})
	})
}
