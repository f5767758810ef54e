package iampolicy

import "slices"

// Status is the result of Cover for a need. The zero value means that there is no result yet.
type Status string

const (
	// Satisfied means that every request of the need is allowed.
	Satisfied Status = "satisfied"
	// Conditional means that the need is granted only under a condition on unknown values.
	Conditional Status = "conditional"
	// Partial means that only part of the need is granted.
	Partial Status = "partial"
	// Missing means that no statement grants any of the need.
	Missing Status = "missing"
	// Denied means that statements grant some of the need, and other policies deny all of it.
	Denied Status = "denied"
	// Unverified means that the engine could not decide.
	Unverified Status = "unverified"
)

// Gap reports whether the status is a gap, which is any status except Satisfied and Unverified.
func (s Status) Gap() bool { return s != Satisfied && s != Unverified }

// Rank returns the rank of a status: of several results, the one with the highest rank decides. A
// certain gap ranks above an uncertain result. Denied ranks above Missing, because another grant
// does not remove a denial. The rank is 0 for Satisfied and for a status that does not exist.
func (s Status) Rank() int { return 1 + slices.Index(ranked[:], s) }

var ranked = [...]Status{Unverified, Conditional, Partial, Missing, Denied}

// Cause says why there is a gap. A need without a gap has no cause.
type Cause string

const (
	// NoGrant means that no statement grants the action on any resource.
	NoGrant Cause = "no-grant"
	// NarrowerGrant means that a statement grants the action, but not on the needed resource.
	NarrowerGrant Cause = "narrower-grant"
	// IdentityDeny means that a policy of the principal or its groups denies the request.
	IdentityDeny Cause = "identity-deny"
	// PermissionsBoundary means that the boundary denies the request, or does not allow it.
	PermissionsBoundary Cause = "permissions-boundary"
	// SCP means that a service control policy denies the request, or that a level of the organization
	// does not allow the request.
	SCP Cause = "scp"
	// BucketPolicy means that the policy of the bucket denies the request.
	BucketPolicy Cause = "bucket-policy"
	// KeyPolicy means that the policy of the key denies the request, or allows it neither to the
	// principal nor to its account.
	KeyPolicy Cause = "key-policy"
	// RCP means that a resource control policy denies the request.
	RCP Cause = "rcp"
	// UnmetCondition means that the condition of a statement is not met, or depends on unknown values.
	UnmetCondition Cause = "condition"
)
