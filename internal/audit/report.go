package audit

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/cloudtrail"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// SchemaVersion is the version of the report's JSON form: docs/report.schema.json.
const SchemaVersion = "1"

// Status is the judgement on one requirement for one target.
type Status = iampolicy.Status

// The statuses of a finding.
const (
	Satisfied   = iampolicy.Satisfied
	Conditional = iampolicy.Conditional
	Partial     = iampolicy.Partial
	Missing     = iampolicy.Missing
	Denied      = iampolicy.Denied
	Unverified  = iampolicy.Unverified
)

// Cause is the reason of a gap. The engine defines the causes that concern policies.
type Cause = iampolicy.Cause

// The causes of a gap.
const (
	NoGrant             = iampolicy.NoGrant
	NarrowerGrant       = iampolicy.NarrowerGrant
	IdentityDeny        = iampolicy.IdentityDeny
	PermissionsBoundary = iampolicy.PermissionsBoundary
	SCP                 = iampolicy.SCP
	RCP                 = iampolicy.RCP
	Condition           = iampolicy.UnmetCondition
	// TrustPolicy means that the trust policy does not let Lambda assume the role.
	TrustPolicy Cause = "trust-policy"
	// TargetMissing means that the principal does not exist.
	TargetMissing Cause = "target-missing"
	// Quota means that a quota of the account is too small.
	Quota Cause = "quota"
	// BrokenFunction means that the state of a function lets no render use it.
	BrokenFunction Cause = "function-state"
)

// Causes lists all causes.
func Causes() []Cause {
	return []Cause{NoGrant, NarrowerGrant, IdentityDeny, PermissionsBoundary, SCP, RCP, Condition,
		TrustPolicy, TargetMissing, Quota, BrokenFunction}
}

// ReportStatus is the overall result of an audit.
type ReportStatus string

const (
	// StatusGaps means that the report has an unmuted gap.
	StatusGaps ReportStatus = "gaps"
	// StatusUnverified means that the audit found no unmuted gap but is incomplete.
	StatusUnverified ReportStatus = "unverified"
	// StatusCompliant means that the audit is complete and every gap is muted.
	StatusCompliant ReportStatus = "compliant"
)

// Report is the result of an audit.
type Report struct {
	SchemaVersion string `json:"schemaVersion"`
	// Tool is the command that made the report; nil for a run of the function.
	Tool   *contract.Tool `json:"tool,omitempty"`
	Status ReportStatus   `json:"status"`
	// Run identifies the run. Evaluate leaves it empty; the caller sets it.
	Run       Run      `json:"run,omitzero"`
	Account   string   `json:"account"`
	Partition string   `json:"partition"`
	Regions   []string `json:"regions"`
	// FunctionsByRegion counts the deployed functions of each audited region. It is nil if the
	// functions were not listed, and it is not part of the JSON: Remotion.Deployed counts them there.
	FunctionsByRegion map[string]int `json:"-"`
	// Remotion describes the releases that the account is judged by.
	Remotion Remotion `json:"remotion"`
	Summary  Summary  `json:"summary"`
	// AuditorAccess is what the auditor itself may not do; nil if AWS denied none of its calls.
	AuditorAccess *AuditorAccess `json:"auditorAccess,omitempty"`
	// Targets, Findings and Problems are in the order of the configuration. The findings of a target
	// have the order of Remotion's documents.
	Targets        []TargetReport `json:"targets"`
	Findings       []Finding      `json:"findings"`
	Problems       []Problem      `json:"problems"`
	AssumedContext []string       `json:"assumedContext"`
	// NotChecked lists what the audit does not read, so that a compliant report does not claim it.
	NotChecked []string `json:"notChecked,omitempty"`
	// Fixes has one fix for each target with gaps, in the order of the targets.
	Fixes []remedy.Fix `json:"fixes,omitempty"`
	// Notices are information that is not a gap.
	Notices []Notice `json:"notices,omitempty"`
	// Upgrade is the preview of an upgrade; nil if none was requested.
	Upgrade *Upgrade `json:"upgrade,omitempty"`
	// Baseline compares the report with an earlier one; nil without one.
	Baseline *Comparison `json:"baseline,omitempty"`
}

// notChecked lists what decides about a render and what no audit reads.
var notChecked = []string{"session policies", uncontrolled,
	"bucket and key policies", "S3 Block Public Access"}

const (
	uncontrolled = "resource control policies"
	// networks follow what checks did not read.
	networks = "networks and VPC endpoints"
)

// notCheckedOf returns what an audit of some targets and its checks do not read; checked is nil
// without checks. An audit of render roles alone says nothing about callers, which also decide
// about a render.
func notCheckedOf(targets []*judgement, checked *CheckResult) []string {
	list := slices.Clone(notChecked)
	if len(targets) > 0 && !slices.ContainsFunc(targets, func(t *judgement) bool {
		return !t.controlled
	}) {
		list = slices.DeleteFunc(list, func(name string) bool { return name == uncontrolled })
	}
	if checked == nil {
		list = append(list, "quotas")
	} else {
		list = append(list, checked.NotChecked...)
	}
	list = append(list, networks)
	callers := slices.ContainsFunc(targets, func(t *judgement) bool {
		return t.target.Kind == Caller
	})
	if callers || len(targets) == 0 {
		return list
	}
	return slices.Insert(list, 0, "callers (none is audited)")
}

// Run identifies the run that made a report.
type Run struct {
	ID string    `json:"id"`
	At time.Time `json:"at"`
	// Auditor is the configured name of the auditor, else the name of the function or the command.
	Auditor string `json:"auditor,omitempty"`
	// Version is the version of the auditor.
	Version string `json:"version,omitempty"`
	// Flags are the flags of the command that repeat the audit; nil for the function.
	Flags []string `json:"flags,omitempty"`
	// Trigger is what started the function; nil for the command.
	Trigger *Trigger `json:"trigger,omitempty"`
}

// Trigger is what started the function. It decides when an audit runs, never what the audit covers.
type Trigger struct {
	By TriggerKind `json:"by"`
	// Changes are the IAM changes that affect or may affect an audited principal, newest first. More
	// is the number of such changes that Changes does not list. Unreadable is the number of messages
	// that could not be read.
	Changes    []IAMChange `json:"changes,omitempty"`
	More       int         `json:"more,omitempty"`
	Unreadable int         `json:"unreadable,omitempty"`
}

// IAMChange is a call to IAM that CloudTrail reported.
type IAMChange = cloudtrail.IAMChange

// TriggerKind is a kind of trigger.
type TriggerKind string

const (
	// TriggeredBySchedule means that the schedule started the run.
	TriggeredBySchedule TriggerKind = "schedule"
	// TriggeredByRequest means that an invocation outside the schedule started the run.
	TriggeredByRequest TriggerKind = "request"
	// TriggeredByChanges means that IAM changes started the run.
	TriggeredByChanges TriggerKind = "changes"
)

// Remotion describes the releases that the account is judged by: a range of the catalogue, or the
// deployed releases and the installed one together.
type Remotion struct {
	Requested string `json:"requested"`
	// Since is a release with the newest documents that the account is judged by.
	Since string `json:"since"`
	// Release is the text for people: a range or a list of releases.
	Release string `json:"release"`
	// Releases are the deployed releases and the installed one, oldest first, if the account is judged
	// by them.
	Releases []string `json:"releases,omitempty"`
	// Installed is the release in the Remotion project in which the command runs, if the account is
	// also judged by it.
	Installed string `json:"installed,omitempty"`
	// Deployed counts the deployed functions by release.
	Deployed []Deployed `json:"deployed,omitempty"`
	// KnownUntil is the newest release of the catalogue, if the account is judged by a newer release.
	KnownUntil string `json:"knownUntil,omitempty"`
}

// Summary counts findings. Gaps and GapsCritical exclude muted gaps. Requirements is the sum of
// Satisfied, Gaps, GapsMuted and Unverified. A target that does not exist is an exception: none of
// its requirements is satisfied, but together they count as one gap.
type Summary struct {
	Requirements int `json:"requirements"`
	Satisfied    int `json:"satisfied"`
	Gaps         int `json:"gaps"`
	GapsCritical int `json:"gapsCritical"`
	GapsMuted    int `json:"gapsMuted"`
	Unverified   int `json:"unverified"`
}

// CompliancePercent returns the percentage of satisfied requirements, or 100 if there are no
// requirements.
func (s Summary) CompliancePercent() float64 {
	if s.Requirements == 0 {
		return 100
	}
	return 100 * float64(s.Satisfied) / float64(s.Requirements)
}

// TargetReport is the summary of one target.
type TargetReport struct {
	Name    string           `json:"name"`
	ARN     string           `json:"arn"`
	Kind    TargetKind       `json:"kind"`
	Purpose policies.Purpose `json:"purpose"`
	// Operations are the operations of the purpose. A render role has none.
	Operations []policies.Operation `json:"operations,omitempty"`
	Summary    Summary              `json:"summary"`
	// CutOff is true if the deadline ended the simulation early.
	CutOff bool `json:"cutOff"`
	// Context lists what the simulated requests of the target have in addition to the assumed context
	// of the report: its tags and its organization.
	Context []string `json:"context,omitempty"`
}

// Finding is the judgement on one requirement for one target.
type Finding struct {
	Target string              `json:"target"`
	Policy policies.PolicyKind `json:"policy"`
	Sid    string              `json:"sid"`
	Action string              `json:"action"`
	// Resource is the documented resource pattern.
	Resource string            `json:"resource"`
	Status   Status            `json:"status"`
	Severity policies.Severity `json:"severity"`
	Cause    Cause             `json:"cause,omitempty"`
	// ExampleARN is a resource that is not covered or not verified. It is empty for a satisfied
	// finding.
	ExampleARN string `json:"exampleArn,omitempty"`
	Region     string `json:"region,omitempty"`
	// Why explains the cause in one sentence, with the deciding policy and statement.
	Why string `json:"why,omitempty"`
	// RootCause is set if the missing grants of the target have a single reason. Command then prints
	// the policy that the target needs. For a check, Command repairs what Remedy describes.
	RootCause RootCause `json:"rootCause,omitempty"`
	Command   string    `json:"command,omitempty"`
	// Remedy describes the repair of a failed check, without a full stop. The fixes of a report repair
	// other findings.
	Remedy string `json:"remedy,omitempty"`
	// Inspected is the result of the engine, Simulated the answer of AWS's simulator.
	Inspected string `json:"inspected,omitempty"`
	Simulated string `json:"simulated,omitempty"`
	// Statements are the deciding statements of the documents; of a satisfied finding, those that
	// grant the permission. SimulatedStatements are the statements that AWS named.
	Statements          []StatementRef `json:"statements,omitempty"`
	SimulatedStatements []string       `json:"simulatedStatements,omitempty"`
	MissingContext      []string       `json:"missingContext,omitempty"`
	// UnderAssumedContext is true if the organization denies the permission under the assumed context,
	// and a condition that the audit does not know may change that.
	UnderAssumedContext bool `json:"underAssumedContext,omitempty"`
	// Asked is the number of needed resources, Covered the number of those that are granted.
	Covered int `json:"covered"`
	Asked   int `json:"asked"`
	// Operations, Reason, Impact, Breakage and Source come from the requirement. A render role has no
	// operations.
	Operations []policies.Operation `json:"operations,omitempty"`

	Reason   string            `json:"reason"`
	Impact   string            `json:"impact"`
	Breakage policies.Breakage `json:"breakage"`
	// Stops is zero in reports of older auditors.
	Stops  policies.Stops `json:"stops,omitempty"`
	Source string         `json:"source"`
	Notes  []string       `json:"notes,omitempty"`
	// Releases are the releases that the account is judged by and that need the permission, oldest
	// first.
	Releases []string `json:"releases,omitempty"`
	// Muted is the mute that hides the gap; nil for none.
	Muted *Mute `json:"muted,omitempty"`
	// Baseline compares the gap with an earlier report; empty without one.
	Baseline BaselineState `json:"baseline,omitempty"`
}

// Gap reports whether the finding is an unmuted gap.
func (f Finding) Gap() bool { return f.Status.Gap() && f.Muted == nil }

// StatementRef identifies a policy statement.
type StatementRef = iampolicy.StatementRef

// Worst returns the highest severity of the unmuted gaps, or zero without gaps.
func (r Report) Worst() policies.Severity { return worstOf(r.Findings, Finding.Gap) }

// WorstNew returns the highest severity of the unmuted gaps that are in no baseline, those after a
// planned upgrade included, or zero without such gaps.
func (r Report) WorstNew() policies.Severity {
	isNew := func(f Finding) bool { return f.Gap() && f.Baseline != BaselineKnown }
	worst := worstOf(r.Findings, isNew)
	if r.Upgrade != nil {
		worst = max(worst, worstOf(r.Upgrade.Findings, isNew))
	}
	return worst
}

func worstOf(findings []Finding, counts func(Finding) bool) (worst policies.Severity) {
	for _, f := range findings {
		if counts(f) {
			worst = max(worst, f.Severity)
		}
	}
	return worst
}

// Unverified reports whether the audit is incomplete: a requirement is unverified or a read failed.
func (r Report) Unverified() bool { return r.Summary.Unverified > 0 || len(r.Problems) > 0 }

// MayImprove reports whether a second audit may verify what this one did not.
func (r Report) MayImprove() bool {
	return r.Summary.Unverified > 0 ||
		slices.ContainsFunc(r.Problems, func(p Problem) bool { return !p.OfRelease() })
}

// UnverifiedFor reports whether the audit of one target is incomplete.
func (r Report) UnverifiedFor(target string) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Target == target }) ||
		slices.ContainsFunc(r.Targets, func(t TargetReport) bool {
			return t.Name == target &&
				t.Summary.Unverified > 0
		})
}

// Completed reports whether the simulation of every target ended before the deadline.
func (r Report) Completed() bool {
	for _, t := range r.Targets {
		if t.CutOff {
			return false
		}
	}
	return true
}
