// Package audit compares the facts about an account with Remotion's requirements and returns a
// report.
//
//	report := audit.Evaluate(facts)
//
// The package reads no clock, does not call AWS and cannot fail. A failed read is a fact, too. It
// makes the report unverified if there is no gap: an incomplete audit never reads as compliant.
package audit
