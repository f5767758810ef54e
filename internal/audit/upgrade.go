package audit

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// Upgrade is the preview of an upgrade of Remotion.
type Upgrade struct {
	// To is the requested release. Release is the range of the catalogue that contains it.
	To      string `json:"to"`
	Release string `json:"release"`
	// Findings are the gaps and the unverified requirements that the upgrade would add.
	Findings []Finding `json:"findings"`
}

// upgradeFindings returns the unsatisfied requirements of release that the current releases do not
// have. It skips targets that do not exist.
func (f Facts) upgradeFindings(release policies.Release) []Finding {
	findings := []Finding{}
	for _, t := range f.Targets {
		if t.Presence == Absent {
			continue
		}
		t.Assumed = f.Assumed
		current := t.Scope.Requirements(t.judgedBy(f.judgedBy()), t.Kind.Policy(), t.Purpose)
		for _, r := range t.Scope.Requirements([]policies.Release{release}, t.Kind.Policy(),
			t.Purpose) {
			if slices.ContainsFunc(current, func(o policies.Requirement) bool {
				return o.Action == r.Action &&
					o.Resource == r.Resource
			}) {
				continue
			}
			if finding := evaluateRequirement(t, r); finding.Status != Satisfied {
				finding.Releases = r.NeededBy
				findings = append(findings, finding)
			}
		}
	}
	return findings
}

// upgrade returns the preview of the planned upgrade, or nil without one.
func (f Facts) upgrade() *Upgrade {
	if f.UpgradeTo == nil {
		return nil
	}
	return &Upgrade{To: f.UpgradeTo.Name(), Release: f.UpgradeTo.String(),
		Findings: append(f.upgradeFindings(*f.UpgradeTo), f.renameFindings(*f.UpgradeTo)...)}
}

// renameFindings returns the requirements that are granted for the deployed functions, but not for
// the functions that an upgrade deploys under new names.
func (f Facts) renameFindings(release policies.Release) (findings []Finding) {
	if slices.ContainsFunc(f.judgedBy(), func(r policies.Release) bool {
		return r.Name() == release.Name()
	}) {
		return nil
	}
	for _, t := range f.Targets {
		if t.Presence == Absent || t.Purpose != policies.Render {
			continue
		}
		t.Assumed = f.Assumed
		next := t
		next.nextName = true
		for _, r := range t.Scope.Requirements([]policies.Release{release}, t.Kind.Policy(),
			t.Purpose) {
			finding := evaluateRequirement(next, r)
			if finding.Status.Gap() && evaluateRequirement(t, r).Status == Satisfied {
				finding.Releases = r.NeededBy
				findings = append(findings, finding)
			}
		}
	}
	return findings
}

// Worst returns the highest severity of the gaps that the upgrade would add, or zero without gaps.
func (u *Upgrade) Worst() policies.Severity {
	if u == nil {
		return 0
	}
	return Report{Findings: u.Findings}.Worst()
}
