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
	// Problem says why the needs of the requested release are unverified: it is of an unknown major
	// version. The report then has a Problem, too. KnownUntil is the newest release of the catalogue,
	// if the requested release is newer.
	Problem    string `json:"problem,omitempty"`
	KnownUntil string `json:"knownUntil,omitempty"`
}

// upgradeOf returns what a target lacks for the planned release, or else for the newest known
// release. renamed are the requirements that only functions with new names do not satisfy.
func (j *Judge) upgradeOf(t TargetFacts) (lacks, renamed []Finding) {
	if to := j.facts.UpgradeTo; to != nil {
		return j.upgradeFindings(t, *to), j.renameFindings(t, *to)
	}
	if newest := j.facts.newest(); newest != nil {
		return j.upgradeFindings(t, *newest), nil
	}
	return nil, nil
}

// upgrade returns the preview of the planned upgrade, or nil without one.
func (f Facts) upgrade(targets []*judgement) *Upgrade {
	if f.UpgradeTo == nil {
		return nil
	}
	u := &Upgrade{To: f.UpgradeTo.Name(), Release: f.UpgradeTo.String(), Findings: []Finding{},
		Problem: f.UpgradeTo.Problem(), KnownUntil: f.UpgradeTo.KnownUntil()}
	for _, t := range targets {
		u.Findings = append(u.Findings, t.upgrade...)
	}
	for _, t := range targets {
		u.Findings = append(u.Findings, t.renamed...)
	}
	return u
}

// newest returns the newest known release of the partition, or nil if none is known.
func (f Facts) newest() *policies.Release {
	known := policies.Releases(f.Partition)
	if len(known) == 0 {
		return nil
	}
	return &known[len(known)-1]
}

// upgradeFindings returns the unsatisfied requirements of release that the current releases of a
// target do not have.
func (j *Judge) upgradeFindings(t TargetFacts, release policies.Release) (findings []Finding) {
	current := j.requirements(t, t.judgedBy(j.facts.judgedBy()))
	for _, r := range j.requirements(t, []policies.Release{release}) {
		if slices.ContainsFunc(current, func(o policies.Requirement) bool {
			return o.Action == r.Action &&
				o.Resource == r.Resource
		}) {
			continue
		}
		if finding := j.evaluateRequirement(t, r); finding.Status != Satisfied {
			finding.Releases = r.NeededBy
			findings = append(findings, finding)
		}
	}
	return findings
}

// renameFindings returns the requirements of a target that are granted for the deployed functions,
// but not for the functions that an upgrade deploys under new names.
func (j *Judge) renameFindings(t TargetFacts, release policies.Release) (findings []Finding) {
	if t.Purpose.Deploys() || j.facts.hasNamesOf(release) {
		return nil
	}
	next := t
	next.nextName = true
	for _, r := range j.requirements(t, []policies.Release{release}) {
		finding := j.evaluateRequirement(next, r)
		if finding.Status.Gap() && j.evaluateRequirement(t, r).Status == Satisfied {
			finding.Releases = r.NeededBy
			findings = append(findings, finding)
		}
	}
	return findings
}

// hasNamesOf reports whether the names of the functions stay the same with a release. Those of an
// installed release that no function has do not.
func (f Facts) hasNamesOf(release policies.Release) bool {
	same := func(r policies.Release) bool { return r.Name() == release.Name() }
	if f.Installed != nil && same(*f.Installed) {
		return slices.ContainsFunc(f.Functions, func(fn Function) bool { return same(fn.Release) })
	}
	return slices.ContainsFunc(f.judgedBy(), same)
}
