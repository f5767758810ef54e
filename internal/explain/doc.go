// Package explain derives the decision on one request of one principal, layer by layer: which
// documents exist, which of their statements decide, which come close and why they do not apply,
// what AWS's simulator answered, and whether Remotion needs the request.
//
//	subject := explain.OfTarget(facts, target)
//	explanation := explain.Derive(subject, explain.Question{Action: "s3:GetObject"})
//
// The package is pure: it reads no clock and calls no service.
package explain
