package iampolicy_test

import (
	"fmt"

	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
)

func ExampleGrants_Evaluate() {
	doc, err := iampolicy.Parse(`{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Storage", "Effect": "Allow", "Action": "s3:*Object",
      "Resource": "arn:aws:s3:::remotionlamda-*"},
    {"Sid": "Frozen", "Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
  ]
}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: `inline policy "render"`,
		Document: doc}}}
	for _, action := range []string{"s3:GetObject", "s3:DeleteObject"} {
		r := grants.Evaluate(iampolicy.Request{Action: action,
			Resource: "arn:aws:s3:::remotionlambda-useast1-abc/out.mp4"})
		fmt.Println(action, r.Decision)
		for _, m := range r.Matched {
			fmt.Printf("  statement %d (%s) of %s matches\n", m.Index, m.Sid, m.Policy)
		}
		for _, m := range r.Near {
			fmt.Printf("  statement %d (%s) of %s applies to %s\n", m.Index, m.Sid, m.Policy, m.Resource[0])
		}
	}
	// Output:
	// s3:GetObject implicitDeny
	//   statement 1 (Storage) of inline policy "render" applies to arn:aws:s3:::remotionlamda-*
	// s3:DeleteObject explicitDeny
	//   statement 2 (Frozen) of inline policy "render" matches
	//   statement 1 (Storage) of inline policy "render" applies to arn:aws:s3:::remotionlamda-*
}

func ExampleParse_error() {
	_, err := iampolicy.Parse("{\n  \"Statement\": {\"Effect\": \"allow\"}\n}")
	fmt.Println(err)
	// Output: line 2, column 27: Effect must be "Allow" or "Deny", got "allow"
}
