package cloudtrail

import (
	"fmt"
	"strings"
	"time"
)

// A Change is a call to IAM that may have changed what somebody may do, as CloudTrail reports it.
// The names are those of the call's parameters, as they were typed.
type IAMChange struct {
	// ID is CloudTrail's eventID: an event that is delivered twice has it twice.
	ID string `json:"eventId,omitempty"`
	// Event is the call, one of contract.ChangeEvents.
	Event string `json:"event"`
	// At is when it was made; zero if the record does not tell.
	At time.Time `json:"at,omitzero"`
	// Actor says who made it, for people. From is the IP address or the AWS service that the call came
	// from.
	Actor string `json:"actor"`
	From  string `json:"from,omitempty"`

	UserName  string `json:"userName,omitempty"`
	RoleName  string `json:"roleName,omitempty"`
	GroupName string `json:"groupName,omitempty"`
	// NewUserName and NewGroupName are what a user or a group was renamed to.
	NewUserName  string `json:"newUserName,omitempty"`
	NewGroupName string `json:"newGroupName,omitempty"`
	// PolicyName is that of an inline policy, PolicyARN of a managed one, VersionID the version that
	// counts now.
	PolicyName string `json:"policyName,omitempty"`
	PolicyARN  string `json:"policyArn,omitempty"`
	VersionID  string `json:"versionId,omitempty"`
	// Boundary is the ARN of a permissions boundary.
	Boundary string `json:"permissionsBoundary,omitempty"`

	// Targets are the audited principals that it touches, as the report names them. Unsure says that
	// for one of them, or for all that there are, it could not be looked up whether it does.
	Targets []string `json:"targets,omitempty"`
	Unsure  bool     `json:"unsure,omitempty"`

	// Account is where it happened; empty if the record does not tell.
	Account string `json:"-"`
}

// A Kind is what a call acts on.
type EntityKind string

const (
	User   EntityKind = "user"
	Role   EntityKind = "role"
	Group  EntityKind = "group"
	Policy EntityKind = "policy"
)

// Entity says what the call acts on, and its name: the one name that decides whom it touches.
// AttachUserPolicy names a user and a policy, and acts on the user. The name of a policy is its
// ARN. It is empty if the record does not tell.
func (c IAMChange) Entity() (EntityKind, string) {
	switch {
	case strings.Contains(c.Event, "User"): // AddUserToGroup, too
		return User, c.UserName
	case strings.Contains(c.Event, "Role"):
		return Role, c.RoleName
	case strings.Contains(c.Event, "Group"):
		return Group, c.GroupName
	}
	return Policy, c.PolicyARN
}

// Description says what was done, for people: "DetachUserPolicy on user/ci (policy RemotionUser)".
func (c IAMChange) Description() string {
	kind, name := c.Entity()
	on := string(kind) + "/" + name
	if kind == Policy {
		on = string(kind) + "/" + last(name)
	}
	if name == "" {
		on = "a " + string(kind) + " that the record does not name"
	}
	var more []string
	add := func(what, name string) {
		if name != "" {
			more = append(more, what+name)
		}
	}
	if kind == User {
		add("group ", c.GroupName)
		add("now user/", c.NewUserName)
	}
	add("now group/", c.NewGroupName)
	if kind != Policy {
		add("policy ", last(c.PolicyARN))
	}
	add("inline policy ", c.PolicyName)
	add("version ", c.VersionID)
	add("boundary ", last(c.Boundary))
	text := c.Event + " on " + on
	if more != nil {
		text += " (" + strings.Join(more, ", ") + ")"
	}
	return text
}

// ActorWithAddress says who did it, and from where.
func (c IAMChange) ActorWithAddress() string {
	if c.From == "" {
		return c.Actor
	}
	return c.Actor + " from " + c.From
}

// maxReached is how many targets a text names.
const maxReached = 3

// AffectedTargets says whom it touches, where What does not: through a group, or a policy. Else it
// is empty.
func (c IAMChange) AffectedTargets() string {
	kind, _ := c.Entity()
	var text string
	if n := len(c.Targets); n > 0 && (kind == Group || kind == Policy) {
		text = "which reaches " + strings.Join(c.Targets[:min(n, maxReached)], ", ")
		if n > maxReached {
			text += fmt.Sprintf(" and %d more", n-maxReached)
		}
		if c.Unsure {
			text = strings.Replace(text, "reaches", "may reach", 1)
		}
	}
	return text
}

// last is the name in an ARN, without the path.
func last(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
