package app

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/testing/golden"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestChecks audits one account for each check that fails, and compares the report with a file. The
// permissions of all accounts are complete.
func TestChecks(t *testing.T) {
	files, err := filepath.Glob("testdata/checks/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d accounts: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".yaml")
		t.Run(filepath.Base(name), func(t *testing.T) {
			r := auditOf(t, file)
			if err := r.CheckConsistent(); err != nil {
				t.Fatal(err)
			}
			if slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
				return !f.IsCheck() && f.Status != audit.Satisfied
			}) {
				t.Error("a permission is missing")
			}
			var b bytes.Buffer
			if err := report.Text(&b, r, textfmt.View{Width: 80, Verbose: true}); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".golden", b.Bytes())
		})
	}
}
