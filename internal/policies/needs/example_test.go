package needs_test

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

func ExampleScope_Needed() {
	release, err := policies.Find("4.0.420")
	if err != nil {
		fmt.Println(err)
		return
	}
	scope := needs.Scope{
		Partition: "aws",
		Account:   "123456789012",
		Regions:   []string{"us-east-1", "eu-west-1"},
	}
	for _, r := range release.Requirements(policies.Role) {
		if r.Action != "lambda:InvokeFunction" {
			continue
		}
		fmt.Printf("%s: %s %s (%s)\n", release, r.Action, r.Resource, r.Severity)
		for _, need := range scope.Needed(r) {
			fmt.Println(" ", need.Resource)
		}
	}
	// Output:
	// 4.0.418 and later: lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-* (critical)
	//   arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec
	//   arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec
}
