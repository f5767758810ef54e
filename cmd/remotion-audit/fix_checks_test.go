package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestFixOfFailedChecks checks that a report in which only checks fail has no fix of a policy, and
// still counts as a report with gaps.
func TestFixOfFailedChecks(t *testing.T) {
	r := audit.Report{SchemaVersion: audit.SchemaVersion, Account: "123456789012",
		Status: audit.StatusGaps, Summary: audit.Summary{Requirements: 1, Gaps: 1},
		Findings: []audit.Finding{{Target: "region/us-east-1", Policy: audit.CheckKind,
			Sid: "ConcurrencyQuota", Action: "lambda:InvokeFunction", Status: audit.Conditional,
			Severity: policies.Medium, Cause: audit.Quota}}}
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, []byte(textfmt.JSON(r)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, diagnostics, status, err := fix(t, "--report "+file)
	if err != nil || status != exitGaps || out != "" ||
		!strings.Contains(diagnostics, "no fix of a policy: only checks fail") {
		t.Errorf("status %d, %v: %q, %q", status, err, out, diagnostics)
	}
}
