// Package collect learns the facts about an account's Remotion principals from IAM: what their
// policies say (inspected) and what AWS says they may do (simulated).
//
//	facts := collect.Collector{IAM: client}.Collect(ctx, plan)
//
// Decoding, pagination and the sorting of errors end here. Collect does not fail: a denied read, an
// exhausted retry or a deadline becomes a fact, and with it an unverified finding. What may be
// asked at once is asked at once; how many calls are in flight is bounded by the client's HTTP
// side.
package collect
