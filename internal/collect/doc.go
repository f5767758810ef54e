// Package collect reads the facts about an account's Remotion principals: their policy documents,
// and the answers of AWS's simulator about their permissions.
//
//	facts, targets := collect.Collector{IAM: client}.Collect(ctx, plan)
//
// The package handles decoding, pagination and errors. Collect does not fail: a denied read, an
// exhausted retry or a deadline becomes a fact and yields an unverified finding. Independent calls
// run concurrently; the HTTP client bounds their number.
package collect
