package audit

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// An Upgrade says what the account would lack after an upgrade of Remotion, beyond what it lacks
// now.
type Upgrade struct {
	// To is the release that was asked about, and Release the range of the catalogue it is judged by.
	To      string `json:"to"`
	Release string `json:"release"`
	// Findings are about what that release needs and those judged by do not. Satisfied ones are left
	// out.
	Findings []Finding `json:"findings"`
}

// beyond judges what release needs of the account and the releases it is judged by do not. Targets
// that do not exist have nothing to add.
func (f Facts) beyond(release policies.Release) []Finding {
	findings := []Finding{}
	for _, t := range f.Targets {
		if t.Presence == Absent {
			continue
		}
		t.Assumed = f.Assumed
		now := policies.RequirementsIn(t.Place, t.by(f.judgedBy()), t.Kind.Policy(), t.Purpose)
		for _, r := range policies.RequirementsIn(t.Place, []policies.Release{release}, t.Kind.Policy(),
			t.Purpose) {
			if slices.ContainsFunc(now, func(o policies.Requirement) bool {
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

// upgrade is nil if nobody asks.
func (f Facts) upgrade() *Upgrade {
	if f.UpgradeTo == nil {
		return nil
	}
	return &Upgrade{To: f.UpgradeTo.Name(), Release: f.UpgradeTo.String(),
		Findings: append(f.beyond(*f.UpgradeTo), f.renamed(*f.UpgradeTo)...)}
}

// renamed judges what is granted for the functions there are, and not for those that an upgrade
// deploys.
func (f Facts) renamed(release policies.Release) (findings []Finding) {
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
		next.ahead = true
		for _, r := range policies.RequirementsIn(t.Place, []policies.Release{release}, t.Kind.Policy(),
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

// Worst is the highest severity among the gaps after the upgrade, or zero without any.
func (u *Upgrade) Worst() policies.Severity {
	if u == nil {
		return 0
	}
	return Report{Findings: u.Findings}.Worst()
}
