package audit

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// SchemaVersion is that of the report as JSON: docs/report.schema.json.
const SchemaVersion = "1"

// Status is the judgement on one requirement for one target.
type Status = iampolicy.Status

const (
	Satisfied   = iampolicy.Satisfied
	Conditional = iampolicy.Conditional
	Partial     = iampolicy.Partial
	Missing     = iampolicy.Missing
	Denied      = iampolicy.Denied
	Unverified  = iampolicy.Unverified
)

// Cause is why there is a gap. Those that concern the policies are the engine's.
type Cause = iampolicy.Cause

const (
	NoGrant             = iampolicy.NoGrant
	NarrowerGrant       = iampolicy.NarrowerGrant
	IdentityDeny        = iampolicy.IdentityDeny
	PermissionsBoundary = iampolicy.PermissionsBoundary
	SCP                 = iampolicy.SCP
	Condition           = iampolicy.UnmetCondition
	// TrustPolicy: the role's trust policy does not let Lambda assume it.
	TrustPolicy Cause = "trust-policy"
	// TargetMissing: there is no such principal.
	TargetMissing Cause = "target-missing"
)

// Causes lists them.
func Causes() []Cause {
	return []Cause{NoGrant, NarrowerGrant, IdentityDeny, PermissionsBoundary, SCP, Condition,
		TrustPolicy, TargetMissing}
}

// ReportStatus sums a report up.
type ReportStatus string

const (
	// StatusGaps: there is at least one that is not muted.
	StatusGaps ReportStatus = "gaps"
	// StatusUnverified: there is none among what could be learnt, and something could not.
	StatusUnverified ReportStatus = "unverified"
	// StatusCompliant: everything was looked at, and is granted, or known and muted.
	StatusCompliant ReportStatus = "compliant"
)

// A Report is what an audit found.
type Report struct {
	SchemaVersion string       `json:"schemaVersion"`
	Status        ReportStatus `json:"status"`
	// Run is filled by whoever ran the audit; Evaluate leaves it empty.
	Run       Run      `json:"run,omitzero"`
	Account   string   `json:"account"`
	Partition string   `json:"partition"`
	Regions   []string `json:"regions"`
	// Remotion names the releases the account is judged by.
	Remotion Remotion `json:"remotion"`
	Summary  Summary  `json:"summary"`
	// Targets, Findings and Problems are in the order of the configuration; the findings of a target
	// follow Remotion's documents.
	Targets        []TargetReport `json:"targets"`
	Findings       []Finding      `json:"findings"`
	Problems       []Problem      `json:"problems"`
	AssumedContext []string       `json:"assumedContext"`
	// Notices are worth knowing, and no gaps.
	Notices []Notice `json:"notices,omitempty"`
	// Upgrade is there if somebody asked what an upgrade would need.
	Upgrade *Upgrade `json:"upgrade,omitempty"`
}

// Run says which run a report is of.
type Run struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Auditor is the function's or the command's name and version.
	Auditor string `json:"auditor,omitempty"`
	// Trigger is what made the function run; nil for the command.
	Trigger *Trigger `json:"trigger,omitempty"`
}

// A Trigger is what made the function run. It says when, and never what is audited.
type Trigger struct {
	By TriggerKind `json:"by"`
	// Changes are those that touch an audited principal, or may, the newest first. More counts those
	// that are not in the list, Unreadable the messages that may have told of more.
	Changes    []IAMChange `json:"changes,omitempty"`
	More       int         `json:"more,omitempty"`
	Unreadable int         `json:"unreadable,omitempty"`
}

// A Change is a call to IAM, as CloudTrail reports it.
type IAMChange = cloudtrail.IAMChange

// TriggerKind is a kind of trigger.
type TriggerKind string

const (
	// TriggeredBySchedule: it was time.
	TriggeredBySchedule TriggerKind = "schedule"
	// TriggeredByRequest: somebody asked.
	TriggeredByRequest TriggerKind = "request"
	// TriggeredByChanges: CloudTrail reported calls to IAM.
	TriggeredByChanges TriggerKind = "changes"
)

// Remotion says by what the account is judged: a range of the catalogue, or the union of what the
// deployed releases need.
type Remotion struct {
	Requested string `json:"requested"`
	// Since is a release with the newest documents the account is judged by.
	Since string `json:"since"`
	// Release names the range, or the releases, for people.
	Release string `json:"release"`
	// Releases are those of a union, oldest first.
	Releases []string `json:"releases,omitempty"`
	// Deployed are the functions that were found, by release.
	Deployed []Deployed `json:"deployed,omitempty"`
}

// Summary counts. Gaps and GapsCritical leave out what is muted. Requirements is the sum of
// Satisfied, Gaps, GapsMuted and Unverified, but for a target that does not exist: all of its
// requirements count as unmet and are one gap.
type Summary struct {
	Requirements int `json:"requirements"`
	Satisfied    int `json:"satisfied"`
	Gaps         int `json:"gaps"`
	GapsCritical int `json:"gapsCritical"`
	GapsMuted    int `json:"gapsMuted"`
	Unverified   int `json:"unverified"`
}

// CompliancePercent is the share of requirements that are satisfied. With none, it is 100.
func (s Summary) CompliancePercent() float64 {
	if s.Requirements == 0 {
		return 100
	}
	return 100 * float64(s.Satisfied) / float64(s.Requirements)
}

// A TargetReport sums up one target.
type TargetReport struct {
	Name    string           `json:"name"`
	ARN     string           `json:"arn"`
	Kind    TargetKind       `json:"kind"`
	Purpose policies.Purpose `json:"purpose"`
	Summary Summary          `json:"summary"`
	// CutOff says that the deadline came before everything was asked.
	CutOff bool `json:"cutOff"`
}

// A Finding is the judgement on one requirement for one target.
type Finding struct {
	Target string              `json:"target"`
	Policy policies.PolicyKind `json:"policy"`
	Sid    string              `json:"sid"`
	Action string              `json:"action"`
	// Resource is the pattern as documented.
	Resource string            `json:"resource"`
	Status   Status            `json:"status"`
	Severity policies.Severity `json:"severity"`
	Cause    Cause             `json:"cause,omitempty"`
	// ExampleARN is a resource for which the status holds: one that is not covered, or could not be
	// looked at. A satisfied finding has none.
	ExampleARN string `json:"exampleArn,omitempty"`
	Region     string `json:"region,omitempty"`
	// Why is one sentence about the cause; it names the policy and statement that decided.
	Why string `json:"why,omitempty"`
	// Inspected and Simulated are the two sources' answers for the example.
	Inspected string `json:"inspected,omitempty"`
	Simulated string `json:"simulated,omitempty"`
	// Statements are those that decided, as read; SimulatedStatements those that AWS named.
	Statements          []StatementRef `json:"statements,omitempty"`
	SimulatedStatements []string       `json:"simulatedStatements,omitempty"`
	MissingContext      []string       `json:"missingContext,omitempty"`
	// Covered and Asked count the resources that are granted and those that are needed.
	Covered int `json:"covered"`
	Asked   int `json:"asked"`
	// Reason, Impact, Breakage and Source are the requirement's.
	Reason   string            `json:"reason"`
	Impact   string            `json:"impact"`
	Breakage policies.Breakage `json:"breakage"`
	Source   string            `json:"source"`
	Notes    []string          `json:"notes,omitempty"`
	// Releases are those of Remotion that need it, among those the account is judged by, oldest first.
	Releases []string `json:"releases,omitempty"`
	// Muted says that the gap is known and silenced; nil that it is not.
	Muted *Mute `json:"muted,omitempty"`
}

// Gap reports whether the finding is a gap that nobody muted.
func (f Finding) Gap() bool { return f.Status.Gap() && f.Muted == nil }

// A StatementRef names a policy statement.
type StatementRef struct {
	Policy string `json:"policy"`
	// Index counts from 1.
	Index     int      `json:"index"`
	Sid       string   `json:"sid,omitempty"`
	Effect    string   `json:"effect"`
	Resources []string `json:"resources,omitempty"`
}

// String is how people are told of a statement: statement 2 (Sid Storage) of inline policy
// "remotion".
func (s StatementRef) String() string {
	return iampolicy.StatementName(s.Policy, s.Index, s.Sid)
}

// Worst is the highest severity among the gaps that are not muted, or zero without any.
func (r Report) Worst() policies.Severity {
	var worst policies.Severity
	for _, f := range r.Findings {
		if f.Gap() {
			worst = max(worst, f.Severity)
		}
	}
	return worst
}

// Unverified reports whether anything could not be learnt: a requirement, or a policy that was to
// be read.
func (r Report) Unverified() bool { return r.Summary.Unverified > 0 || len(r.Problems) > 0 }

// UnverifiedFor reports whether anything could not be learnt about the target of that name.
func (r Report) UnverifiedFor(target string) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Target == target }) ||
		slices.ContainsFunc(r.Targets, func(t TargetReport) bool {
			return t.Name == target &&
				t.Summary.Unverified > 0
		})
}

// Completed reports whether no target was cut off by the deadline.
func (r Report) Completed() bool {
	for _, t := range r.Targets {
		if t.CutOff {
			return false
		}
	}
	return true
}
