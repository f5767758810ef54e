package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestUnreadChecksShareALine checks that a mail names unread checks by their ids, and that many
// checks with one cause are one line.
func TestUnreadChecksShareALine(t *testing.T) {
	var r audit.Report
	for i := range 100 {
		r.Findings = append(r.Findings, audit.Finding{Target: fmt.Sprintf("function/us-east-1/f%02d", i),
			Policy: audit.CheckKind, Sid: "FunctionState", Action: "lambda:InvokeFunction",
			Status: audit.Unverified, Why: "AWS denies the read"})
	}
	w := mailWriter{x: excerpt{report: r}}
	lines := w.unverifiedRequirements()
	if len(lines) != 1 || !strings.HasPrefix(lines[0], "FunctionState of function/us-east-1/f00, ") ||
		!strings.HasSuffix(lines[0], " more: AWS denies the read") || len(lines[0]) > 300 {
		t.Errorf("%d lines: %.500q", len(lines), lines)
	}
}
