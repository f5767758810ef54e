package alert_test

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func ExampleCompose() {
	gap := audit.Finding{Target: "role/remotion-lambda-role", Action: "lambda:InvokeFunction", Status: audit.Missing,
		Cause: audit.NoGrant, Severity: policies.Critical, Impact: "renders stop at once"}
	m, ok := alert.Compose(audit.Report{
		SchemaVersion: audit.SchemaVersion, Status: audit.Gaps, Account: "123456789012", Findings: []audit.Finding{gap},
		Summary: audit.Summary{Requirements: 16, Satisfied: 15, Gaps: 1, GapsCritical: 1},
		Targets: []audit.TargetReport{{Name: gap.Target, Summary: audit.Summary{Gaps: 1}}},
	}, alert.Sender{Function: "remotion-audit"})
	fmt.Println(ok)
	fmt.Println(m.Subject)
	fmt.Println(m.Bodies["sms"])
	for _, a := range m.Attributes[:3] {
		fmt.Println(a.Name, a.Value)
	}
	// Output:
	// true
	// [CRITICAL] Remotion IAM: 1 gap | role/remotion-lambda-role | 123456789012
	// CRITICAL Remotion IAM 123456789012: 1 gap. role/remotion-lambda-role: renders stop at once
	// events ["opened"]
	// targets ["role/remotion-lambda-role"]
	// severity critical
}
