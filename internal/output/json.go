package output

import (
	"io"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditJSON writes the report in the form of docs/report.schema.json.
func auditJSON(w io.Writer, a Audit, _ textfmt.View) error { return report.JSON(w, a.Report) }

// checkJSON writes a single verdict in the form of docs/check.schema.json, and several in the form
// of docs/check-results.schema.json.
func checkJSON(w io.Writer, r check.Results, _ textfmt.View) error {
	if len(r.Results) == 1 && r.Results[0].Verdict != nil {
		return textfmt.WriteJSON(w, r.Results[0].Verdict)
	}
	return textfmt.WriteJSON(w, r)
}

// replacementJSON writes a replacement in the form of docs/check-replacement.schema.json.
func replacementJSON(w io.Writer, r check.Replacement, _ textfmt.View) error {
	return textfmt.WriteJSON(w, r)
}

func diffJSON(w io.Writer, c policies.Comparison, _ textfmt.View) error {
	return textfmt.WriteJSON(w, c)
}
