package page

import (
	"testing"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
)

// TestCardsKeepTheIDOfACheck checks that the title of a card has the id of a check as it is.
func TestCardsKeepTheIDOfACheck(t *testing.T) {
	r := audit.Report{Status: audit.StatusGaps, Findings: []audit.Finding{{
		Target: "function/us-east-1/clips", Policy: audit.CheckKind, Sid: "ReservedConcurrency",
		Action: "lambda:InvokeFunction", Status: audit.Denied, Severity: policies.Critical,
		Stops: policies.Renders, Cause: audit.Quota, Why: "it is 0"}}}
	cards := newCards(r, report.Gaps(r), newFixes(r, 0), nil)
	if want := "Renders will fail: ReservedConcurrency fails"; cards[0].Title != want {
		t.Errorf("%q, want %q", cards[0].Title, want)
	}
}
