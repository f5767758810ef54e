// Package alert decides which message an audit sends. Plan takes the state of the last run, a
// report, the mutes and the time. It returns the digest of the message, if there is one, and the
// next state. Package render writes the digest.
//
// A digest covers all targets of the account: gaps that are new, worse, reopened, still open,
// recovered or no longer audited, targets that are unverified, mutes that changed, and notices.
//
// The package has no clock and calls no AWS API: the caller stores the state and publishes the
// message. docs/alerts.md lists when a message is sent.
package alert
