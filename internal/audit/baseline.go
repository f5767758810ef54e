package audit

import (
	"time"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// BaselineState compares a gap with a baseline, which is an earlier report.
type BaselineState string

const (
	// BaselineKnown means that the baseline has the gap, and that it was at least as severe.
	BaselineKnown BaselineState = "known"
	// BaselineNew means that the baseline has no such gap: the requirement was satisfied, muted,
	// unverified or not judged.
	BaselineNew BaselineState = "new"
	// BaselineWorse means that the baseline has the gap with a lower severity or a better status.
	BaselineWorse BaselineState = "worse"
)

// Comparison compares a document with a baseline. The counts are of unmuted gaps, those after a
// planned upgrade included.
type Comparison struct {
	// At is the time of the baseline; zero if it has none.
	At    time.Time `json:"at,omitzero"`
	Known int       `json:"known"`
	New   int       `json:"new"`
	Worse int       `json:"worse"`
	// Gone are the gaps of the baseline that the document does not have.
	Gone []GoneGap `json:"gone"`
}

// GoneState says what became of a gap of the baseline.
type GoneState string

const (
	// GoneClosed means that the requirement is satisfied.
	GoneClosed GoneState = "closed"
	// GoneUnverified means that the requirement is unverified. Whether the gap is closed is unknown.
	GoneUnverified GoneState = "unverified"
	// GoneMuted means that a mute hides the gap.
	GoneMuted GoneState = "muted"
	// GoneNotJudged means that the document does not judge the requirement.
	GoneNotJudged GoneState = "not-judged"
)

// GoneGap is a gap of the baseline that a document does not have.
type GoneGap struct {
	State    GoneState           `json:"state"`
	Target   string              `json:"target"`
	Policy   policies.PolicyKind `json:"policy,omitempty"`
	Sid      string              `json:"sid,omitempty"`
	Action   string              `json:"action,omitempty"`
	Resource string              `json:"resource,omitempty"`
	Status   Status              `json:"status"`
	Severity policies.Severity   `json:"severity,omitzero"`
	// AfterUpgrade is true for a gap that only a planned upgrade would have opened.
	AfterUpgrade bool `json:"afterUpgrade,omitempty"`
}
