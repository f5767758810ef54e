package iampolicy

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// A decision that is not Conditional stays the same for all values of the keys that the request
// lacks: an allowed request stays allowed, and a denied one stays denied. The kind of the denial
// may change.
func TestUnconditionalStays(t *testing.T) {
	seeds, unconditional, conditional := 10_000, 0, 0
	for seed := range seeds {
		g := newGenerator(uint64(seed), false)
		c := g.generated()
		if text, _ := json.Marshal(c); strings.Contains(string(text), "${ex:absent, ") {
			continue // a default counts as a value: the simulator does not report such a key as missing
		}
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
				if _, has := request.Context.lookup(key); !has && g.chance(70) {
					more.Context[key] = []string{g.value()}
				}
			}
			if after := grants.Evaluate(more); (after.Decision == Allowed) != (before.Decision == Allowed) {
				text, _ := json.Marshal(c)
				t.Errorf("seed %d: %v unconditionally, but %v with %v, for\n%s", seed, before.Decision,
					after.Decision, more.Context, text)
				break
			}
		}
	}
	if unconditional < seeds/4 || conditional < seeds/50 {
		t.Errorf("of %d requests %d are unconditional and %d conditional: the generator is out of "+
			"balance",
			seeds, unconditional, conditional)
	}
}
