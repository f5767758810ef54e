package evidence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// overlap plays n runs that find the gap g, in a random order of their steps. Each run in dying
// dies at a random step. overlap returns the world and the number of runs that died.
func overlap(t *testing.T, random *rand.Rand, n int, dying int) (w *world, died int) {
	t.Helper()
	w = &world{t: t, now: begin, turn: make(chan struct{})}
	for i := range n {
		w.actors = append(w.actors, &actor{name: fmt.Sprint("run", i), gaps: []string{"g"}})
	}
	for _, run := range random.Perm(n)[:dying] {
		kind := crashBefore
		if random.IntN(2) == 0 {
			kind = crashAfter
		}
		w.more = append(w.more, mishap{run: run, step: random.IntN(6), kind: kind})
	}
	choices := make([]int, 40*n)
	for i := range choices {
		choices[i] = random.IntN(1 << 30)
	}
	w.run(choices, nil)
	for _, a := range w.actors {
		if a.dead {
			died++
		} else if a.err != nil {
			t.Errorf("%s: %v", a.name, a.err)
		}
	}
	return w, died
}

// TestOverlappingRunsSendOneCopy plays 2, 5 and 20 runs at once, in random orders of their steps.
// Without a crash, exactly one copy is sent. If runs die, at least one copy is sent, at most one
// more for each dead run, and all copies have one key.
func TestOverlappingRunsSendOneCopy(t *testing.T) {
	seeds := uint64(200)
	if testing.Short() {
		seeds = 50
	}
	for _, n := range []int{2, 5, 20} {
		for _, dying := range slices.Compact([]int{0, 1, n / 2, n}) {
			t.Run(fmt.Sprintf("%d runs, %d of them die", n, dying), func(t *testing.T) {
				t.Parallel()
				copies, deaths, more := 0, 0, 0
				for seed := range seeds {
					w, died := overlap(t, rand.New(rand.NewPCG(seed, uint64(n))), n, dying)
					w.later([]string{"g"})
					w.later([]string{"g"})
					got := w.copies("g")
					if keys := slices.Compact(slices.Sorted(slices.Values(w.sent))); len(keys) != 1 ||
						got < 1 || got > 1+died {
						t.Fatalf("seed %d: %d copies with %d keys, %d runs died\n%s", seed, got, len(keys),
							died, strings.Join(w.steps, "\n"))
					}
					copies, deaths = copies+got, deaths+died
					if got > 1 {
						more++
					}
				}
				if dying > 0 && deaths == 0 {
					t.Error("no run died: the test tests nothing")
				}
				t.Logf("%d schedules, %d runs died, %d copies, more than one copy in %d schedules", seeds,
					deaths, copies, more)
			})
		}
	}
}
