// Package iampolicy reads IAM policy documents and decides requests by them, as IAM does
// within one account.
//
// Parse a document, gather the policies of a principal in Grants, and ask:
//
//	doc, err := iampolicy.Parse(text)
//	grants := iampolicy.Grants{Identity: []iampolicy.Policy{{ID: "inline policy render", Document: doc}}}
//	result := grants.Evaluate(iampolicy.Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::bucket/key"})
//
// The answer names every statement that mattered, not only the first: whoever reads it wants to
// know what to change. The package depends on the standard library alone and keeps no state; a
// Document and a Grants may be used from many goroutines once they are built.
//
// # Limits
//
// It decides by identity policies, a permissions boundary and service control policies. Session
// policies, resource policies, resource control policies and VPC endpoint policies are not read.
// A request names one concrete resource: a pattern given as the resource is taken as text, as
// AWS's simulator takes it.
package iampolicy
