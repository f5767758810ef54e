// Package remedy finds the edit of policy documents that closes the gaps of a target, and proves it
// with the policy engine before anyone sees it.
//
//	fix := remedy.Repair(budget, target, gaps)
//
// Repair prefers small edits of the documents that are there: it corrects a pattern that is nearly
// right, widens the statement of the documented Sid, or adds the documented statement. Denies,
// boundaries, service control policies, trust policies and conditions usually are the intent of
// their author. Their narrowest exceptions are guards, which are apart from the edits.
//
// The package is pure: it reads no clock and calls no service. It never applies an edit.
package remedy
