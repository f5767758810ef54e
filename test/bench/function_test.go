package bench_test

import (
	"archive/zip"
	"compress/flate"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
	"github.com/remotion-audit/remotion-audit/internal/testing/gobuild"
)

// maxZip is the maximum size of the deployed zip, in bytes.
const maxZip = 5.5e6

// buildFunction builds the function for this machine, or for the platform in env.
func buildFunction(tb testing.TB, env ...string) (bootstrap string) {
	tb.Helper()
	bootstrap = filepath.Join(tb.TempDir(), "bootstrap")
	if err := gobuild.Function(tb.Context(), "../../function", bootstrap,
		append([]string{"CGO_ENABLED=0"}, env...)...); err != nil {
		tb.Fatal(err)
	}
	return bootstrap
}

// buildZip builds the artifact for Lambda and returns the sizes of the binary and of its zip, in
// bytes.
func buildZip(tb testing.TB) (binary, zipped int64) {
	tb.Helper()
	bootstrap := buildFunction(tb, gobuild.Lambda...)
	in, err := os.Open(bootstrap)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = in.Close() }() // only read
	var size byteCounter
	archive := zip.NewWriter(&size)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestCompression)
	})
	out, err := archive.Create("bootstrap")
	if err != nil {
		tb.Fatal(err)
	}
	if binary, err = io.Copy(out, in); err != nil {
		tb.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		tb.Fatal(err)
	}
	return binary, int64(size)
}

type byteCounter int64

func (c *byteCounter) Write(p []byte) (int, error) {
	*c += byteCounter(len(p))
	return len(p), nil
}

// BenchmarkZip reports the sizes of the deployed artifact, in megabytes of 1,000,000 bytes.
func BenchmarkZip(b *testing.B) {
	for b.Loop() {
		binary, zipped := buildZip(b)
		b.ReportMetric(float64(binary)/1e6, "binary-MB")
		b.ReportMetric(float64(zipped)/1e6, "zip-MB")
	}
	b.ReportMetric(0, "ns/op") // ns/op would only measure the compiler
}

func TestZip(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function for arm64")
	}
	t.Parallel()
	binary, zipped := buildZip(t)
	if zipped > maxZip {
		t.Errorf("the zip has %d bytes, want at most %.0f (the binary has %d)", zipped, maxZip, binary)
	}
	t.Logf("%.2f MB zipped, %.2f MB as a binary", float64(zipped)/1e6, float64(binary)/1e6)
}

// BenchmarkFunction runs the binary of the function with the Runtime API. The cold benchmarks start
// a new process for every event. init-ms is the time from the start of the process to its first
// request for an event, event-ms the time of the event, and peak-MiB the peak memory of the
// process.
func BenchmarkFunction(b *testing.B) {
	bootstrap := buildFunction(b)
	for _, wait := range []time.Duration{0, delay} {
		f := benchmarkCases[0].newFixture(b, wait)
		start := func() *runtimeapi.Runtime {
			env := map[string]string{
				"AWS_ENDPOINT_URL": f.url, "AWS_ACCESS_KEY_ID": "AKIAADMINISTRATOR000",
				"AWS_SECRET_ACCESS_KEY": "local",
				"CALLERS":               "user/remotion-user",
			}
			rt, err := runtimeapi.New(runtimeapi.Config{Binary: bootstrap, Timeout: time.Minute,
				MemoryMB: 256, Env: env})
			if err != nil {
				b.Fatal(err)
			}
			return rt
		}
		invoke := func(b *testing.B, rt *runtimeapi.Runtime) runtimeapi.Invocation {
			r, err := rt.Invoke(b.Context(), f.event)
			if err != nil || r.FunctionError != "" || !strings.Contains(string(r.Payload), `"compliant"`) {
				b.Fatalf("%v %s %s", err, r.Payload, r.Logs)
			}
			return r
		}
		show := func(b *testing.B, results []runtimeapi.Invocation, cold bool) {
			ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
			if cold {
				b.ReportMetric(median(results, func(r runtimeapi.Invocation) float64 {
					return ms(r.InitDuration)
				}),
					"init-ms")
			}
			b.ReportMetric(median(results, func(r runtimeapi.Invocation) float64 { return ms(r.Duration) }),
				"event-ms")
			var most int64
			for _, r := range results {
				most = max(most, r.MaxRSS)
			}
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(0, "ns/op") // ns/op would include the embedded AWS
		}
		name := "AWS-at-once"
		if wait > 0 {
			name = "AWS-after-" + wait.String()
		}
		b.Run(name+"/cold", func(b *testing.B) {
			var results []runtimeapi.Invocation
			for b.Loop() {
				rt := start()
				results = append(results, invoke(b, rt))
				_ = rt.Close() // always nil
			}
			show(b, results, true)
		})
		b.Run(name+"/warm", func(b *testing.B) {
			rt := start()
			defer func() { _ = rt.Close() }()
			invoke(b, rt)
			var results []runtimeapi.Invocation
			for b.Loop() {
				results = append(results, invoke(b, rt))
			}
			show(b, results, false)
		})
	}
}
