// Package cloudtrail reads the records that CloudTrail writes about calls to IAM, as EventBridge
// delivers them, directly or through a queue: the call, its entity, the actor, the time and the
// address.
//
//	batch, err := cloudtrail.ReadQueue(event)
//
// A change only triggers an audit. Nothing in it chooses what is audited. The texts in a record are
// untrusted. This package truncates them; code that displays them removes line breaks and markup.
//
// # Limits
//
// CloudTrail leaves some facts out. A member account does not see edits of service control
// policies, and a record omits parameters that are too long.
package cloudtrail
