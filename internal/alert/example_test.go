package alert_test

import (
	"fmt"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/alert/render"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func ExamplePlan() {
	gap := audit.Finding{Target: "role/remotion-lambda-role", Policy: policies.Role,
		Action: "lambda:InvokeFunction", Status: audit.Missing,
		Cause: audit.NoGrant, Severity: policies.Critical, Stops: policies.Renders,
		Impact: "renders stop"}
	broken := audit.Report{SchemaVersion: audit.SchemaVersion, Status: audit.StatusGaps,
		Account: "123456789012", Findings: []audit.Finding{gap},
		Summary: audit.Summary{Requirements: 16, Satisfied: 15, Gaps: 1, GapsCritical: 1},
		Targets: []audit.TargetReport{{Name: gap.Target, Kind: audit.RenderRole,
			Summary: audit.Summary{Gaps: 1}}}}
	fixed := broken
	fixed.Status, fixed.Summary = audit.StatusCompliant,
		audit.Summary{Requirements: 16, Satisfied: 16}
	gap.Status, gap.Cause = audit.Satisfied, ""
	fixed.Findings = []audit.Finding{gap}

	var state alert.State
	now := time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)
	for _, r := range []audit.Report{fixed, broken, broken, fixed} {
		plan := alert.Plan(state, r, nil, now, alert.Options{RepeatAfter: 24 * time.Hour})
		if plan.Digest == nil {
			fmt.Println("no message")
		} else {
			message := render.Message(*plan.Digest, render.Sender{})
			fmt.Println(plan.Digest.Reasons, message.Subject)
		}
		state, now = plan.Next, now.Add(time.Hour)
	}
	// Output:
	// no message
	// [opened] [CRITICAL] Renders will fail: remotion-lambda-role lacks lambda:InvokeFunction (123456789012)
	// no message
	// [recovered] [OK] Recovered after 2h: remotion-lambda-role (123456789012)
}
