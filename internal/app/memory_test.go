package app

import (
	"math"
	"runtime/debug"
	"testing"
)

// TestLimitMemory is not parallel: the limit is one for the process.
func TestLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	const none = math.MaxInt64
	for _, test := range []struct {
		name, size, explicit string
		want                 int64
	}{
		{"the default memory leaves a margin", "256", "", 256 << 20 / 100 * 85},
		{"a large memory leaves a margin", "10240", "", 10240 << 20 / 100 * 85},
		{"an explicit limit wins", "256", "100MiB", none},
		{"an explicit limit that is off wins", "256", "off", none},
		{"outside of Lambda there is no limit", "", "", none},
		{"a size that is no number sets no limit", "256 MB", "", none},
		{"a size of zero sets no limit", "0", "", none},
		{"a negative size sets no limit", "-1", "", none},
	} {
		t.Run(test.name, func(t *testing.T) {
			debug.SetMemoryLimit(none)
			LimitMemory(func(name string) string {
				return map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": test.size,
					"GOMEMLIMIT": test.explicit}[name]
			})
			if got := debug.SetMemoryLimit(-1); got != test.want {
				t.Errorf("limit %d, want %d", got, test.want)
			}
		})
	}
}
