package audit_test

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// ExampleEvaluate evaluates facts without a successful read. The report is unverified.
func ExampleEvaluate() {
	scope := needs.Scope{Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1"},
		Caller: "arn:aws:iam::123456789012:user/ci"}
	report := audit.Evaluate(audit.Facts{
		Account: "123456789012", Partition: "aws", Regions: scope.Regions, Release: policies.Latest(),
		Targets: []audit.TargetFacts{{Kind: audit.Caller, Name: "user/ci", ARN: scope.Caller,
			Purpose: policies.Render, Scope: scope}},
	})
	fmt.Println(report.Status, report.Summary.Unverified, "of", report.Summary.Requirements)
	fmt.Println(report.Findings[0].Action, report.Findings[0].Status+":", report.Findings[0].Why)
	// Output:
	// unverified 6 of 6
	// s3:GetObject unverified: not all policies could be read, and AWS did not simulate the request
}
