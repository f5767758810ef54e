package output

import (
	"io"

	"github.com/remotion-audit/remotion-audit/internal/check"
	"github.com/remotion-audit/remotion-audit/internal/page"
	"github.com/remotion-audit/remotion-audit/internal/policies"
	"github.com/remotion-audit/remotion-audit/internal/textfmt"
)

// auditHTML writes the report as a page.
func auditHTML(w io.Writer, a Audit, _ textfmt.View) error {
	return page.Write(w, page.Document{Report: a.Report, Open: a.Open})
}

// checkHTML writes the verdicts as a page.
func checkHTML(w io.Writer, r check.Results, _ textfmt.View) error { return page.WriteCheck(w, r) }

// diffHTML writes the comparison as a page.
func diffHTML(w io.Writer, c policies.Comparison, _ textfmt.View) error {
	return page.WriteComparison(w, c)
}
