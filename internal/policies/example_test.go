package policies_test

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

func ExampleRequirement_Needed() {
	release, err := policies.Find("4.0.420")
	if err != nil {
		fmt.Println(err)
		return
	}
	scope := policies.Scope{
		Partition: "aws",
		Account:   "123456789012",
		Regions:   []string{"us-east-1", "eu-west-1"},
	}
	for _, r := range release.Requirements(policies.Role) {
		if r.Action != "lambda:InvokeFunction" {
			continue
		}
		fmt.Printf("%s: %s %s (%s)\n", release, r.Action, r.Resource, r.Severity)
		for _, need := range r.Needed(scope) {
			fmt.Println(" ", need.Resource)
		}
	}
	// Output:
	// 4.0.418 and later: lambda:InvokeFunction arn:aws:lambda:*:*:function:remotion-render-* (critical)
	//   arn:aws:lambda:us-east-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec
	//   arn:aws:lambda:eu-west-1:123456789012:function:remotion-render-4-0-527-mem2048mb-disk2048mb-120sec
}

func ExampleRecognize() {
	release, err := policies.Find("4.0.240")
	if err != nil {
		fmt.Println(err)
		return
	}
	text := strings.Replace(release.Document(policies.User), `"s3:PutBucketAcl",`, "", 1)
	document, err := iampolicy.Parse(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	if r, ok := policies.Recognize(document, policies.Role); ok {
		fmt.Println(r)
	}
	// Output:
	// this is the user policy of Remotion 4.0.61-4.0.417 except for 1 permission: it lacks s3:PutBucketAcl; the role policy is expected instead
}
