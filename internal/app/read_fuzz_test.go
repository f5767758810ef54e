package app

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/testing/memory"
)

// maxRunBytes is the largest number of bytes that a run may allocate in a small account, for any
// answer of one operation. A reply has at most 64 KB here.
const maxRunBytes = 512 << 20

// FuzzRunOnCorruptedReplies makes whole runs in which one operation answers with a corrupted body:
// a part of the body is cut out, and other bytes replace it. Each run ends before the deadline, and
// each of its problems has an action to grant or a remedy. A body that is only cut at its end never
// makes a run green, because the gap is behind the operation.
func FuzzRunOnCorruptedReplies(f *testing.F) {
	operations := slices.Sorted(maps.Keys(hidden))
	for i := range operations {
		f.Add(uint8(i), uint16(120), uint16(60000), []byte(nil))
		f.Add(uint8(i), uint16(0), uint16(60000), []byte("<a/>"))
		f.Add(uint8(i), uint16(200), uint16(30), []byte("<member/>"))
	}
	f.Fuzz(func(t *testing.T, which uint8, from, length uint16, with []byte) {
		operation := operations[int(which)%len(operations)]
		var cut atomic.Bool
		corrupt := awsemu.Fault{Operation: operation, Corrupt: func(body []byte) []byte {
			start := min(int(from), len(body))
			end := min(start+int(length), len(body))
			if end == len(body) && start < end && len(with) == 0 {
				cut.Store(true)
			}
			return slices.Concat(body[:start], with, body[end:])
		}}
		account := withHiddenGap(t, operation)
		var r RunResult
		var reports []audit.Report
		var metrics []awsemu.Datum
		memory.AtMost(t, maxRunBytes, func() {
			r, reports, metrics = runInVirtualTime(t, account, corrupt)
		})
		if cut.Load() || r.Status != audit.StatusCompliant {
			checkNeverGreen(t, operation, r, reports, metrics)
		}
	})
}
