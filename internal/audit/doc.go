// Package audit is the core: it judges facts against requirements and reports what it finds.
//
//	report := audit.Evaluate(facts)
//
// It reads no clock, calls no AWS and cannot fail. What could not be learnt is a fact too, and
// yields an unverified finding: a report that could not look never reads as good.
package audit
