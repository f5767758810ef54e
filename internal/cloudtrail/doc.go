// Package cloudtrail reads what CloudTrail reports of calls to IAM, as EventBridge delivers it,
// directly or through a queue: who did what to whom, when, and from where.
//
//	batch, err := change.ReadQueue(event)
//
// A change says that somebody should look, and never at whom: nothing in it chooses what is
// audited. Its texts are somebody else's. They are cut to a length here; whoever shows them takes
// out of them what forges lines or markup.
//
// # Limits
//
// What CloudTrail leaves out is not known: edits of service control policies are not seen from a
// member account, and parameters that are too long for a record are omitted.
package cloudtrail
