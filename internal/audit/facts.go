package audit

import (
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Facts are all that was learnt about an account. They name no time: judging the same facts twice
// gives the same report.
type Facts struct {
	Account, Partition string
	Regions            []string
	// Release is what the account is judged by, and Requested what was asked for: auto, 4.0.420.
	Release   policies.Release
	Requested string
	// Releases are those the deployed functions need, oldest first: the account is judged by their
	// union. Empty judges by Release alone.
	Releases []policies.Release
	// UpgradeTo is a release to look ahead to; nil for none.
	UpgradeTo *policies.Release
	// Functions are the deployed ones that were found in the audited regions, ordered by region and
	// name.
	Functions []Function
	// Skipped are regions that were to be audited and are not.
	Skipped []SkippedRegion
	// NoDefaultRole says that the default render role is not audited: nobody has it, and functions
	// have others.
	NoDefaultRole bool
	// Undiscovered says that nothing was looked for: no functions, no roles of theirs.
	Undiscovered bool
	// Problems are about no target: functions that could not be listed.
	Problems []Problem
	// Assumed is the request context that was configured beyond the defaults of AssumedContext.
	Assumed iampolicy.Context
	Targets []TargetFacts
}

// TargetKind tells who needs which policy.
type TargetKind string

const (
	// Caller runs Remotion's CLI or SDK and needs the user policy.
	Caller TargetKind = "caller"
	// RenderRole is a role functions run under. It needs the role policy.
	RenderRole TargetKind = "render role"
)

// Policy is the kind of policy the target needs.
func (k TargetKind) Policy() policies.PolicyKind {
	if k == RenderRole {
		return policies.Role
	}
	return policies.User
}

// Presence says whether a target exists. The zero value says that nobody could tell.
type Presence uint8

const (
	PresenceUnknown Presence = iota
	Absent
	Present
)

// TargetFacts are what was learnt about one principal.
type TargetFacts struct {
	Kind TargetKind
	// Name is user/NAME or role/NAME; ARN has the path, once it is known.
	Name, ARN string
	// Purpose is that of a caller; a render role has policies.Render.
	Purpose  policies.Purpose
	Presence Presence
	// Functions are the deployed ones that run under a render role, and Releases what they need: empty
	// judges it by those of the account.
	Functions []Function
	Releases  []policies.Release
	// Place narrows the requirements to this target.
	Place policies.Scope
	// Grants are the documents that could be read. They are all there are if Unread is empty.
	Grants iampolicy.Grants
	// Unread are the reads that failed: a policy that could not be had or does not parse.
	Unread []Problem
	// Assumed is that of Facts, which Evaluate fills in.
	Assumed iampolicy.Context
	// Answers are the simulator's. A question without one was not answered; Unanswered says why.
	Answers    map[policies.SimulationRequest]Answer
	Unanswered []Problem
	// Trust is a render role's trust policy; nil when it could not be read, as TrustProblem says.
	Trust        *iampolicy.Document
	TrustProblem Problem
	// Guessed are ARNs in Place whose path nobody could learn. Nothing is claimed about them.
	Guessed []string
	// ahead judges by what the next deploy will name functions, too.
	ahead bool
	// CutOff says that the deadline came before everything was asked.
	CutOff bool
}

// A Problem is something the auditor could not learn.
type Problem struct {
	// Target is whom it is about: user/NAME, role/NAME or TheAccount.
	Target string `json:"target"`
	// What could not be learnt, and why.
	What string `json:"what"`
	Why  string `json:"why"`
	// Grant is the action to grant to the auditor, where that would help.
	Grant string `json:"grant,omitempty"`
	// Remedy is what else to do about it; empty when there is no more to say than Grant does.
	Remedy string `json:"remedy,omitempty"`
}

const (
	// AccountTarget is the Target of a Problem that is about no principal.
	AccountTarget = "the account"
	// ProblemConfiguration is What of a Problem that kept the auditor from looking at anything.
	ProblemConfiguration = "the configuration is wrong: nothing is audited"
)

// An Answer is what the simulator said to one question.
type Answer struct {
	Decision iampolicy.Decision
	// Statements are the ones AWS named: source, type and position.
	Statements []string
	// Missing are the context keys AWS would have needed.
	Missing []string
	// OrganizationDenies and BoundaryDenies say that AWS blamed that layer.
	OrganizationDenies, BoundaryDenies bool
	// Inferred says that the question was not asked in its region: it was in the first, and another
	// action of the same service in both, and all were allowed.
	Inferred bool
}
