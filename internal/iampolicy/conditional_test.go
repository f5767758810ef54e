package iampolicy

import (
	"encoding/json"
	"maps"
	"testing"
)

// TestUnconditionalDecisionIsFinal checks that values of missing keys do not change a decision that
// is not Conditional: an allowed request stays allowed, and a denied request stays denied. The kind
// of the denial may change.
func TestUnconditionalDecisionIsFinal(t *testing.T) {
	seeds, unconditional, conditional := 10_000, 0, 0
	for seed := range seeds {
		g := newGenerator(uint64(seed), false)
		c := g.newCase()
		grants, request := grantsOf(t, c), requestOf(c)
		before := grants.Evaluate(request)
		if before.Conditional {
			conditional++
			continue
		}
		unconditional++
		for range 12 {
			more := request
			more.Context = maps.Clone(request.Context)
			for _, key := range []string{"ex:k", "ex:m", "ex:absent"} {
				if _, present := request.Context.lookup(key); !present && g.chance(70) {
					more.Context[key] = []string{g.value()}
				}
			}
			if after := grants.Evaluate(more); (after.Decision == Allowed) != (before.Decision == Allowed) {
				text, _ := json.Marshal(c)
				t.Errorf("seed %d: unconditional %v, but %v with the context %v, for\n%s",
					seed, before.Decision,
					after.Decision, more.Context, text)
				break
			}
		}
	}
	if unconditional < seeds/4 || conditional < seeds/50 {
		t.Errorf("of %d requests, %d are unconditional and %d are conditional: want at least %d and %d",
			seeds, unconditional, conditional, seeds/4, seeds/50)
	}
}
