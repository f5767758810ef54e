package calls

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// A Use is the use of one action by one scenario of a release.
type Use struct {
	Who                 policies.PolicyKind
	Operation, Scenario string
	Action, Resource    string
	// Optional is true if the reply of AWS differs without the action, but the call succeeds.
	Optional bool
	// Feature is true if a user has to set an option for the call.
	Feature bool
	// Denied is what happens without the action, and Detail is what Remotion then says.
	Denied policies.Breakage
	Detail string
}

// study runs scenarios of a release. For each action of an operation of the user, it runs the first
// scenario with the action again without it. It adds the operations of AWS that the scenarios
// called to a set.
func (h *host) study(ctx context.Context, list []scenario,
	operations map[string]bool) (uses []Use, err error) {
	type examined struct {
		who                         policies.PolicyKind
		operation, action, resource string
		feature                     bool
	}
	known := map[examined]Use{}
	for _, s := range list {
		if s.since != "" && h.release.before(s.since) {
			continue
		}
		out, err := h.perform(ctx, s, denial{})
		switch {
		case err != nil:
			return nil, err
		case errors.Is(out.err, errMissing):
			continue
		case out.err != nil && s.faults == nil:
			return nil, fmt.Errorf("%s: %w", s.name, out.err)
		}
		for _, c := range out.calls {
			operations[c.Operation] = true
		}
		for _, u := range usesOf(s, out) {
			key := examined{u.Who, u.Operation, u.Action, u.Resource, u.Feature}
			if _, ok := known[key]; !ok {
				without, err := h.perform(ctx, s, denial{u.Who, u.Action, u.Resource})
				if err != nil {
					return nil, err
				}
				u.Denied, u.Detail = breakage(s, out, without)
				known[key] = u
			}
			u.Denied, u.Detail = known[key].Denied, known[key].Detail
			uses = append(uses, u)
		}
	}
	return uses, nil
}

// usesOf returns the actions that a scenario used, each once.
func usesOf(s scenario, out outcome) (uses []Use) {
	for _, c := range out.calls {
		who := whoOf(c.Caller)
		for _, p := range c.Checked {
			u := Use{Who: who, Operation: s.operation, Scenario: s.name, Action: p.Action,
				Resource: kind(p.Action, p.Resource), Optional: p.Optional, Feature: s.feature}
			same := slices.IndexFunc(uses, func(o Use) bool {
				return o.Who == u.Who && o.Action == u.Action && o.Resource == u.Resource
			})
			switch {
			case who == "":
			case same < 0:
				uses = append(uses, u)
			case !u.Optional:
				uses[same].Optional = false
			}
		}
	}
	slices.SortFunc(uses, func(a, b Use) int {
		return cmp.Or(-cmp.Compare(a.Who, b.Who), cmp.Compare(a.Action, b.Action),
			cmp.Compare(a.Resource, b.Resource))
	})
	return uses
}

// breakage compares a scenario with the same scenario without one action.
func breakage(s scenario, with, without outcome) (policies.Breakage, string) {
	detail := ""
	for _, w := range without.warned {
		if !slices.Contains(with.warned, w) {
			detail = firstLine(w)
		}
	}
	switch {
	case s.faults != nil: // the scenario fails in either case
		return policies.Swallowed, ""
	case without.err != nil && s.feature:
		return policies.Feature, firstLine(without.err.Error())
	case without.err != nil:
		return policies.Hard, firstLine(without.err.Error())
	case detail != "":
		return policies.Warned, detail
	}
	return policies.Swallowed, ""
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
