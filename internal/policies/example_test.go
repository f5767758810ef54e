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
	place := policies.Scope{Partition: "aws", Account: "123456789012", Regions: []string{"us-east-1", "eu-west-1"}}
	for _, r := range release.Requirements(policies.Role) {
		if r.Action != "lambda:InvokeFunction" {
			continue
		}
		fmt.Printf("%s: %s %s (%s)\n", release, r.Action, r.Resource, r.Severity)
		for _, q := range r.Needed(place) {
			fmt.Println(" ", q.Resource)
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
	found, err := iampolicy.Parse(strings.Replace(release.Document(policies.User), `"s3:PutBucketAcl",`, "", 1))
	if err != nil {
		fmt.Println(err)
		return
	}
	if r, ok := policies.Recognize(found, policies.Role); ok {
		fmt.Println(r)
	}
	// Output:
	// this is the user policy of Remotion 4.0.61-4.0.417 but for 1 permission: it lacks s3:PutBucketAcl; the role policy belongs here
}
