package alert_test

import (
	"slices"
	"testing"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/testing/policytest"
)

// TestUnknownReleaseIsAnnouncedOnce checks that a release of an unknown major version is announced
// without a second run, and not again by the next run.
func TestUnknownReleaseIsAnnouncedOnce(t *testing.T) {
	t.Parallel()
	r := audit.Evaluate(audit.Facts{Account: "123456789012", Partition: "aws", Requested: "5.0.0",
		Release: policytest.Release(t, "5.0.0")})
	r.Run = audit.Run{ID: "first", At: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}
	if r.Status != audit.StatusUnverified || len(r.Problems) != 1 {
		t.Fatalf("%s, %+v", r.Status, r.Problems)
	}
	first := alert.Plan(alert.State{}, r, nil, r.Run.At, alert.Options{RepeatAfter: 24 * time.Hour})
	if first.Digest == nil || !slices.Contains(first.Digest.Reasons, alert.ReasonAuditorError) {
		t.Fatalf("the first run announces %+v", first.Digest)
	}
	r.Run = audit.Run{ID: "second", At: r.Run.At.Add(time.Hour)}
	if second := alert.Plan(first.Next, r, nil, r.Run.At,
		alert.Options{RepeatAfter: 24 * time.Hour}); second.Digest != nil {
		t.Errorf("the second run announces %+v", second.Digest.Reasons)
	}
}
