package bench_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/page"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// reportWith returns a report with at least n findings, of principals like those of
// examples/drifted.
func reportWith(tb testing.TB, n int) audit.Report {
	tb.Helper()
	text, err := os.ReadFile("../../internal/page/testdata/drifted.json")
	if err != nil {
		tb.Fatal(err)
	}
	var one audit.Report
	if err := json.Unmarshal(text, &one); err != nil {
		tb.Fatal(err)
	}
	r := one
	r.Targets, r.Findings, r.Fixes = nil, nil, nil
	for i := 0; len(r.Findings) < n; i++ {
		suffix := fmt.Sprintf("-%03d", i)
		for _, t := range one.Targets {
			t.Name, t.ARN = t.Name+suffix, t.ARN+suffix
			r.Targets = append(r.Targets, t)
		}
		for _, f := range one.Findings {
			f.Target += suffix
			r.Findings = append(r.Findings, f)
		}
		for _, f := range one.Fixes {
			f.Target, f.Edits = f.Target+suffix, slices.Clone(f.Edits)
			r.Fixes = append(r.Fixes, f)
		}
	}
	return r
}

// BenchmarkPage writes the HTML of a report with 5,000 findings, and in the same run its JSON.
func BenchmarkPage(b *testing.B) {
	r := reportWith(b, 5000)
	var size written
	var inJSON time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		if err := report.JSON(io.Discard, r); err != nil {
			b.Fatal(err)
		}
		inJSON += time.Since(start)
		b.StartTimer()
		size = 0
		if err := page.Write(&size, page.Document{Report: r}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(inJSON), "x-json")
	b.ReportMetric(float64(size)/float64(len(r.Findings)), "bytes/finding")
}

// written counts bytes.
type written int

func (w *written) Write(p []byte) (int, error) {
	*w += written(len(p))
	return len(p), nil
}
