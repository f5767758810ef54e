// Package memory measures the memory that a function allocates, for tests of bounds.
package memory

import (
	"runtime"
	"testing"
)

// AtMost fails the test if f allocates more than limit bytes in total. The result does not depend
// on the garbage collector or on wall time. Tests that run at the same time count as well, so the
// test must not be parallel. Under the race detector, the limit is larger.
func AtMost(t testing.TB, limit uint64, f func()) {
	t.Helper()
	if got := Allocated(f); got > Factor*limit {
		t.Errorf("allocated %d bytes, want at most %d", got, Factor*limit)
	}
}

// Allocated returns the number of bytes that f allocates in total.
func Allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
