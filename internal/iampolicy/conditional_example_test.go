package iampolicy

import (
	"encoding/json"
	"maps"
	"testing"
)

// TestConditionsDecideAboutTheExample checks on random documents that the example of each
// Conditional need is allowed in one context and not in another, by Evaluate, and that both
// contexts only add keys to the known context. If no such example is found, the need is Unverified.
// Then no random context decides differently about the example either: the documents of the
// generator often have conditions that no value, or every value, meets.
func TestConditionsDecideAboutTheExample(t *testing.T) {
	conditional, unresolved := 0, 0
	for seed := range rounds(20_000) {
		g := newGenerator(uint64(seed), false)
		c := g.newCase()
		n, err := NewNeed(c.Action, g.pattern())
		if err != nil {
			continue
		}
		grants, known := grantsOf(t, c), requestOf(c).Context
		got := grants.Cover(n, known)
		text := func() string {
			b, _ := json.Marshal(c)
			return string(b)
		}
		switch {
		case got.Status == Unverified && got.Reason == conditionsUnresolved:
			unresolved++
			seen := map[bool]bool{}
			for range 300 {
				r := grants.Evaluate(Request{c.Action, got.ExampleARN, g.extend(known)})
				seen[r.Decision == Allowed] = true
			}
			if len(seen) > 1 {
				t.Errorf("seed %d: conditions decide about %s on %s\n%s", seed, c.Action, got.ExampleARN,
					text())
			}
			continue
		case got.Status != Conditional:
			continue
		}
		conditional++
		if !n.Includes(c.Action, got.ExampleARN) {
			t.Fatalf("seed %d: the need %s does not include the example %s", seed, n.Resource,
				got.ExampleARN)
		}
		for _, side := range []struct {
			context Context
			allowed bool
		}{{got.proof.allowed, true}, {got.proof.denied, false}} {
			decision := grants.Evaluate(Request{c.Action, got.ExampleARN, side.context}).Decision
			if (decision == Allowed) != side.allowed {
				t.Fatalf("seed %d: %s on %s is %v with %v, want allowed %v\n%s", seed, c.Action,
					got.ExampleARN, decision, side.context, side.allowed, text())
			}
			for key, values := range known {
				if have, ok := side.context.lookup(key); !ok || !maps.EqualFunc(Context{"": have},
					Context{"": values}, func(a, b []string) bool { return len(a) == len(b) }) {
					t.Fatalf("seed %d: the context %v changes the known key %s", seed, side.context, key)
				}
			}
		}
	}
	t.Logf("%d conditional, %d unresolved", conditional, unresolved)
	if conditional < rounds(500) || 4*unresolved > conditional {
		t.Errorf("%d needs are conditional, and %d are unresolved", conditional, unresolved)
	}
}

// extend returns the context with random values for some of the keys that it lacks.
func (g generator) extend(known Context) Context {
	more := maps.Clone(known)
	if more == nil {
		more = Context{}
	}
	for _, key := range []string{"ex:k", "ex:m", "ex:absent"} {
		if _, present := known.lookup(key); present || g.chance(30) {
			continue
		}
		more[key] = []string{g.value()}
		if g.chance(20) {
			more[key] = append(more[key], g.value())
		}
	}
	return more
}
