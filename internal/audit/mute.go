package audit

import (
	"slices"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/remedy"
)

// Mute holds the owner, the reason and the end of a mute that hides a gap.
type Mute struct {
	Owner  string    `json:"owner"`
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// Muted returns a copy of the report with mutes. muteFor returns the mute of a gap, or nil if the
// gap is not muted. Muted gaps count in GapsMuted instead of Gaps, and do not affect the status. A
// target whose gaps are all muted has no fix.
func (r Report) Muted(muteFor func(Finding) *Mute) Report {
	r.Findings, r.Targets = slices.Clone(r.Findings), slices.Clone(r.Targets)
	for i, f := range r.Findings {
		if !f.Gap() {
			continue
		}
		mute := muteFor(f)
		if mute == nil {
			continue
		}
		r.Findings[i].Muted = mute
		r.Summary = r.Summary.muted(f)
		for j, t := range r.Targets {
			if t.Name == f.Target && t.Kind.Policy() == f.Policy {
				r.Targets[j].Summary = t.Summary.muted(f)
				break
			}
		}
	}
	r.Fixes = slices.DeleteFunc(slices.Clone(r.Fixes), func(fix remedy.Fix) bool {
		return !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Target == fix.Target && f.Policy == fix.Policy && f.Gap()
		})
	})
	if r.Status == StatusGaps && r.Summary.Gaps == 0 {
		r.Status = StatusCompliant
		if r.Unverified() {
			r.Status = StatusUnverified
		}
	}
	return r
}

func (s Summary) muted(f Finding) Summary {
	s.Gaps--
	s.GapsMuted++
	if f.Severity == policies.Critical {
		s.GapsCritical--
	}
	return s
}
