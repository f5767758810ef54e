package alert_test

import (
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
)

// TestNotInTimeIsAnnouncedAtOnce checks that no second run has to confirm that a target was not
// judged in time, while another error that one run has can be a hiccup.
func TestNotInTimeIsAnnouncedAtOnce(t *testing.T) {
	for why, want := range map[string]bool{audit.NotInTime: true, "ServiceFailure": false} {
		r := audit.Report{Status: audit.StatusUnverified, Account: "123456789012",
			Run: audit.Run{ID: "first", At: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)},
			Targets: []audit.TargetReport{
				{Name: "user/a", Kind: audit.Caller, Summary: audit.Summary{Requirements: 1, Satisfied: 1}},
				{Name: "user/b", Kind: audit.Caller, Summary: audit.Summary{Requirements: 1, Unverified: 1}}},
			Findings: []audit.Finding{
				{Target: "user/a", Policy: "user", Action: "s3:GetObject", Status: audit.Satisfied},
				{Target: "user/b", Policy: "user", Action: "s3:GetObject", Status: audit.Unverified, Why: why}},
			Problems: []audit.Problem{{Target: "user/b", What: "the judgement of user/b", Why: why}},
			Summary:  audit.Summary{Requirements: 2, Satisfied: 1, Unverified: 1},
		}
		d := alert.Plan(alert.State{}, r, nil, r.Run.At, alert.Options{}).Digest
		if got := d != nil && slices.Contains(d.Reasons, alert.ReasonAuditorError); got != want {
			t.Errorf("%s: announced %v, want %v", why, got, want)
		}
	}
}
