package output

import (
	"io"
	"time"

	"github.com/remotion-audit/remotion-audit/internal/alert"
	"github.com/remotion-audit/remotion-audit/internal/audit"
	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// An auditDocument is the JSON form of an Audit: docs/report.schema.json.
type auditDocument struct {
	audit.Report
	OpenGaps []openGap `json:"openGaps,omitempty"`
}

// An openGap is a gap with the time when it opened. The state has more about a gap, which is of no
// use outside of it.
type openGap struct {
	alert.Identity
	Status   audit.Status      `json:"status"`
	Cause    audit.Cause       `json:"cause"`
	Severity policies.Severity `json:"severity"`
	Since    time.Time         `json:"since"`
}

// auditJSON writes the report in the form of docs/report.schema.json.
func auditJSON(w io.Writer, a Audit, _ textfmt.View) error {
	if len(a.Open) == 0 {
		return report.JSON(w, a.Report)
	}
	d := auditDocument{Report: a.Report}
	for _, g := range a.Open {
		d.OpenGaps = append(d.OpenGaps, openGap{g.Identity, g.Status, g.Cause, g.Severity, g.Since})
	}
	return textfmt.WriteJSON(w, d)
}

// checkJSON writes a single verdict in the form of docs/check.schema.json, and several in the form
// of docs/check-results.schema.json.
func checkJSON(w io.Writer, r check.Results, _ textfmt.View) error {
	if len(r.Results) == 1 && r.Results[0].Verdict != nil {
		v := *r.Results[0].Verdict
		v.Tool, v.Policies, v.Baseline = r.Tool, r.Results[0].Policies, r.Baseline
		return textfmt.WriteJSON(w, v)
	}
	return textfmt.WriteJSON(w, r)
}

// replacementJSON writes a replacement in the form of docs/check-replacement.schema.json.
func replacementJSON(w io.Writer, r check.Replacement, _ textfmt.View) error {
	return textfmt.WriteJSON(w, r)
}

// diffJSON writes a comparison in the form of docs/diff.schema.json.
func diffJSON(w io.Writer, c policies.Comparison, _ textfmt.View) error {
	return textfmt.WriteJSON(w, c)
}
