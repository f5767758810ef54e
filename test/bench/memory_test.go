package bench_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/app"
	"github.com/remotion-audit/remotion-audit/internal/awsemu"
	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
)

// manyCallers returns the account of manyFunctions with that many callers, and their names for
// CALLERS.
func manyCallers(tb testing.TB, n int) (account *awsemu.Account, names string) {
	account = manyFunctions(tb)
	list := make([]string, n)
	for i := range list {
		name := fmt.Sprintf("render-%03d", i)
		account.Users[name] = account.Users["remotion-user"]
		list[i] = "user/" + name
	}
	return account, strings.Join(list, ",")
}

// auditCallers runs the binary of the function once, in a process of its own, against an account
// with 2,000 functions and that many callers. The function has the default memory and timeout.
func auditCallers(tb testing.TB, bootstrap string, callers int) runtimeapi.Invocation {
	tb.Helper()
	account, names := manyCallers(tb, callers)
	f := benchmarkCase{account: func(testing.TB) *awsemu.Account { return account }}.newFixture(tb, 0)
	rt, err := runtimeapi.New(runtimeapi.Config{Binary: bootstrap, Timeout: time.Minute,
		MemoryMB: 256, Env: map[string]string{
			"AWS_ENDPOINT_URL": f.url, "AWS_ACCESS_KEY_ID": "AKIAADMINISTRATOR000",
			"AWS_SECRET_ACCESS_KEY": "local", "CALLERS": names, "EVIDENCE_BUCKET": "remotion-audit-evidence",
		}})
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = rt.Close() }() // always nil
	r, err := rt.Invoke(tb.Context(), f.event)
	if err != nil {
		tb.Fatal(err)
	}
	var result app.RunResult
	if err := json.Unmarshal(r.Payload, &result); err != nil || r.FunctionError != "" ||
		!result.Measured || result.StateErrors != 0 || result.Summary == nil ||
		result.Requirements < 31*callers || result.Gaps != 0 {
		tb.Fatalf("%v %s", err, r.Payload)
	}
	return r
}

// BenchmarkMemory reports the peak memory of the function with 2,000 functions and many callers, in
// megabytes of 1,048,576 bytes.
func BenchmarkMemory(b *testing.B) {
	bootstrap := buildFunction(b)
	for _, callers := range []int{10, 50, 200} {
		b.Run(fmt.Sprintf("%d-callers", callers), func(b *testing.B) {
			var most int64
			for b.Loop() {
				most = max(most, auditCallers(b, bootstrap, callers).MaxRSS)
			}
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(float64(most)/(1<<20)/float64(callers), "MiB/caller")
		})
	}
}

// maxMemory is the maximum peak memory of an audit with 200 callers, in bytes.
const maxMemory = 150 << 20

// TestMemory checks that the memory of the function hardly depends on the number of callers: 40
// callers more may add as much as they may with 200 callers.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the function")
	}
	bootstrap := buildFunction(t)
	few, many := auditCallers(t, bootstrap, 10).MaxRSS, auditCallers(t, bootstrap, 50).MaxRSS
	if few == 0 {
		t.Skip("the system does not report the peak memory")
	}
	perCaller := float64(many-few) / 40
	if at200 := float64(many) + 150*max(0, perCaller); at200 > maxMemory {
		t.Errorf("%d MiB with 10 callers, %d MiB with 50: 200 callers need %.0f MiB, want at most %d",
			few>>20, many>>20, at200/(1<<20), maxMemory>>20)
	}
	t.Logf("%d MiB with 10 callers, %d MiB with 50", few>>20, many>>20)
}
