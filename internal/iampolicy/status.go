package iampolicy

// Status is the judgement on a need. The zero value is none at all.
type Status string

const (
	// Satisfied: every request the need stands for is allowed.
	Satisfied Status = "satisfied"
	// Conditional: granted only under a condition that could not be established.
	Conditional Status = "conditional"
	// Partial: granted for part of what is needed.
	Partial Status = "partial"
	// Missing: nothing grants it.
	Missing Status = "missing"
	// Denied: something grants it, and something else forbids all of it.
	Denied Status = "denied"
	// Unverified: it could not be decided.
	Unverified Status = "unverified"
)

// Gap reports whether the status is a gap: known, and not satisfied.
func (s Status) Gap() bool { return s != Satisfied && s != Unverified }

// Cause is why there is a gap. A need that is satisfied has none.
type Cause string

const (
	// NoGrant: no statement grants the action on anything.
	NoGrant Cause = "no-grant"
	// NarrowerGrant: a statement grants the action on other resources.
	NarrowerGrant Cause = "narrower-grant"
	// IdentityDeny: a Deny in a policy of the principal or its groups.
	IdentityDeny Cause = "identity-deny"
	// PermissionsBoundary: the boundary denies it, or does not allow it.
	PermissionsBoundary Cause = "permissions-boundary"
	// SCP: a service control policy denies it, or some level does not allow it.
	SCP Cause = "scp"
	// UnmetCondition: a statement's condition is not met, or not known to be.
	UnmetCondition Cause = "condition"
)
