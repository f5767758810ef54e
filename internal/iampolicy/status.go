package iampolicy

// Status is the result of Cover for a need. The zero value means that there is no result yet.
type Status string

const (
	// Satisfied: every request of the need is allowed.
	Satisfied Status = "satisfied"
	// Conditional: the need is granted only under a condition on unknown values.
	Conditional Status = "conditional"
	// Partial: part of the need is granted.
	Partial Status = "partial"
	// Missing: no statement grants any of the need.
	Missing Status = "missing"
	// Denied: statements grant the need, and other policies deny all of it.
	Denied Status = "denied"
	// Unverified: the engine could not decide.
	Unverified Status = "unverified"
)

// Gap reports whether the status is a gap: decided, and not satisfied.
func (s Status) Gap() bool { return s != Satisfied && s != Unverified }

// Cause says why there is a gap. A satisfied need has no cause.
type Cause string

const (
	// NoGrant: no statement grants the action on anything.
	NoGrant Cause = "no-grant"
	// NarrowerGrant: a statement grants the action on other resources.
	NarrowerGrant Cause = "narrower-grant"
	// IdentityDeny: a Deny in a policy of the principal or its groups.
	IdentityDeny Cause = "identity-deny"
	// PermissionsBoundary: the boundary denies the request, or does not allow it.
	PermissionsBoundary Cause = "permissions-boundary"
	// SCP: a service control policy denies the request, or some level does not allow it.
	SCP Cause = "scp"
	// UnmetCondition: a statement's condition is not met, or depends on unknown values.
	UnmetCondition Cause = "condition"
)
