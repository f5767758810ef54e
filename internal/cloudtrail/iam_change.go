package cloudtrail

import (
	"strings"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/arn"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An IAMChange is a call to IAM that may have changed the permissions of a principal, as CloudTrail
// reports it. Names are spelled as in the parameters of the call. IAM ignores case, so a name
// may differ from the entity's name in case.
type IAMChange struct {
	// ID is CloudTrail's eventID. An event that is delivered twice has the same ID twice.
	ID string `json:"eventId,omitempty"`
	// Event is the name of the call, one of contract.ChangeEvents.
	Event string `json:"event"`
	// At is the time of the call; zero if the record has none.
	At time.Time `json:"at,omitzero"`
	// Actor is a description of the principal that made the call. From is the IP address or the AWS
	// service that the call came from.
	Actor string `json:"actor"`
	From  string `json:"from,omitempty"`
	// UserAgent is the user agent that the client sent.
	UserAgent string `json:"userAgent,omitempty"`

	UserName  string `json:"userName,omitempty"`
	RoleName  string `json:"roleName,omitempty"`
	GroupName string `json:"groupName,omitempty"`
	// NewUserName and NewGroupName are the new names of a renamed user or group.
	NewUserName  string `json:"newUserName,omitempty"`
	NewGroupName string `json:"newGroupName,omitempty"`
	// PolicyName is the name of an inline policy. PolicyARN is the ARN of a managed policy, and
	// VersionID is the policy's new default version.
	PolicyName string `json:"policyName,omitempty"`
	PolicyARN  string `json:"policyArn,omitempty"`
	VersionID  string `json:"versionId,omitempty"`
	// Boundary is the ARN of a permissions boundary.
	Boundary string `json:"permissionsBoundary,omitempty"`

	// Targets are the names of the audited principals that the change affects, as in the report.
	// Unsure is true if these names are uncertain, for example because a lookup failed: Targets may
	// contain unaffected principals, or miss affected ones.
	Targets []string `json:"targets,omitempty"`
	Unsure  bool     `json:"unsure,omitempty"`

	// Account is the id of the account of the call; empty if the record has none.
	Account string `json:"-"`
}

// An EntityKind is the kind of the entity that a call changes.
type EntityKind string

// The kinds of IAM entities.
const (
	User   EntityKind = "user"
	Role   EntityKind = "role"
	Group  EntityKind = "group"
	Policy EntityKind = "policy"
)

// Entity returns the entity that the call changes: its kind and its name. AttachUserPolicy names a
// user and a policy, and changes the user. The name of a policy is its ARN. The name is empty if
// the record has none.
func (c IAMChange) Entity() (EntityKind, string) {
	switch {
	case strings.Contains(c.Event, "User"): // includes AddUserToGroup
		return User, c.UserName
	case strings.Contains(c.Event, "Role"):
		return Role, c.RoleName
	case strings.Contains(c.Event, "Group"):
		return Group, c.GroupName
	}
	return Policy, c.PolicyARN
}

// Description returns a text about the call, such as
// "DetachUserPolicy on user/ci (policy RemotionUser)".
func (c IAMChange) Description() string {
	kind, name := c.Entity()
	entity := string(kind) + "/" + name
	if kind == Policy {
		entity = string(kind) + "/" + arn.Name(name)
	}
	if name == "" {
		entity = "a " + string(kind) + " that the record does not name"
	}
	var details []string
	add := func(label, name string) {
		if name != "" {
			details = append(details, label+name)
		}
	}
	if kind == User {
		add("group ", c.GroupName)
		add("now user/", c.NewUserName)
	}
	add("now group/", c.NewGroupName)
	if kind != Policy {
		add("policy ", arn.Name(c.PolicyARN))
	}
	add("inline policy ", c.PolicyName)
	add("version ", c.VersionID)
	add("boundary ", arn.Name(c.Boundary))
	text := c.Event + " on " + entity
	if details != nil {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text
}

// ActorWithAddress returns Actor and From, such as "user/ci from 203.0.113.7".
func (c IAMChange) ActorWithAddress() string {
	if c.From == "" {
		return c.Actor
	}
	return c.Actor + " from " + c.From
}

// maxNamedTargets is the number of targets that AffectedTargets names.
const maxNamedTargets = 3

// AffectedTargets returns a text about the targets that a change of a group or a policy affects,
// such as "affects user/ci". The text is empty for a change of a user or a role, because
// Description already names that entity.
func (c IAMChange) AffectedTargets() string {
	kind, _ := c.Entity()
	var text string
	if len(c.Targets) > 0 && (kind == Group || kind == Policy) {
		text = "affects " + textfmt.Some(c.Targets, maxNamedTargets)
		if c.Unsure {
			text = strings.Replace(text, "affects", "may affect", 1)
		}
	}
	return text
}
