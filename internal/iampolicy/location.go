package iampolicy

// LocationKind says where AWS stores a policy document. The zero value means unknown.
type LocationKind string

const (
	// InlineLocation is an inline policy of a user, a group or a role.
	InlineLocation LocationKind = "inline"
	// ManagedLocation is a managed policy, of the account or of AWS.
	ManagedLocation LocationKind = "managed"
	// BoundaryLocation is a managed policy in its use as a permissions boundary.
	BoundaryLocation LocationKind = "boundary"
	// SCPLocation is a service control policy.
	SCPLocation LocationKind = "scp"
	// RCPLocation is a resource control policy.
	RCPLocation LocationKind = "rcp"
	// TrustLocation is the trust policy of a role.
	TrustLocation LocationKind = "trust"
	// FileLocation is a file.
	FileLocation LocationKind = "file"
)

// A Location says where a policy document is stored.
type Location struct {
	Kind LocationKind `json:"kind,omitempty"`
	// Holder is user/NAME, group/NAME or role/NAME: the entity with the inline policy, or to which the
	// managed policy is attached.
	Holder string `json:"holder,omitempty"`
	// Name is the name of the policy, or the path of a file.
	Name string `json:"name,omitempty"`
	// ARN is set for a managed policy, a boundary and a service control policy.
	ARN string `json:"arn,omitempty"`
	// Attachments is the number of principals that a managed policy is attached to, 0 if unknown.
	Attachments int `json:"attachments,omitempty"`
	// Tags are the tags of a managed policy.
	Tags map[string]string `json:"tags,omitempty"`
}
