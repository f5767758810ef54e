// Package evidence stores the auditor's state in an S3 bucket: open gaps and sent notifications
// (state/), mutes (mutes.yaml), and the full report of each run (reports/).
//
// Only [Ledger.Announce] writes the state. It claims a message, publishes the message, then
// confirms the claim. The claim stores the message beside the last confirmed state. Of several
// runs, only one can write its claim. The confirmation stores the state in which the message counts
// as announced. If runs overlap, one copy of the message is sent. If a run dies between claim and
// confirmation, the next run finds the message and sends it. The message may then be sent twice,
// with the same dedupKey.
//
//	ledger := evidence.Ledger{Objects: evidence.Bucket{…}, Key: evidence.StateKey(account, id),
//		Owner: run, Now: time.Now}
//	outcome, err := ledger.Announce(ctx, hasSubscriber, plan, publish)
//
// # Limits
//
// Leases compare the clocks of two runs. A run whose clock is off by more than [Lease] may send a
// message that another run is sending. The package keeps no old versions of objects: versioning is
// a setting of the bucket.
package evidence
