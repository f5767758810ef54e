// Package cloudtrail reads CloudTrail records of calls to IAM. EventBridge delivers the records
// directly or through a queue. A record contains the call, the entity that the call changes, the
// actor, the time and the address.
//
//	batch, err := cloudtrail.ReadQueue(event)
//
// A change triggers an audit, but does not select what is audited. The texts in a record are
// untrusted. This package truncates the texts; code that displays them removes line breaks and
// markup.
//
// # Limits
//
// CloudTrail omits some facts. A member account does not see edits of service control
// policies, and a record omits parameters that are too long.
package cloudtrail
