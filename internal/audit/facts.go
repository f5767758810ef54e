package audit

import (
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/policies/needs"
)

// Facts holds all that the collector read about an account. It contains no time: the same facts
// always give the same report.
type Facts struct {
	Account, Partition string
	Regions            []string
	// Release is the release that the account is judged by. Requested is the configured value, such as
	// auto or 4.0.420.
	Release   policies.Release
	Requested string
	// Releases are the releases of the deployed functions and the installed release, oldest first. The
	// account is judged by the union of their requirements. If Releases is empty, the account is
	// judged by Release.
	Releases []policies.Release
	// Installed is the release in Releases that callers have installed; nil for none. Perhaps no
	// function has it.
	Installed *policies.Release
	// UpgradeTo is the release of a planned upgrade; nil for none.
	UpgradeTo *policies.Release
	// Functions are the deployed functions in the audited regions, sorted by region and name.
	Functions []Function
	// Unlisted are the regions that are not enabled, or in which the organization denies listing
	// functions.
	Unlisted []UnlistedRegion
	// NoDefaultRole is true if the default render role is not audited, because it does not exist and
	// all functions use other roles.
	NoDefaultRole bool
	// Undiscovered is true if the read scope prevents discovery: the collector did not list functions.
	Undiscovered bool
	// Problems are the failed reads that concern no target, such as listing functions.
	Problems []Problem
	// LateProblems returns the failed reads that concern no target and that end after the first
	// targets are judged; nil for none. It waits for these reads.
	LateProblems func() []Problem
	// Assumed is the configured request context. Its keys override the defaults of AssumedContext.
	Assumed iampolicy.Context
	Targets []TargetFacts
}

// TargetKind is the role of a target in Remotion. It decides which policy the target needs.
type TargetKind string

const (
	// Caller runs Remotion's CLI or SDK and needs the user policy.
	Caller TargetKind = "caller"
	// RenderRole is an execution role of Remotion's functions. It needs the role policy.
	RenderRole TargetKind = "render role"
)

// Policy returns the kind of policy that the target needs.
func (k TargetKind) Policy() policies.PolicyKind {
	if k == RenderRole {
		return policies.Role
	}
	return policies.User
}

// Presence states whether a target exists. The zero value means unknown.
type Presence uint8

// The values of Presence.
const (
	PresenceUnknown Presence = iota // the read failed
	Absent
	Present
)

// TargetFacts holds all that the collector read about one principal.
type TargetFacts struct {
	Kind TargetKind
	// Name is user/NAME or role/NAME. ARN includes the path if the principal was read.
	Name, ARN string
	// Purpose is the purpose of a caller. A render role has policies.Render.
	Purpose  policies.Purpose
	Presence Presence
	// Namesake is a principal that exists and has almost the name of an absent target: user/NAME,
	// role/NAME or sso/PERMISSION-SET. It is empty if there is none, or if it is unknown.
	Namesake string
	// Functions are the deployed functions of a render role, and Releases are their releases. If
	// Releases is empty, the target is judged by the releases of the account.
	Functions []Function
	Releases  []policies.Release
	// Scope narrows the requirements to this target.
	Scope needs.Scope
	// Grants holds the documents that were read. If Unread is empty, these are all documents.
	Grants iampolicy.Grants
	// Unread lists the policies that could not be read or parsed.
	Unread []Problem
	// Assumed is Facts.Assumed. Evaluate sets it.
	Assumed iampolicy.Context
	// Tags are the tags of the principal. They are all of its tags if Presence is Present.
	Tags map[string]string
	// OrganizationID is the id of the account's organization; empty if it is unknown.
	OrganizationID string
	// MemberOf is the id of the organization if it was read with its policies; else empty. The
	// simulated requests lacked it, so it only decides about resource control policies.
	MemberOf string
	// Answers holds the simulator's answers, Unanswered the reasons why requests have no answer.
	Answers    map[needs.SimulationRequest]Answer
	Unanswered []Problem
	// Trust is the trust policy of a render role. It is nil if the policy could not be read;
	// TrustProblem then holds the reason.
	Trust        *iampolicy.Document
	TrustProblem Problem
	// Guessed are ARNs in Scope with an unknown path. Findings about these ARNs are unverified.
	Guessed []string
	// nextName is true if grants for the name of the next function are required, too.
	nextName bool
	// CutOff is true if the deadline ended the simulation early.
	CutOff bool
}

// Problem is a failed read or simulation.
type Problem struct {
	// Target is user/NAME, role/NAME or AccountTarget.
	Target string `json:"target"`
	// What names the part that could not be read. Why is the reason.
	What string `json:"what"`
	Why  string `json:"why"`
	// Grant is the action that the auditor may not call. It is empty if a grant would not help.
	Grant string `json:"grant,omitempty"`
	// Remedy is a fix other than a grant; empty for none.
	Remedy string `json:"remedy,omitempty"`
}

const (
	// AccountTarget is the Target of a Problem that concerns no principal.
	AccountTarget = "the account"
	// ProblemConfiguration is the What of the Problem that reports a wrong configuration.
	ProblemConfiguration = "the configuration is wrong: nothing is audited"
)

// Answer is the simulator's answer to one request.
type Answer struct {
	Decision iampolicy.Decision
	// Statements are the statements that AWS named: source, type and position.
	Statements []string
	// Missing are the context keys that AWS lists as missing.
	Missing []string
	// OrganizationDenies is true if AWS names the organization as a cause of the denial.
	// BoundaryDenies is true if AWS names the permissions boundary.
	OrganizationDenies, BoundaryDenies bool
	// Plausible is the answer to the same request with plausible values of UnknownKeys, which are
	// context keys with unknown values. It is nil unless the organization denies the request.
	Plausible   *Answer
	UnknownKeys []string
	// Inferred is true if AWS did not simulate this request. The answer is then that for the same
	// action on the first resource in the first region. AWS also allowed an action of the same service
	// in both regions.
	Inferred bool
}
