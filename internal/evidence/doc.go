// Package evidence keeps what an auditor has to remember in an S3 bucket: what is open since when
// and what was announced (state/), who muted what (mutes.yaml), and each run's full report
// (reports/).
//
// [Ledger.Announce] is the one way to the state. It announces by claim, publish, confirm: the
// message is stored beside the last confirmed state before it is sent, by a write that only one of
// several runs can win, and the state that counts it as announced is stored after it. However many
// runs overlap, one copy is sent; if a run dies in between, the next one finds the message and
// sends it: at least one copy, never none, and both copies have one dedupKey.
//
//	ledger := evidence.Ledger{Objects: evidence.Bucket{…}, Key: evidence.StateKey(account, id), Owner: run, Now: time.Now}
//	outcome, err := ledger.Announce(ctx, heard, plan, publish)
//
// # Limits
//
// Leases compare the clocks of two runs: a run whose clock is off by more than [Lease] may send
// what another is just sending. Versions of objects are left to the bucket.
package evidence
