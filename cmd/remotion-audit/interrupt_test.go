package main

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestSignalsTogetherAreOne checks that the second signal has its default effect only some time
// after the first one. The clock is that of synctest.
func TestSignalsTogetherAreOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		var stopped atomic.Bool
		stopAfterFirst(ctx, func() { stopped.Store(true) })
		time.Sleep(time.Hour)
		synctest.Wait()
		if stopped.Load() {
			t.Error("the first signal has its default effect")
		}
		interrupt()
		time.Sleep(sameSignal - time.Nanosecond)
		synctest.Wait()
		if stopped.Load() {
			t.Error("a signal together with the first one has its default effect")
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if !stopped.Load() {
			t.Error("the second signal has no default effect")
		}
	})
}
