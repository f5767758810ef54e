package check

import (
	"strings"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/contract"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// ResultsVersion is the version of the JSON form of Results: docs/check-results.schema.json.
const ResultsVersion = "1"

// Results are the results of one run, one for each principal, in the order of the command line.
type Results struct {
	SchemaVersion string `json:"schemaVersion"`
	// Tool is the command that made the results.
	Tool *contract.Tool `json:"tool,omitempty"`
	// Status is gaps if a principal has a gap, else unverified if anything is unverified or if a
	// policy could not be read, else compliant.
	Status  audit.ReportStatus `json:"status"`
	Results []Result           `json:"results"`
	// Baseline compares the results with an earlier check; nil without one.
	Baseline *audit.Comparison `json:"baseline,omitempty"`
}

// Result is the result for the policies of one principal.
type Result struct {
	// Policies are the names of the policy files as given.
	Policies []string `json:"policies"`
	// Verdict is nil if a file could not be read. Error then is the reason.
	Verdict *Verdict `json:"verdict,omitempty"`
	Error   string   `json:"error,omitempty"`
}

// Summarize returns Results with the status that follows from the list. An empty list is
// unverified.
func Summarize(list []Result) Results {
	r := Results{SchemaVersion: ResultsVersion, Status: audit.StatusCompliant, Results: list}
	switch {
	case r.Worst() > 0:
		r.Status = audit.StatusGaps
	case len(list) == 0 || r.HasUnverified() || r.Unreadable():
		r.Status = audit.StatusUnverified
	}
	return r
}

// Name names the principal: its files, and its address in a template or a plan.
func (r Result) Name() string {
	name := strings.Join(r.Policies, " + ")
	if r.Verdict != nil && r.Verdict.Principal != nil {
		name = strings.TrimSpace(name + " " + r.Verdict.Principal.Address)
	}
	return name
}

// Status returns the status of the verdict. A result without a verdict is unverified.
func (r Result) Status() audit.ReportStatus {
	if r.Verdict == nil {
		return audit.StatusUnverified
	}
	return r.Verdict.Status
}

// Worst returns the highest severity of the gaps of all verdicts, or zero without gaps.
func (r Results) Worst() policies.Severity { return r.worst(Verdict.Worst) }

// WorstNew is Worst without the gaps of a baseline.
func (r Results) WorstNew() policies.Severity { return r.worst(Verdict.WorstNew) }

func (r Results) worst(of func(Verdict) policies.Severity) (worst policies.Severity) {
	for _, result := range r.Results {
		if result.Verdict != nil {
			worst = max(worst, of(*result.Verdict))
		}
	}
	return worst
}

// HasUnverified reports whether a verdict has an unverified finding.
func (r Results) HasUnverified() bool {
	for _, result := range r.Results {
		if result.Verdict != nil && result.Verdict.HasUnverified() {
			return true
		}
	}
	return false
}

// Unreadable reports whether a policy could not be read.
func (r Results) Unreadable() bool {
	for _, result := range r.Results {
		if result.Verdict == nil {
			return true
		}
	}
	return false
}
