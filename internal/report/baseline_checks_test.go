package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// TestGoneChecksAreNamed checks that the text names a check of a baseline by its id.
func TestGoneChecksAreNamed(t *testing.T) {
	r := audit.Report{Status: audit.StatusCompliant, Baseline: &audit.Comparison{
		Gone: []audit.GoneGap{{Target: "function/us-east-1/clips", Policy: audit.CheckKind,
			Sid: "FunctionState", Action: "lambda:InvokeFunction", State: audit.GoneClosed}}}}
	var b bytes.Buffer
	if err := Text(&b, r, textfmt.View{}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "clips check FunctionState: ") ||
		strings.Contains(got, "InvokeFunction") {
		t.Error(got)
	}
}
