package bench_test

import (
	"archive/zip"
	"compress/flate"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/runtimeapi"
)

// maxZip is how many bytes the deployed zip may have.
const maxZip = 5e6

// build builds the function as `make build` does, for this machine or as env says.
func build(tb testing.TB, env ...string) (bootstrap string) {
	tb.Helper()
	bootstrap = filepath.Join(tb.TempDir(), "bootstrap")
	cmd := exec.CommandContext(tb.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath",
		"-buildvcs=false",
		"-ldflags", "-s -w", "-o", bootstrap, "../../function")
	cmd.Env = append(os.Environ(), append([]string{"CGO_ENABLED=0"}, env...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	return bootstrap
}

// deployed builds the artefact for Lambda and returns the sizes of the binary and of its zip.
func deployed(tb testing.TB) (binary, zipped int64) {
	tb.Helper()
	bootstrap := build(tb, "GOOS=linux", "GOARCH=arm64")
	in, err := os.Open(bootstrap)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	var size counter
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

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// What is deployed, in megabytes of 1,000,000 bytes.
func BenchmarkZip(b *testing.B) {
	for b.Loop() {
		binary, zipped := deployed(b)
		b.ReportMetric(float64(binary)/1e6, "binary-MB")
		b.ReportMetric(float64(zipped)/1e6, "zip-MB")
	}
	b.ReportMetric(0, "ns/op") // is the compiler's
}

func TestZip(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the function for arm64")
	}
	t.Parallel()
	binary, zipped := deployed(t)
	if zipped > maxZip {
		t.Errorf("the zip has %d bytes, want at most %.0f (the binary has %d)", zipped, maxZip, binary)
	}
	t.Logf("%.2f MB zipped, %.2f MB as a binary", float64(zipped)/1e6, float64(binary)/1e6)
}

// The function's own binary under the Runtime API. Cold is a new process for every event; its
// columns are the time from starting it to its first request for an event, and the event's. Memory
// is the process's high-water mark.
func BenchmarkFunction(b *testing.B) {
	bootstrap := build(b)
	for _, wait := range []time.Duration{0, delay} {
		s := scenes[0].open(b, wait)
		start := func() *runtimeapi.Runtime {
			env := map[string]string{
				"AWS_ENDPOINT_URL": s.url, "AWS_ACCESS_KEY_ID": "AKIAADMINISTRATOR000",
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
		invoke := func(b *testing.B, rt *runtimeapi.Runtime) runtimeapi.Result {
			r, err := rt.Invoke(b.Context(), s.event)
			if err != nil || r.FunctionError != "" || !strings.Contains(string(r.Payload), `"compliant"`) {
				b.Fatalf("%v %s %s", err, r.Payload, r.Logs)
			}
			return r
		}
		show := func(b *testing.B, results []runtimeapi.Result, cold bool) {
			ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
			if cold {
				b.ReportMetric(median(results, func(r runtimeapi.Result) float64 { return ms(r.InitDuration) }),
					"init-ms")
			}
			b.ReportMetric(median(results, func(r runtimeapi.Result) float64 { return ms(r.Duration) }),
				"event-ms")
			var most int64
			for _, r := range results {
				most = max(most, r.MaxRSS)
			}
			b.ReportMetric(float64(most)/(1<<20), "peak-MiB")
			b.ReportMetric(0, "ns/op") // holds the work of what serves the function, too
		}
		name := "AWS-at-once"
		if wait > 0 {
			name = "AWS-after-" + wait.String()
		}
		b.Run(name+"/cold", func(b *testing.B) {
			var results []runtimeapi.Result
			for b.Loop() {
				rt := start()
				results = append(results, invoke(b, rt))
				rt.Close()
			}
			show(b, results, true)
		})
		b.Run(name+"/warm", func(b *testing.B) {
			rt := start()
			defer rt.Close()
			invoke(b, rt)
			var results []runtimeapi.Result
			for b.Loop() {
				results = append(results, invoke(b, rt))
			}
			show(b, results, false)
		})
	}
}
