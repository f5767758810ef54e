package audit

import "github.com/remotion-audit/remotion-audit/internal/policies"

// CheckKind is the Policy of a finding that is no requirement of a policy, but a check of something
// else that a render needs: a quota, a function. Its Sid is the id of the check, and its Target is
// what the check is about, such as region/us-east-1. It has no TargetReport.
const CheckKind policies.PolicyKind = "check"

// ChecksTarget is the Target of a Problem that concerns checks only. Such a problem says nothing
// about the principals.
const ChecksTarget = "the checks"

// CheckResult is what checks contribute to a report.
type CheckResult struct {
	Findings []Finding
	Problems []Problem
	Notices  []Notice
	// NotChecked lists what checks can read and did not read.
	NotChecked []string
}

// Checked adds the results of checks to the report.
func (j *Judge) Checked(result CheckResult) {
	j.compact(result.Findings)
	j.checked = &result
}

// IsCheck reports whether the finding is about a check.
func (f Finding) IsCheck() bool { return f.Policy == CheckKind }

// ChecksSummary counts the findings of the checks.
func (r Report) ChecksSummary() (s Summary) {
	for _, f := range r.Findings {
		if !f.IsCheck() {
			continue
		}
		one := count([]Finding{f}, 1)
		if f.Status.Gap() && f.Muted != nil {
			one = one.muted(f)
		}
		s = s.Plus(one)
	}
	return s
}

// addChecks adds the results of checks to a report about principals.
func (r *Report) addChecks(c *CheckResult) {
	if c == nil {
		return
	}
	r.Findings = append(r.Findings, c.Findings...)
	r.Summary = r.Summary.Plus(count(c.Findings, len(c.Findings)))
	for _, p := range c.Problems {
		p.Target = ChecksTarget
		r.Problems = append(r.Problems, p)
	}
	r.Notices = append(r.Notices, c.Notices...)
}
