package iampolicy

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// A decision that is said to hang on no missing key does not: whatever values are put in for the
// keys that the request lacks, what was allowed stays so, and what was not is not. Which of the two
// denials it is may change.
func TestUnconditionalStays(t *testing.T) {
	seeds, settled, open := 10_000, 0, 0
	for seed := range seeds {
		g := newGenerator(uint64(seed), false)
		c := g.generated()
		if text, _ := json.Marshal(c); strings.Contains(string(text), "${ex:absent, ") {
			continue // a default counts as the key's value: the simulator does not call such a key missing
		}
		grants, request := grantsOf(t, c), requestOf(c)
		before := grants.Evaluate(request)
		if before.Conditional {
			open++
			continue
		}
		settled++
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
				t.Errorf("seed %d: %v, unconditionally, and %v with %v, of\n%s", seed, before.Decision,
					after.Decision, more.Context, text)
				break
			}
		}
	}
	if settled < seeds/4 || open < seeds/50 {
		t.Errorf("of %d requests %d are settled and %d conditional: the generator has lost its balance",
			seeds, settled, open)
	}
}
