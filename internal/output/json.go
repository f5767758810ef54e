package output

import (
	"io"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/report"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditJSON writes the report in the form of docs/report.schema.json.
func auditJSON(w io.Writer, a Audit) error { return report.JSON(w, a.Report) }

// checkJSON writes the verdict in the form of docs/check.schema.json.
func checkJSON(w io.Writer, v check.Verdict) error { return textfmt.WriteJSON(w, v) }

func diffJSON(w io.Writer, c policies.Comparison) error { return textfmt.WriteJSON(w, c) }
