// Package iampolicy parses IAM policy documents and decides requests as IAM does within one
// account.
//
// Parse the documents, collect the policies of a principal in Grants, and evaluate a request:
//
//	doc, err := iampolicy.Parse(text)
//	render := iampolicy.Policy{ID: "inline policy render", Document: doc}
//	grants := iampolicy.Grants{Identity: []iampolicy.Policy{render}}
//	result := grants.Evaluate(iampolicy.Request{
//		Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key",
//	})
//
// The Result lists every statement that matters for the decision, not only the first, because a fix
// may have to change several. The package uses only the standard library and keeps no state. A
// Document and a Grants are safe for concurrent use once they are built.
//
// # Limits
//
// The package evaluates identity policies, a permissions boundary, service and resource control
// policies, and the policy of a bucket or a key for principals of its account. It does not evaluate
// session policies, VPC endpoint policies or requests across accounts. A request names one concrete
// resource. Evaluate reads a wildcard in that resource as text, as AWS's simulator does.
package iampolicy
