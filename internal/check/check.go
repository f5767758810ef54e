// Package check judges policy documents without an account: do these files give what a release of
// Remotion needs, or what another document asks for? People run it in their own repositories,
// before they apply a policy.
//
//	reqs, err := check.Release(check.Target{Kind: policies.Role}, policies.Latest())
//	result := check.Judge(grants, reqs, nil)
//
// It decides by package iampolicy alone and asks nobody. It leaves out what only AWS knows: which
// policies a principal really has, and what its organization says.
package check

import (
	"slices"

	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/iampolicy"
	"github.com/remotion-audit/remotion-audit/internal/policies"
)

// SchemaVersion is that of a Result as JSON: docs/check.schema.json.
const SchemaVersion = "1"

// A Result is what came of a check.
type Verdict struct {
	SchemaVersion string `json:"schemaVersion"`
	// Status is gaps if there is one, else unverified if anything is, else compliant.
	Status audit.ReportStatus `json:"status"`
	// Required names what is asked for: a release of Remotion, or a file.
	Required string `json:"required"`
	// Assumed is the request context, key=value, in the order of the keys.
	Assumed []string `json:"assumedContext"`
	// Requirements is the sum of the other three.
	Requirements int `json:"requirements"`
	Satisfied    int `json:"satisfied"`
	Gaps         int `json:"gaps"`
	Unverified   int `json:"unverified"`
	// Findings are in the order of what is asked for, one for each Sid, action and resource.
	Findings []Finding `json:"findings"`
	// Excess is what is granted beyond that. It is nil unless asked for; ExcessIncomplete says that
	// there may be more.
	Excess           []Excess `json:"excess,omitempty"`
	ExcessIncomplete bool     `json:"excessIncomplete,omitempty"`
}

// A Finding is the judgement on one requirement.
type Finding struct {
	Sid    string `json:"sid,omitempty"`
	Action string `json:"action"`
	// Resource is the pattern as required.
	Resource string           `json:"resource"`
	Status   iampolicy.Status `json:"status"`
	Cause    iampolicy.Cause  `json:"cause,omitempty"`
	// ExampleAction and ExampleARN are a request for which the status holds; a satisfied finding has
	// none.
	ExampleAction string     `json:"exampleAction,omitempty"`
	ExampleARN    string     `json:"exampleArn,omitempty"`
	Why           string     `json:"why,omitempty"`
	Miss          *NearMatch `json:"miss,omitempty"`
	// Statements are those that decided; Covering those that grant all of it, or the rest.
	Statements []audit.StatementRef `json:"statements,omitempty"`
	Covering   []audit.StatementRef `json:"covering,omitempty"`
	// Severity, Reason and Impact are known of what Remotion needs.
	Severity policies.Severity `json:"severity,omitzero"`
	Reason   string            `json:"reason,omitempty"`
	Impact   string            `json:"impact,omitempty"`
}

// A Miss says how the nearest grant misses what is needed.
type NearMatch struct {
	Kind    iampolicy.NearMatchKind `json:"kind"`
	Pattern string                  `json:"pattern"`
	// At is the character of the pattern, counted from 1, from which on it differs; 0 when that says
	// nothing.
	At   int    `json:"at,omitempty"`
	Got  string `json:"got,omitempty"`
	Want string `json:"want,omitempty"`
}

// An Excess is a grant that nothing required asks for.
type Excess struct {
	Kind          iampolicy.ExcessKind `json:"kind"`
	Action        string               `json:"action"`
	Resource      string               `json:"resource"`
	ExampleAction string               `json:"exampleAction"`
	ExampleARN    string               `json:"exampleArn"`
	Statement     audit.StatementRef   `json:"statement"`
}

// Evaluate decides for each requirement whether the policies grant all of it, in the context each
// brings and extra, which wins.
func Evaluate(grants iampolicy.Grants, required Required, extra iampolicy.Context) Verdict {
	r := Verdict{
		SchemaVersion: SchemaVersion, Status: audit.StatusCompliant, Required: required.Name,
		Assumed: required.assumed(extra), Findings: []Finding{},
	}
	for _, req := range required.Requirements {
		f := req.judge(grants, extra)
		r.Requirements++
		switch {
		case f.Status == iampolicy.Satisfied:
			r.Satisfied++
		case f.Status.Gap():
			r.Gaps++
		default:
			r.Unverified++
		}
		r.Findings = append(r.Findings, f)
	}
	switch {
	case r.Gaps > 0:
		r.Status = audit.StatusGaps
	case r.Unverified > 0:
		r.Status = audit.StatusUnverified
	}
	return r
}

// FindExcess adds what the policies grant beyond what is required.
func (r *Verdict) FindExcess(grants iampolicy.Grants, required Required, extra iampolicy.Context) {
	var needs []iampolicy.Need
	for _, req := range required.Requirements {
		for _, d := range req.demands {
			needs = append(needs, d.need)
		}
	}
	list, complete := grants.Excess(needs, extra)
	r.Excess, r.ExcessIncomplete = []Excess{}, !complete
	for _, e := range list {
		r.Excess = append(r.Excess, Excess{
			Kind: e.Kind, Action: e.Action, Resource: e.Resource, ExampleAction: e.ExampleAction,
			ExampleARN: e.ExampleARN,
			Statement:  audit.NewStatementRef(e.Granting),
		})
	}
}

// rank orders what one demand of several can come to, the worst last.
var rank = []iampolicy.Status{iampolicy.Satisfied, iampolicy.Unverified, iampolicy.Conditional,
	iampolicy.Partial, iampolicy.Missing, iampolicy.Denied}

func (r Requirement) judge(grants iampolicy.Grants, extra iampolicy.Context) Finding {
	f := Finding{Sid: r.Sid, Action: r.Action, Resource: r.Resource, Severity: r.Severity,
		Reason: r.Reason, Impact: r.Impact}
	if r.Problem != "" {
		f.Status, f.Why, f.ExampleAction, f.ExampleARN = iampolicy.Unverified, r.Problem, r.Action,
			r.Resource
		return f
	}
	var worst iampolicy.Coverage
	granted := false
	for _, d := range r.demands {
		c := grants.Cover(d.need, audit.Overridden(d.context, extra))
		granted = granted || c.Status == iampolicy.Satisfied || c.Status == iampolicy.Partial ||
			c.Status == iampolicy.Conditional
		if worst.Status == "" || slices.Index(rank, c.Status) > slices.Index(rank, worst.Status) {
			worst = c
		}
	}
	f.Status, f.Cause, f.Why = worst.Status, worst.Cause, worst.Why()
	if granted && (f.Status == iampolicy.Missing || f.Status == iampolicy.Denied) {
		f.Status = iampolicy.Partial
	}
	if f.Status == iampolicy.Conditional {
		f.Severity = min(f.Severity, policies.Medium)
	}
	f.ExampleAction, f.ExampleARN = worst.ExampleAction, worst.ExampleARN
	if f.Status == iampolicy.Unverified {
		f.ExampleAction, f.ExampleARN = r.Action, r.Resource // nothing less was looked at
	}
	f.Statements, f.Covering = audit.StatementRefs(worst.Deciding), audit.StatementRefs(worst.Covering)
	if m := worst.Miss; m != nil {
		f.Miss = &NearMatch{Kind: m.Kind, Pattern: m.Pattern, At: m.At, Got: m.Got, Want: m.Want}
	}
	return f
}

// Worst is the highest severity among the gaps, or zero without gaps. What is not Remotion's has no
// severity and counts as critical: whoever wrote it down needs it.
func (r Verdict) Worst() policies.Severity {
	var worst policies.Severity
	for _, f := range r.Findings {
		switch {
		case !f.Status.Gap():
		case f.Severity == 0:
			worst = policies.Critical
		default:
			worst = max(worst, f.Severity)
		}
	}
	return worst
}

// HasUnverified reports whether anything could not be decided.
func (r Verdict) HasUnverified() bool { return r.Unverified > 0 }
