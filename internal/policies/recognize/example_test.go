package recognize_test

import (
	"fmt"
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/recognize"
)

func ExamplePolicy() {
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
	if r, ok := recognize.Policy(document, policies.Role); ok {
		fmt.Println(r)
	}
	// Output:
	// this is the user policy of Remotion 4.0.61-4.0.417 except for 1 permission: it lacks s3:PutBucketAcl; the role policy is expected instead
}
