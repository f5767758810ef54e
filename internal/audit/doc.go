// Package audit compares the facts about an account with Remotion's requirements and returns a
// report.
//
//	report := audit.Evaluate(facts)
//
// The package reads no clock, does not call AWS and cannot fail. A read that failed is a fact, too,
// and yields an unverified finding: an incomplete audit never reads as compliant.
package audit
